package adm

import (
	"slices"

	"drbdutils/confparse"
)

// adjust84 plans one resource for DRBD 8.4, where it has one connection.
func (p planner) adjust84(s selection, plan *Plan) error {
	a := adjuster{planner: p, selection: s, plan: plan, have: p.running.Resource(s.res.Name)}
	o := object{selection: s}
	if a.have == nil {
		if _, err := p.step(plan, Create84, "new-resource", o, nil, planner.newResource); err != nil {
			return err
		}
	}
	if err := a.volumes84(); err != nil {
		return err
	}
	if a.have != nil && differ(s.res.Options, a.have.Options) {
		verb := []string{"resource-options", s.res.Name}
		a.ops(Resource84, "resource-options", nil, a.setDefaults(o, verb, s.res.Options, a.have.Options))
	}
	return a.connection84(o)
}

// volumes84 goes through the volumes of both sides.
func (a *adjuster) volumes84() error {
	for _, o := range a.objects(perVolume) {
		if err := a.volume84(o, a.runningVolume(o.vol.Number)); err != nil {
			return err
		}
	}
	if a.have == nil || a.have.Me == nil {
		return nil
	}
	for _, v := range a.have.Me.Volumes {
		if a.res.Me.Volume(v.Number) == nil {
			a.remove84(v)
		}
	}
	return nil
}

func (a *adjuster) volume84(o object, have *confparse.Volume) error {
	if have != nil && have.Minor != o.vol.Minor {
		a.remove84(have)
		have = nil
	}
	p := a.planner
	p.options = nil
	if have == nil {
		if _, err := p.step(a.plan, Minor84, "new-minor", o, nil, planner.newMinor); err != nil {
			return err
		}
	}
	if have != nil && sameStorage(o.vol, have) && !bvecsDiffer(o.vol, have) {
		a.diskOptions84(o, have)
		return nil
	}
	if have != nil && have.Disk != "" {
		a.detach84(have)
	}
	return a.attach84(p, o)
}

// bvecsDiffer reports whether the one option differs that only attach can set.
func bvecsDiffer(want, have *confparse.Volume) bool {
	pick := func(l confparse.Options) confparse.Options {
		return slices.DeleteFunc(slices.Clone(l), func(o confparse.Option) bool { return o.Name != "max-bio-bvecs" })
	}
	return differ(pick(want.DiskOptions), pick(have.DiskOptions))
}

// attach84 attaches. What only attach can set comes first.
func (a *adjuster) attach84(p planner, o object) error {
	vol := *o.vol
	vol.DiskOptions = attachOnlyFirst(vol.DiskOptions)
	o.vol = &vol
	_, err := p.step(a.plan, Disk84, "attach", o, nil, planner.attach)
	return err
}

func attachOnlyFirst(l confparse.Options) confparse.Options {
	out := slices.Clone(l)
	rank := func(o confparse.Option) int {
		return slices.Index([]string{"max-bio-bvecs", "size"}, o.Name)
	}
	slices.SortStableFunc(out, func(x, y confparse.Option) int {
		return min(rank(y), 0) - min(rank(x), 0)
	})
	return out
}

func (a *adjuster) diskOptions84(o object, have *confparse.Volume) {
	want := o.vol.DiskOptions
	if differ(want, have.DiskOptions, "size", "max-bio-bvecs") {
		verb := []string{"disk-options", o.minor()}
		a.ops(Disk84, "disk-options", nil, a.setDefaults(o, verb, want, have.DiskOptions, "size", "max-bio-bvecs"))
	}
	if sizeDiffers(want, have.DiskOptions) {
		p := a.planner
		p.options = nil
		a.ops(Disk84, "resize", nil, []Op{p.resizeOp(o)})
	}
}

// remove84 takes a running volume away.
func (a *adjuster) remove84(v *confparse.Volume) {
	if v.Disk != "" {
		a.detach84(v)
	}
	a.ops(Create84, "del-minor", nil, []Op{a.onMinor("del-minor", v)})
}

func (a *adjuster) detach84(v *confparse.Volume) {
	op := a.onMinor("detach", v)
	a.ops(Create84, "detach", nil, []Op{op})
}

// connection84 makes the connection, or changes its options.
func (a *adjuster) connection84(o object) error {
	own, peer, refused := a.endpoints84(o)
	if refused != nil {
		return refused
	}
	p := a.planner
	p.options = nil
	haveOwn, havePeer := a.runningEndpoints84()
	if haveOwn == own && havePeer == peer {
		if differ(a.res.Net, a.have.Net) {
			verb := []string{"net-options", own, peer}
			a.ops(Connect84, "net-options", nil, a.setDefaults(o, verb, a.res.Net, a.have.Net))
		}
		return nil
	}
	if haveOwn != "" && havePeer != "" {
		op := a.setup(o, "disconnect", haveOwn, havePeer)
		a.ops(Disconnect84, "disconnect", nil, []Op{op})
	}
	_, err := p.step(a.plan, Connect84, "connect", o, nil, planner.connect84)
	return err
}

// runningEndpoints84 returns the addresses of the running connection, "" if
// there is none.
func (a *adjuster) runningEndpoints84() (own, peer string) {
	if a.have == nil {
		return "", ""
	}
	for _, h := range a.have.Hosts {
		switch {
		case h.Address == nil:
		case h.Kind == confparse.Remote:
			peer = h.Address.String()
		case h.Kind == confparse.This:
			own = h.Address.String()
		}
	}
	return own, peer
}

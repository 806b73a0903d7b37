package adm

import (
	"fmt"
	"slices"

	"drbdutils/confparse"
)

// adjust84 plans one resource for DRBD 8.4, where it has one connection.
func (p planner) adjust84(s selection, plan *Plan) error {
	a := adjuster{planner: p, selection: s, plan: plan, have: p.running.Resource(s.res.Name)}
	o := object{selection: s}
	if a.have == nil {
		if _, err := a.make(Create84, "new-resource", o, nil, "the resource is not running", planner.newResource); err != nil {
			return err
		}
	}
	if err := a.volumes84(); err != nil {
		return err
	}
	if a.have != nil {
		a.resourceOptions(o)
	}
	return a.connection84(o)
}

// volumes84 goes through the volumes of both sides, by number.
//
// compat: the reference leaves all but one of several surplus volumes there.
func (a *adjuster) volumes84() error {
	surplus := a.surplus84()
	for _, o := range a.objects(perVolume) {
		for len(surplus) > 0 && surplus[0].Number < o.vol.Number {
			a.removeSurplus(surplus[0])
			surplus = surplus[1:]
		}
		if err := a.volume84(o, a.runningVolume(o.vol.Number)); err != nil {
			return err
		}
	}
	for _, v := range surplus {
		a.removeSurplus(v)
	}
	return nil
}

// surplus84 returns the running volumes that are not configured, by number.
func (a *adjuster) surplus84() []*confparse.Volume {
	if a.have == nil || a.have.Me == nil {
		return nil
	}
	configured := func(v *confparse.Volume) bool { return a.res.Me.Volume(v.Number) != nil }
	surplus := slices.DeleteFunc(slices.Clone(a.have.Me.Volumes), configured)
	slices.SortFunc(surplus, func(a, b *confparse.Volume) int { return a.Number - b.Number })
	return surplus
}

func (a *adjuster) volume84(o object, have *confparse.Volume) error {
	if have != nil && have.Minor != o.vol.Minor {
		a.remove(have, true, fmt.Sprintf("volume %d shall be minor %d", o.vol.Number, o.vol.Minor))
		have = nil
	}
	if have == nil {
		if _, err := a.make(Minor84, "new-minor", o, nil, a.noDevice(o), planner.newMinor); err != nil {
			return err
		}
	}
	if have != nil && sameStorage(o.vol, have) && len(diffOnly(o.vol.DiskOptions, have.DiskOptions, "max-bio-bvecs")) == 0 {
		a.diskOptions(o, have)
		return nil
	}
	if have != nil && have.Disk != "" {
		a.detach(have, storageChange(o.vol, have))
	}
	if have != nil {
		o.vol = bvecsFirst(o.vol)
	}
	_, err := a.make(Disk84, "attach", o, nil, notAttached(o), planner.attach)
	return err
}

// bvecsFirst returns the volume with the option that made it necessary to attach
// again at the head of its list.
func bvecsFirst(v *confparse.Volume) *confparse.Volume {
	out := *v
	if o, ok := v.DiskOptions.Get("max-bio-bvecs"); ok {
		rest := slices.DeleteFunc(slices.Clone(v.DiskOptions), func(o confparse.Option) bool { return o.Name == "max-bio-bvecs" })
		out.DiskOptions = append(confparse.Options{o}, rest...)
	}
	return &out
}

// connection84 makes the connection, or changes its options.
func (a *adjuster) connection84(o object) error {
	own, peer, refused := a.endpoints84(o)
	if refused != nil {
		return refused
	}
	haveOwn, havePeer := a.runningEndpoints84()
	if haveOwn == own && havePeer == peer {
		if changes := diff(a.res.Net, a.have.Net); len(changes) > 0 {
			verb := []string{"net-options", own, peer}
			a.ops(Connect84, "net-options", nil, a.setDefaults(o, verb, a.res.Net, a.have.Net)).Changes = changes
		}
		return nil
	}
	if haveOwn != "" && havePeer != "" {
		op := a.setup(o, "disconnect", haveOwn, havePeer)
		a.ops(Disconnect84, "disconnect", nil, []Op{op}).Why = "the addresses change"
	}
	_, err := a.make(Connect84, "connect", o, nil, "the resource is not connected to "+peer, planner.connect84)
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

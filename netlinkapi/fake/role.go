package fake

import (
	"fmt"
	"slices"

	"drbdutils/schema"
)

// In DRBD 8.4 each volume has a role. In DRBD 9 it is of the whole resource, and all
// connected peers have to agree to a change.

func (m *Module) promote(r *request) schema.Code {
	return r.peer.promote(r.parms.Bool("assume_uptodate"))
}

// promotions is how often a promotion is tried in other ways when it is refused.
const promotions = 4

// promote makes the node Primary for a device. With force, data that is not
// known to be current is taken for UpToDate.
func (pd *peerDevice) promote(force bool) schema.Code {
	want := change{Role: new(schema.Primary)}
	forced := false
	code := schema.StateUnknownError
	for range promotions {
		code = pd.request(want)
		low := pd.state().disk >= schema.Inconsistent && pd.state().disk < schema.UpToDate
		switch {
		case code == schema.StateNoUpToDateDisk && force && low && !forced:
			want.Disk, forced = new(schema.UpToDate), true
			continue
		case code == schema.StatePrimaryNop && want.PDsk == nil:
			fenced := pd.conn.fencePeer(pd.res.m.ctx)
			if !fenced && force {
				want.PDsk = new(schema.Outdated)
			}
			continue
		}
		break
	}
	if !code.OK() || code == schema.StateNothingToDo {
		return code
	}
	if pd.conn.net != nil {
		pd.conn.keepData()
	}
	if pd.disk != nil {
		alone := pd.state().conn < connected || pd.state().pdsk <= schema.Failed
		if alone && pd.bitmapUUID() == 0 || forced {
			pd.newCurrentUUID()
		}
		pd.markRole()
	}
	if forced {
		pd.forced = true
		pd.report(reportUUIDs)
	}
	pd.report(reportState)
	return code
}

func (m *Module) demote(r *request) schema.Code { return r.peer.demote() }

func (pd *peerDevice) demote() schema.Code {
	code := pd.request(change{Role: new(schema.Secondary)})
	if !code.OK() || code == schema.StateNothingToDo {
		return code
	}
	if pd.disk != nil {
		pd.flush()
		pd.save()
		pd.markRole()
	}
	pd.report(reportState)
	return code
}

func (m *Module) promote9(r *request) schema.Code { return r.role((*resource).promote) }

func (m *Module) demote9(r *request) schema.Code { return r.role((*resource).demote) }

// role changes the role, and says who is in the way.
func (r *request) role(to func(res *resource, force bool) schema.Code) schema.Code {
	code := to(r.resource, r.parms.Bool(forceKey(r.parms)))
	if code == schema.StateDeviceInUse {
		r.nameOpeners()
	}
	return code
}

// forceKey is the name of the field for force, which DRBD 8.4 calls otherwise.
func forceKey(v *schema.Values) string {
	if v.Set.Field("force") != nil {
		return "force"
	}
	return "assume_uptodate"
}

// promotion is what a promotion takes for granted, because it was forced to or
// because peers were fenced.
type promotion struct{ trusted, outdated bool }

// promote makes the node Primary. With force, data that is not known to be current
// is taken for UpToDate, and peers that cannot be reached for outdated.
func (r *resource) promote(force bool) schema.Code {
	var p promotion
	for range promotions {
		code := r.agree(ballot{Role: new(schema.Primary), Sure: p.trusted}, func() {
			r.setRole(schema.Primary)
			if p.trusted {
				r.trustDisks()
			}
			if p.outdated {
				r.outdatePeers()
			}
		})
		if code.OK() && code != schema.StateNothingToDo {
			r.promoted(p.trusted)
		}
		if !r.another(&p, code, force) {
			return code
		}
	}
	return schema.StateUnknownError
}

// another reports whether a refused promotion is tried again, and with what.
func (r *resource) another(p *promotion, code schema.Code, force bool) bool {
	switch {
	case code == schema.StateNoUpToDateDisk && force && !p.trusted:
		p.trusted = true
		return true
	case code == schema.StatePrimaryNop && !p.outdated:
		p.outdated = r.fencePeers() || force
		return p.outdated
	}
	return false
}

// setRole sets the role of the node.
func (r *resource) setRole(role schema.Role) {
	r.role = role
	for _, d := range r.devices {
		d.own.role = role
	}
	r.susp.failIO = r.susp.failIO && role != schema.Primary
}

// trustDisks takes disks for UpToDate where no other is.
func (r *resource) trustDisks() {
	for _, d := range r.devices {
		if d.own.disk >= schema.Inconsistent && d.own.disk < schema.UpToDate && !d.peerUpToDate() {
			d.own.disk = schema.UpToDate
		}
	}
}

func (r *resource) outdatePeers() {
	for _, pd := range r.peers() {
		if pd.conn.state < wfReportParams && pd.part.pdsk >= schema.DUnknown {
			pd.part.pdsk = schema.Outdated
		}
	}
}

// fencePeers has the peers fenced that are not reached, and reports whether all of
// them are known to be outdated now.
func (r *resource) fencePeers() bool {
	all := true
	for _, c := range slices.Clone(r.conns) {
		if c.state < wfReportParams && c.fencing() != fencingDontCare {
			all = c.fencePeer(r.m.ctx) && all
		}
	}
	return all
}

// peerUpToDate reports whether any peer has current data.
func (d *device) peerUpToDate() bool {
	return slices.ContainsFunc(d.peers, func(pd *peerDevice) bool { return pd.part.pdsk == schema.UpToDate })
}

// promoted does what comes after a promotion.
func (r *resource) promoted(forced bool) {
	for _, c := range r.conns {
		c.keepData()
	}
	for _, d := range r.devices {
		if d.disk == nil {
			continue
		}
		if forced {
			d.forced = true
			d.newCurrentUUID()
			d.report(reportUUIDs)
		} else if d.alone() {
			d.newGeneration = true // with the first write
		}
		d.save()
		for _, pd := range d.peers {
			if pd.part.conn >= connected {
				r.m.tell(pd.about(schema.Change))
			}
		}
	}
	for _, pd := range r.peers() {
		pd.report(reportState)
	}
}

// alone reports whether a peer with a place in the bitmap misses what is written.
func (d *device) alone() bool {
	return slices.ContainsFunc(d.peers, func(pd *peerDevice) bool {
		return pd.slot >= 0 && (pd.part.conn < connected || pd.part.pdsk <= schema.Failed)
	})
}

// demote makes the node Secondary. With force, I/O of those that have a device open
// fails from now on.
func (r *resource) demote(force bool) schema.Code {
	code := r.agree(ballot{Role: new(schema.Secondary)}, func() {
		r.susp.failIO = r.susp.failIO || force && r.open()
		r.setRole(schema.Secondary)
	})
	if !code.OK() || code == schema.StateNothingToDo {
		return code
	}
	for _, d := range r.devices {
		d.newGeneration = false
		if d.disk != nil {
			d.flush()
			d.markRole()
			d.save()
		}
	}
	return code
}

// open reports whether any volume is in use.
func (r *resource) open() bool {
	return slices.ContainsFunc(r.devices, func(d *device) bool { return d.open > 0 })
}

// nameOpeners adds who has a device open to the reply.
func (r *request) nameOpeners() {
	for _, d := range r.resource.devices {
		if d.open > 0 {
			r.texts = append(r.texts, fmt.Sprintf("/dev/drbd%d open_cnt:%d, writable:%d; list of openers follows", d.minor, d.open, d.open))
			for _, o := range d.openers {
				r.texts = append(r.texts, fmt.Sprintf("drbd%d opened by %s", d.minor, o))
			}
		}
	}
}

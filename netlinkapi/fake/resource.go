package fake

import (
	"slices"

	"drbdutils/schema"
)

// resource is a group of volumes with, in DRBD 8.4, exactly one connection.
type resource struct {
	m       *Module
	name    string
	opts    *schema.Values // res_opts
	susp    suspension
	conn    *connection
	devices []*device // by volume
}

func (m *Module) newResource(name string, opts *schema.Values) *resource {
	r := &resource{m: m, name: name, opts: opts}
	r.conn = &connection{res: r}
	m.resources = append(m.resources, r)
	m.tell(r.about(schema.Create))
	return r
}

func (r *resource) remove() {
	r.m.resources = slices.DeleteFunc(r.m.resources, func(o *resource) bool { return o == r })
	r.m.tell(r.about(schema.Destroy))
}

func (r *resource) volume(nr uint32) *device {
	for _, d := range r.devices {
		if d.volume == nr {
			return d
		}
	}
	return nil
}

// role is the highest role of all volumes.
func (r *resource) role() schema.Role {
	for _, d := range r.devices {
		if d.state.role == schema.Primary {
			return schema.Primary
		}
	}
	return schema.Secondary
}

// peerRole is the highest role that the peer has for any volume.
func (r *resource) peerRole() schema.Role {
	role := schema.RoleUnknown
	for _, d := range r.devices {
		switch {
		case d.state.peer == schema.Primary:
			return schema.Primary
		case d.state.peer == schema.Secondary:
			role = schema.Secondary
		}
	}
	return role
}

// snapshot is what can change about a resource and is told to listeners.
type snapshot struct {
	role, peer schema.Role
	susp       suspension
	conn       conn
	devices    map[*device]state
}

func (r *resource) snapshot() snapshot {
	s := snapshot{role: r.role(), peer: r.peerRole(), susp: r.susp, conn: r.conn.state, devices: map[*device]state{}}
	for _, d := range r.devices {
		s.devices[d] = d.state
	}
	return s
}

// commit carries out a change that was found to be allowed: it stores what must
// survive, tells listeners and does what follows. Changes of the connection tell
// of the devices first, others last, as the module's workers do.
func (r *resource) commit(connWide bool, edit func()) {
	old := r.snapshot()
	if connWide && r.conn.up() {
		r.conn.before = old
	}
	edit()
	r.reviewSuspension()
	for _, d := range r.devices {
		d.noteState(old.devices[d])
	}
	if connWide {
		r.tellEvents(old)
		r.m.tell(r.changes(old)...)
	} else {
		r.m.tell(r.changes(old)...)
		r.tellEvents(old)
	}
	r.m.changed.Broadcast()
	for _, d := range slices.Clone(r.devices) {
		if before := old.devices[d]; before != d.state {
			d.follow(before, d.state)
		}
	}
	r.resumed(old.susp)
	r.m.reviewPauses()
}

// tellEvents sends the old-style event for every device that changed.
func (r *resource) tellEvents(old snapshot) {
	for _, d := range r.devices {
		before := old.devices[d]
		if before == d.state && old.susp == r.susp {
			continue
		}
		r.m.tellEvent(d, func(info *schema.Values) {
			info.SetUint("sib_reason", sibStateChange)
			info.SetUint("prev_state", uint64(before.word(old.susp)))
			info.SetUint("new_state", uint64(d.state.word(r.susp)))
		})
	}
}

// changes returns a notification for each object that differs.
func (r *resource) changes(old snapshot) []notice {
	var list []notice
	if old.role != r.role() || old.susp != r.susp {
		list = append(list, r.about(schema.Change))
	}
	if min(old.conn, wfReportParams) != min(r.conn.state, wfReportParams) || old.peer != r.peerRole() {
		list = append(list, r.conn.about(schema.Change))
	}
	for _, d := range r.devices {
		if old.devices[d].disk != d.state.disk {
			list = append(list, d.about(schema.Change))
		}
	}
	for _, d := range r.devices {
		if old.devices[d].peerPart() != d.state.peerPart() {
			list = append(list, d.aboutPeer(schema.Change))
		}
	}
	return list
}

// peerPart is what a peer device shows of a state.
func (s state) peerPart() state {
	return state{
		conn: max(s.conn, wfReportParams), pdsk: s.pdsk,
		aftrISP: s.aftrISP, peerISP: s.peerISP, userISP: s.userISP,
	}
}

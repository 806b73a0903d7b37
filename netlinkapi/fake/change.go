package fake

import (
	"maps"
	"slices"

	"drbdutils/schema"
)

// snapshot is the state of a resource and all that belongs to it.
type snapshot struct {
	role    schema.Role
	susp    suspension
	conns   map[*connection]connPart
	devices map[*device]ownPart
	peers   map[*peerDevice]peerPart
}

func (r *resource) snapshot() snapshot {
	s := snapshot{
		role: r.role, susp: r.susp,
		conns: map[*connection]connPart{}, devices: map[*device]ownPart{}, peers: map[*peerDevice]peerPart{},
	}
	for _, c := range r.conns {
		s.conns[c] = c.connPart
	}
	for _, d := range r.devices {
		s.devices[d] = d.own
	}
	for _, pd := range r.peers() {
		s.peers[pd] = pd.part
	}
	return s
}

func (r *resource) restore(s snapshot) {
	r.role, r.susp = s.role, s.susp
	for c, part := range s.conns {
		c.connPart = part
	}
	for d, own := range s.devices {
		d.own = own
	}
	for pd, part := range s.peers {
		pd.part = part
	}
}

// of returns the state of a device towards a peer.
func (s snapshot) of(pd *peerDevice) state { return join(s.devices[pd.device], s.peers[pd]) }

// upToDate reports whether there was current data of a device, here or at a peer.
func (s snapshot) upToDate(d *device) bool {
	return s.devices[d].disk == schema.UpToDate ||
		slices.ContainsFunc(d.peers, func(pd *peerDevice) bool { return s.peers[pd].pdsk == schema.UpToDate })
}

func (s snapshot) equal(o snapshot) bool {
	return s.role == o.role && s.susp == o.susp && maps.Equal(s.conns, o.conns) &&
		maps.Equal(s.devices, o.devices) && maps.Equal(s.peers, o.peers)
}

// highestRole is the highest role of all volumes.
func (s snapshot) highestRole() schema.Role {
	role := s.role
	for _, own := range s.devices {
		if own.role == schema.Primary {
			role = schema.Primary
		}
	}
	return role
}

// peerRole is the highest role that a peer has for any volume.
func (s snapshot) peerRole(c *connection) schema.Role {
	role := s.conns[c].peer
	for pd, part := range s.peers {
		switch {
		case pd.conn != c:
		case part.peer == schema.Primary:
			return schema.Primary
		case part.peer == schema.Secondary:
			role = schema.Secondary
		}
	}
	return role
}

// up reports whether any volume is replicated to a peer.
func (s snapshot) up(c *connection) bool {
	for pd, part := range s.peers {
		if pd.conn == c && part.conn >= connected {
			return true
		}
	}
	return false
}

// attempt makes a change unless the rules refuse it; with hard, they are not
// asked. c is the connection that the change is about, nil if it is about devices.
func (r *resource) attempt(c *connection, hard bool, edit func()) schema.Code {
	old := r.snapshot()
	code := r.try(old, hard, edit)
	if code != schema.StateDone {
		r.restore(old)
		return code
	}
	if c != nil && old.up(c) {
		c.before = old
	}
	r.carryOut(old, c != nil)
	return code
}

// would returns what attempt would, and changes nothing.
func (r *resource) would(hard bool, edit func()) schema.Code {
	old := r.snapshot()
	defer r.restore(old)
	return r.try(old, hard, edit)
}

func (r *resource) try(old snapshot, hard bool, edit func()) schema.Code {
	edit()
	r.settle(old)
	switch {
	case r.snapshot().equal(old):
		return schema.StateNothingToDo
	case hard:
		return schema.StateDone
	}
	return r.refused(old)
}

// settle makes what follows from a change so.
func (r *resource) settle(old snapshot) {
	if r.m.gen == schema.V9 {
		r.settle9(old)
		return
	}
	for _, pd := range r.peers() {
		if s := pd.state(); s != old.of(pd) {
			pd.put(s.sane())
		}
	}
}

// refused returns why the present state may not follow the old one, or StateDone.
func (r *resource) refused(old snapshot) schema.Code {
	if r.m.gen == schema.V9 {
		return r.refused9(old)
	}
	for _, pd := range r.peers() {
		if was, is := old.of(pd), pd.state(); was != is {
			if code := pd.allows(was, is); !code.OK() {
				return code
			}
		}
	}
	for _, c := range r.conns {
		if code := reachable(state{conn: old.conns[c].state}, state{conn: c.state}); !code.OK() {
			return code
		}
	}
	return schema.StateDone
}

// commit makes a change that needs no permission.
func (r *resource) commit(edit func()) {
	old := r.snapshot()
	edit()
	r.carryOut(old, false)
}

// review works out quorum anew, where the number of nodes may have changed.
func (r *resource) review() { r.attempt(nil, true, func() {}) }

// carryOut does what a change entails: it stores what must survive, tells
// listeners and does what follows. Changes of the connection tell of the devices
// first, others last, as the module's workers do.
func (r *resource) carryOut(old snapshot, connWide bool) {
	r.sayChanges(old, connWide)
	r.reviewSuspension(old)
	for _, d := range r.devices {
		d.noteState(old)
	}
	if connWide {
		r.tellEvents(old)
		r.m.tell(r.changes(old)...)
	} else {
		r.m.tell(r.changes(old)...)
		r.tellEvents(old)
	}
	r.m.changed.Broadcast()
	now := r.snapshot()
	r.sayStable()
	for _, d := range slices.Clone(r.devices) {
		d.follow(old, now)
	}
	r.resumed(old.susp)
	r.review()
	r.m.reviewPauses()
}

// tellEvents sends the event of DRBD 8.4 for every device that changed.
func (r *resource) tellEvents(old snapshot) {
	if r.m.gen != schema.V84 {
		return
	}
	for _, pd := range r.peers() {
		was, is := old.of(pd), pd.state()
		if was == is && old.susp == r.susp {
			continue
		}
		r.m.tellEvent(pd, func(info *schema.Values) {
			info.SetUint("sib_reason", sibStateChange)
			info.SetUint("prev_state", uint64(was.word(old.susp)))
			info.SetUint("new_state", uint64(is.word(r.susp)))
		})
	}
}

// changes returns a notification for each object that differs. DRBD 8.4 changes one
// volume after the other, and the connection with the last.
func (r *resource) changes(old snapshot) []notice {
	var list []notice
	peers := r.peerChanges(old)
	if old.highestRole() != r.highestRole() || old.susp != r.susp {
		list = append(list, r.about(schema.Change))
	}
	if last := len(peers) - 1; r.m.gen == schema.V84 && last > 0 {
		list = append(list, peers[:last]...)
		peers = peers[last:]
	}
	now := r.snapshot()
	for _, c := range r.conns {
		if old.conns[c].state != c.state || old.peerRole(c) != now.peerRole(c) {
			list = append(list, c.about(schema.Change))
		}
	}
	for _, d := range r.devices {
		if was := old.devices[d]; was.disk != d.own.disk || was.quorum != d.own.quorum {
			list = append(list, d.about(schema.Change))
		}
	}
	return append(list, peers...)
}

func (r *resource) peerChanges(old snapshot) []notice {
	var list []notice
	for _, pd := range r.peers() {
		if old.peers[pd].shown() != pd.part.shown() {
			list = append(list, pd.about(schema.Change))
		}
	}
	return list
}

// shown is what notifications say about a peer device.
func (p peerPart) shown() peerPart {
	p.peer, p.conn = 0, max(p.conn, wfReportParams)
	return p
}

package fake

import (
	"slices"

	"drbdutils/schema"
)

// A resourceRule refuses states of a whole resource of DRBD 9. The first rule that
// matches gives the code.
type resourceRule struct {
	code schema.Code
	bad  func(old snapshot, r *resource) bool
}

// promotes reports whether the node becomes Primary.
func (r *resource) promotes(old snapshot) bool {
	return old.role != schema.Primary && r.role == schema.Primary
}

// resourceRules are the rules of DRBD 9 in their order.
var resourceRules = []resourceRule{
	{schema.StateTwoPrimaries, func(_ snapshot, r *resource) bool {
		return r.role == schema.Primary && slices.ContainsFunc(r.conns, func(c *connection) bool {
			return c.peer == schema.Primary && !c.net.Bool("two_primaries")
		})
	}},
	{schema.StateDeviceInUse, func(old snapshot, r *resource) bool {
		return old.role == schema.Primary && r.role == schema.Secondary && r.open() && !r.susp.failIO
	}},
	{schema.StateDeviceInUse, func(old snapshot, r *resource) bool {
		return r.promotes(old) && old.susp.failIO && r.open()
	}},
	{schema.StateNoUpToDateDisk, func(old snapshot, r *resource) bool {
		return r.role == schema.Primary && slices.ContainsFunc(r.devices, func(d *device) bool {
			return !d.accessible() && (old.role != schema.Primary || old.upToDate(d))
		})
	}},
	{schema.StateNoQuorum, func(old snapshot, r *resource) bool {
		return r.promotes(old) && slices.ContainsFunc(r.devices, func(d *device) bool { return !d.own.quorum })
	}},
	{schema.StatePrimaryNop, func(old snapshot, r *resource) bool {
		return slices.ContainsFunc(r.peers(), func(pd *peerDevice) bool {
			return pd.conn.fencing() != fencingDontCare && pd.state().unfenced() && !old.of(pd).unfenced()
		})
	}},
	{schema.StateConnectedOutdates, func(old snapshot, r *resource) bool {
		return slices.ContainsFunc(r.devices, func(d *device) bool {
			return old.devices[d].disk > schema.Outdated && d.own.disk == schema.Outdated && d.follows()
		})
	}},
	{schema.StateNoVerifyAlg, func(_ snapshot, r *resource) bool {
		return slices.ContainsFunc(r.peers(), func(pd *peerDevice) bool {
			return pd.part.conn.verifying() && pd.conn.net.Str("verify_alg") == ""
		})
	}},
}

// refused9 returns why the present state may not follow the old one, or StateDone.
func (r *resource) refused9(old snapshot) schema.Code {
	for _, rule := range resourceRules {
		if rule.bad(old, r) {
			return rule.code
		}
	}
	for _, d := range r.devices {
		if code := reachable(state{disk: old.devices[d].disk}, state{disk: d.own.disk}); !code.OK() {
			return code
		}
	}
	for _, pd := range r.peers() {
		if was, is := old.of(pd), pd.state(); was != is {
			if code := reachable(was, is); !code.OK() {
				return code
			}
		}
	}
	return schema.StateDone
}

// accessible reports whether there is current data, here or at a peer.
func (d *device) accessible() bool { return d.own.disk == schema.UpToDate || d.peerUpToDate() }

// follows reports whether the data here is what a Primary writes: on this node, or on one
// that it is connected to. It is not where other data is about to come.
func (d *device) follows() bool {
	primary := d.own.role == schema.Primary
	for _, pd := range d.peers {
		c := pd.part.conn
		comes := c.target() || c.waitsForSync() || c == startingSyncT || c == behind
		if comes && (d.own.role != schema.Primary || c == wfBitMapT && pd.part.pdsk == schema.UpToDate) {
			return false
		}
		primary = primary || c >= connected && pd.conn.peer == schema.Primary
	}
	return primary
}

// sane9 returns s with what follows from it in DRBD 9 made so. The disk may have
// the data of another peer, so a source does not raise it.
func (s state) sane9() state {
	s = s.cutOff()
	r, ok := fitting[s.conn]
	switch {
	case !ok || s.conn == connected:
	case s.conn.target() || s.conn == wfBitMapT || s.conn == startingSyncT:
		s.disk = min(max(s.disk, r.min), r.max)
	default:
		s.pdsk = min(max(s.pdsk, r.peerMin), r.peerMax)
	}
	return s.pausing()
}

// settle9 makes what follows from a change so.
func (r *resource) settle9(old snapshot) {
	for _, pd := range r.peers() {
		pd.part.conn = min(pd.part.conn, max(pd.conn.state, pd.replicating()))
		if s := pd.state(); s != old.of(pd) {
			pd.put(s.sane9())
		}
	}
	for _, c := range r.conns {
		if c.state < wfReportParams {
			c.peer = schema.RoleUnknown
		}
		if old.conns[c].peer == schema.Primary && c.state.lost() {
			r.doubtDisks()
		}
	}
	for _, d := range r.devices {
		d.own.quorum = d.hasQuorum()
		d.oneSource()
	}
}

// replicating is the highest replication state that the connection allows.
func (pd *peerDevice) replicating() conn {
	if pd.conn.state < wfReportParams {
		return pd.conn.state
	}
	return behind
}

// oneSource lets a device be the target of one resync at a time: those from other
// peers wait.
func (d *device) oneSource() {
	var running *peerDevice
	for _, pd := range d.peers {
		if pd.part.conn == syncTarget {
			running = pd
			break
		}
	}
	may := d.maySync()
	for _, pd := range d.peers {
		wait := d.attached() && (!may || running != nil && pd != running)
		if wait != pd.part.aftrISP {
			pd.part.aftrISP = wait
			pd.put(pd.state().pausing())
		}
	}
}

// doubtDisks makes data merely Consistent: a Primary that got lost may go on
// writing elsewhere.
func (r *resource) doubtDisks() {
	for _, d := range r.devices {
		if d.own.disk == schema.UpToDate && r.role != schema.Primary {
			d.own.disk = schema.Consistent
		}
	}
}

package fake

import "drbdutils/schema"

// peerDevice is a device as one peer has it, and how the two copies stand to each
// other.
type peerDevice struct {
	*device
	conn *connection
	part peerPart

	opts     *schema.Values // DRBD 9: peer_device_conf
	slot     int            // of the peer's bitmap on the disk here; -1: it has none
	peerSize uint64         // sectors that the peer's disk could have; 0 without one
	peer     *side          // what the peer reported of its copy
	sync     syncRun

	sizeKnown bool // DRBD 9: the peer has said peerSize since it was asked

	late      bool // it came when the connection was there, and the peer did not answer yet
	comparing bool // the disk here was attached, and the peer has not answered yet

	sent, received uint64 // sectors

	verifyFrom, verifyTo uint64 // blocks that the next verify looks at

	introduced schema.DiskState // DRBD 9: the disk here as the peer heard of it before they met

	uuidFlags  uint64 // DRBD 9: what the peer says besides its UUIDs
	peerClient bool   // DRBD 9: the peer has no disk on purpose
	quorate    bool   // DRBD 9: the peer says that it has quorum
	missed     bool   // DRBD 9: a generation with quorum began without the peer
}

// newPeerDevice joins a device and a connection.
func newPeerDevice(d *device, c *connection) *peerDevice {
	pd := &peerDevice{device: d, conn: c, part: newPeer, late: c.link != nil}
	pd.part.conn = c.state
	if d.res.m.gen == schema.V9 {
		pd.opts = d.res.m.defaults(schema.PeerDeviceOpts)
	}
	d.peers = append([]*peerDevice{pd}, d.peers...)
	return pd
}

// join puts the parts of a state together.
func join(own ownPart, p peerPart) state {
	return state{
		role: own.role, disk: own.disk, peer: p.peer, conn: p.conn, pdsk: p.pdsk,
		aftrISP: p.aftrISP, peerISP: p.peerISP, userISP: p.userISP,
	}
}

// state returns the device as it stands towards the peer.
func (pd *peerDevice) state() state { return join(pd.own, pd.part) }

// put sets the state.
func (pd *peerDevice) put(s state) {
	pd.own.role, pd.own.disk = s.role, s.disk
	pd.part = peerPart{s.peer, s.conn, s.pdsk, s.aftrISP, s.peerISP, s.userISP}
}

// client reports whether the peer has no disk on purpose.
func (pd *peerDevice) client() bool { return pd.peerClient }

// bits returns the bitmap of the peer, nil if it has none.
func (pd *peerDevice) bits() *bitmap {
	if pd.disk == nil || pd.slot < 0 || pd.slot >= len(pd.disk.bits) {
		return nil
	}
	return pd.disk.bits[pd.slot]
}

// outOfSync returns how many blocks the peer misses.
func (pd *peerDevice) outOfSync() uint64 {
	if b := pd.bits(); b != nil {
		return b.set
	}
	return 0
}

// surroundings returns what the rules look at.
func (pd *peerDevice) surroundings() surroundings {
	c := pd.conn
	return surroundings{
		configured: c.net != nil, twoPrimaries: c.net.Bool("two_primaries"), verifyAlg: c.net.Str("verify_alg") != "",
		peerPrimary: c.role() == schema.Primary, open: pd.open > 0,
		fencing: pd.fencing() != fencingDontCare,
	}
}

// fencing is the policy for the peer.
func (pd *peerDevice) fencing() uint64 {
	switch {
	case pd.res.m.gen == schema.V9:
		return pd.conn.fencing()
	case pd.disk == nil:
		return fencingDontCare
	}
	return pd.disk.conf.Uint("fencing")
}

const fencingDontCare = 0

// allows returns why the device of DRBD 8.4 may not go from one state to the other. A
// state that was wrong before may stay wrong in the same way.
func (pd *peerDevice) allows(old, new state) schema.Code {
	if code := reachable84(old, new); !code.OK() {
		return code
	}
	e := pd.surroundings()
	if code := new.valid(e); !code.OK() && old.valid(e) != code {
		return code
	}
	return schema.StateDone
}

// set changes the state here, without asking the peer.
func (pd *peerDevice) set(c change, hard bool) schema.Code {
	if c.Disk != nil && *c.Disk == schema.Failed && pd.own.disk == schema.Diskless {
		return schema.StateIsDiskless
	}
	return pd.res.attempt(nil, hard, pd.edit(c))
}

// edit returns what makes a change.
func (pd *peerDevice) edit(c change) func() { return func() { pd.put(c.apply(pd.state())) } }

// request changes the state with the consent of the peer where that is needed. It
// may give up the lock meanwhile.
func (pd *peerDevice) request(c change) schema.Code {
	old := pd.state()
	new := c.apply(old).sane()
	if code := reachable(old, c.apply(old)); !code.OK() && pd.res.m.gen == schema.V9 {
		return code // before what follows hides it
	}
	if new == old {
		return schema.StateNothingToDo
	}
	if clusterWide(old, new) {
		if code := pd.res.would(false, pd.edit(c)); !code.OK() {
			return code
		}
		if code := pd.conn.ask(pd.volume, c); !code.OK() {
			return code
		}
	}
	return pd.set(c, false)
}

// followPeerDisk answers a disk that came at the peer, and begins a new generation
// when a Primary loses the peer's copy.
func (pd *peerDevice) followPeerDisk(old, new state) {
	if old.pdsk == schema.Diskless && new.pdsk > schema.Diskless && new.pdsk != schema.DUnknown {
		pd.report(reportAll) // the peer attached its disk and wants to compare
	}
	had := old.pdsk >= schema.Inconsistent && old.pdsk != schema.DUnknown && old.pdsk != schema.Outdated
	lost := new.pdsk < schema.Inconsistent || new.pdsk == schema.DUnknown || new.pdsk == schema.Outdated
	if !had || !lost || pd.disk == nil || new.disk < schema.UpToDate {
		return
	}
	primary := new.role == schema.Primary || new.peer == schema.Primary
	if !primary || pd.bitmapUUID() != 0 {
		return
	}
	if pd.res.susp.any() || pd.res.m.gen == schema.V9 {
		pd.newGeneration = new.role == schema.Primary // once I/O goes on; in DRBD 9 with the next write
		return
	}
	pd.newCurrentUUID()
	pd.report(reportUUIDs)
}

// followLink stores the bitmap when the link breaks and forgets the peer.
func (pd *peerDevice) followLink(old, new state) {
	if old.conn >= connected && new.conn < connected {
		pd.late = new.conn == wfReportParams // the peer's volume is gone, perhaps for another
		pd.flush()
		pd.peer = nil
	}
	if new.conn >= connected && (old.userISP != new.userISP || old.aftrISP != new.aftrISP) {
		pd.report(reportState)
	}
}

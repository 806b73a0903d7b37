package fake

import (
	"drbdutils/schema"
)

// reported takes in what the peer says about its copy of a volume, and decides
// what follows: nothing, a resync, or the end of the connection.
func (d *device) reported(p packet) {
	if p.Parts&reportUUIDs != 0 {
		d.notePeer(p)
		if p.SkipInitial && d.skipInitialSync(p) {
			return
		}
	}
	if p.Parts&reportState == 0 {
		return
	}
	old, disk := d.state, realDisk(p)
	if done := d.peerFinished(p, &disk); done {
		return
	}
	if old.conn == wfReportParams && !d.agreeSize(p) {
		d.res.conn.giveUp()
		return
	}
	next := old.conn
	if next == wfReportParams {
		next = connected
	}
	if d.considers(p) {
		v, ok := d.handshake(p.State.Role, disk)
		if !ok {
			d.refuseHandshake()
			return
		}
		next = d.begin(v)
	}
	d.enter(next, p, disk)
}

// realDisk is the peer's disk state, also while it is being attached there.
func realDisk(p packet) schema.DiskState {
	if p.State.Disk == schema.Negotiating {
		return schema.Consistent
	}
	return p.State.Disk
}

// notePeer remembers the peer's generations.
func (d *device) notePeer(p packet) {
	d.peer = &side{
		uuids: p.UUIDs, role: p.State.Role, disk: realDisk(p),
		changed: p.Changed, crashed: p.Crashed, discard: p.Discard,
	}
}

// peerFinished handles a peer that says that the verify is over, or that it is
// UpToDate while a resync to it runs here. It reports whether there is nothing
// more to do.
func (d *device) peerFinished(p packet, disk *schema.DiskState) bool {
	s := d.state
	if s.conn == verifyT && p.State.Conn == connected {
		d.finishVerify()
		return true
	}
	if s.pdsk != schema.Inconsistent || *disk != schema.UpToDate || s.conn <= connected || s.disk != schema.UpToDate {
		return false
	}
	if p.State.Conn > connected && p.State.Conn < syncSource {
		*disk = schema.Inconsistent
		return false
	}
	if s.conn >= syncSource && p.State.Conn == connected {
		if d.outOfSync() == 0 {
			d.finishSync()
		}
		return true
	}
	return false
}

// considers reports whether the generations are to be compared now.
func (d *device) considers(p packet) bool {
	s := d.state
	if d.peer == nil || realDisk(p) < schema.Negotiating || d.disk == nil || s.disk < schema.Negotiating {
		return false
	}
	if s.conn < connected {
		return true
	}
	negotiating := s.disk == schema.Negotiating || p.State.Disk == schema.Negotiating
	starts := p.State.Conn >= startingSyncS && p.State.Conn <= wfBitMapT
	forced := s.disk == schema.Inconsistent && realDisk(p) == schema.UpToDate
	return s.conn == connected && (negotiating || starts || forced)
}

// self returns this node's copy for a comparison.
func (d *device) self() *side {
	c := d.res.conn
	disk := d.state.disk
	if disk == schema.Negotiating {
		disk = d.negotiated
	}
	return &side{
		uuids: d.disk.uuids, role: d.state.role, disk: disk, changed: d.outOfSync(),
		crashed: d.crashed, discard: c.net.Bool("discard_my_data"), resolves: c.link.resolves,
	}
}

// handshake compares the copies and applies the policies for what is found. It
// reports false if the nodes must not connect.
func (d *device) handshake(peerRole schema.Role, peerDisk schema.DiskState) (verdict, bool) {
	self, peer := d.self(), d.peer
	peer.role, peer.disk = peerRole, peerDisk
	v := compare(self, peer)
	if self.uuids != d.disk.uuids {
		d.disk.uuids = self.uuids
		d.save()
	}
	if v == unrelated {
		return v, false
	}
	v = preferConsistent(v, self.disk, peer.disk)
	if v.split() {
		d.helper("initial-split-brain")
		if v = d.policies().resolve(v, self, peer); v.split() {
			d.helper("split-brain")
			return v, false
		}
	}
	switch {
	case v > 0 && self.disk <= schema.Inconsistent:
		return v, false
	case v < 0 && self.role == schema.Primary && d.state.disk >= schema.Consistent && !d.mayOverwrite():
		return v, false
	}
	return v, !d.res.conn.net.Bool("tentative")
}

// preferConsistent never makes an Inconsistent copy the source.
func preferConsistent(v verdict, mine, theirs schema.DiskState) verdict {
	bad := func(s schema.DiskState) bool { return s <= schema.Inconsistent }
	if bad(mine) == bad(theirs) {
		return v
	}
	full := v == splitBrain || v.full()
	v = source
	if bad(mine) {
		v = target
	}
	if full {
		v *= 2
	}
	return v
}

// mayOverwrite applies rr-conflict: may a Primary become the target of a resync?
func (d *device) mayOverwrite() bool {
	switch d.res.conn.net.Uint("rr_conflict") {
	case policyViolently:
		return true
	case policyCallHelper:
		d.helper("pri-lost")
	}
	return false
}

// refuseHandshake ends what the handshake was for: the attach, or the connection.
func (d *device) refuseHandshake() {
	if d.state.disk == schema.Negotiating {
		d.set(change{Disk: new(schema.Failed)}, true)
		return
	}
	d.res.conn.giveUp()
}

// begin prepares for a verdict and returns the replication state it leads to.
func (d *device) begin(v verdict) conn {
	if v.full() {
		d.disk.bits.setAll()
		d.flush()
	}
	switch {
	case v > 0:
		return wfBitMapS
	case v < 0:
		return wfBitMapT
	}
	return connected
}

// enter takes over the peer's state together with a replication state.
func (d *device) enter(next conn, p packet, disk schema.DiskState) {
	old := d.state
	ch := change{Conn: &next, Peer: &p.State.Role, PDsk: &disk, PeerISP: &p.State.Paused}
	if old.disk == schema.Negotiating && (next == connected || next == wfBitMapS) {
		ch.Disk = &d.negotiated
	}
	first := old.conn < connected && next >= connected
	code := d.set(ch, !first)
	if !code.OK() {
		d.res.conn.giveUp()
		return
	}
	d.res.conn.met = true
	if next > wfReportParams {
		d.res.conn.net.SetBool("discard_my_data", false)
	}
	if old.conn > wfReportParams && next > connected && p.State.Conn <= connected && p.State.Disk != schema.Negotiating {
		d.report(reportAll)
	}
}

// skipInitialSync takes over a new generation that both empty disks begin with.
func (d *device) skipInitialSync(p packet) bool {
	if d.state.conn != connected || d.disk == nil || d.disk.uuids[uuidCurrent] != uuidJustCreated {
		return false
	}
	d.disk.bits.clearAll()
	d.flush()
	d.disk.uuids = uuids{p.UUIDs.at(uuidCurrent)}
	d.set(change{Disk: new(schema.UpToDate), PDsk: new(schema.UpToDate)}, true)
	d.save()
	return true
}

// resumeLog keeps the activity log again, once there is a peer.
func (d *device) resumeLog() { d.alSuspended = false }

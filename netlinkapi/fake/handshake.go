package fake

import (
	"drbdutils/schema"
)

// reported takes in what the peer says about its copy of a volume, and decides
// what follows: nothing, a resync, or the end of the connection.
func (pd *peerDevice) reported(p packet) {
	if p.Parts&reportUUIDs != 0 {
		before := pd.uuidFlags
		pd.notePeer(p)
		if pd.res.m.gen == schema.V9 {
			pd.res.m.tell(pd.about(schema.Change))
			pd.confirm(before, p)
		}
		if p.SkipInitial && pd.skipInitialSync(p) {
			return
		}
	}
	if p.Parts&reportState == 0 {
		return
	}
	if pd.quorate != p.State.Quorum {
		pd.quorate = p.State.Quorum
		defer pd.res.review()
	}
	old, disk := pd.state(), pd.shownDisk(p)
	if done := pd.peerFinished(p, &disk); done {
		return
	}
	if old.conn == wfReportParams && !pd.agreeSize(p) {
		pd.conn.giveUp()
		return
	}
	next := old.conn
	if next == wfReportParams {
		next = connected
	}
	if pd.considers(p) {
		v, ok := pd.handshake(p.State.Role, realDisk(p))
		if !ok {
			pd.refuseHandshake()
			return
		}
		next = pd.begin(v)
	}
	pd.enter(next, p, disk)
	pd.forgetMissed(p)
	if pd.late || p.State.Conn == wfReportParams && old.conn >= connected {
		pd.resumeLog()
		pd.report(reportAll) // a volume that is new here, or to the peer
	}
	pd.late = false
}

// realDisk is the peer's disk state, also while it is being attached there.
func realDisk(p packet) schema.DiskState {
	switch {
	case p.State.Disk != schema.Negotiating:
		return p.State.Disk
	case p.Says&saysInconsistent != 0:
		return schema.Inconsistent
	}
	return schema.Consistent
}

// shownDisk is the peer's disk state as it appears here: DRBD 8.4 takes a disk that
// is being attached for what it is about to be.
func (pd *peerDevice) shownDisk(p packet) schema.DiskState {
	if pd.res.m.gen == schema.V9 {
		return p.State.Disk
	}
	return realDisk(p)
}

// notePeer remembers the peer's generations.
func (pd *peerDevice) notePeer(p packet) {
	if pd.res.m.gen == schema.V84 && pd.own.role == schema.Primary && pd.own.disk < schema.Inconsistent {
		pd.exposed = p.UUIDs[uuidCurrent] // what users see is the peer's
	}
	pd.uuidFlags = p.Says
	pd.peer = &side{
		uuids: p.UUIDs, role: p.State.Role, disk: realDisk(p),
		changed: p.Changed, crashed: p.Crashed, discard: p.Discard,
	}
}

// peerFinished handles a peer that says that the verify is over, or that it is
// UpToDate while a resync to it runs here. It reports whether there is nothing
// more to do.
func (pd *peerDevice) peerFinished(p packet, disk *schema.DiskState) bool {
	s := pd.state()
	if s.conn == verifyT && p.State.Conn == connected {
		pd.finishVerify()
		return true
	}
	if s.pdsk != schema.Inconsistent || *disk != schema.UpToDate || s.conn <= connected || s.disk != schema.UpToDate {
		return false
	}
	if p.State.Conn > connected && p.State.Conn < syncSource {
		*disk = schema.Inconsistent
		return false
	}
	if (s.conn >= syncSource || pd.sameAs(p)) && p.State.Conn == connected {
		pd.syncedElsewhere(p)
		if pd.outOfSync() == 0 {
			pd.finishSync()
		}
		return true
	}
	return false
}

// considers reports whether the generations are to be compared now.
func (pd *peerDevice) considers(p packet) bool {
	s := pd.state()
	if pd.peer == nil || realDisk(p) < schema.Negotiating || pd.disk == nil || s.disk < schema.Negotiating {
		return false
	}
	if p.State.Disk == schema.Negotiating && p.Parts&reportUUIDs == 0 {
		return false // its generations follow
	}
	if s.conn < connected {
		return true
	}
	negotiating := s.disk == schema.Negotiating || p.State.Disk == schema.Negotiating
	starts := p.State.Conn >= startingSyncS && p.State.Conn <= wfBitMapT
	forced := p.Forced && s.disk == schema.Inconsistent && realDisk(p) == schema.UpToDate && !pd.part.aftrISP
	return s.conn == connected && (negotiating || starts || forced)
}

// worth is what the disk is, or is to become once the peer agreed.
func (d *device) worth() schema.DiskState {
	if d.own.disk == schema.Negotiating {
		return d.negotiated
	}
	return d.own.disk
}

// self returns this node's copy for a comparison.
func (pd *peerDevice) self() *side {
	c := pd.conn
	return &side{
		uuids: pd.uuids(), role: pd.state().role, disk: pd.worth(), changed: pd.outOfSync(),
		crashed: pd.crashed, discard: c.discards(), resolves: c.link.resolves,
	}
}

// handshake compares the copies and applies the policies for what is found. It
// reports false if the nodes must not connect.
func (pd *peerDevice) handshake(peerRole schema.Role, peerDisk schema.DiskState) (verdict, bool) {
	self, peer := pd.self(), pd.peer
	peer.role, peer.disk = peerRole, peerDisk
	pd.sayCopies(self, peer)
	v := compare(self, peer)
	pd.comparing = false
	if self.uuids != pd.uuids() {
		pd.setUUIDs(self.uuids)
		pd.save()
	}
	if v == unrelated {
		pd.say("Unrelated data, aborting!")
		return v, false
	}
	v = preferConsistent(v, self.disk, peer.disk)
	if v.split() {
		pd.helper("initial-split-brain")
		if v = pd.policies().resolve(v, self, peer); v.split() {
			pd.say("Split-Brain detected but unresolved, dropping connection!")
			pd.helper("split-brain")
			return v, false
		}
	}
	switch {
	case v > 0 && self.disk <= schema.Inconsistent:
		pd.say("I shall become SyncSource, but I am inconsistent!")
		return v, false
	case v < 0 && self.role == schema.Primary && pd.res.susp.quorum && pd.own.disk > schema.Outdated:
		pd.conn.overtaken()
		return v, false
	case v < 0 && self.role == schema.Primary && pd.state().disk >= schema.Consistent && !pd.mayOverwrite():
		pd.say("I shall become SyncTarget, but I am primary!")
		return v, false
	}
	return v, !pd.conn.tentative()
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
func (pd *peerDevice) mayOverwrite() bool {
	switch pd.conn.net.Uint("rr_conflict") {
	case policyViolently:
		return true
	case policyCallHelper:
		pd.helper("pri-lost")
	}
	return false
}

// refuseHandshake ends what the handshake was for: the attach, or the connection.
func (pd *peerDevice) refuseHandshake() {
	if pd.state().disk == schema.Negotiating {
		pd.set(change{Disk: new(schema.Failed)}, true)
		return
	}
	pd.conn.giveUp()
}

// begin prepares for a verdict and returns the replication state it leads to.
func (pd *peerDevice) begin(v verdict) conn {
	if v.full() {
		pd.bits().setAll()
		pd.flush()
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
func (pd *peerDevice) enter(next conn, p packet, disk schema.DiskState) {
	old := pd.state()
	ch := change{Conn: &next, Peer: &p.State.Role, PDsk: &disk, PeerISP: &p.State.Paused}
	if old.disk == schema.Negotiating && (next == connected || next == wfBitMapS) {
		ch.Disk = &pd.negotiated
	}
	first := old.conn < connected && next >= connected
	code := pd.set(ch, !first)
	if !code.OK() {
		pd.sayRefused(code)
		pd.conn.giveUp()
		return
	}
	pd.conn.met = true
	if next > wfReportParams {
		pd.conn.keepData()
	}
	if old.conn > wfReportParams && next > connected && p.State.Conn <= connected && p.State.Disk != schema.Negotiating {
		pd.report(reportAll)
	}
}

// skipInitialSync takes over a new generation that both empty disks begin with.
func (pd *peerDevice) skipInitialSync(p packet) bool {
	if pd.state().conn != connected || pd.disk == nil || pd.uuids()[uuidCurrent] != uuidJustCreated {
		return false
	}
	pd.bits().clearAll()
	pd.flush()
	pd.setUUIDs(uuids{p.UUIDs.at(uuidCurrent)})
	pd.set(change{Disk: new(schema.UpToDate), PDsk: new(schema.UpToDate)}, true)
	pd.save()
	if pd.res.m.gen == schema.V9 {
		pd.device.report(reportAll)
	}
	return true
}

// resumeLog keeps the activity log again, once there is a peer.
func (pd *peerDevice) resumeLog() { pd.alSuspended = false }

// forgetMissed notes, in DRBD 9, that both copies are of the same generation, though
// perhaps from another node.
func (pd *peerDevice) forgetMissed(p packet) {
	current := pd.res.m.gen == schema.V9 && pd.part.conn == connected && pd.own.disk == schema.UpToDate && p.State.Disk == schema.UpToDate
	if current && pd.bits() != nil && pd.has(p.UUIDs) && pd.outOfSync() > 0 {
		pd.bits().clearAll()
		pd.clearBitmapUUID()
		pd.flush()
		pd.save()
	}
}

// syncedElsewhere notes that the peer has this generation from another node.
func (pd *peerDevice) syncedElsewhere(p packet) {
	if pd.sameAs(p) {
		pd.bits().clearAll()
	}
}

// sameAs reports, in DRBD 9, whether the peer has the generation that is here.
func (pd *peerDevice) sameAs(p packet) bool { return pd.res.m.gen == schema.V9 && pd.has(p.UUIDs) }

// has reports whether the disk here is of a copy's generation.
func (d *device) has(u uuids) bool {
	return d.disk != nil && u.at(uuidCurrent) == d.disk.current()&^uuidPrimary
}

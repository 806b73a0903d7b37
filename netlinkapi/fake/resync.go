package fake

import (
	"math/rand/v2"
	"slices"
	"time"

	"drbdutils/schema"
)

const (
	syncTick     = 20 * time.Millisecond // how often a target asks for blocks
	syncChunk    = 64 << 10              // bytes asked for at once
	progressTick = 3 * time.Second       // how often listeners hear of the progress
)

// syncRun is a resync, or a verify, from its beginning.
type syncRun struct {
	total    uint64 // blocks at the beginning
	started  time.Time
	told     time.Time // last progress event
	marks    []syncMark
	cursor   uint64 // next block to ask for, or to verify
	pulling  bool   // somebody asks for blocks
	inFlight int64  // bytes asked for and not yet here
	budget   int64  // bytes that may be asked for now
	differ   uint64 // verify: blocks found to differ
	start    uint64 // verify: first block
	end      uint64 // verify: block to stop before
}

// syncMark is how much was left at some time, for the speed.
type syncMark struct {
	at   time.Time
	left uint64 // blocks
}

// followSync starts what a new replication state asks for.
func (pd *peerDevice) followSync(before, now state) {
	if before.conn == now.conn {
		return
	}
	switch now.conn {
	case wfBitMapS:
		pd.sendBitmap()
	case startingSyncT:
		pd.bits().setAll()
		pd.flush()
		if pd.res.m.gen == schema.V84 {
			pd.set(change{Conn: new(wfSyncUUID)}, true)
		}
	case startingSyncS:
		pd.bits().setAll()
		pd.flush()
		pd.startSource()
	case syncTarget:
		pd.res.m.work.Go(pd.pull)
	case verifyS:
		pd.res.m.work.Go(pd.verify)
	}
}

func (pd *peerDevice) sendBitmap() {
	pd.conn.link.send(packet{Kind: sendBitmap, Volume: pd.volume, Words: append([]uint64(nil), pd.bits().words...)})
}

// bitmapReceived adds what the peer knows to differ. The source sends its bitmap
// first; when the target's is back, the resync begins.
func (pd *peerDevice) bitmapReceived(p packet) {
	state := pd.part.conn
	if pd.disk == nil || state != wfBitMapT && state != wfBitMapS {
		return
	}
	pd.bits().merge(p.Words)
	switch state {
	case wfBitMapT:
		pd.sendBitmap()
		if pd.res.m.gen == schema.V84 {
			pd.set(change{Conn: new(wfSyncUUID)}, true)
		}
	case wfBitMapS:
		pd.startSource()
	}
}

func (pd *peerDevice) startRun(total uint64) {
	now := time.Now()
	pd.sync = syncRun{total: total, started: now, told: now, marks: []syncMark{{now, total}}, end: total}
}

// helperTolerates is the exit code of before-resync-source that does not keep
// the resync from starting.
const helperTolerates = 3

// startSource begins a resync from here.
func (pd *peerDevice) startSource() {
	if exit := pd.helper("before-resync-source"); exit != 0 && exit != helperTolerates {
		pd.objects("before-resync-source", exit)
		return
	}
	if pd.disk == nil || pd.conn.link == nil {
		return
	}
	pd.startRun(pd.bits().set)
	if code := pd.set(change{Conn: new(syncSource)}, true); !code.OK() {
		return
	}
	pd.conn.link.send(packet{Kind: syncUUID, Volume: pd.volume, UUID: pd.syncGeneration()})
	if pd.outOfSync() == 0 {
		pd.finishSync()
	}
}

// objects ends the connection because a handler wants no resync.
func (pd *peerDevice) objects(handler string, exit int) {
	pd.say("%s handler returned %d, dropping connection.", handler, exit)
	pd.conn.giveUp()
}

// syncGeneration returns the generation that the target's data is of during a
// resync: that which the bitmap is based on, in DRBD 8.4 one derived from it. In
// DRBD 9, 0 says that it stays what it is.
func (pd *peerDevice) syncGeneration() uint64 {
	if pd.res.m.gen == schema.V9 {
		return pd.bitmapUUID()
	}
	id := pd.bitmapUUID() + uuidSyncOffset
	if base := pd.uuids().at(uuidBitmap); base == 0 || base == uuidJustCreated {
		id = rand.Uint64()
	}
	pd.clearBitmapUUID()
	pd.setBitmapUUID(id)
	pd.save()
	return id
}

// syncUUIDReceived begins a resync to here.
func (pd *peerDevice) syncUUIDReceived(p packet) {
	if !pd.waitsForSync() {
		return
	}
	if p.UUID != 0 {
		pd.setBitmapUUID(0)
		pd.setCurrent(p.UUID)
	}
	if exit := pd.helper("before-resync-target"); exit != 0 {
		pd.objects("before-resync-target", exit)
		return
	}
	if pd.disk == nil || !pd.waitsForSync() {
		return
	}
	pd.startRun(pd.bits().set)
	pd.set(change{Conn: new(syncTarget)}, true)
	if pd.outOfSync() == 0 {
		pd.finishSync()
	}
}

// waitsForSync reports whether the source may begin. In DRBD 9 it does so without a
// word where a device grew.
func (pd *peerDevice) waitsForSync() bool {
	return pd.part.conn.waitsForSync() ||
		pd.res.m.gen == schema.V9 && (pd.part.conn == connected || pd.part.conn == startingSyncT)
}

// rate is the speed of a resync in bytes per second.
func (pd *peerDevice) rate() int64 {
	if r := pd.res.m.cfg.ResyncRate; r > 0 {
		return r
	}
	conf := pd.opts
	if pd.res.m.gen == schema.V84 {
		conf = pd.disk.conf
	}
	if conf.Uint("c_plan_ahead") == 0 {
		return int64(conf.Uint("resync_rate")) << 10
	}
	return int64(conf.Uint("c_max_rate")) << 10
}

// pull asks for blocks, tick by tick, as long as this node is the target and not
// paused.
func (pd *peerDevice) pull() {
	m := pd.res.m
	m.mu.Lock()
	defer m.mu.Unlock()
	run := pd.sync.started
	if pd.sync.pulling {
		return
	}
	pd.sync.pulling = true
	defer func() {
		if pd.sync.started.Equal(run) {
			pd.sync.pulling = false
		}
	}()
	for pd.state().conn.target() && pd.sync.started.Equal(run) && m.ctx.Err() == nil {
		if pd.state().conn == syncTarget {
			pd.askBlocks()
			pd.tellProgress()
		}
		m.mu.Unlock()
		time.Sleep(syncTick)
		m.mu.Lock()
	}
}

// askBlocks asks for as many blocks as the rate allows.
func (pd *peerDevice) askBlocks() {
	rate := pd.rate()
	pd.sync.budget = min(pd.sync.budget+rate*int64(syncTick)/int64(time.Second), rate)
	if pd.sync.inFlight > 0 || pd.conn.link == nil {
		return
	}
	for pd.sync.budget >= blockSize {
		off, n, ok := pd.nextRun(min(syncChunk, pd.sync.budget))
		if !ok {
			return
		}
		pd.conn.link.send(packet{Kind: syncAsk, Volume: pd.volume, Offset: off, Length: n})
		pd.sync.inFlight += n
		pd.sync.budget -= n
	}
}

// nextRun returns the next range of bytes that is out of sync, at most limit
// long.
func (pd *peerDevice) nextRun(limit int64) (off, n int64, ok bool) {
	b := pd.bits()
	first, ok := b.next(pd.sync.cursor)
	if !ok {
		if first, ok = b.next(0); !ok || pd.sync.inFlight > 0 {
			return 0, 0, false
		}
	}
	end := first
	for end < b.bits && b.has(end) && int64(end+1-first)*blockSize <= limit {
		end++
	}
	pd.sync.cursor = end
	off = int64(first) * blockSize
	return off, min(int64(end)*blockSize, int64(pd.size)*512) - off, true
}

// serveSync sends blocks to the target.
func (pd *peerDevice) serveSync(p packet) {
	if pd.disk == nil || pd.state().conn != syncSource && pd.state().conn != pausedSyncS {
		return
	}
	data := make([]byte, p.Length)
	if err := pd.disk.readAt(data, p.Offset); err != nil {
		pd.ioError()
		return
	}
	pd.count.read += uint64(p.Length) / 512
	pd.sent += uint64(p.Length) / 512
	pd.conn.link.send(packet{Kind: syncData, Volume: pd.volume, Offset: p.Offset, Data: data})
	pd.tellProgress()
}

// takeSync writes blocks of the source.
func (pd *peerDevice) takeSync(p packet) {
	n := int64(len(p.Data))
	pd.sync.inFlight -= n
	if pd.disk == nil || !pd.state().conn.target() {
		return
	}
	if err := pd.disk.writeAt(p.Data, p.Offset); err != nil {
		pd.ioError()
		return
	}
	pd.received += uint64(n) / 512
	pd.count.written += uint64(n) / 512
	pd.bits().clearBytes(p.Offset, n, pd.size*512)
	pd.conn.link.send(packet{Kind: syncDone, Volume: pd.volume, Offset: p.Offset, Length: n})
	if pd.outOfSync() == 0 && pd.state().conn == syncTarget {
		pd.finishSync()
	}
}

// noteSynced notes that the target has blocks.
func (pd *peerDevice) noteSynced(p packet) {
	if pd.disk == nil || !pd.state().conn.syncing() {
		return
	}
	pd.bits().clearBytes(p.Offset, p.Length, pd.size*512)
	if pd.res.m.gen == schema.V9 {
		pd.tellSynced(p)
	}
	if pd.outOfSync() == 0 && pd.state().conn == syncSource {
		pd.finishSync()
	}
}

// tellSynced tells the peers that are in sync which blocks this one has now.
func (pd *peerDevice) tellSynced(p packet) {
	for _, other := range pd.device.peers {
		if other != pd && other.part.conn == connected && other.slot >= 0 && other.outOfSync() == 0 {
			p.Kind, p.ID = peerSynced, uint32(pd.conn.node)
			other.conn.link.send(p)
		}
	}
}

// otherSynced notes that a peer of the sender has blocks.
func (pd *peerDevice) otherSynced(p packet) {
	if c := pd.res.connectionTo(int(p.ID)); c != nil && pd.disk != nil {
		pd.device.with(c).bits().clearBytes(p.Offset, p.Length, pd.size*512)
	}
}

// finishSync ends a resync: both sides have the same data and generations.
func (pd *peerDevice) finishSync() {
	pd.flush()
	done := change{Conn: new(connected), Disk: new(schema.UpToDate), PDsk: new(schema.UpToDate)}
	if pd.part.conn.target() {
		pd.caughtUp()
		pd.finish(done, "after-resync-target")
		return
	}
	pd.clearBitmapUUID()
	u := pd.uuids()
	if pd.peer != nil {
		pd.peer.uuids = u
	}
	pd.finish(done, "")
	pd.save()
	if pd.res.m.gen == schema.V84 {
		pd.conn.unfencePeer()
	}
}

// caughtUp takes over the source's generation.
func (pd *peerDevice) caughtUp() {
	u := pd.uuids()
	switch {
	case pd.peer == nil:
		u.clearBitmap()
	case pd.res.m.gen == schema.V9:
		u = u.caughtUp(pd.peer.uuids)
	default:
		u = u.caughtUp84(pd.peer.uuids)
	}
	pd.setUUIDs(u)
	pd.setCurrent(u.at(uuidCurrent))
}

// finish makes a change that ends a resync or verify. The helper, if there is one
// to call, meets the new state, but others are told of it only afterwards.
func (pd *peerDevice) finish(c change, helper string) {
	if pd.res.m.gen == schema.V9 {
		pd.finish9(c, helper)
		return
	}
	next := c.apply(pd.state()).sane()
	pd.res.commit(func() {
		old := pd.res.snapshot()
		pd.put(next)
		pd.noteState(old)
		if helper != "" {
			pd.helper(helper)
		}
	})
}

// finish9 ends a resync or verify. A target has the data of all nodes with the same
// generation then: resyncs that waited for this one are over with it.
func (pd *peerDevice) finish9(c change, helper string) {
	var others []*peerDevice
	if pd.part.conn == syncTarget {
		others = slices.DeleteFunc(pd.device.sameGeneration(), func(other *peerDevice) bool { return other == pd })
	}
	pd.res.attempt(nil, true, func() {
		pd.put(c.apply(pd.state()))
		for _, other := range others {
			other.part.conn = connected
		}
	})
	for _, other := range others {
		other.bits().clearAll()
		other.clearBitmapUUID()
		other.report(reportAll)
	}
	if helper != "" {
		pd.helper(helper)
	}
}

// sameGeneration returns the peers with current data of the generation that is here.
func (d *device) sameGeneration() []*peerDevice {
	var list []*peerDevice
	for _, pd := range d.peers {
		current := pd.part.conn >= connected && pd.part.pdsk == schema.UpToDate && pd.peer != nil
		if current && d.has(pd.peer.uuids) {
			list = append(list, pd)
		}
	}
	return list
}

// tellProgress sends an event from time to time, and keeps marks for the speed.
func (pd *peerDevice) tellProgress() {
	now := time.Now()
	if now.Sub(pd.sync.told) < progressTick {
		return
	}
	pd.sync.told = now
	pd.sync.marks = append(pd.sync.marks, syncMark{now, pd.left()})
	if len(pd.sync.marks) > 8 {
		pd.sync.marks = pd.sync.marks[1:]
	}
	if pd.res.m.gen == schema.V9 {
		pd.res.m.tell(pd.about(schema.Change))
		return
	}
	pd.res.m.tellEvent(pd, func(info *schema.Values) { info.SetUint("sib_reason", sibSyncProgress) })
}

// left returns how many blocks the running resync or verify has to go. A verify that is
// to stop before the end counts them all.
func (pd *peerDevice) left() uint64 {
	if b := pd.bits(); b != nil && pd.state().conn.verifying() {
		return b.bits - min(pd.sync.cursor, b.bits)
	}
	return pd.outOfSync()
}

package fake

import (
	"math/rand/v2"
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
	end      uint64 // verify: block to stop before
}

// syncMark is how much was left at some time, for the speed.
type syncMark struct {
	at   time.Time
	left uint64 // blocks
}

// followSync starts what a new replication state asks for.
func (d *device) followSync(before, now state) {
	if before.conn == now.conn {
		return
	}
	switch now.conn {
	case wfBitMapS:
		d.sendBitmap()
	case startingSyncT:
		d.disk.bits.setAll()
		d.flush()
		d.set(change{Conn: new(wfSyncUUID)}, true)
	case startingSyncS:
		d.disk.bits.setAll()
		d.flush()
		d.startSource()
	case syncTarget:
		d.res.m.work.Go(d.pull)
	case verifyS:
		d.res.m.work.Go(d.verify)
	}
}

func (d *device) sendBitmap() {
	d.res.conn.link.send(packet{Kind: sendBitmap, Volume: d.volume, Words: append([]uint64(nil), d.disk.bits.words...)})
}

// bitmapReceived adds what the peer knows to differ. The source sends its bitmap
// first; when the target's is back, the resync begins.
func (d *device) bitmapReceived(p packet) {
	if d.disk == nil {
		return
	}
	d.disk.bits.merge(p.Words)
	switch d.state.conn {
	case wfBitMapT:
		d.sendBitmap()
		d.set(change{Conn: new(wfSyncUUID)}, true)
	case wfBitMapS:
		d.startSource()
	}
}

func (d *device) startRun(total uint64) {
	now := time.Now()
	d.sync = syncRun{total: total, started: now, told: now, marks: []syncMark{{now, total}}, end: total}
}

// helperTolerates is the exit code of before-resync-source that does not keep
// the resync from starting.
const helperTolerates = 3

// startSource begins a resync from here.
func (d *device) startSource() {
	if exit := d.helper("before-resync-source"); exit != 0 && exit != helperTolerates {
		d.res.conn.giveUp()
		return
	}
	if d.disk == nil || d.res.conn.link == nil {
		return
	}
	d.startRun(d.disk.bits.set)
	if code := d.set(change{Conn: new(syncSource)}, true); !code.OK() {
		return
	}
	id := d.disk.uuids[uuidBitmap] + uuidSyncOffset
	if base := d.disk.uuids.at(uuidBitmap); base == 0 || base == uuidJustCreated {
		id = rand.Uint64()
	}
	d.disk.uuids.startBitmap(id)
	d.save()
	d.res.conn.link.send(packet{Kind: syncUUID, Volume: d.volume, UUID: id})
	if d.outOfSync() == 0 {
		d.finishSync()
	}
}

// syncUUIDReceived begins a resync to here. Until it is done, the data here is
// of a generation of its own.
func (d *device) syncUUIDReceived(p packet) {
	if d.state.conn != wfSyncUUID {
		return
	}
	d.disk.uuids[uuidBitmap] = 0
	d.setCurrent(p.UUID)
	if d.helper("before-resync-target") != 0 {
		d.res.conn.giveUp()
		return
	}
	if d.disk == nil || d.state.conn != wfSyncUUID {
		return
	}
	d.startRun(d.disk.bits.set)
	d.set(change{Conn: new(syncTarget)}, true)
	if d.outOfSync() == 0 {
		d.finishSync()
	}
}

// rate is the speed of a resync in bytes per second.
func (d *device) rate() int64 {
	if r := d.res.m.cfg.ResyncRate; r > 0 {
		return r
	}
	return int64(d.disk.conf.Uint("c_max_rate")) << 10
}

// pull asks for blocks, tick by tick, as long as this node is the target and not
// paused.
func (d *device) pull() {
	m := d.res.m
	m.mu.Lock()
	defer m.mu.Unlock()
	run := d.sync.started
	if d.sync.pulling {
		return
	}
	d.sync.pulling = true
	defer func() {
		if d.sync.started.Equal(run) {
			d.sync.pulling = false
		}
	}()
	for d.state.conn.target() && d.sync.started.Equal(run) && m.ctx.Err() == nil {
		if d.state.conn == syncTarget {
			d.askBlocks()
			d.tellProgress()
		}
		m.mu.Unlock()
		time.Sleep(syncTick)
		m.mu.Lock()
	}
}

// askBlocks asks for as many blocks as the rate allows.
func (d *device) askBlocks() {
	rate := d.rate()
	d.sync.budget = min(d.sync.budget+rate*int64(syncTick)/int64(time.Second), rate)
	if d.sync.inFlight > 0 || d.res.conn.link == nil {
		return
	}
	for d.sync.budget >= blockSize {
		off, n, ok := d.nextRun(min(syncChunk, d.sync.budget))
		if !ok {
			return
		}
		d.res.conn.link.send(packet{Kind: syncAsk, Volume: d.volume, Offset: off, Length: n})
		d.sync.inFlight += n
		d.sync.budget -= n
	}
}

// nextRun returns the next range of bytes that is out of sync, at most limit
// long.
func (d *device) nextRun(limit int64) (off, n int64, ok bool) {
	b := d.disk.bits
	first, ok := b.next(d.sync.cursor)
	if !ok {
		if first, ok = b.next(0); !ok || d.sync.inFlight > 0 {
			return 0, 0, false
		}
	}
	end := first
	for end < b.bits && b.has(end) && int64(end+1-first)*blockSize <= limit {
		end++
	}
	d.sync.cursor = end
	off = int64(first) * blockSize
	return off, min(int64(end)*blockSize, int64(d.size)*512) - off, true
}

// serveSync sends blocks to the target.
func (d *device) serveSync(p packet) {
	if d.disk == nil || d.state.conn != syncSource && d.state.conn != pausedSyncS {
		return
	}
	data := make([]byte, p.Length)
	if err := d.disk.readAt(data, p.Offset); err != nil {
		d.ioError()
		return
	}
	d.count.read += uint64(p.Length) / 512
	d.count.sent += uint64(p.Length) / 512
	d.res.conn.link.send(packet{Kind: syncData, Volume: d.volume, Offset: p.Offset, Data: data})
	d.tellProgress()
}

// takeSync writes blocks of the source.
func (d *device) takeSync(p packet) {
	n := int64(len(p.Data))
	d.sync.inFlight -= n
	if d.disk == nil || !d.state.conn.target() {
		return
	}
	if err := d.disk.writeAt(p.Data, p.Offset); err != nil {
		d.ioError()
		return
	}
	d.count.received += uint64(n) / 512
	d.count.written += uint64(n) / 512
	d.disk.bits.clearBytes(p.Offset, n, d.size*512)
	d.res.conn.link.send(packet{Kind: syncDone, Volume: d.volume, Offset: p.Offset, Length: n})
	if d.outOfSync() == 0 && d.state.conn == syncTarget {
		d.finishSync()
	}
}

// noteSynced notes that the target has blocks.
func (d *device) noteSynced(p packet) {
	if d.disk == nil || !d.state.conn.syncing() {
		return
	}
	d.disk.bits.clearBytes(p.Offset, p.Length, d.size*512)
	if d.outOfSync() == 0 && d.state.conn == syncSource {
		d.finishSync()
	}
}

// finishSync ends a resync: both sides have the same data and generations.
func (d *device) finishSync() {
	d.flush()
	u := &d.disk.uuids
	done := change{Conn: new(connected), Disk: new(schema.UpToDate), PDsk: new(schema.UpToDate)}
	if d.state.conn.target() {
		if d.peer != nil {
			during := u[uuidCurrent]
			copy(u[uuidBitmap:], d.peer.uuids[uuidBitmap:])
			u.startBitmap(during)
			u[uuidCurrent] = d.peer.uuids.at(uuidCurrent)
		}
		u.clearBitmap()
		d.setCurrent(u.at(uuidCurrent))
		d.finish(done, "after-resync-target")
		return
	}
	u.clearBitmap()
	if d.peer != nil {
		d.peer.uuids = *u
	}
	d.finish(done, "")
	d.save()
	d.res.conn.unfencePeer()
}

// finish makes a change that ends a resync or verify. The helper, if there is one
// to call, meets the new state, but others are told of it only afterwards.
func (d *device) finish(c change, helper string) {
	next, _ := d.check(c, true)
	d.res.commit(false, func() {
		old := d.state
		d.state = next
		d.noteState(old)
		if helper != "" {
			d.helper(helper)
		}
	})
}

// tellProgress sends an event from time to time, and keeps marks for the speed.
func (d *device) tellProgress() {
	now := time.Now()
	if now.Sub(d.sync.told) < progressTick {
		return
	}
	d.sync.told = now
	d.sync.marks = append(d.sync.marks, syncMark{now, d.left()})
	if len(d.sync.marks) > 8 {
		d.sync.marks = d.sync.marks[1:]
	}
	d.res.m.tellEvent(d, func(info *schema.Values) { info.SetUint("sib_reason", sibSyncProgress) })
}

// left returns how many blocks the running resync or verify has to go.
func (d *device) left() uint64 {
	if d.state.conn.verifying() {
		return d.sync.end - min(d.sync.cursor, d.sync.end)
	}
	return d.outOfSync()
}

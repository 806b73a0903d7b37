package fake

import (
	"hash/crc64"
	"math"
	"time"

	"drbdutils/schema"
)

func (m *Module) startVerify(r *request) schema.Code {
	const perBlock = blockSize / 512
	pd := r.peer
	pd.verifyTo = math.MaxUint64
	if start, ok := r.parms.Get("ov_start_sector"); ok { // else from where the last one stopped
		pd.verifyFrom = start.Num / perBlock
	}
	if stop, ok := r.parms.Get("ov_stop_sector"); ok {
		pd.verifyTo = stop.Num / perBlock
	}
	return r.peer.request(change{Conn: new(verifyS)})
}

var verifyTable = crc64.MakeTable(crc64.ECMA)

// beginVerify notes how much there is to verify. The peer learns from the first
// block where it begins.
func (pd *peerDevice) beginVerify() {
	from := uint64(0)
	if pd.state().conn == verifyS {
		from = min(pd.verifyFrom, pd.bits().bits)
	}
	pd.startRun(pd.bits().bits - from)
	pd.sync.start, pd.sync.cursor, pd.sync.end = from, from, pd.bits().bits
	if pd.state().conn == verifyS {
		pd.sync.end = min(pd.verifyTo, pd.bits().bits)
	}
}

// verify has the peer compare checksums, block by block.
func (pd *peerDevice) verify() {
	m := pd.res.m
	m.mu.Lock()
	defer m.mu.Unlock()
	run := pd.sync.started
	for pd.state().conn == verifyS && pd.sync.started.Equal(run) && m.ctx.Err() == nil {
		pd.askVerify()
		pd.tellProgress()
		m.mu.Unlock()
		time.Sleep(syncTick)
		m.mu.Lock()
	}
}

func (pd *peerDevice) askVerify() {
	rate := pd.rate()
	pd.sync.budget = min(pd.sync.budget+rate*int64(syncTick)/int64(time.Second), rate)
	for pd.sync.budget >= blockSize && pd.sync.inFlight == 0 && pd.sync.cursor < pd.sync.end {
		for range min(pd.sync.budget/blockSize, int64(pd.sync.end-pd.sync.cursor)) {
			sum, n := pd.checksum(pd.sync.cursor)
			pd.conn.link.send(packet{Kind: verifyAsk, Volume: pd.volume, Offset: int64(pd.sync.cursor) * blockSize, Length: n, Sum: sum})
			pd.sync.cursor++
			pd.sync.inFlight++
			pd.sync.budget -= blockSize
		}
	}
	if pd.sync.cursor >= pd.sync.end && pd.sync.inFlight == 0 {
		pd.finishVerify()
	}
}

// checksum returns the checksum and the length in bytes of a block.
func (pd *peerDevice) checksum(block uint64) (uint64, int64) {
	off := int64(block) * blockSize
	data := make([]byte, min(blockSize, int64(pd.size)*512-off))
	if err := pd.disk.readAt(data, off); err != nil {
		pd.ioError()
	}
	pd.count.read += uint64(len(data)) / 512
	return crc64.Checksum(data, verifyTable), int64(len(data))
}

// compareVerify compares a block with the peer's checksum.
func (pd *peerDevice) compareVerify(p packet) {
	if !pd.usable() || pd.state().conn != verifyT {
		return
	}
	block := uint64(p.Offset) / blockSize
	if pd.sync.cursor == 0 { // the first says where the verify begins
		pd.startRun(pd.bits().bits - block)
		pd.sync.start, pd.sync.end = block, pd.bits().bits
	}
	sum, _ := pd.checksum(block)
	pd.sync.cursor = block + 1
	pd.foundDifferent(block, sum == p.Sum)
	pd.conn.link.send(packet{Kind: verifyDone, Volume: pd.volume, Offset: p.Offset, Equal: sum == p.Sum})
}

func (pd *peerDevice) noteVerified(p packet) {
	pd.sync.inFlight--
	pd.foundDifferent(uint64(p.Offset)/blockSize, p.Equal)
}

func (pd *peerDevice) foundDifferent(block uint64, equal bool) {
	if !equal && pd.disk != nil {
		before := pd.outOfSync()
		pd.bits().mark(block, 1)
		pd.sync.differ++
		pd.sync.total += pd.outOfSync() - before
	}
}

func (pd *peerDevice) finishVerify() {
	pd.flush()
	source := pd.state().conn == verifyS
	if pd.verifyFrom = pd.sync.cursor; pd.disk == nil || pd.verifyFrom >= pd.bits().bits {
		pd.verifyFrom = 0
	}
	helper := ""
	if pd.sync.differ > 0 {
		helper = "out-of-sync"
	}
	knows := source || pd.sync.cursor >= pd.bits().bits
	if helper != "" && pd.res.m.gen == schema.V9 && knows { // there it is called before the end
		pd.helper(helper)
		helper = ""
	}
	pd.finish(change{Conn: new(connected)}, helper)
	if source {
		pd.report(reportState)
	}
}

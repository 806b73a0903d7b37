package fake

import (
	"hash/crc64"
	"time"
)

var verifyTable = crc64.MakeTable(crc64.ECMA)

// beginVerify notes how much there is to verify. The peer learns from the first
// block where it begins.
func (d *device) beginVerify() {
	from := uint64(0)
	if d.state.conn == verifyS {
		from = min(d.verifyFrom, d.disk.bits.bits)
	}
	d.startRun(d.disk.bits.bits - from)
	d.sync.cursor, d.sync.end = from, d.disk.bits.bits
	if d.state.conn == verifyS {
		d.sync.end = min(d.verifyTo, d.disk.bits.bits)
	}
}

// verify has the peer compare checksums, block by block.
func (d *device) verify() {
	m := d.res.m
	m.mu.Lock()
	defer m.mu.Unlock()
	run := d.sync.started
	for d.state.conn == verifyS && d.sync.started.Equal(run) && m.ctx.Err() == nil {
		d.askVerify()
		d.tellProgress()
		m.mu.Unlock()
		time.Sleep(syncTick)
		m.mu.Lock()
	}
}

func (d *device) askVerify() {
	rate := d.rate()
	d.sync.budget = min(d.sync.budget+rate*int64(syncTick)/int64(time.Second), rate)
	for d.sync.budget >= blockSize && d.sync.inFlight == 0 && d.sync.cursor < d.sync.end {
		for range min(d.sync.budget/blockSize, int64(d.sync.end-d.sync.cursor)) {
			sum, n := d.checksum(d.sync.cursor)
			d.res.conn.link.send(packet{Kind: verifyAsk, Volume: d.volume, Offset: int64(d.sync.cursor) * blockSize, Length: n, Sum: sum})
			d.sync.cursor++
			d.sync.inFlight++
			d.sync.budget -= blockSize
		}
	}
	if d.sync.cursor >= d.sync.end && d.sync.inFlight == 0 {
		d.finishVerify()
	}
}

// checksum returns the checksum and the length in bytes of a block.
func (d *device) checksum(block uint64) (uint64, int64) {
	off := int64(block) * blockSize
	data := make([]byte, min(blockSize, int64(d.size)*512-off))
	if err := d.disk.readAt(data, off); err != nil {
		d.ioError()
	}
	d.count.read += uint64(len(data)) / 512
	return crc64.Checksum(data, verifyTable), int64(len(data))
}

// compareVerify compares a block with the peer's checksum.
func (d *device) compareVerify(p packet) {
	if !d.usable() || d.state.conn != verifyT {
		return
	}
	block := uint64(p.Offset) / blockSize
	if d.sync.cursor == 0 { // the first says where the verify begins
		d.startRun(d.disk.bits.bits - block)
		d.sync.end = d.disk.bits.bits
	}
	sum, _ := d.checksum(block)
	d.sync.cursor = block + 1
	d.foundDifferent(block, sum == p.Sum)
	d.res.conn.link.send(packet{Kind: verifyDone, Volume: d.volume, Offset: p.Offset, Equal: sum == p.Sum})
}

func (d *device) noteVerified(p packet) {
	d.sync.inFlight--
	d.foundDifferent(uint64(p.Offset)/blockSize, p.Equal)
}

func (d *device) foundDifferent(block uint64, equal bool) {
	if !equal && d.disk != nil {
		d.disk.bits.mark(block, 1)
		d.sync.differ++
	}
}

func (d *device) finishVerify() {
	d.flush()
	source := d.state.conn == verifyS
	if d.verifyFrom = d.sync.cursor; d.disk == nil || d.verifyFrom >= d.disk.bits.bits {
		d.verifyFrom = 0
	}
	helper := ""
	if d.sync.differ > 0 {
		helper = "out-of-sync"
	}
	d.finish(change{Conn: new(connected)}, helper)
	if source {
		d.report(reportState)
	}
}

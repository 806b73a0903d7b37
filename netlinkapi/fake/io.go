package fake

import (
	"errors"
	"fmt"
	"slices"

	"drbdutils/schema"
)

// Errors of Read and Write, as an application would meet them.
var (
	ErrNoDevice   = errors.New("no such minor")
	ErrNotPrimary = errors.New("the node is not Primary")
	ErrSuspended  = errors.New("I/O is suspended")
	ErrIO         = errors.New("input/output error")
	ErrPastEnd    = errors.New("beyond the end of the device")
)

// use opens a device for one access, as a program does that reads or writes once.
func (m *Module) use(minor uint32, off, n int64) (*device, error) {
	d := m.minors[minor]
	if d == nil || m.gen == schema.V84 {
		return m.accessible(minor, off, n)
	}
	if err := d.openDevice("dd (pid 1000)"); err != nil {
		return nil, fmt.Errorf("minor %d: %w", minor, err)
	}
	if uint64(off+n) > d.size*512 {
		d.closeDevice()
		return nil, fmt.Errorf("minor %d: %d bytes at %d: %w", minor, n, off, ErrPastEnd)
	}
	return d, nil
}

// release ends what use began.
func (m *Module) release(d *device) {
	if m.gen == schema.V9 && m.ctx.Err() == nil {
		d.closeDevice()
	}
}

// mayGoOn reports whether I/O that was suspended goes on, or fails, because others
// went on without this node.
func (d *device) mayGoOn() bool {
	return d.res.m.gen == schema.V84 || !d.res.susp.any() || d.own.disk == schema.Outdated
}

// failsIO reports whether all I/O fails: the node was demoted by force, or has no quorum,
// which is to be noticed so.
func (d *device) failsIO() bool {
	return d.res.susp.failIO || !d.own.quorum && d.res.opts.Uint("on_no_quorum") != onNoQuorumSuspend
}

// beginGeneration begins the generation that waits for a write.
func (d *device) beginGeneration() {
	if d.newGeneration && d.res.m.gen == schema.V9 {
		d.newGeneration = false
		d.shareGeneration()
	}
}

// accessible returns the device that an application may use.
func (m *Module) accessible(minor uint32, off, n int64) (*device, error) {
	d := m.minors[minor]
	switch {
	case d == nil:
		return nil, fmt.Errorf("minor %d: %w", minor, ErrNoDevice)
	case d.own.role != schema.Primary:
		return nil, fmt.Errorf("minor %d: %w", minor, ErrNotPrimary)
	case d.res.susp.any():
		return nil, fmt.Errorf("minor %d: %w", minor, ErrSuspended)
	case off < 0 || n < 0 || uint64(off+n) > d.size*512:
		return nil, fmt.Errorf("minor %d: %d bytes at %d: %w", minor, n, off, ErrPastEnd)
	}
	return d, nil
}

// Write stores data as an application on this node would, on all disks. It
// returns when the peer has it, unless the protocol is A. Errors wrap one of the
// Err variables.
func (m *Module) Write(minor uint32, off int64, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := int64(len(data))
	d, err := m.use(minor, off, n)
	if err != nil {
		return err
	}
	defer m.release(d)
	if !m.wait(d.mayGoOn) || d.res.susp.any() && m.gen == schema.V9 || d.failsIO() {
		return fmt.Errorf("minor %d: write %d bytes at %d: %w", minor, n, off, ErrIO)
	}
	d.beginGeneration()
	peers, stored := slices.Clone(d.peers), map[*peerDevice]func() bool{}
	for _, pd := range peers {
		stored[pd] = pd.mirror(off, data)
	}
	done := d.usable() && d.writeLocal(off, data) == nil
	for _, pd := range peers {
		if stored[pd]() {
			done = true
		} else {
			pd.bits().markBytes(off, n)
		}
	}
	if !done {
		return fmt.Errorf("minor %d: write %d bytes at %d: %w", minor, n, off, ErrIO)
	}
	return nil
}

// writeLocal writes to the disk here, with the activity log kept.
func (d *device) writeLocal(off int64, data []byte) error {
	n := int64(len(data))
	if !d.alSuspended && d.disk.logged() {
		if err := d.disk.prepareWrite(off, n); err != nil {
			d.ioError()
			return err
		}
	}
	if err := d.disk.writeAt(data, off); err != nil {
		d.ioError()
		return err
	}
	d.count.written += uint64(n) / 512
	return nil
}

const protocolA = 1

// takesWrites reports whether the peer gets what is written.
func (pd *peerDevice) takesWrites() bool {
	return pd.conn.link != nil && pd.part.conn >= connected && pd.part.pdsk >= schema.Inconsistent
}

// deaf returns the nodes that do not get what is written, a bit for each.
func (d *device) deaf() (nodes uint64) {
	for _, pd := range d.peers {
		if !pd.takesWrites() {
			nodes |= 1 << pd.conn.node
		}
	}
	return nodes
}

// mirror sends a write to the peer. What it returns waits for the answer, and reports
// whether the peer has it.
func (pd *peerDevice) mirror(off int64, data []byte) (stored func() bool) {
	c := pd.conn
	l := c.link
	if !pd.takesWrites() {
		return func() bool { return false }
	}
	c.asked++
	id := c.asked
	l.send(packet{Kind: writeData, Volume: pd.volume, ID: id, Offset: off, Data: data, Lost: pd.device.deaf()})
	pd.sent += uint64(len(data)) / 512
	if c.net.Uint("wire_protocol") == protocolA {
		return func() bool { return true }
	}
	return func() bool {
		c.res.m.wait(func() bool { _, ok := c.answers[id]; return ok || c.link != l })
		code, ok := c.answers[id]
		delete(c.answers, id)
		if ok && code.OK() && pd.state().conn.syncing() && pd.disk != nil {
			pd.bits().clearBytes(off, int64(len(data)), pd.size*512)
		}
		return ok && code.OK()
	}
}

// takeWrite stores a write of the peer's application.
func (pd *peerDevice) takeWrite(p packet) {
	code := schema.StateDone
	n := int64(len(p.Data))
	pd.received += uint64(n) / 512
	if !pd.usable() {
		code = schema.StateIsDiskless
	} else if err := pd.storeForPeer(p.Offset, p.Data, p.Lost); err != nil {
		code = schema.StateNoLocalDisk
	}
	if l := pd.conn.link; l != nil {
		l.send(packet{Kind: writeDone, Volume: pd.volume, ID: p.ID, Code: code})
	}
}

// storeForPeer writes to the disk here. If it is the only one left, the peer
// misses what is written from now on.
func (pd *peerDevice) storeForPeer(off int64, data []byte, lost uint64) error {
	n := int64(len(data))
	if pd.state().pdsk < schema.Inconsistent {
		pd.bits().markBytes(off, n)
		return pd.writeLocal(off, data)
	}
	if err := pd.disk.writeAt(data, off); err != nil {
		pd.ioError()
		return err
	}
	pd.count.written += uint64(n) / 512
	for _, other := range pd.device.peers {
		if other != pd && (other.part.conn < connected || lost&(1<<other.conn.node) != 0) {
			other.bits().markBytes(off, n)
		}
	}
	if pd.state().conn.target() {
		pd.bits().clearBytes(off, n, pd.size*512)
	}
	return nil
}

func (pd *peerDevice) writeAcked(p packet) {
	pd.conn.answers[p.ID] = p.Code
	pd.res.m.changed.Broadcast()
}

// Read returns data as an application on this node would see it: from the disk
// here if that is in sync, else from the peer. Errors wrap one of the Err
// variables.
func (m *Module) Read(minor uint32, off, n int64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.use(minor, off, n)
	if err != nil {
		return nil, err
	}
	defer m.release(d)
	if d.failsIO() {
		return nil, fmt.Errorf("minor %d: read %d bytes at %d: %w", minor, n, off, ErrIO)
	}
	if d.readableHere(off, n) {
		data := make([]byte, n)
		if d.disk.readAt(data, off) == nil {
			d.count.read += uint64(n) / 512
			return data, nil
		}
		d.ioError()
	}
	for _, pd := range d.peers {
		if data, ok := pd.fetch(off, n); ok {
			return data, nil
		}
	}
	return nil, fmt.Errorf("minor %d: read %d bytes at %d: %w", minor, n, off, ErrIO)
}

// readableHere reports whether the disk here has the current data of a range.
func (d *device) readableHere(off, n int64) bool {
	if !d.usable() {
		return false
	}
	if d.own.disk == schema.UpToDate {
		return true
	}
	for _, b := range d.disk.bits {
		if next, dirty := b.next(uint64(off) / blockSize); dirty && int64(next)*blockSize < off+n {
			return false
		}
	}
	return true
}

// fetch reads from the peer.
func (pd *peerDevice) fetch(off, n int64) ([]byte, bool) {
	c := pd.conn
	l := c.link
	if l == nil || pd.state().conn < connected || pd.state().pdsk != schema.UpToDate {
		return nil, false
	}
	c.asked++
	id := c.asked
	l.send(packet{Kind: readAsk, Volume: pd.volume, ID: id, Offset: off, Length: n})
	c.res.m.wait(func() bool { _, ok := c.answers[id]; return ok || c.link != l })
	code, ok := c.answers[id]
	data := c.fetched[id]
	delete(c.answers, id)
	delete(c.fetched, id)
	pd.received += uint64(n) / 512
	return data, ok && code.OK()
}

func (pd *peerDevice) serveRead(p packet) {
	reply := packet{Kind: readData, Volume: pd.volume, ID: p.ID, Code: schema.StateDone, Data: make([]byte, p.Length)}
	if !pd.usable() || pd.disk.readAt(reply.Data, p.Offset) != nil {
		reply.Data, reply.Code = nil, schema.StateIsDiskless
	}
	pd.sent += uint64(len(reply.Data)) / 512
	pd.conn.link.send(reply)
}

func (pd *peerDevice) readAnswered(p packet) {
	pd.conn.fetched[p.ID] = p.Data
	pd.writeAcked(p)
}

package fake

import (
	"context"
	"encoding/gob"
	"net"
	"sync"

	"drbdutils/schema"
)

// Network joins fake nodes. Names stand for one end of a connection.
type Network interface {
	Listen(name string) (net.Listener, error)
	Dial(name string) (net.Conn, error)
}

// link is an established way to the peer. Packets are sent in order by a
// goroutine of its own, so that sending never waits for the peer.
type link struct {
	conn     net.Conn
	enc      *gob.Encoder
	dec      *gob.Decoder
	path     *path
	resolves bool // this end decides where both are alike

	mu     sync.Mutex
	queue  []packet
	wake   chan struct{}
	closed bool
}

func newLink(c net.Conn, resolves bool, p *path) *link {
	return &link{
		path: p,
		conn: c, enc: gob.NewEncoder(c), dec: gob.NewDecoder(c),
		resolves: resolves, wake: make(chan struct{}, 1),
	}
}

func (l *link) send(p packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, p)
	l.signal()
}

func (l *link) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// write sends what is queued until the link is closed. What was queued before
// is still sent.
func (l *link) write() {
	for range l.wake {
		l.mu.Lock()
		queue, closed := l.queue, l.closed
		l.queue = nil
		l.mu.Unlock()
		for _, p := range queue {
			if l.enc.Encode(p) != nil {
				break
			}
		}
		if closed {
			l.conn.Close()
			return
		}
	}
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.signal()
}

// start begins the worker that brings the link up and keeps it so.
func (c *connection) start() {
	ctx, stop := context.WithCancel(c.res.m.ctx)
	c.stop, c.running = stop, true
	c.answers, c.fetched = map[uint32]schema.Code{}, map[uint32][]byte{}
	c.res.m.work.Go(func() { c.work(ctx) })
}

// work is the life of a configured connection: connect, listen to the peer, and
// again, until it is told to stop.
func (c *connection) work(ctx context.Context) {
	m := c.res.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for ctx.Err() == nil && c.state != disconnecting {
		c.set(change{Conn: new(wfConnection)}, true)
		m.mu.Unlock()
		l := c.establish(ctx)
		m.mu.Lock()
		if l == nil {
			break
		}
		if c.state == wfConnection {
			c.run(ctx, l)
		} else {
			l.conn.Close()
		}
		if m.ctx.Err() != nil || c.state == disconnecting {
			break
		}
		c.set(change{Conn: new(unconnected)}, true)
		c.left = false
		c.res.keepUpToDate()
	}
	if m.ctx.Err() == nil {
		if m.gen == schema.V9 && !c.left {
			c.leave()
		}
		c.set(change{Conn: new(standAlone)}, true)
		if m.gen == schema.V84 {
			c.deconfigure()
		}
	}
	c.running = false
	m.changed.Broadcast()
}

// run serves an established link until it ends.
func (c *connection) run(ctx context.Context, l *link) {
	m := c.res.m
	c.link, c.met, c.left = l, false, false
	m.work.Go(l.write)
	if m.gen == schema.V9 {
		c.use(l.path)
		c.introduce(l)
	} else {
		c.set(change{Conn: new(wfReportParams)}, true)
		for _, pd := range c.peers() {
			pd.resumeLog()
			l.send(pd.reportPacket(reportAll))
		}
	}
	for {
		var p packet
		m.mu.Unlock()
		err := l.dec.Decode(&p)
		m.mu.Lock()
		if err != nil || c.link != l {
			break
		}
		c.handle(p)
	}
	l.close()
	if m.ctx.Err() == nil { // a power cut changes nothing any more
		c.lost(networkFailure)
		c.linkGone(ctx)
	}
	c.link = nil
	c.answers, c.fetched = map[uint32]schema.Code{}, map[uint32][]byte{}
	m.changed.Broadcast()
}

// linkGone does what follows when the link is gone.
func (c *connection) linkGone(ctx context.Context) {
	if c.res.m.gen == schema.V9 {
		c.leave()
	} else {
		c.tellAgain()
	}
	c.fenceLost(ctx)
}

// handle deals with a packet from the peer.
func (c *connection) handle(p packet) {
	switch p.Kind {
	case answerState:
		c.answers[p.ID] = p.Code
		c.res.m.changed.Broadcast()
		return
	case askState:
		c.answer(p)
		return
	case commitState:
		c.carry(p)
		return
	case ready:
		c.meet(p)
		return
	case netOptions:
		_ = decodeInto(c.net, p.Options) // made by appendFields
		return
	}
	if c.res.m.gen == schema.V9 && p.Kind == report && c.state < wfReportParams {
		c.note(p)
		return
	}
	if d := c.res.volume(p.Volume); d != nil && c.state >= wfReportParams { // not what was under way when we hung up
		d.with(c).handle(p)
	}
}

// handle deals with a packet about this volume.
func (pd *peerDevice) handle(p packet) {
	switch p.Kind {
	case report:
		pd.reported(p)
	case sendBitmap:
		pd.bitmapReceived(p)
	case syncUUID:
		pd.syncUUIDReceived(p)
	case syncAsk:
		pd.serveSync(p)
	case syncData:
		pd.takeSync(p)
	case syncDone:
		pd.noteSynced(p)
	case writeData:
		pd.takeWrite(p)
	case writeDone:
		pd.writeAcked(p)
	case readAsk:
		pd.serveRead(p)
	case readData:
		pd.readAnswered(p)
	case resized:
		pd.peerResized(p)
	case verifyAsk:
		pd.compareVerify(p)
	case newUUID:
		pd.takeGeneration(p)
	case verifyDone:
		pd.noteVerified(p)
	}
}

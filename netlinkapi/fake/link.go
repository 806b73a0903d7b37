package fake

import (
	"context"
	"encoding/gob"
	"net"
	"sync"
	"time"

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
	latency  time.Duration

	mu     sync.Mutex
	queue  []packet
	wake   chan struct{}
	closed bool
	cut    bool // nothing crosses any more

	more        *sync.Cond // what follows changed; it is under the module's lock
	inbox       []packet   // received and not dealt with
	answers     int        // to questions about state, not yet acted upon
	ended, done bool       // nothing more comes; all is dealt with
}

func newLink(c net.Conn, resolves bool, p *path) *link {
	return &link{
		path: p, more: sync.NewCond(&p.conn.res.m.mu),
		conn: c, enc: gob.NewEncoder(c), dec: gob.NewDecoder(c),
		resolves: resolves, wake: make(chan struct{}, 1), latency: p.conn.latency,
	}
}

func (l *link) send(p packet) {
	if l == nil { // the module is being unloaded
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return
	}
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
		time.Sleep(l.latency)
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

// die cuts the link, and closes it when the ends are to find that out.
func (l *link) die(after time.Duration) {
	l.mu.Lock()
	l.cut = true
	l.mu.Unlock()
	if after == 0 {
		l.close()
		return
	}
	time.AfterFunc(after, l.close)
}

// hungUp reports whether this end closed it.
func (l *link) hungUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// dead reports whether it was cut.
func (l *link) dead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// start begins the worker that brings the link up and keeps it so.
func (c *connection) start() {
	ctx, stop := context.WithCancel(c.res.m.ctx)
	c.stop, c.running, c.met, c.again = stop, true, false, false
	c.forgetAnswers()
	c.res.m.work.Go(func() { c.work(ctx) })
}

// forgetAnswers forgets what the peer answered.
func (c *connection) forgetAnswers() {
	c.answers, c.fetched, c.tallies = map[uint32]schema.Code{}, map[uint32][]byte{}, map[uint32]tally{}
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
	c.again = c.again || c.met
	c.link, c.met, c.left, c.meeting = l, false, false, meeting{}
	m.work.Go(l.write)
	if m.gen == schema.V9 {
		c.use(l.path)
		c.introduce(l)
	} else {
		c.set(change{Conn: new(wfReportParams)}, true)
		for _, pd := range c.peers() {
			pd.resumeLog()
			pd.tellRates()
			l.send(pd.reportPacket(reportAll))
		}
	}
	c.receive(l)
	c.sayEnd(l)
	l.close()
	if m.ctx.Err() == nil { // a power cut changes nothing any more
		c.lost(networkFailure)
		c.linkGone(ctx)
	}
	c.link = nil
	c.forsaken()
	c.forgetAnswers()
	m.changed.Broadcast()
}

// receive reads what the peer says until the link ends. Questions and answers about
// changes of state do not wait for what is being dealt with: DRBD has a socket of its
// own for them.
func (c *connection) receive(l *link) {
	m := c.res.m
	m.work.Go(func() { c.deliver(l) })
	for {
		var p packet
		m.mu.Unlock()
		err := l.dec.Decode(&p)
		m.mu.Lock()
		if err != nil {
			break
		}
		if deal := urgent[p.Kind]; deal != nil && !l.dead() {
			deal(c, p)
		} else {
			l.inbox = append(l.inbox, p)
			l.more.Broadcast()
		}
	}
	l.ended = true
	l.more.Broadcast()
	for !l.done {
		l.more.Wait()
	}
}

// deliver deals with what was received, one after the other.
func (c *connection) deliver(l *link) {
	m := c.res.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for l.received() && m.ctx.Err() == nil {
		p := l.inbox[0]
		l.inbox = l.inbox[1:]
		if !l.dead() {
			c.handle(p)
		}
	}
	l.done = true
	l.more.Broadcast()
}

// received waits until there is something to deal with, and reports whether there will be.
// What follows the answer to a question is dealt with after the one who asked.
func (l *link) received() bool {
	for (len(l.inbox) == 0 || l.answers > 0) && !l.ended {
		l.more.Wait()
	}
	return len(l.inbox) > 0
}

// urgent are the packets that do not wait.
var urgent = map[kind]func(c *connection, p packet){
	answerState: func(c *connection, p packet) {
		c.answers[p.ID] = p.Code
		c.link.answers++
		c.res.m.changed.Broadcast()
	},
	answerBallot: func(c *connection, p packet) {
		c.tallies[p.ID] = p.Tally
		c.res.m.changed.Broadcast()
	},
	prepareState: (*connection).prepare,
	commitState:  (*connection).endBallot,
	dropState:    (*connection).endBallot,
}

// linkGone does what follows when the link is gone.
func (c *connection) linkGone(ctx context.Context) {
	if c.res.m.gen == schema.V9 {
		c.fenceLost(ctx) // beside the helper that is called now
		c.leave()
		return
	}
	c.tellAgain()
	c.fenceLost(ctx)
}

// handle deals with a packet from the peer.
func (c *connection) handle(p packet) {
	switch p.Kind {
	case askState:
		c.answer(p)
		return
	case ready:
		c.meet(p)
		return
	case agreed:
		c.meeting.there = true
		c.propose()
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
	case syncRates:
		pd.takeRates(p)
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
	case sizeAsk:
		pd.saySize()
	case sizeTold:
		pd.noteSize(p)
	case verifyAsk:
		pd.compareVerify(p)
	case peerSynced:
		pd.otherSynced(p)
	case newUUID:
		pd.takeGeneration(p)
	case verifyDone:
		pd.noteVerified(p)
	}
}

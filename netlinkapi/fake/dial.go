package fake

import (
	"cmp"
	"context"
	"net"
	"sync"
	"time"

	"drbdutils/schema"
)

// How the two ends of a connection find each other and see whether they fit.

// redial is the pause between two attempts to reach the peer.
const redial = 50 * time.Millisecond

// crowd is how many connections may try that often. Where more look for their peers, they
// take longer pauses, so that the rest of the node gets on.
const crowd = 100

// redialTime is the pause with that many.
func (m *Module) redialTime() time.Duration {
	return redial * time.Duration(max(1, m.seeking.Load()/crowd))
}

// firstDial is how long a real connection needs at least until both ends have met:
// what follows a connect at once on the other node comes first.
const firstDial = 10 * time.Millisecond

// minLatency is how many microseconds a packet of DRBD 9 needs at least, so that with
// several nodes what goes straight comes before what goes through another one.
const minLatency = 50

// pathTime is how much later the next path is tried: the first that works is taken, though
// others may have come back with it.
const pathTime = redial + 5*time.Millisecond

// establish returns a link on which both ends have said hello, or nil when the
// connection is to end. One end listens and the other dials, by address; all paths
// are tried at once.
func (c *connection) establish(ctx context.Context) *link {
	c.res.m.seeking.Add(1)
	defer c.res.m.seeking.Add(-1)
	for ctx.Err() == nil {
		if found := c.tryPaths(ctx); found != nil {
			return found
		}
	}
	return nil
}

// A round is an attempt on all paths.
type round struct {
	try func(p *path) // takes another path in
	end func()        // ends it: a path is gone
}

// tryPaths returns the first link that comes up.
func (c *connection) tryPaths(ctx context.Context) *link {
	ctx, cancel := context.WithCancel(ctx)
	links := make(chan *link)
	var work sync.WaitGroup
	c.begin(&round{end: cancel, try: func(p *path) {
		work.Go(func() {
			if l := c.try(ctx, p); l != nil {
				select {
				case links <- l:
				case <-ctx.Done():
					l.conn.Close()
				}
			}
		})
	}})
	var first *link
	select {
	case first = <-links:
	case <-ctx.Done():
	}
	c.begin(nil)
	cancel()
	work.Wait()
	return first
}

// begin begins a round with the paths that are there.
func (c *connection) begin(r *round) {
	c.res.m.mu.Lock()
	defer c.res.m.mu.Unlock()
	c.round = r
	for _, p := range c.routes() {
		c.tryToo(p)
	}
}

// tryToo takes a path into the round, if there is one.
func (c *connection) tryToo(p *path) {
	if c.round != nil {
		c.round.try(p)
	}
}

// tryAgain begins another round: a path is gone.
func (c *connection) tryAgain() {
	if c.round != nil {
		c.round.end()
	}
}

// try brings up a link on one path.
func (c *connection) try(ctx context.Context, p *path) *link {
	if p.my < p.peer {
		return c.dial(ctx, p)
	}
	return c.listen(ctx, p)
}

func (c *connection) dial(ctx context.Context, p *path) *link {
	net := c.res.m.cfg.Network
	sleep(ctx, firstDial)
	sleep(ctx, redial+c.turn-time.Duration(time.Now().UnixNano())%redial)
	for ctx.Err() == nil {
		if net != nil && !c.isCut(p) {
			sleep(ctx, p.turn)
			if conn, err := net.Dial(linkName(p.peer, p.my)); err == nil {
				if l, err := c.greet(ctx, newLink(conn, false, p)); err == nil {
					return l
				}
			}
		}
		sleep(ctx, c.res.m.redialTime())
	}
	return nil
}

// sleep lets time pass until the context ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (c *connection) listen(ctx context.Context, p *path) *link {
	for ctx.Err() == nil && c.res.m.cfg.Network != nil {
		listener, err := c.res.m.cfg.Network.Listen(linkName(p.my, p.peer))
		if err == nil {
			if l := c.accept(ctx, listener, p); l != nil {
				return l
			}
		}
		sleep(ctx, redial)
	}
	<-ctx.Done()
	return nil
}

// accept waits for the peer to dial.
func (c *connection) accept(ctx context.Context, listener net.Listener, p *path) *link {
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	defer listener.Close()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return nil
		}
		if c.isCut(p) {
			conn.Close()
			continue
		}
		if l, err := c.greet(ctx, newLink(conn, true, p)); err == nil {
			return l
		}
	}
}

// look lets pass what both ends wait before they rely on a new link, to see whether it
// lasts.
func (c *connection) look(ctx context.Context) {
	m := c.res.m
	if !m.cfg.Unhurried {
		return
	}
	m.mu.Lock()
	tenths := cmp.Or(c.net.Uint("sock_check_timeo"), c.net.Uint("ping_timeo"))
	m.mu.Unlock()
	sleep(ctx, time.Duration(tenths)*time.Second/10)
}

func (c *connection) isCut(p *path) bool {
	m := c.res.m
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cut[addressText(p.peer)]
}

// pause lets the time between two attempts to connect pass.
func (c *connection) pause(ctx context.Context) {
	pause := time.Duration(c.net.Uint("connect_int")) * time.Second
	if c.res.m.gen == schema.V9 {
		pause = time.Duration(c.net.Uint("timeout")) * time.Second / 10
	}
	c.res.m.pause(ctx, pause)
}

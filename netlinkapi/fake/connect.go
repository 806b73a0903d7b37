package fake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"drbdutils/schema"
)

// How the two ends of a connection find each other and see whether they fit.

// redial is the pause between two attempts to reach the peer.
const redial = 50 * time.Millisecond

// firstDial is how long a real connection needs at least until both ends have met:
// what follows a connect at once on the other node comes first.
const firstDial = 10 * time.Millisecond

// minLatency is how many microseconds a packet of DRBD 9 needs at least, so that with
// several nodes what goes straight comes before what goes through another one.
const minLatency = 50

// pathTime is how much later the next path is tried, so that both ends take the same.
const pathTime = 5 * time.Millisecond

// greetTime is how long the other end may take for its first packet.
const greetTime = 2 * time.Second

// establish returns a link on which both ends have said hello, or nil when the
// connection is to end. One end listens and the other dials, by address; all paths
// are tried at once.
func (c *connection) establish(ctx context.Context) *link {
	for ctx.Err() == nil {
		round, cancel := context.WithCancel(ctx)
		found := c.tryPaths(round, cancel)
		cancel()
		if found != nil {
			return found
		}
	}
	return nil
}

// tryPaths returns the first link that comes up. The round ends early when the
// paths change.
func (c *connection) tryPaths(ctx context.Context, cancel func()) *link {
	m := c.res.m
	m.mu.Lock()
	routes := c.routes()
	c.nextRound = cancel
	m.mu.Unlock()
	links := make(chan *link)
	var work sync.WaitGroup
	for _, p := range routes {
		work.Go(func() {
			l := c.try(ctx, p)
			if l == nil {
				return
			}
			select {
			case links <- l:
			case <-ctx.Done():
				l.conn.Close()
			}
		})
	}
	var first *link
	select {
	case first = <-links:
	case <-ctx.Done():
	}
	cancel()
	work.Wait()
	return first
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
	sleep(ctx, redial+c.turn+p.turn-time.Duration(time.Now().UnixNano())%redial)
	for ctx.Err() == nil {
		if net != nil && !c.isCut(p) {
			if conn, err := net.Dial(linkName(p.peer, p.my)); err == nil {
				if l, err := c.greet(ctx, newLink(conn, false, p)); err == nil {
					return l
				}
			}
		}
		sleep(ctx, redial)
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

func (c *connection) isCut(p *path) bool {
	m := c.res.m
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cut[addressText(p.peer)]
}

// Reasons why two ends do not get together.
var (
	errMismatch  = errors.New("settings do not fit the peer's")
	errForeign   = errors.New("the peer has another secret")
	errSecret    = errors.New("the peer wants a secret")
	errAlgorithm = errors.New("the peer proves its secret in another way")
)

// greet exchanges the first packets. A peer that does not fit ends the connection,
// or makes it try again.
func (c *connection) greet(ctx context.Context, l *link) (*link, error) {
	defer context.AfterFunc(ctx, func() { l.conn.Close() })()
	mine := packet{Kind: hello, Options: c.mustFit(), Secret: c.secret()}
	_ = l.conn.SetDeadline(time.Now().Add(greetTime))
	sent := make(chan error, 1)
	go func() { sent <- l.enc.Encode(mine) }()
	var theirs packet
	err := errors.Join(l.dec.Decode(&theirs), <-sent)
	if err == nil {
		err = mine.fits(theirs)
	}
	if err != nil {
		l.conn.Close()
		c.meetFailed(ctx, l, err)
		return nil, err
	}
	return l, l.conn.SetDeadline(time.Time{})
}

// meetFailed goes through the states that a peer which does not fit leads to.
func (c *connection) meetFailed(ctx context.Context, l *link, err error) {
	c.res.m.mu.Lock()
	defer c.res.m.mu.Unlock()
	states := map[error][]conn{
		errMismatch:  {wfReportParams, disconnecting},
		errForeign:   {disconnecting},
		errSecret:    {wfReportParams, protocolError, unconnected, wfConnection},
		errAlgorithm: {networkFailure, unconnected, wfConnection},
	}[err]
	if c.res.m.gen == schema.V9 && len(states) > 0 {
		c.use(l.path)
		states = slices.DeleteFunc(states, func(s conn) bool { return s == wfReportParams })
	}
	for _, s := range states {
		c.set(change{Conn: &s}, true)
		if c.res.m.gen == schema.V9 && s.lost() {
			c.leave()
			c.left = false
		}
	}
	if c.state == disconnecting {
		c.stop()
	} else if len(states) > 0 {
		c.pause(ctx)
	}
}

// pause lets the time between two attempts to connect pass.
func (c *connection) pause(ctx context.Context) {
	pause := time.Duration(c.net.Uint("connect_int")) * time.Second
	if c.res.m.gen == schema.V9 {
		pause = time.Duration(c.net.Uint("timeout")) * time.Second / 10
	}
	c.res.m.pause(ctx, pause)
}

// fits says why a peer's first packet does not go with ours. Where only the peer
// wants a secret, it is the one that gives up; here the next attempt follows.
func (p packet) fits(theirs packet) error {
	switch {
	case len(p.Secret) == 0 && len(theirs.Secret) > 0:
		return errSecret
	case len(p.Secret) != len(theirs.Secret) && len(theirs.Secret) > 0:
		return errAlgorithm
	case !bytes.Equal(p.Secret, theirs.Secret):
		return errForeign
	case !bytes.Equal(p.Options, theirs.Options):
		return errMismatch
	}
	return nil
}

// secret returns a proof of the shared secret, nil if none is asked for. Algorithms
// differ in its length.
func (c *connection) secret() []byte {
	c.res.m.mu.Lock()
	defer c.res.m.mu.Unlock()
	if c.net.Str("cram_hmac_alg") == "" {
		return nil
	}
	algorithm := c.net.Str("cram_hmac_alg")
	sum := sha256.Sum256([]byte(algorithm + "\x00" + c.net.Str("shared_secret")))
	return append(sum[:], algorithm...)
}

// mustFit returns the options that both ends must have alike.
func (c *connection) mustFit() []byte {
	c.res.m.mu.Lock()
	defer c.res.m.mu.Unlock()
	return appendFields(nil, c.fitting())
}

// fitting returns these options.
func (c *connection) fitting() *schema.Values {
	v := c.net.Clone()
	for f := range c.net.All() {
		switch f.Key {
		case "wire_protocol", "two_primaries", "after_sb_0p", "after_sb_1p", "after_sb_2p", "integrity_alg", "verify_alg":
		default:
			v.Unset(f.Key)
		}
	}
	return v
}

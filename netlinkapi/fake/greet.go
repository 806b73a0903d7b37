package fake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"drbdutils/schema"
)

// greetTime is how long the other end may take for its first packet.
const greetTime = 2 * time.Second

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

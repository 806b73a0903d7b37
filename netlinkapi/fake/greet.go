package fake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"drbdutils/schema"
)

// greetTime is how long the other end may take for its first packet.
const greetTime = 2 * time.Second

var errMismatch = errors.New("the ends do not fit")

// greet exchanges the first packets. A peer that does not fit ends the connection,
// or makes it try again.
func (c *connection) greet(ctx context.Context, l *link) (*link, error) {
	c.look(ctx)
	mine := c.hello()
	theirs, err := l.exchange(ctx, mine)
	if err != nil {
		l.conn.Close()
		return nil, err
	}
	if r := mismatch(mine, theirs); r != nil {
		l.conn.Close()
		c.refuse(ctx, l, r, mine, theirs)
		return nil, errMismatch
	}
	return l, nil
}

// exchange sends a packet and returns the one that comes, within greetTime.
func (l *link) exchange(ctx context.Context, mine packet) (theirs packet, err error) {
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.conn.Close() })()
	sent := make(chan error, 1)
	go func() { sent <- l.enc.Encode(mine) }()
	err = errors.Join(l.dec.Decode(&theirs), <-sent)
	return theirs, err
}

// protocols are the versions of the network protocol that the modules speak.
var protocols = map[schema.Generation][2]int{schema.V84: {86, 101}, schema.V9: {118, 124}}

// hello returns the first packet.
func (c *connection) hello() packet {
	m := c.res.m
	m.mu.Lock()
	defer m.mu.Unlock()
	p := packet{Kind: hello, Protocols: protocols[m.gen], Options: appendFields(nil, c.fitting()), Secret: c.secret()}
	if m.gen == schema.V9 {
		p.Self, p.Peer = c.res.self(), c.node
	}
	return p
}

// secret returns a proof of the shared secret, nil if none is asked for. Algorithms
// differ in its length.
func (c *connection) secret() []byte {
	algorithm := c.net.Str("cram_hmac_alg")
	if algorithm == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(algorithm + "\x00" + c.net.Str("shared_secret")))
	return append(sum[:], algorithm...)
}

// mustMatch are the options that both ends must have alike, in the order in which the
// module looks, and what it says where they differ.
var mustMatch = []struct{ key, complaint string }{
	{"wire_protocol", "incompatible protocol settings"},
	{"after_sb_0p", "incompatible after-sb-0pri settings"},
	{"after_sb_1p", "incompatible after-sb-1pri settings"},
	{"after_sb_2p", "incompatible after-sb-2pri settings"},
	{"two_primaries", "incompatible allow-two-primaries settings"},
	{"integrity_alg", "incompatible data-integrity-alg settings"},
	{"csums_alg", "Different csums-alg settings."},
	{"verify_alg", "Different verify-alg settings."},
}

// fitting returns these options.
func (c *connection) fitting() *schema.Values {
	v := c.res.m.set(schema.NetConf)
	for _, o := range mustMatch {
		if value, ok := c.net.Get(o.key); ok {
			v.Put(v.Set.Field(o.key), value)
		}
	}
	return v
}

// A refusal is why a peer is not taken, and what follows.
type refusal struct {
	bad    func(mine, theirs packet) bool
	says   func(gen schema.Generation, mine, theirs packet) []string
	late   bool   // DRBD 8.4 finds it out when the connection is there
	states []conn // that the connection goes through
}

// refusals are the reasons, in the order in which the module finds them.
var refusals = []refusal{
	{
		bad: func(mine, theirs packet) bool {
			return mine.Protocols[1] < theirs.Protocols[0] || theirs.Protocols[1] < mine.Protocols[0]
		},
		says: func(_ schema.Generation, mine, theirs packet) []string {
			return []string{fmt.Sprintf("incompatible DRBD dialects: I support %d-%d, peer supports %d-%d",
				mine.Protocols[0], mine.Protocols[1], theirs.Protocols[0], theirs.Protocols[1])}
		},
		states: []conn{disconnecting},
	}, {
		bad: func(mine, theirs packet) bool { return theirs.Self != mine.Peer },
		says: func(_ schema.Generation, mine, theirs packet) []string {
			return []string{fmt.Sprintf("Peer presented a node_id of %d instead of %d", theirs.Self, mine.Peer)}
		},
		states: []conn{disconnecting},
	}, {
		bad: func(mine, theirs packet) bool { return theirs.Peer != mine.Self },
		says: func(_ schema.Generation, mine, theirs packet) []string {
			return []string{fmt.Sprintf("Peer expects me to have a node_id of %d instead of %d", theirs.Peer, mine.Self)}
		},
		states: []conn{disconnecting},
	}, { // only the peer wants a secret: it is the one that gives up, here the next attempt follows
		bad:    func(mine, theirs packet) bool { return len(mine.Secret) == 0 && len(theirs.Secret) > 0 },
		says:   words("Unexpected data packet AuthChallenge (0x0010)"),
		late:   true,
		states: []conn{protocolError, unconnected, wfConnection},
	}, {
		bad:    func(mine, theirs packet) bool { return len(mine.Secret) > 0 && len(theirs.Secret) == 0 },
		says:   words("expected AuthChallenge packet, received: ReportProtocol (0x000b)", "Authentication of peer failed"),
		states: []conn{disconnecting},
	}, { // they prove it in other ways
		bad:    func(mine, theirs packet) bool { return len(mine.Secret) != len(theirs.Secret) },
		says:   words("expected AuthResponse payload of wrong size", "Authentication of peer failed, trying again."),
		states: []conn{networkFailure, unconnected, wfConnection},
	}, {
		bad:    func(mine, theirs packet) bool { return !bytes.Equal(mine.Secret, theirs.Secret) },
		says:   words("Authentication of peer failed"),
		states: []conn{disconnecting},
	}, {
		bad:    func(mine, theirs packet) bool { return !bytes.Equal(mine.Options, theirs.Options) },
		says:   differing,
		late:   true,
		states: []conn{disconnecting},
	},
}

func words(lines ...string) func(schema.Generation, packet, packet) []string {
	return func(schema.Generation, packet, packet) []string { return lines }
}

// differing names the first option that the ends have otherwise.
func differing(gen schema.Generation, mine, theirs packet) []string {
	here, there := schema.NetConf.In(gen).New(), schema.NetConf.In(gen).New()
	_ = errors.Join(decodeInto(here, mine.Options), decodeInto(there, theirs.Options)) // made by appendFields
	for _, o := range mustMatch {
		a, _ := here.Get(o.key)
		if b, _ := there.Get(o.key); a != b {
			return []string{o.complaint}
		}
	}
	return nil
}

// mismatch returns why a peer's first packet does not go with ours, nil if it does.
func mismatch(mine, theirs packet) *refusal {
	for i := range refusals {
		if refusals[i].bad(mine, theirs) {
			return &refusals[i]
		}
	}
	return nil
}

// refuse goes through what follows.
func (c *connection) refuse(ctx context.Context, l *link, r *refusal, mine, theirs packet) {
	m := c.res.m
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.gen == schema.V9:
		c.use(l.path)
	case r.late:
		c.set(change{Conn: new(wfReportParams)}, true)
	}
	for _, line := range r.says(m.gen, mine, theirs) {
		c.say("%s", line)
	}
	for _, s := range r.states {
		c.set(change{Conn: &s}, true)
		if m.gen == schema.V9 && s.lost() {
			c.leave()
			c.left = false
		}
	}
	if c.state == disconnecting {
		c.stop()
	} else {
		c.pause(ctx)
	}
}

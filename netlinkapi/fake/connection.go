package fake

import (
	"context"
	"time"

	"drbdutils/schema"
)

// connection is a resource's way to a peer. In DRBD 8.4 it exists as long as the
// resource, but is configured only between connect and the return to StandAlone.
type connection struct {
	res *resource
	connPart
	node    int            // DRBD 9: node id of the peer
	turn    time.Duration  // DRBD 9: when in a round of attempts to connect it is this node's turn
	latency time.Duration  // DRBD 9: what is sent arrives that much later
	net     *schema.Values // net_conf; nil: not configured

	my, peerAddr string // DRBD 8.4: sockaddr bytes
	paths        []*path

	link    *link
	stop    context.CancelFunc // ends the worker that keeps the link up
	running bool               // the worker is there
	left    bool               // DRBD 9: what follows the end of a link was done
	met     bool               // the peers got as far as Connected on this link
	again   bool               // DRBD 9: and on one before, since the command to connect
	before  snapshot           // how things were when the link was last up
	discard bool               // DRBD 9: connect --discard-my-data
	dry     bool               // DRBD 9: connect --tentative

	meeting meeting // DRBD 9
	round   *round  // in which the peer is looked for

	asked   uint32 // number of the last state change that the peer was asked for
	answers map[uint32]schema.Code
	fetched map[uint32][]byte // data that answers came with
	tallies map[uint32]tally  // of ballots
}

// connPart is the state of a connection.
type connPart struct {
	state conn        // at most wfReportParams; devices know what is above
	peer  schema.Role // DRBD 9: of the peer; 8.4 knows one for each volume
}

// peers returns the volumes as the peer has them.
func (c *connection) peers() []*peerDevice {
	var list []*peerDevice
	for _, d := range c.res.devices {
		if pd := d.with(c); pd != nil {
			list = append(list, pd)
		}
	}
	return list
}

// role is the highest role that the peer has for any volume.
func (c *connection) role() schema.Role { return c.res.snapshot().peerRole(c) }

// options returns the net options for a dump.
func (c *connection) options(secrets bool) *schema.Values {
	v := c.net
	if !secrets {
		v = v.Clone()
		v.Unset("shared_secret")
	}
	return v
}

// announce tells of the connection and the volumes that the peer has.
func (c *connection) announce() {
	list := []notice{c.about(schema.Create)}
	for _, pd := range c.peers() {
		list = append(list, pd.about(schema.Create))
	}
	c.res.m.tell(list...)
}

// edit returns what makes a change to the connection and all its volumes.
func (c *connection) edit(ch change) func() {
	return func() {
		for _, pd := range c.peers() {
			pd.put(ch.apply(pd.state()))
		}
		if ch.Conn != nil {
			c.state = min(*ch.Conn, wfReportParams)
		}
	}
}

// set changes the state of the connection and of all its devices, here only.
func (c *connection) set(ch change, hard bool) schema.Code {
	return c.res.attempt(c, hard, c.edit(ch))
}

// up reports whether any volume is connected or more.
func (c *connection) up() bool { return c.res.snapshot().up(c) }

// request changes the state of the connection, with the peer's consent where it
// is needed. It may give up the lock meanwhile.
func (c *connection) request(ch change) schema.Code {
	if c.up() {
		if code := c.res.would(false, c.edit(ch)); !code.OK() {
			return code
		}
		if code := c.ask(allVolumes, ch); !code.OK() {
			return code
		}
	}
	return c.set(ch, false)
}

// ask sends a state change to the peer and waits for its consent.
func (c *connection) ask(volume uint32, ch change) schema.Code {
	l := c.link
	if l == nil {
		return schema.StateNeedConnection
	}
	c.asked++
	id := c.asked
	l.send(packet{Kind: askState, Volume: volume, ID: id, Change: ch})
	c.res.m.wait(func() bool { _, ok := c.answers[id]; return ok || c.link != l })
	code, ok := c.answers[id]
	delete(c.answers, id)
	if ok {
		l.answers--
		l.more.Broadcast()
	}
	if !ok || !code.OK() {
		return schema.StateFailedByPeer
	}
	return code
}

// answer tells the peer whether a change that it asks for may be, and carries it
// out. The answer goes first: what follows from the change may send more.
func (c *connection) answer(p packet) {
	edit := c.edit(p.Change.mirror())
	about, code := c, schema.StateUnknownError
	if p.Volume != allVolumes {
		about, edit = nil, nil
		if d := c.res.volume(p.Volume); d != nil {
			edit = d.with(c).edit(d.with(c).asked(p.Change.mirror()))
		}
	}
	if edit != nil {
		code = c.res.would(false, edit)
	}
	c.link.send(packet{Kind: answerState, Volume: p.Volume, ID: p.ID, Code: code})
	if code == schema.StateDone {
		c.res.attempt(about, false, edit)
	}
}

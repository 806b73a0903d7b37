package fake

import (
	"context"

	"drbdutils/schema"
)

// connection is a resource's way to its peer. It exists as long as the resource,
// but is configured only between connect and the return to StandAlone.
type connection struct {
	res      *resource
	state    conn           // at most wfReportParams; devices know what is above
	net      *schema.Values // net_conf; nil: not configured
	my, peer string         // sockaddr bytes

	link    *link
	stop    context.CancelFunc // ends the worker that keeps the link up
	running bool               // the worker is there
	met     bool               // the peers got as far as Connected on this link
	before  snapshot           // how things were when the link was last up

	asked   uint32 // number of the last state change that the peer was asked for
	answers map[uint32]schema.Code
	fetched map[uint32][]byte // data that answers came with
}

// options returns the net options for a dump.
func (c *connection) options(secrets bool) *schema.Values {
	v := c.net
	if !secrets {
		v = v.Clone()
		v.Unset("shared_secret")
	}
	return v
}

// configure gives the connection addresses and options and announces it.
func (c *connection) configure(net *schema.Values, my, peer string) {
	c.net, c.my, c.peer = net, my, peer
	c.answers, c.fetched = map[uint32]schema.Code{}, map[uint32][]byte{}
	list := []notice{c.about(schema.Create)}
	for _, d := range c.res.devices {
		list = append(list, d.aboutPeer(schema.Create))
	}
	c.res.m.tell(list...)
}

// deconfigure forgets addresses and options.
func (c *connection) deconfigure() {
	var list []notice
	for _, d := range c.res.devices {
		list = append(list, d.aboutPeer(schema.Destroy))
	}
	c.res.m.tell(append(list, c.about(schema.Destroy))...)
	c.net, c.my, c.peer = nil, "", ""
}

// check returns the states of all devices that a change leads to, and StateDone,
// or why there are none. With hard, nothing is refused.
func (c *connection) check(ch change, hard bool) (map[*device]state, schema.Code) {
	next := map[*device]state{}
	same := ch.Conn == nil || *ch.Conn == c.state
	for _, d := range c.res.devices {
		next[d] = ch.apply(d.state).sane()
		same = same && next[d] == d.state
		if code := d.allows(d.state, next[d]); !hard && next[d] != d.state && !code.OK() {
			return nil, code
		}
	}
	switch {
	case same:
		return nil, schema.StateNothingToDo
	case hard:
		return next, schema.StateDone
	}
	return next, reachable(state{conn: c.state}, change{Conn: ch.Conn}.apply(state{conn: c.state}))
}

// set changes the state of the connection and of all its devices, here only.
func (c *connection) set(ch change, hard bool) schema.Code {
	next, code := c.check(ch, hard)
	if code != schema.StateDone {
		return code
	}
	c.res.commit(true, func() {
		for d, s := range next {
			d.state = s
		}
		if ch.Conn != nil {
			c.state = min(*ch.Conn, wfReportParams)
		}
	})
	return code
}

// up reports whether any volume is connected or more.
func (c *connection) up() bool {
	for _, d := range c.res.devices {
		if d.state.conn >= connected {
			return true
		}
	}
	return false
}

// request changes the state of the connection, with the peer's consent where it
// is needed. It may give up the lock meanwhile.
func (c *connection) request(ch change) schema.Code {
	if c.up() {
		for _, d := range c.res.devices {
			if code := d.allows(d.state, ch.apply(d.state).sane()); !code.OK() {
				return code
			}
		}
		if code := c.ask(allVolumes, ch); !code.OK() {
			return code
		}
	}
	return c.set(ch, false)
}

// disconnect brings the connection to StandAlone.
func (c *connection) disconnect(force bool) schema.Code {
	down := change{Conn: new(disconnecting)}
	code := schema.StateDone
	if force {
		code = c.set(down, true)
	} else {
		code = c.request(down)
	}
	switch code {
	case schema.StateAlreadyStandAlone, schema.StateNothingToDo:
		return schema.StateDone
	case schema.StatePrimaryNop: // fencing: the peer must know that it is outdated
		down.PDsk = new(schema.Outdated)
		code = c.request(down)
	case schema.StateFailedByPeer: // the peer wants this node outdated
		down.Disk = new(schema.Outdated)
		code = c.request(down)
		if code == schema.StateIsDiskless || code == schema.StateLowerThanOutdated {
			code = c.set(change{Conn: new(disconnecting)}, true)
		}
	}
	if !code.OK() {
		return code
	}
	c.end()
	c.res.m.wait(func() bool { return !c.running })
	return code
}

// end tells the worker to stop.
func (c *connection) end() {
	if c.stop != nil {
		c.stop()
	}
	c.dropLink()
}

func (c *connection) dropLink() {
	if c.link != nil {
		c.link.close()
	}
}

// lost handles a link that broke, or is given up, for a reason.
func (c *connection) lost(why conn) {
	if c.state >= wfReportParams || c.up() {
		c.set(change{Conn: &why}, true)
	}
	c.dropLink()
}

// tellAgain repeats what was told of a lost peer: the module's receiver does so
// when it has cleaned up after a connection.
func (c *connection) tellAgain() {
	if c.met {
		c.res.m.tell(c.res.changes(c.before)...)
	}
}

// giveUp ends the connection because the peers do not fit together.
func (c *connection) giveUp() {
	c.set(change{Conn: new(disconnecting)}, true)
	c.end()
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
	if !ok || !code.OK() {
		return schema.StateFailedByPeer
	}
	return code
}

// answer tells the peer whether a change that it asks for may be, and carries it
// out. The answer goes first: what follows from the change may send more.
func (c *connection) answer(p packet) {
	ch, code := p.Change.mirror(), schema.StateUnknownError
	d := c.res.volume(p.Volume)
	if p.Volume == allVolumes {
		_, code = c.check(ch, false)
	} else if d != nil {
		_, code = d.check(ch, false)
	}
	c.link.send(packet{Kind: answerState, Volume: p.Volume, ID: p.ID, Code: code})
	if code != schema.StateDone {
		return
	}
	if p.Volume == allVolumes {
		c.set(ch, false)
		return
	}
	d.set(ch, false)
}

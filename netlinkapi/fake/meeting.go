package fake

import "drbdutils/schema"

// How the ends of a connection of DRBD 9 get together: both say all about their
// volumes first, and then the connection and its volumes change state at once.

// introduce tells the peer all about the volumes here.
func (c *connection) introduce(l *link) {
	for _, pd := range c.peers() {
		pd.resumeLog()
		pd.introduced = pd.own.disk
		l.send(pd.reportPacket(reportAll))
	}
	l.send(packet{Kind: ready, State: peerState{Role: c.res.role}, Discard: c.discards()})
}

// note keeps what the peer says of a volume until it said all.
func (c *connection) note(p packet) {
	d := c.res.volume(p.Volume)
	if d == nil {
		return
	}
	pd := d.with(c)
	c.meeting.heard = append(c.meeting.heard, p)
	pd.notePeer(p)
	pd.quorate, pd.missed = p.State.Quorum, false
	c.res.m.tell(pd.about(schema.Change))
}

// A meeting is what a connection is about to become: both ends have to want it.
type meeting struct {
	here, there bool        // who is ready to connect
	role        schema.Role // of the peer
	heard       []packet    // what it said of its volumes
	next        map[*peerDevice]conn
}

// meet decides what follows from what both ends said.
func (c *connection) meet(p packet) {
	c.meeting.role, c.meeting.next = p.State.Role, map[*peerDevice]conn{}
	for _, report := range c.meeting.heard {
		pd := c.res.volume(report.Volume).with(c)
		repl, ok := pd.compareCopies(report)
		if !ok {
			c.giveUp()
			return
		}
		c.meeting.next[pd] = repl
	}
	if code := c.res.would(false, c.join); !code.OK() {
		c.sayRefused(code)
		c.giveUp()
		return
	}
	c.meeting.here = true
	c.link.send(packet{Kind: agreed})
	c.propose()
}

// propose has the connection come into being, for the whole cluster, when both ends
// are ready. One end does that.
func (c *connection) propose() {
	if !c.meeting.here || !c.meeting.there || !c.link.resolves {
		return
	}
	l := c.link
	c.res.m.work.Go(func() {
		c.res.m.mu.Lock()
		defer c.res.m.mu.Unlock()
		code := c.res.agree(ballot{With: c.node, Joins: true}, func() {
			if c.link == l {
				c.join()
			}
		})
		if !code.OK() && c.link == l {
			c.giveUp()
		}
	})
}

// join makes the state that of two ends that are connected.
func (c *connection) join() {
	with := &c.meeting
	c.state, c.peer = wfReportParams, with.role
	for _, report := range with.heard {
		pd := c.res.volume(report.Volume).with(c)
		s := pd.state()
		s.conn, s.peer, s.pdsk, s.peerISP = with.next[pd], with.role, realDisk(report), report.State.Paused
		pd.put(s)
		pd.agreeInSync()
	}
}

// meetAgain begins anew with peers that are being met: what they heard of the disks
// here is no longer true.
func (r *resource) meetAgain() {
	for _, c := range r.conns {
		if c.state == wfConnection && c.link != nil {
			c.dropLink()
		}
	}
}

// joined does what follows.
func (c *connection) joined() {
	c.met = true
	c.keepData()
	c.correct()
	for _, report := range c.meeting.heard {
		c.res.volume(report.Volume).with(c).forgetMissed(report)
	}
}

// correct tells the peer of disks that are no longer what was introduced.
func (c *connection) correct() {
	for _, pd := range c.peers() {
		if pd.own.disk != pd.introduced {
			pd.report(reportState)
		}
	}
}

// compareCopies returns the replication state that two copies call for. It reports
// false if the nodes must not connect.
func (pd *peerDevice) compareCopies(p packet) (conn, bool) {
	pd.peerClient = p.Client
	if !pd.agreeSize(p) {
		return connected, false
	}
	if pd.disk == nil || pd.bits() == nil || realDisk(p) < schema.Inconsistent || pd.own.disk < schema.Inconsistent {
		return connected, true
	}
	v, ok := pd.handshake(p.State.Role, realDisk(p))
	if !ok {
		return connected, false
	}
	return pd.begin(v), true
}

// agreeInSync takes data that turned out to be the same as UpToDate data for what
// it is. The peer says of its own when it knows.
func (pd *peerDevice) agreeInSync() {
	if pd.part.conn != connected {
		return
	}
	stale := func(s schema.DiskState) bool { return s == schema.Consistent || s == schema.Outdated }
	switch {
	case stale(pd.own.disk) && pd.part.pdsk == schema.UpToDate:
		pd.own.disk = schema.UpToDate
	case pd.own.disk == schema.Consistent && pd.part.pdsk == schema.Consistent:
		pd.own.disk, pd.part.pdsk = schema.UpToDate, schema.UpToDate
	}
}

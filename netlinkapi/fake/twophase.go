package fake

import (
	"slices"
	"time"

	"drbdutils/meta"
	"drbdutils/schema"
)

// A change of DRBD 9 that concerns the whole cluster happens in two phases: the node
// that wants it asks all others, each of which passes the question on, and has it
// carried out by all when nobody refused.

// A ballot is the question. It crosses the links.
type ballot struct {
	By   int          // node that asks
	ID   uint32       // of its ballots
	Role *schema.Role // that it takes
	Sure bool         // and takes its disks for UpToDate
	Back bool         // data that became Consistent is current again: no Primary has newer

	Joins  bool    // it connects
	Leaves *change // or disconnects
	With   int     // this node

	Detaches bool // it gives up the disk
	Volume   uint32
}

// A tally is what the nodes answered.
type tally struct {
	Code               schema.Code
	Refused            int    // by this node
	Reached, Primaries uint64 // nodes, a bit for each
}

// take adds what was answered elsewhere.
func (t *tally) take(o tally) {
	if t.Code.OK() {
		t.Code, t.Refused = o.Code, o.Refused
	}
	t.Reached |= o.Reached
	t.Primaries |= o.Primaries
}

// ballots is what a node knows of them.
type ballots struct {
	running *ballot // waits for its end
	asked   uint32  // number of the last one of this node
	refused int     // node that refused that
	heard   map[int]uint32
	ended   map[int]uint32
	from    *connection // by which the running one came
}

// Rounds of a ballot that met another one, and the pause between them. Nodes pause
// for different times, so that one is first.
const (
	ballotRounds = 200
	ballotPause  = 100 * time.Microsecond
)

// agree makes a change if all nodes that are reached agree. It may give up the lock
// meanwhile.
func (r *resource) agree(b ballot, edit func()) schema.Code {
	b.By = r.self()
	for range ballotRounds {
		code := r.vote(b, edit)
		if code != schema.StateConcurrent {
			return code
		}
		r.m.pause(r.m.ctx, ballotPause*time.Duration(meta.MaxPeers-r.self()))
	}
	return schema.StateConcurrent
}

// vote is one round of it.
func (r *resource) vote(b ballot, edit func()) schema.Code {
	if r.ballots.running != nil {
		return schema.StateConcurrent
	}
	if code := r.would(false, edit); code != schema.StateDone {
		return code
	}
	r.ballots.asked++
	b.ID = r.ballots.asked
	r.ballots.running = &b
	t := r.poll(b, nil)
	r.ballots.running = nil
	return r.decide(b, t, edit)
}

// decide ends a ballot of this node: all carry it out, or drop it.
func (r *resource) decide(b ballot, t tally, edit func()) schema.Code {
	all := func() {
		edit()
		r.outcome(b, t)
	}
	if code := r.would(false, all); t.Code.OK() && !code.OK() {
		t.Code = code
	}
	if !t.Code.OK() {
		r.spread(packet{Kind: dropState, Ballot: b}, nil)
		r.ballots.refused = t.Refused
		return t.Code
	}
	r.spread(packet{Kind: commitState, Ballot: b, Tally: t}, nil)
	code := r.attempt(nil, true, all)
	r.afterBallot(b)
	return code
}

// poll collects the answers of those behind a node other than the one that asked it.
func (r *resource) poll(b ballot, from *connection) tally {
	t := tally{Code: schema.StateDone, Reached: 1 << r.self()}
	if r.role == schema.Primary {
		t.Primaries = t.Reached
	}
	var answers []func() tally
	for _, c := range r.asks(b, from) {
		answers = append(answers, c.put(b))
	}
	for _, answer := range answers {
		t.take(answer())
	}
	return t
}

// asks returns the connections by which a ballot is passed on.
func (r *resource) asks(b ballot, from *connection) []*connection {
	var list []*connection
	for _, c := range r.conns {
		joins := b.Joins && b.By == r.self() && c.node == b.With
		if c.link != nil && (c.state == wfReportParams || joins) && c != from && c.node != b.By {
			list = append(list, c)
		}
	}
	return list
}

// put asks the peer. What it returns waits for the answer.
func (c *connection) put(b ballot) func() tally {
	l := c.link
	c.asked++
	id := c.asked
	l.send(packet{Kind: prepareState, ID: id, Ballot: b})
	return func() tally {
		c.res.m.wait(func() bool { _, ok := c.tallies[id]; return ok || c.link != l })
		t, ok := c.tallies[id]
		delete(c.tallies, id)
		if !ok {
			t.Code = schema.StateConcurrent // the link broke: things are different now
		}
		return t
	}
}

// prepare answers a peer's question when all behind this node have.
func (c *connection) prepare(p packet) {
	r, l := c.res, c.link
	reply := packet{Kind: answerBallot, ID: p.ID, Tally: tally{Code: schema.StateDone}}
	switch by := p.Ballot.By; {
	case r.ballots.heard[by] == p.Ballot.ID: // on another way
	case r.ballots.running != nil:
		reply.Tally.Code = schema.StateConcurrent
	default:
		r.ballots.heard[by] = p.Ballot.ID
		r.ballots.running, r.ballots.from = &p.Ballot, c
		r.m.work.Go(func() {
			r.m.mu.Lock()
			defer r.m.mu.Unlock()
			reply.Tally = r.consent(p.Ballot, c)
			l.send(reply)
		})
		return
	}
	l.send(reply)
}

// consent is the answer of this node and of those behind it.
func (r *resource) consent(b ballot, from *connection) tally {
	if code := r.would(false, func() { r.outcome(b, tally{}) }); !code.OK() {
		return tally{Code: schema.StateFailedByPeer, Refused: r.self()}
	}
	return r.poll(b, from)
}

// endBallot carries a ballot out, or drops it, and passes that on.
func (c *connection) endBallot(p packet) {
	r := c.res
	by := p.Ballot.By
	if r.ballots.ended[by] == p.Ballot.ID {
		return
	}
	r.ballots.ended[by] = p.Ballot.ID
	if b := r.ballots.running; b != nil && b.By == by && b.ID == p.Ballot.ID {
		r.ballots.running = nil
	}
	r.spread(p, c)
	if p.Kind == commitState {
		r.attempt(nil, true, func() { r.outcome(p.Ballot, p.Tally) })
		r.afterBallot(p.Ballot)
	}
}

// afterBallot does what follows at the ends of a new connection.
func (r *resource) afterBallot(b ballot) {
	ends := map[int]int{b.By: b.With, b.With: b.By}
	if c := r.connectionTo(ends[r.self()]); b.Joins && c != nil && c.state == wfReportParams && !c.met {
		c.joined()
	}
}

// spread tells the peers how a ballot ended.
func (r *resource) spread(p packet, from *connection) {
	for _, c := range r.asks(p.Ballot, from) {
		c.link.send(p)
	}
}

// forsaken drops a ballot whose end will not be heard of.
func (c *connection) forsaken() {
	if b := &c.res.ballots; b.from == c {
		b.running, b.from = nil, nil
	}
}

// outcome is what a ballot changes on this node.
func (r *resource) outcome(b ballot, t tally) {
	if b.Role != nil {
		t.Primaries &^= 1 << b.By
		if *b.Role == schema.Primary {
			t.Primaries |= 1 << b.By
		}
		r.noteRole(b, t)
	}
	c := r.connectionTo(b.By)
	switch {
	case c == nil || c.link == nil:
	case b.Joins && b.With == r.self():
		c.join()
	case b.Leaves != nil && b.With == r.self():
		c.edit(b.Leaves.mirror())()
	case b.Detaches && c.state == wfReportParams:
		c.detaches(b.Volume)
	}
	weak := r.role != schema.Primary && t.Primaries&^r.direct() != 0
	for _, d := range r.devices {
		switch {
		case weak && d.own.disk > schema.Outdated:
			d.own.disk = schema.Outdated
		case b.Back && d.own.disk == schema.Consistent:
			d.own.disk = schema.UpToDate
		}
	}
	if b.Back && b.By == r.self() {
		r.trustPeers()
	}
}

// detaches notes that the peer gives up a disk.
func (c *connection) detaches(volume uint32) {
	if d := c.res.volume(volume); d != nil {
		d.with(c).part.pdsk = schema.Detaching
	}
}

// direct returns the nodes that this one is connected to, and itself.
func (r *resource) direct() uint64 {
	nodes := uint64(1) << r.self()
	for _, c := range r.connected() {
		nodes |= 1 << c.node
	}
	return nodes
}

// connected returns the connections that are up.
func (r *resource) connected() []*connection {
	var list []*connection
	for _, c := range r.conns {
		if c.state == wfReportParams && c.link != nil {
			list = append(list, c)
		}
	}
	return list
}

// noteRole notes the role of the node that asked. A new Primary knows that nodes which
// only others reach outdate themselves.
func (r *resource) noteRole(b ballot, t tally) {
	for _, c := range r.conns {
		switch {
		case c.state == wfReportParams && c.node == b.By:
			c.peer = *b.Role
			for _, pd := range c.peers() {
				pd.part.peer = *b.Role
				if b.Sure && pd.part.pdsk >= schema.Inconsistent {
					pd.part.pdsk = schema.UpToDate
				}
			}
		case b.By == r.self() && *b.Role == schema.Primary && c.state < wfReportParams && t.Reached&(1<<c.node) != 0:
			for _, pd := range c.peers() {
				pd.part.pdsk = min(pd.part.pdsk, schema.Outdated)
			}
		}
	}
}

// trustPeers takes the peers' Consistent data for current, too.
func (r *resource) trustPeers() {
	for _, pd := range r.peers() {
		if pd.part.conn >= connected && pd.part.pdsk == schema.Consistent {
			pd.part.pdsk = schema.UpToDate
		}
	}
}

// doubts reports whether a disk could be current again.
func (r *resource) doubts() bool {
	return slices.ContainsFunc(r.devices, func(d *device) bool {
		return d.own.disk == schema.Consistent
	})
}

// doubtTime is what the others are left to notice the loss, too. Nodes begin one after
// the other.
const doubtTime = 2 * time.Millisecond

// settleDoubts finds out whether data that became Consistent, because a Primary got
// lost, is current.
func (r *resource) settleDoubts() {
	if len(r.connected()) == 0 && r.ballots.running == nil {
		r.endDoubts()
		return
	}
	r.m.work.Go(func() {
		r.m.mu.Lock()
		defer r.m.mu.Unlock()
		r.m.pause(r.m.ctx, doubtTime*time.Duration(meta.MaxPeers-r.self()))
		for r.m.ctx.Err() == nil && r.doubts() && !r.endDoubts() {
			r.m.pause(r.m.ctx, ballotPause)
		}
	})
}

// endDoubts is one attempt to settle doubts, and reports whether it did.
func (r *resource) endDoubts() bool {
	b := ballot{By: r.self(), Back: true}
	return r.agree(b, func() { r.outcome(b, tally{}) }).OK()
}

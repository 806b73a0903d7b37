package fake

import (
	"fmt"
	"strings"

	"drbdutils/schema"
)

// What the module says in the kernel's log, where people and tools look for the reason
// of what it did: in the words of DRBD 8.4.11 and of 9.3.

// say puts a message about an object into the log.
func (m *Module) say(about, format string, args ...any) {
	if m.cfg.Log != nil {
		m.cfg.Log(about + ": " + fmt.Sprintf(format, args...))
	}
}

func (r *resource) say(format string, args ...any) { r.m.say("drbd "+r.name, format, args...) }

func (c *connection) say(format string, args ...any) {
	about := "drbd " + c.res.name
	if c.res.m.gen == schema.V9 {
		about += " " + c.net.Str("name")
	}
	c.res.m.say(about, format, args...)
}

func (d *device) say(format string, args ...any) { d.res.m.say(d.inLog(), format, args...) }

func (pd *peerDevice) say(format string, args ...any) {
	about := pd.inLog()
	if pd.res.m.gen == schema.V9 {
		about += " " + pd.conn.net.Str("name")
	}
	pd.res.m.say(about, format, args...)
}

// inLog names the device in the log.
func (d *device) inLog() string {
	if d.res.m.gen == schema.V9 {
		return fmt.Sprintf("drbd %s/%d drbd%d", d.res.name, d.volume, d.minor)
	}
	return fmt.Sprintf("block drbd%d", d.minor)
}

// A transition is what a message says of a change of state: "role( Secondary ->
// Primary ) " for each part that differs.
type transition struct{ text strings.Builder }

func (t *transition) part(name string, old, now fmt.Stringer) {
	if old.String() != now.String() {
		fmt.Fprintf(&t.text, "%s( %s -> %s ) ", name, old, now)
	}
}

// tell says it, unless nothing differs.
func (t *transition) tell(say func(format string, args ...any)) {
	if t.text.Len() > 0 {
		say("%s", &t.text)
	}
}

// sayChanges says how the present state differs from an old one.
func (r *resource) sayChanges(old snapshot, connWide bool) {
	switch {
	case r.m.cfg.Log == nil:
	case r.m.gen == schema.V9:
		r.sayChanges9(old)
	case connWide:
		r.sayConnection(old)
	default:
		for _, pd := range r.peers() {
			r.sayState(old.of(pd), pd.state(), pd.say)
		}
	}
}

// sayConnection says in DRBD 8.4 how the connection and all its volumes changed: of
// the volumes, what the first one shows.
func (r *resource) sayConnection(old snapshot) {
	c := r.only()
	was, is := state{conn: old.conns[c].state}, state{conn: c.state}
	if peers := c.peers(); len(peers) > 0 {
		was, is = old.of(peers[0]), peers[0].state()
	}
	r.sayState(was, is, c.say)
}

func (r *resource) sayState(old, now state, say func(format string, args ...any)) {
	var t transition
	t.part("role", old.role, now.role)
	t.part("peer", old.peer, now.peer)
	t.part("conn", old.conn, now.conn)
	t.part("disk", old.disk, now.disk)
	t.part("pdsk", old.pdsk, now.pdsk)
	t.tell(say)
}

// sayChanges9 is sayChanges for DRBD 9, which has a message for each object.
func (r *resource) sayChanges9(old snapshot) {
	var t transition
	t.part("role", old.role, r.role)
	t.tell(r.say)
	for _, c := range r.conns {
		var t transition
		was := old.conns[c]
		t.part("conn", connState(was.state), connState(c.state))
		t.part("peer", was.peer, c.peer)
		t.tell(c.say)
	}
	for _, d := range r.devices {
		var t transition
		t.part("disk", old.devices[d].disk, d.own.disk)
		t.tell(d.say)
		for _, pd := range d.peers {
			var t transition
			was := old.peers[pd]
			t.part("pdsk", was.pdsk, pd.part.pdsk)
			t.part("repl", replState(was.conn), replState(pd.part.conn))
			t.tell(pd.say)
		}
	}
}

// connState and replState are the two halves of what DRBD 8.4 keeps as one.
func connState(c conn) schema.ConnState { return schema.ConnState(min(c, wfReportParams)) }
func replState(c conn) schema.ReplState { return schema.ReplState(max(c, wfReportParams)) }

// sayCopies says what two copies are that are about to be compared.
func (pd *peerDevice) sayCopies(self, peer *side) {
	pd.say("drbd_sync_handshake:")
	for _, s := range []struct {
		name string
		*side
	}{{"self", self}, {"peer", peer}} {
		u := s.uuids
		pd.say("%s %016X:%016X:%016X:%016X bits:%d flags:%X", s.name,
			u[uuidCurrent], u[uuidBitmap], u[uuidHistory], u[uuidHistory+1], s.changed, s.flags())
	}
}

// flags are what a node says of its copy besides the generations.
func (s *side) flags() (flags uint64) {
	for flag, on := range map[uint64]bool{
		saysDiscard: s.discard, saysCrashed: s.crashed, saysInconsistent: s.disk == schema.Inconsistent,
	} {
		if on {
			flags |= flag
		}
	}
	return flags
}

// sayEnd says how a link ended, unless it was ended here.
func (c *connection) sayEnd(l *link) {
	switch {
	case c.res.m.ctx.Err() != nil:
	case l.dead():
		c.say("PingAck did not arrive in time.")
	case !l.hungUp():
		c.say("meta connection shut down by peer.")
	}
}

// sayRefused says why the ends of a connection cannot be connected.
func (c *connection) sayRefused(code schema.Code) {
	c.say("State change failed: %s", c.res.m.reason(code))
}

func (pd *peerDevice) sayRefused(code schema.Code) {
	pd.say("State change failed: %s", pd.res.m.reason(code))
}

// reason is a refusal in words.
func (m *Module) reason(code schema.Code) string {
	text, _ := code.Text(m.gen)
	return text
}

package netlinkapi

import (
	"context"
	"errors"
	"iter"
	"slices"
	"syscall"
	"time"

	"drbdutils/schema"
)

// gapPatience is how long a notification that overtook another waits for it
// before the other is taken for lost.
const gapPatience = 500 * time.Millisecond

// WatchOptions say what to watch.
type WatchOptions struct {
	Now     bool            // end after the initial state, without listening
	Refresh <-chan struct{} // each value makes Watch read the whole state again; closing it ends the watch
}

// Watch yields the initial state as Exists events, then one event whose message
// has the Op InitialStateDone, then each change in the order in which it
// happened, whatever the order of arrival. When notifications are lost it asks
// for the whole state again and yields what differs, one event a resource;
// nothing is missed or told twice. It goes on until the context ends, the loop
// breaks, or an error such as ErrUnloaded.
func (c *Client) Watch(ctx context.Context, o WatchOptions) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := &watch{ctx: ctx, client: c, options: o, yield: yield, state: NewSnapshot(c.Generation())}
		err := w.run()
		if w.end != nil {
			w.end()
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(Event{}, c.listenError(ctx, initialState, err))
		}
	}
}

// errEnough ends a watch without an error.
var errEnough = errors.New("enough")

// watch is a running Watch.
type watch struct {
	ctx     context.Context
	client  *Client
	options WatchOptions
	yield   func(Event, error) bool

	l    *listener
	from <-chan received
	end  func() // ends l

	state   *Snapshot
	started bool // the initial state was told

	next     uint32    // number of the notification that comes next, if known
	first    uint32    // the first number since the state was read
	known    bool      // next and first are known
	pending  []Message // notifications that have to wait, by number
	deadline time.Time // when to stop waiting for a number that is missing; zero: none is
}

// run handles what arrives until the watch ends.
func (w *watch) run() error {
	if err := w.read(); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		w.setTimer(timer)
		var err error
		select {
		case in := <-w.from:
			err = w.handle(in)
		case <-timer.C:
			err = w.read()
		case _, more := <-w.options.Refresh:
			if !more {
				return errEnough
			}
			err = w.read()
		case <-w.ctx.Done():
			err = w.ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

func (w *watch) setTimer(timer *time.Timer) {
	if w.deadline.IsZero() {
		timer.Stop()
		return
	}
	timer.Reset(time.Until(w.deadline))
}

// handle takes what one read of the socket brought.
func (w *watch) handle(in received) error {
	for i := range in.messages {
		w.hold(&in.messages[i])
	}
	if errors.Is(in.err, syscall.ENOBUFS) {
		return w.read()
	}
	if err := w.release(); err != nil {
		return err
	}
	return in.err
}

// read reads the whole state, as often as it takes to lose no notification
// meanwhile, and then listens.
func (w *watch) read() error {
	err := w.dump()
	for errors.Is(err, syscall.ENOBUFS) {
		err = w.dump()
	}
	if err != nil {
		return err
	}
	if w.options.Now {
		return errEnough
	}
	w.from, w.end = w.l.start()
	return w.release()
}

// dump asks for the whole state and takes it in. It does so on a new socket: what
// waits in an old one is older than the answers, and a socket that lost something
// says so only once until it was read empty.
func (w *watch) dump() error {
	into := w.state
	if w.l != nil {
		w.end()
		into = NewSnapshot(w.state.Generation)
	}
	l, err := w.client.listen(w.ctx, w.options.Now)
	if err != nil {
		w.end = nil
		return err
	}
	w.l, w.end = l, func() { l.close() }
	w.known, w.pending, w.deadline = false, nil, time.Time{}
	if err := l.ask(w.ctx, initialState); err != nil {
		return err
	}
	defer l.conn.deadline(w.ctx)()
	var arena schema.Arena
	for ended := false; !ended; {
		var messages []Message
		messages, ended, err = l.receive(&arena)
		for i := range messages {
			if err := w.take(into, &messages[i]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
	return w.complete(into)
}

// take takes a message that arrives during a dump: an object for the snapshot, or
// a notification that has to wait.
func (w *watch) take(into *Snapshot, m *Message) error {
	switch {
	case !w.l.isAnswer(m):
		w.hold(m)
		return nil
	case !m.Code.OK():
		return w.client.refusal(initialState, m)
	case m.Op == schema.InitialStateDone: // the end of the dump says so, too
		return nil
	case into == w.state:
		return w.tell(w.state.Apply(*m))
	}
	into.Apply(*m)
	return nil
}

// complete tells what differs from the state told so far, if it was read anew,
// and the first time that the initial state is complete.
func (w *watch) complete(into *Snapshot) error {
	if into != w.state {
		if err := w.tellDifferences(into); err != nil {
			return err
		}
	}
	if w.started {
		return nil
	}
	w.started = true
	return w.tell(Event{Message: Message{Op: schema.InitialStateDone, Minor: schema.NoMinor, Code: schema.NoError}})
}

// hold puts a notification in its place among those that wait. Those that 8.4
// counts separately say nothing that the others do not.
func (w *watch) hold(m *Message) {
	if m.Op == schema.StatusEvent {
		return
	}
	i, _ := slices.BinarySearchFunc(w.pending, m.Seq, func(p Message, seq uint32) int {
		return int(int32(p.Seq - seq))
	})
	w.pending = slices.Insert(w.pending, i, *m)
}

// release applies the notifications whose turn it is. One that comes again is
// dropped; one that comes after later ones were applied means that the order
// began wrong, and the state is read anew.
func (w *watch) release() error {
	for len(w.pending) > 0 {
		m := w.pending[0]
		if !w.known {
			w.first, w.next, w.known = m.Seq, m.Seq, true
		}
		switch {
		case before(m.Seq, w.first):
			return w.read()
		case before(w.next, m.Seq):
			w.await()
			return nil
		}
		w.pending = w.pending[1:]
		w.deadline = time.Time{}
		if m.Seq != w.next {
			continue
		}
		w.next++
		if err := w.tell(w.state.Apply(m)); err != nil {
			return err
		}
	}
	return nil
}

// await limits how long the number that comes next may be missing.
func (w *watch) await() {
	if w.deadline.IsZero() {
		w.deadline = time.Now().Add(gapPatience)
	}
}

// before reports whether a number is older than another. Numbers wrap around.
func before(a, b uint32) bool { return int32(a-b) < 0 }

// tellDifferences puts a fresh state in the place of the old one and yields what
// differs.
func (w *watch) tellDifferences(fresh *Snapshot) error {
	old := w.state
	w.state = fresh
	for _, r := range old.Resources {
		if fresh.Resource(r.Name) == nil {
			if err := w.tell(difference(old.Generation, schema.Destroy, r, nil)); err != nil {
				return err
			}
		}
	}
	for _, r := range fresh.Resources {
		was := old.Resource(r.Name)
		if was.equal(r) {
			continue
		}
		if err := w.tell(difference(old.Generation, w.actionFor(was), was, r)); err != nil {
			return err
		}
	}
	return nil
}

// actionFor returns what happened to a resource that was unknown, or differs.
func (w *watch) actionFor(was *Resource) schema.Action {
	switch {
	case !w.started:
		return schema.Exists
	case was == nil:
		return schema.Create
	}
	return schema.Change
}

// difference makes an event for a resource that changed unseen.
func difference(g schema.Generation, action schema.Action, before, after *Resource) Event {
	name := after
	if name == nil {
		name = before
	}
	ctx := schema.CfgContext.In(g).New().SetStr("ctx_resource_name", name.Name)
	m := Message{Op: schema.ResourceState, Minor: schema.NoMinor, Code: schema.NoError, Sets: []*schema.Values{ctx}}
	return Event{Message: m, Action: action, Old: before, New: after}
}

func (w *watch) tell(e Event) error {
	if !w.yield(e, nil) {
		return errEnough
	}
	return nil
}

package netlinkapi

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"os"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"

	"drbdutils/schema"
)

// listener is a socket of its own that is a member of the module's group.
type listener struct {
	*conn
	dump uint32 // number of the dump request
}

// listen makes the client's connection a listener and, unless now is set, joins
// the module's group and that of the controller, which tells when the module goes
// away. For other requests the client opens a new connection.
func (c *Client) listen(ctx context.Context, now bool) (*listener, error) {
	conn, err := c.ready(ctx)
	if err != nil {
		return nil, err
	}
	c.conn = nil
	l := &listener{conn: conn}
	if now {
		return l, nil
	}
	if err := errors.Join(conn.nl.JoinGroup(conn.family.group), conn.nl.JoinGroup(controllerID)); err != nil {
		conn.close()
		return nil, err
	}
	return l, nil
}

// ask sends a dump request. Its answers arrive among the notifications.
func (l *listener) ask(ctx context.Context, r Request) error {
	m := r.message()
	seq, err := l.send(ctx, &m, netlink.Dump)
	l.dump = seq
	return err
}

// receive waits for what comes next, and tells whether a dump ends with it. The
// messages are made in the arena.
func (l *listener) receive(arena *schema.Arena) (all []Message, ended bool, err error) {
	for nm, err := range l.source.ReceiveIter() {
		if err == nil {
			err = told(&nm)
		}
		switch {
		case err != nil:
			return all, ended, err
		case nm.Header.Type == netlink.Done:
			ended = true
		case l.unloads(nm):
			return all, ended, ErrUnloaded
		case l.ours(nm):
			m, err := l.decode(arena, nm)
			if err != nil {
				return all, ended, err
			}
			all = append(all, m)
		}
	}
	return all, ended, nil
}

// told returns the error that netlink itself tells with a message.
func told(nm *netlink.Message) error {
	if nm.Header.Type != netlink.Error && nm.Header.Type != netlink.Done || len(nm.Data) < 4 {
		return nil
	}
	if errno := -int32(binary.NativeEndian.Uint32(nm.Data)); errno != 0 {
		return syscall.Errno(errno)
	}
	return nil
}

// ours reports whether a message is one of the module's: an answer to this
// socket, or a notification, which comes from the kernel.
func (l *listener) ours(m netlink.Message) bool {
	return uint16(m.Header.Type) == l.family.id && (m.Header.PID == 0 || m.Header.PID == l.pid)
}

// unloads reports whether a message says that the module goes away.
func (l *listener) unloads(m netlink.Message) bool {
	return m.Header.Type == controllerID && len(m.Data) > 0 &&
		(m.Data[0] == ctrlDelFamily || m.Data[0] == ctrlDelGroup) &&
		parseFamily(m.Data).id == l.family.id
}

// received is what one read of the socket brought.
type received struct {
	messages []Message
	ended    bool // a dump ended with it
	err      error
}

// run reads the socket until it is closed, and hands on what it brings. Lost
// notifications (ENOBUFS) are no reason to stop reading.
func (l *listener) run(to chan<- received, stop <-chan struct{}) {
	defer close(to)
	for {
		messages, ended, err := l.receive(new(schema.Arena))
		select {
		case to <- received{messages, ended, err}:
		case <-stop:
			return
		}
		if err != nil && !errors.Is(err, syscall.ENOBUFS) {
			return
		}
	}
}

// start runs the listener; the function it returns ends it.
func (l *listener) start() (from <-chan received, end func()) {
	to := make(chan received, 64)
	stop := make(chan struct{})
	go l.run(to, stop)
	return to, func() {
		close(stop)
		l.close()
	}
}

// Listen joins the module's notifications, sends a dump request, and yields all
// that arrives: answers to the request (their Seq is the request's) mixed with
// notifications, in the order of arrival. After the last answer a Message with
// the zero Op marks the end of the dump. It goes on until the context ends, the
// loop breaks, or an error: ErrUnloaded, a *TimeoutError while the dump is under
// way, or one wrapping syscall.ENOBUFS when notifications were lost.
func (c *Client) Listen(ctx context.Context, r Request) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		err := c.follow(ctx, r, func(m Message) bool { return yield(m, nil) })
		if err != nil {
			yield(Message{}, c.listenError(ctx, r, err))
		}
	}
}

// follow calls each for all that arrives, until it returns false.
func (c *Client) follow(ctx context.Context, r Request, each func(Message) bool) error {
	l, err := c.listen(ctx, false)
	if err != nil {
		return err
	}
	from, end := l.start()
	defer end()
	if err := l.ask(ctx, r); err != nil {
		return err
	}
	timeout := time.NewTimer(c.options.Timeout)
	defer timeout.Stop()
	for {
		in := next(ctx, from, timeout.C)
		if in.ended {
			timeout.Stop()
			in.messages = append(in.messages, Message{})
		}
		for _, m := range in.messages {
			if !each(m) {
				return nil
			}
		}
		if in.err != nil {
			return in.err
		}
	}
}

// next waits for what the socket brings next, or for the end of patience.
func next(ctx context.Context, from <-chan received, timeout <-chan time.Time) received {
	select {
	case in := <-from:
		return in
	case <-timeout:
		return received{err: os.ErrDeadlineExceeded}
	case <-ctx.Done():
		return received{err: ctx.Err()}
	}
}

// listenError returns the error that a listener's caller sees. The end of the
// socket is the end of a fake module.
func (c *Client) listenError(ctx context.Context, r Request, err error) error {
	if errors.Is(err, ErrUnloaded) || errors.Is(err, io.EOF) || errors.Is(err, ErrNoModule) {
		return ErrUnloaded
	}
	return c.explain(ctx, r, err)
}

// isAnswer reports whether a message answers the request for the initial state.
func (l *listener) isAnswer(m *Message) bool {
	nh := m.Get(schema.NotifyHeader)
	return m.Seq == l.dump && schema.Action(nh.Uint("nh_type"))&^schema.Continues == schema.Exists
}

// initialState is the query that Watch begins with.
var initialState = Request{Op: schema.GetInitialState, Object: "all"}

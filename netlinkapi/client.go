package netlinkapi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/mdlayher/netlink"

	"drbdutils/schema"
)

// replyTimeout is how long the module may take for a reply: changing roles,
// attaching or disconnecting may have to wait for disks and peers.
const replyTimeout = 120 * time.Second

// Pauses between the tries of a command that meets a transient state.
const (
	firstPause = time.Second / 16
	lastPause  = 10 * time.Second
)

// Options say how to reach the module. The zero value means the kernel.
type Options struct {
	Socket        string        // path of a fake module's unixpacket socket; "": the kernel
	ReceiveBuffer int           // bytes; 0: 1 MiB; kept within 100 KiB and 100 MiB
	Timeout       time.Duration // how long to wait for a reply; 0: 120 seconds
}

// Client is a connection to the module. One goroutine may use it at a time.
type Client struct {
	options Options
	dialect *dialect
	conn    *conn // nil after it had to be closed; opened again when needed
}

// Dial finds the module and returns a client for its generation. Errors:
// ErrNoModule, *VersionError, or an error of the socket.
func Dial(ctx context.Context, o Options) (*Client, error) {
	if o.Timeout == 0 {
		o.Timeout = replyTimeout
	}
	conn, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Client{options: o, dialect: conn.dialect, conn: conn}, nil
}

// Close ends the connection.
func (c *Client) Close() error {
	if c.conn == nil {
		return nil
	}
	err := c.conn.close()
	c.conn = nil
	return err
}

// Generation tells which module it is.
func (c *Client) Generation() schema.Generation { return c.dialect.generation }

// Has reports whether the module has a command: some came with later releases.
func (c *Client) Has(ctx context.Context, op schema.Op) (bool, error) {
	conn, err := c.ready(ctx)
	if err != nil {
		return false, err
	}
	return conn.has(op)
}

// ready returns the connection, opening it again if need be.
func (c *Client) ready(ctx context.Context) (*conn, error) {
	if c.conn != nil && !c.conn.stuck {
		return c.conn, nil
	}
	conn, err := open(ctx, c.options)
	if err != nil {
		return nil, err
	}
	c.conn, c.dialect = conn, conn.dialect
	return conn, nil
}

// Do sends a command and returns the module's reply. If the module refused, the
// error is a *KernelError and the reply is returned as well. Other errors are
// *TimeoutError (or the context's own), ErrNoModule, and errors of the socket
// wrapping a syscall.Errno. A command that fails because the module is in a
// transient state is sent again, with growing pauses, until the context ends.
func (c *Client) Do(ctx context.Context, r Request) (Message, error) {
	if err := c.check(r); err != nil {
		return Message{}, err
	}
	if guard := c.dialect.guard(r.Op); guard != nil {
		if err := guard(ctx, c, &r); err != nil {
			return Message{}, err
		}
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		m, err := c.exchange(ctx, r)
		if err != nil {
			return m, err
		}
		if m.Code != schema.StateTransient || !c.dialect.retries {
			return m, c.refusal(r, &m)
		}
		select {
		case <-ctx.Done():
			return m, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// check refuses what the module would not understand: commands it lacks, and
// sets that the command does not take. Since Linux 7.2 the kernel is as strict.
func (c *Client) check(r Request) error {
	g := c.Generation()
	cmd := r.Op.In(g)
	if cmd == nil {
		return fmt.Errorf("%s: DRBD %s has no such command: %w", r.Op.Name(schema.Both), g, errors.ErrUnsupported)
	}
	for _, v := range r.Sets {
		if !cmd.Takes(v.Set.ID) {
			return fmt.Errorf("%s takes no %s: %w", cmd.Name, v.Set.Name, errors.ErrUnsupported)
		}
	}
	return nil
}

// refusal returns the error for a reply, nil if it tells success.
func (c *Client) refusal(r Request, m *Message) error {
	if m.Code.OK() {
		return nil
	}
	return &KernelError{Op: r.Op, Object: r.Object, Generation: c.Generation(), Code: m.Code, Info: m.Texts()}
}

// exchange sends a command once and waits for the reply.
func (c *Client) exchange(ctx context.Context, r Request) (Message, error) {
	conn, err := c.ready(ctx)
	if err != nil {
		return Message{}, err
	}
	m := r.message()
	seq, err := conn.send(ctx, &m, 0)
	if err != nil {
		return Message{}, c.explain(ctx, r, err)
	}
	defer conn.deadline(ctx)()
	nm, err := conn.reply(seq, conn.family.id)
	if err == nil && slices.Contains(c.dialect.trailing, r.Op) {
		err = conn.trailing()
	}
	if err != nil {
		return Message{}, c.explain(ctx, r, err)
	}
	return conn.decode(new(schema.Arena), nm)
}

// explain adds to an error of the socket what was asked.
func (c *Client) explain(ctx context.Context, r Request, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &TimeoutError{Op: r.Op, Object: r.Object, Generation: c.Generation(), Waited: c.options.Timeout}
	}
	name := r.Op.Name(c.Generation())
	if r.Object != "" {
		name += ": " + r.Object
	}
	return fmt.Errorf("%s: %w", name, cause(err))
}

// Dump sends a query and yields the answers, one object each. It ends with an
// error if the module reports one; a result other than success is a *KernelError.
func (c *Client) Dump(ctx context.Context, r Request) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		if err := c.dump(ctx, r, func(m Message) bool { return yield(m, nil) }); err != nil {
			yield(Message{}, err)
		}
	}
}

// dump calls each for every answer until it returns false. A dump that was not
// read to its end would block the socket for the next, and one that answers with
// an error repeats that answer for ever (all modules up to 9.3.3): in both cases
// the connection is given up.
func (c *Client) dump(ctx context.Context, r Request, each func(Message) bool) error {
	conn, err := c.ready(ctx)
	if err != nil {
		return err
	}
	m := r.message()
	seq, err := conn.send(ctx, &m, netlink.Dump)
	if err != nil {
		return c.explain(ctx, r, err)
	}
	defer conn.deadline(ctx)()
	var arena schema.Arena
	for nm, err := range conn.answers(seq) {
		if err != nil {
			c.Close()
			return c.explain(ctx, r, err)
		}
		m, err := conn.decode(&arena, nm)
		if err == nil {
			err = c.refusal(r, &m)
		}
		if err != nil || !each(m) {
			c.Close()
			return err
		}
	}
	return nil
}

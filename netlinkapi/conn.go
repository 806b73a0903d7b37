package netlinkapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"

	"drbdutils/schema"
)

// Sizes of the socket buffers, in bytes.
const (
	sendBuffer       = 128 << 10
	receiveBuffer    = 1 << 20
	minReceiveBuffer = 100 << 10
	maxReceiveBuffer = 100 << 20
)

// trailingPatience is how long an error behind a reply may take.
const trailingPatience = 5 * time.Millisecond

// conn is a socket to the module, with the family looked up.
type conn struct {
	nl      *netlink.Conn
	source  source // what nl reads from
	pid     uint32
	timeout time.Duration // how long the module may take
	stuck   bool          // a message did not get through in that time
	family  family
	dialect *dialect
}

// A source yields the messages of the next datagram.
type source interface {
	ReceiveIter() iter.Seq2[netlink.Message, error]
}

// open opens the socket and looks the family up.
func open(ctx context.Context, o Options) (*conn, error) {
	c := &conn{timeout: o.Timeout}
	if err := c.dial(o); err != nil {
		return nil, err
	}
	err := c.lookup(ctx)
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("look up the drbd family: no reply from the kernel within %s: %w", c.timeout, err)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *conn) dial(o Options) error {
	if o.Socket != "" {
		u, err := dialFake(o.Socket)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoModule, err)
		}
		s := newUnixSocket(u)
		c.nl, c.source = netlink.NewConn(s, uint32(os.Getpid())), s
	} else {
		s, port, err := dialKernel()
		if err != nil {
			return err
		}
		c.nl, c.source = netlink.NewConn(s, port), s
	}
	return c.setBuffers(o.ReceiveBuffer)
}

func (c *conn) setBuffers(receive int) error {
	if receive == 0 {
		receive = receiveBuffer
	}
	receive = min(max(receive, minReceiveBuffer), maxReceiveBuffer)
	return errors.Join(c.nl.SetReadBuffer(receive), c.nl.SetWriteBuffer(sendBuffer))
}

// lookup asks the controller for the families that we know, the newest first, and
// picks the dialect of the first that is there.
func (c *conn) lookup(ctx context.Context) (err error) {
	asked := ""
	for _, d := range dialects {
		if d.family == asked {
			continue
		}
		asked = d.family
		if err = c.ask(ctx, asked); err == nil {
			c.dialect, err = dialectOf(&c.family)
			return err
		}
		if !errors.Is(err, ErrNoModule) {
			return err
		}
	}
	return err
}

// ask asks the controller for a family.
func (c *conn) ask(ctx context.Context, name string) error {
	request, err := familyRequest(name)
	if err != nil {
		return err
	}
	sent, err := c.transmit(ctx, request)
	if err != nil {
		return err
	}
	c.pid = sent.PID
	defer c.deadline(ctx)()
	reply, err := c.reply(sent.Sequence, controllerID)
	if errors.Is(err, syscall.ENOENT) {
		return ErrNoModule
	}
	if err == nil {
		c.family = parseFamily(reply.Data)
	}
	return err
}

// has reports whether the module has a command: the family lists their numbers on
// the wire, where they come first.
func (c *conn) has(op schema.Op) (bool, error) {
	data, err := c.dialect.encode(&Message{Op: op})
	return err == nil && c.family.has(data[0]), err
}

// close closes the socket. With a message that is stuck that would have to wait;
// then it is closed when the message is through.
func (c *conn) close() error {
	if c.stuck {
		return nil
	}
	return c.nl.Close()
}

// deadline makes reads fail after the module's time, or when the context ends;
// the function that it returns ends that.
func (c *conn) deadline(ctx context.Context) (end func()) {
	_ = c.nl.SetReadDeadline(time.Now().Add(c.timeout))
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = c.nl.SetReadDeadline(time.Unix(1, 0))
	})
	return func() {
		if !stop() {
			<-done
		}
		_ = c.nl.SetReadDeadline(time.Time{})
	}
}

// transmit sends a message and returns its header. The kernel works on a message
// before sending it returns, so a module that hangs must be waited for here, too.
func (c *conn) transmit(ctx context.Context, m netlink.Message) (netlink.Header, error) {
	type sent struct {
		message netlink.Message
		err     error
	}
	done, abandoned := make(chan sent), make(chan struct{})
	go func() {
		m, err := c.nl.Send(m)
		select {
		case done <- sent{m, err}:
		case <-abandoned:
			c.nl.Close()
		}
	}()
	timeout := time.NewTimer(c.timeout)
	defer timeout.Stop()
	var err error
	select {
	case s := <-done:
		return s.message.Header, s.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-timeout.C:
		err = os.ErrDeadlineExceeded
	}
	c.stuck = true
	close(abandoned)
	return netlink.Header{}, err
}

// send sends a message and returns its sequence number.
func (c *conn) send(ctx context.Context, m *Message, flags netlink.HeaderFlags) (uint32, error) {
	data, err := c.dialect.encode(m)
	if err != nil {
		return 0, err
	}
	sent, err := c.transmit(ctx, netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(c.family.id), Flags: netlink.Request | flags},
		Data:   data,
	})
	return sent.Sequence, err
}

// reply receives until the answer to a request comes. What else is there, say
// the late answer to a request that timed out, is thrown away.
func (c *conn) reply(seq uint32, typ uint16) (netlink.Message, error) {
	for {
		all, err := c.nl.Receive()
		if err != nil {
			return netlink.Message{}, err
		}
		for _, m := range all {
			if m.Header.Sequence == seq && uint16(m.Header.Type) == typ {
				return m, nil
			}
		}
	}
}

// trailing looks for an error behind a reply. The kernel has queued both before
// sending the request returned.
func (c *conn) trailing() error {
	_ = c.nl.SetReadDeadline(time.Now().Add(trailingPatience))
	_, err := c.nl.Receive()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// decode reads a message of the family.
func (c *conn) decode(a *schema.Arena, nm netlink.Message) (Message, error) {
	m, err := c.dialect.decode(a, nm.Data)
	m.Seq = nm.Header.Sequence
	return m, err
}

// cause makes of a socket's error one that callers know.
func cause(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, io.ErrClosedPipe):
		return fmt.Errorf("%w: %w", ErrNoModule, err)
	}
	return err
}

// message makes a message of a request.
func (r *Request) message() Message {
	m := Message{Op: r.Op, Minor: schema.NoMinor, Code: schema.Code(r.Flags), Sets: r.Sets}
	if r.Minor != nil {
		m.Minor = *r.Minor
	}
	return m
}

// answers yields the messages that answer a dump request. It ends with the dump.
// Whoever breaks out of the loop must have closed the socket before.
func (c *conn) answers(seq uint32) iter.Seq2[netlink.Message, error] {
	return func(yield func(netlink.Message, error) bool) {
		for ended := false; !ended; {
			// ReceiveIter reads one datagram, or, if its messages are marked
			// as parts, all until the end of the dump. The initial state is not
			// marked, so there the end is a datagram without messages.
			ended = true
			for m, err := range c.nl.ReceiveIter() {
				ended = err != nil || m.Header.Flags&netlink.Multi != 0
				if err == nil && m.Header.Sequence != seq {
					continue
				}
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
}

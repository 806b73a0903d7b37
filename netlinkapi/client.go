package netlinkapi

import (
	"context"
	"iter"

	"drbdutils/schema"
)

// Options say how to reach the module. The zero value means the kernel.
type Options struct {
	Socket        string // path of a fake module's unixpacket socket; "": the kernel
	ReceiveBuffer int    // bytes; 0: 1 MiB; kept within 100 KiB and 100 MiB
}

// Client is a connection to the module. One goroutine may use it at a time.
type Client struct {
	gen schema.Generation
}

// Dial finds the module and returns a client for its generation. Errors:
// ErrNoModule, *VersionError, or an error of the socket.
func Dial(ctx context.Context, o Options) (*Client, error) { panic("not yet") }

// Close ends the connection.
func (c *Client) Close() error { panic("not yet") }

// Generation tells which module it is.
func (c *Client) Generation() schema.Generation { return c.gen }

// Do sends a command and returns the module's reply. If the module refused, the
// error is a *KernelError and the reply is returned as well. Other errors are
// *TimeoutError after 120 seconds without a reply (or the context's own), and
// errors of the socket wrapping a syscall.Errno. A command that fails because
// the module is in a transient state is sent again, with growing pauses, until
// the context ends.
func (c *Client) Do(ctx context.Context, r Request) (Message, error) { panic("not yet") }

// Dump sends a query and yields the answers, one object each. It ends with an
// error if the module reports one; a result other than success is a *KernelError.
func (c *Client) Dump(ctx context.Context, r Request) iter.Seq2[Message, error] { panic("not yet") }

// Snapshot asks for the state of the resource of that name, or of all for "".
// An unknown name gives an empty snapshot.
func (c *Client) Snapshot(ctx context.Context, resource string) (*Snapshot, error) {
	panic("not yet")
}

// Listen joins the module's notifications, sends a dump request, and yields all
// that arrives: answers to the request (their Seq is the request's) mixed with
// notifications, in the order of arrival. After the last answer a Message with
// the zero Op marks the end of the dump. It goes on until the context ends, the
// loop breaks, or an error: ErrUnloaded, or one wrapping syscall.ENOBUFS when
// notifications were lost.
func (c *Client) Listen(ctx context.Context, r Request) iter.Seq2[Message, error] {
	panic("not yet")
}

// WatchOptions say what to watch.
type WatchOptions struct {
	Resource string          // only this one; "": all
	Now      bool            // end after the initial state, without listening
	Refresh  <-chan struct{} // each value received makes Watch ask for the whole state again
}

// Watch yields the initial state as Exists events, then one event whose message
// has the Op InitialStateDone, then each change in the order in which it
// happened, whatever the order of arrival. When notifications are lost it asks
// for the whole state again and yields what differs; nothing is missed or told
// twice. It goes on until the context ends, the loop breaks, or an error such as
// ErrUnloaded.
func (c *Client) Watch(ctx context.Context, o WatchOptions) iter.Seq2[Event, error] {
	panic("not yet")
}

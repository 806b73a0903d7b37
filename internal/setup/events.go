package setup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"drbdutils/internal/render"
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// events2 prints the state and then each change.
func events2(ctx context.Context, c *call) error {
	e, err := c.newEvents()
	if err != nil {
		return err
	}
	if err := c.listen(ctx); err != nil {
		return err
	}
	now, poll := c.has("now") > 0, c.has("poll") > 0
	if now && !poll {
		return c.once(ctx, e)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := watchReader(c.Stdout, func() { cancel(errEnough) })
	defer stop()
	if now {
		return c.pollNow(ctx, e)
	}
	var o netlinkapi.WatchOptions
	if !poll {
		return c.watch(ctx, e, o, nil)
	}
	refresh := make(chan struct{})
	o.Refresh = refresh
	return c.watch(ctx, e, o, func() { go c.pollRefresh(ctx, refresh, cancel) })
}

// once prints the state, all in one piece: nobody has to wait for its parts.
func (c *call) once(ctx context.Context, e *render.Events) error {
	out := bufio.NewWriterSize(e.Out, 64<<10)
	e.Out = out
	err := c.watch(ctx, e, netlinkapi.WatchOptions{Now: true}, nil)
	return errors.Join(err, unlessUnread(out.Flush()))
}

// errEnough ends events2 without an error.
var errEnough = errors.New("enough")

func (c *call) newEvents() (*render.Events, error) {
	o, err := c.displayOptions()
	if err != nil {
		return nil, err
	}
	e := &render.Events{
		Options: o,
		Full:    c.has("full") > 0,
		Diff:    c.has("diff") > 0,
		Out:     c.Stdout,
	}
	e.Verbose = min(c.has("statistics")+c.has("full"), 2)
	if c.has("timestamps") > 0 {
		e.Clock = c.clock()
	}
	return e, nil
}

// listen connects to the module, with the receive buffer that --rcvbuf asks for.
func (c *call) listen(ctx context.Context) error {
	given, ok := c.value("rcvbuf")
	if !ok {
		_, err := c.dial(ctx)
		return err
	}
	n, err := parseNumber(given.Value, schema.One)
	if err != nil {
		return allowing(err, "--rcvbuf", "bytes; 100k..100M are of use")
	}
	c.close()
	c.client, err = c.connect(ctx, netlinkapi.Options{Socket: c.NetlinkSocket(), ReceiveBuffer: int(min(n, 1<<30))})
	return err
}

// watch prints events until the end. After the initial state it calls started.
func (c *call) watch(ctx context.Context, e *render.Events, o netlinkapi.WatchOptions, started func()) error {
	name := c.resource
	for ev, err := range c.client.Watch(ctx, o) {
		if ctx.Err() != nil {
			return endOfPoll(context.Cause(ctx))
		}
		if err != nil {
			return c.broken(err)
		}
		if !concerns(&ev, &name) {
			continue
		}
		if err := e.Event(ev, c.gen); err != nil {
			return unlessUnread(err)
		}
		if ev.Message.Op == schema.InitialStateDone && started != nil {
			started()
		}
	}
	return nil
}

// unlessUnread forgives that nobody reads any more.
func unlessUnread(err error) error {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

// concerns reports whether an event is about the resource of that name, or about
// any if the name is empty. A resource that is renamed is followed.
func concerns(ev *netlinkapi.Event, name *string) bool {
	context := ev.Message.Get(schema.CfgContext)
	if *name == "" || context == nil {
		return true
	}
	if context.Str("ctx_resource_name") != *name {
		return false
	}
	if ev.Action == schema.Rename && ev.New != nil {
		*name = ev.New.Name
	}
	return true
}

// pollNow prints the state, and again for each n from standard input.
func (c *call) pollNow(ctx context.Context, e *render.Events) error {
	in := bufio.NewReader(c.Stdin)
	for {
		e.Restart()
		if err := c.watch(ctx, e, netlinkapi.WatchOptions{Now: true}, nil); err != nil {
			return err
		}
		if err := nextPoll(in); err != nil {
			return endOfPoll(err)
		}
	}
}

// nextPoll waits for an n. Its error is errEnough for the end of the input and for
// any other letter.
func nextPoll(in io.ByteReader) error {
	for {
		switch b, err := in.ReadByte(); {
		case errors.Is(err, io.EOF):
			return errEnough
		case err != nil:
			return err
		case b == 'n':
			return nil
		case b != '\n':
			return errEnough
		}
	}
}

func endOfPoll(err error) error {
	if errors.Is(err, errEnough) || errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("read standard input: %w", err)
}

// pollRefresh asks for the whole state again for each n from standard input. The
// end of the input ends the watch once everything asked for was told.
func (c *call) pollRefresh(ctx context.Context, refresh chan<- struct{}, fail context.CancelCauseFunc) {
	in := bufio.NewReader(c.Stdin)
	for {
		err := nextPoll(in)
		if errors.Is(err, errEnough) {
			close(refresh)
			return
		}
		if err != nil {
			fail(err)
			return
		}
		select {
		case refresh <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}

// watchReader calls gone when nobody reads the output any more.
func watchReader(out io.Writer, gone func()) (stop func()) {
	f, ok := out.(*os.File)
	if !ok {
		return func() {}
	}
	done := make(chan struct{})
	go waitHangup(f, done, gone)
	return func() { close(done) }
}

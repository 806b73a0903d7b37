package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"drbdutils/internal/render"
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// volumes asks DRBD 8.4 for the state of a device, or of all devices of a
// resource, or of all.
func (c *call) volumes(ctx context.Context) ([]render.Volume84, error) {
	client, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	r := netlinkapi.Request{Op: schema.GetStatus, Minor: c.minor, Object: c.object}
	if c.minor != nil {
		reply, err := client.Do(ctx, r)
		return []render.Volume84{{Message: &reply}}, err
	}
	if c.resource != "" {
		r.Sets = append(r.Sets, c.context)
	}
	var all []render.Volume84
	for m, err := range client.Dump(ctx, r) {
		if errors.Is(err, syscall.ENODEV) {
			return nil, &failure{code: exitUsage, text: c.object + ": No such resource", cause: fs.ErrNotExist}
		}
		if err != nil {
			return nil, err
		}
		if v := (render.Volume84{Message: &m}); c.resource == "" || v.Resource() == c.resource {
			all = append(all, v)
		}
	}
	return all, nil
}

// volume asks for the one device of the call, and its state.
func (c *call) volume84(ctx context.Context) (render.Volume84, render.State84, error) {
	all, err := c.volumes(ctx)
	if err != nil {
		return render.Volume84{}, 0, err
	}
	state, _ := all[0].State()
	return all[0], state, nil
}

// printState prints what text returns, or that the device is not configured.
func printState(ctx context.Context, c *call, text func(render.State84) string) error {
	_, s, err := c.volume84(ctx)
	switch {
	case err != nil:
		return err
	case s.Unconfigured():
		return c.print("Unconfigured")
	}
	return c.print(text(s))
}

func role84(ctx context.Context, c *call) error {
	return printState(ctx, c, func(s render.State84) string { return s.Role() + "/" + s.Peer() })
}

func state84(ctx context.Context, c *call) error {
	fmt.Fprintf(c.Stderr, "'%s ... state' is deprecated, use '%s ... role' instead.\n", c.Name, c.Name)
	return role84(ctx, c)
}

func cstate84(ctx context.Context, c *call) error {
	return printState(ctx, c, render.State84.ConnText)
}

func dstate84(ctx context.Context, c *call) error {
	return printState(ctx, c, func(s render.State84) string { return s.Disk().String() + "/" + s.PeerDisk().String() })
}

func shStatus84(ctx context.Context, c *call) error {
	all, err := c.volumes(ctx)
	if errors.Is(err, fs.ErrNotExist) && c.minor != nil {
		return render.ShStatusUnknown(c.Stdout, *c.minor)
	}
	if err != nil {
		return err
	}
	return render.ShStatus(c.Stdout, all)
}

func showGI84(ctx context.Context, c *call) error { return gi84(ctx, c, true) }
func getGI84(ctx context.Context, c *call) error  { return gi84(ctx, c, false) }

func gi84(ctx context.Context, c *call, legend bool) error {
	v, s, err := c.volume84(ctx)
	switch {
	case err != nil:
		return err
	case s.Unconfigured():
		return fail(exitNoState, "Device is unconfigured")
	case s.Disk() == schema.Diskless:
		return fail(exitNoState, "Device has no disk")
	}
	return render.GI84(c.Stdout, v, legend)
}

// show84 prints what GetStatus answers in 8.4's form; as JSON in that of 9.
func show84(ctx context.Context, c *call) error {
	if c.has("json") > 0 {
		return showJSON(ctx, c)
	}
	all, err := c.volumes(ctx)
	if err != nil {
		return err
	}
	return render.Show84(c.Stdout, all, c.renderOptions())
}

func udev84(ctx context.Context, c *call) error {
	v, _, err := c.volume84(ctx)
	if err != nil {
		return err
	}
	number, _ := v.Number()
	return c.udevNames(v.Minor, v.Resource(), number, v.Get(schema.DiskConf).Str("backing_dev"))
}

// events84 prints the event stream of DRBD 8.3 until the module goes away. When
// events are lost it begins again with the state.
func events84(ctx context.Context, c *call) error {
	err := c.stream84(ctx)
	for errors.Is(err, syscall.ENOBUFS) {
		err = c.stream84(ctx)
	}
	return err
}

func (c *call) stream84(ctx context.Context) error {
	client, err := c.dial(ctx)
	if err != nil {
		return err
	}
	for m, err := range client.Listen(ctx, netlinkapi.Request{Op: schema.GetStatus, Object: c.object}) {
		if errors.Is(err, netlinkapi.ErrUnloaded) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.wants(&m) {
			if err := render.Event84(c.Stdout, &m); err != nil {
				return err
			}
		}
	}
	return nil
}

// wants reports whether a message of the old stream is one that the call is to
// show.
//
// compat: the original also prints a line "R - NAME" for each notification of
// events2, which tells nothing.
func (c *call) wants(m *netlinkapi.Message) bool {
	if m.Op != schema.GetStatus && m.Op != schema.StatusEvent {
		return false
	}
	if c.minor != nil {
		return m.Minor == *c.minor
	}
	return c.resource == "" || m.Get(schema.CfgContext).Str("ctx_resource_name") == c.resource
}

// down84 takes a resource down. One that is not there is down already.
func down84(ctx context.Context, c *call) error {
	all, err := c.volumes(ctx)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := unless(schema.ErrResourceUnknown, c.do(ctx, c.request())); err != nil {
		return err
	}
	for _, v := range all {
		c.forgetMinor(v.Minor)
	}
	c.forgetResource(c.resource)
	return nil
}

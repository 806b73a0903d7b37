package setup

import (
	"context"

	"drbdutils/internal/render"
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

func role9(ctx context.Context, c *call) error {
	s, err := c.list(ctx)
	if err != nil {
		return err
	}
	r := s.Resource(c.resource)
	if r == nil {
		return fail(exitRefused, "%s: Unknown resource", c.object)
	}
	return c.print(r.Role())
}

// connection returns the connection that the call names.
func (c *call) connection(ctx context.Context) (*netlinkapi.Connection, error) {
	s, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	conn := s.Resource(c.resource).Connection(c.peer)
	if conn == nil {
		return nil, fail(exitRefused, "%s: No such connection", c.object)
	}
	return conn, nil
}

func peerRole9(ctx context.Context, c *call) error {
	conn, err := c.connection(ctx)
	if err != nil {
		return err
	}
	return c.print(conn.Role())
}

func cstate9(ctx context.Context, c *call) error {
	conn, err := c.connection(ctx)
	if err != nil {
		return err
	}
	return c.print(conn.State())
}

// device returns the device that the call names, and its resource.
func (c *call) device(ctx context.Context) (*netlinkapi.Resource, *netlinkapi.Device, error) {
	s, err := c.list(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range s.Resources {
		for _, d := range r.Devices {
			if d.Minor == *c.minor {
				return r, d, nil
			}
		}
	}
	return nil, nil, fail(exitRefused, "%s: No such device", c.object)
}

func dstate9(ctx context.Context, c *call) error {
	r, d, err := c.device(ctx)
	if err != nil {
		return err
	}
	text := d.DiskState().String()
	for _, conn := range r.Connections {
		if p := conn.PeerDevice(d.Volume); p != nil {
			text += "/" + p.DiskState().String()
		}
	}
	return c.print(text)
}

func udev9(ctx context.Context, c *call) error {
	r, d, err := c.device(ctx)
	if err != nil {
		return err
	}
	return c.udevNames(d.Minor, r.Name, uint64(d.Volume), d.Disk.Str("backing_dev"))
}

func showGI9(ctx context.Context, c *call) error { return gi9(ctx, c, true) }
func getGI9(ctx context.Context, c *call) error  { return gi9(ctx, c, false) }

func gi9(ctx context.Context, c *call, legend bool) error {
	s, err := c.list(ctx)
	if err != nil {
		return err
	}
	r := s.Resource(c.resource)
	p, d := r.Connection(c.peer).PeerDevice(c.volume), r.Device(c.volume)
	switch {
	case p == nil || d == nil:
		return fail(exitRefused, "%s: No such peer device", c.object)
	case d.DiskState() == schema.Diskless && p.ReplState() == schema.ReplOff:
		return fail(exitNoState, "Device is unconfigured")
	case d.DiskState() == schema.Diskless:
		return fail(exitNoState, "Device has no disk")
	case d.Stats.Empty() || p.Stats.Empty():
		return fail(exitNoState, "The module does not tell the identifiers")
	}
	return render.GI(c.Stdout, d, p, legend)
}

// down9 takes down one resource or all. It goes on after a refusal; the first
// one decides about the exit code. A resource that is not there is down already.
func down9(ctx context.Context, c *call) error {
	client, err := c.dial(ctx)
	if err != nil {
		return err
	}
	s, err := client.Snapshot(ctx, c.resource)
	if err != nil {
		return err
	}
	first := exitOK
	for _, r := range s.Resources {
		if code := c.report(c.downOne(ctx, r)); first == exitOK {
			first = code
		}
	}
	if first != exitOK {
		return &failure{code: first}
	}
	return nil
}

func (c *call) downOne(ctx context.Context, r *netlinkapi.Resource) error {
	name := schema.CfgContext.In(c.gen).New().SetStr("ctx_resource_name", r.Name)
	err := c.do(ctx, netlinkapi.Request{Op: schema.Down, Object: r.Name, Sets: []*schema.Values{name}})
	if err := unless(schema.ErrResourceUnknown, err); err != nil {
		return err
	}
	for _, d := range r.Devices {
		c.forgetMinor(d.Minor)
	}
	c.forgetResource(r.Name)
	return nil
}

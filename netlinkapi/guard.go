package netlinkapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"drbdutils/schema"
)

// A guard looks at a command before it is sent, and refuses it or completes it:
// some released modules crash, or destroy state, when they get it.
type guard func(ctx context.Context, c *Client, r *Request) error

// guard returns what has to be looked at before a command is sent, nil if nothing.
func (d *dialect) guard(op schema.Op) guard {
	if d.generation != schema.V9 {
		return nil
	}
	switch op {
	case schema.Attach:
		return guardAttach
	case schema.Invalidate:
		return guardInvalidate
	case schema.ChgNetOpts:
		return guardNetOptions
	case schema.NewPath, schema.DelPath:
		return guardPath
	}
	return nil
}

// guardAttach refuses to attach a disk to a device that has one. DRBD 9.3.3
// refuses that itself, but frees the bitmap of the attached disk meanwhile, and
// the next look at a peer device brings the machine down. Older releases are
// not asked: they know fewer than 34 attribute sets.
func guardAttach(ctx context.Context, c *Client, r *Request) error {
	conn, err := c.ready(ctx)
	if err != nil || r.Minor == nil || conn.family.maxAttr < int(schema.SuspendIOParms) {
		return err
	}
	state, known, err := c.diskState(ctx, r, r.Within)
	if !known && r.Within != "" && (err == nil || errors.Is(err, fs.ErrNotExist)) { // it has another name now
		state, _, err = c.diskState(ctx, r, "")
	}
	if err != nil || state == schema.Diskless {
		return err
	}
	return &KernelError{
		Op: r.Op, Object: r.Object, Generation: c.Generation(), Code: schema.ErrDiskConfigured,
		Info: []string{fmt.Sprintf("the disk is %s; the module was not asked", state)},
	}
}

// diskState asks for the state of a request's device, among those of a resource or
// for "" among all.
func (c *Client) diskState(ctx context.Context, r *Request, resource string) (state schema.DiskState, known bool, err error) {
	ask := Request{Op: schema.GetDevices, Object: r.Object}
	if resource != "" {
		ask.Sets = []*schema.Values{schema.CfgContext.In(c.Generation()).New().SetStr("ctx_resource_name", resource)}
	}
	err = c.dump(ctx, ask, func(m Message) bool {
		if m.Minor == *r.Minor {
			state, known = schema.DiskState(m.Get(schema.DeviceInfo).Uint("dev_disk_state")), true
		}
		return resource != "" || m.Minor < *r.Minor // all devices come in the order of their minors
	})
	return state, known, err
}

// guardInvalidate refuses to sync from a peer to which there is no connection:
// the module looks at that connection without checking that it exists.
func guardInvalidate(ctx context.Context, c *Client, r *Request) error {
	from := r.get(schema.InvalidateParms)
	if r.Minor == nil || !from.Has("sync_from_peer_node_id") || from.Int("sync_from_peer_node_id") < 0 {
		return nil
	}
	peer := from.Uint("sync_from_peer_node_id")
	known := false
	err := c.dump(ctx, Request{Op: schema.GetPeerDevices, Object: r.Object}, func(m Message) bool {
		known = known || m.Minor == *r.Minor && m.Get(schema.CfgContext).Uint("ctx_peer_node_id") == peer
		return true
	})
	if err != nil || known {
		return err
	}
	return &KernelError{
		Op: r.Op, Object: r.Object, Generation: c.Generation(), Code: schema.ErrInvalidRequest,
		Info: []string{fmt.Sprintf("no connection to a peer with node id %d", peer)},
	}
}

// guardNetOptions keeps the name of a connection when its options go back to
// their defaults: without a name in the request the module would clear it.
func guardNetOptions(ctx context.Context, c *Client, r *Request) error {
	conf, where := r.get(schema.NetConf), r.get(schema.CfgContext)
	if r.Flags&schema.SetDefaults == 0 || conf.Has("name") {
		return nil
	}
	name := ""
	err := c.dump(ctx, Request{Op: schema.GetConnections, Object: r.Object}, func(m Message) bool {
		ctx := m.Get(schema.CfgContext)
		if ctx.Str("ctx_resource_name") == where.Str("ctx_resource_name") &&
			ctx.Uint("ctx_peer_node_id") == where.Uint("ctx_peer_node_id") {
			name = ctx.Str("ctx_conn_name")
		}
		return true
	})
	if err != nil || name == "" {
		return err
	}
	r.Sets = withName(r.Sets, conf, name)
	return nil
}

// withName returns the sets with a copy of conf, one of them or nil, that holds
// the name.
func withName(sets []*schema.Values, conf *schema.Values, name string) []*schema.Values {
	named := conf.Clone()
	if named == nil {
		named = schema.NetConf.In(schema.V9).New()
	}
	others := slices.DeleteFunc(slices.Clone(sets), func(v *schema.Values) bool { return v == conf })
	return append(others, named.SetStr("name", name))
}

// guardPath refuses a path without both addresses, which the module takes for
// granted.
func guardPath(_ context.Context, c *Client, r *Request) error {
	if path := r.get(schema.PathParms); path.Str("my_addr") != "" && path.Str("peer_addr") != "" {
		return nil
	}
	return &KernelError{
		Op: r.Op, Object: r.Object, Generation: c.Generation(), Code: schema.ErrMandatoryTag,
		Info: []string{"a path needs a local and a peer address"},
	}
}

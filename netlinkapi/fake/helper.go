package fake

import (
	"context"
	"fmt"
	"strings"

	"drbdutils/schema"
)

// helper calls a user mode helper for the device as the peer has it, and returns
// its exit code. The lock is given up while it runs, so that it can use the module.
func (pd *peerDevice) helper(name string) int {
	return pd.res.m.call(pd.device, pd.conn, name, pd.context())
}

// helper calls a user mode helper for the device.
func (d *device) helper(name string) int {
	if d.res.m.gen == schema.V84 {
		return d.only().helper(name)
	}
	return d.res.m.call(d, nil, name, d.context())
}

// alarm calls a helper about a state that was just entered. In DRBD 9 what comes next
// does not wait for it.
func (pd *peerDevice) alarm(name string) {
	if pd.res.m.gen == schema.V84 {
		pd.helper(name)
		return
	}
	pd.res.helperLater(helperCall{d: pd.device, c: pd.conn, name: name, ctx: pd.context()})
}

// A helperCall is a call that does not keep what comes next waiting.
type helperCall struct {
	d    *device     // nil if it is about all
	c    *connection // nil if it is not about a peer
	name string
	ctx  *schema.Values
}

// minor is the number that the call is told with.
func (call helperCall) minor() uint32 {
	if call.d == nil {
		return schema.NoMinor
	}
	return call.d.minor
}

// helperLater has a helper called, after those that were to be called before.
func (r *resource) helperLater(call helperCall) {
	r.todo = append(r.todo, call)
	if len(r.todo) == 1 {
		r.beginHelper()
	}
}

// beginHelper calls the helper that is next.
func (r *resource) beginHelper() {
	if len(r.todo) == 0 || r.m.ctx.Err() != nil {
		return
	}
	next, m := r.todo[0], r.m
	m.tell(m.aboutHelper(next.minor(), next.ctx, next.name, schema.Call, 0))
	env := m.helperEnv(next.d, next.c, next.name)
	m.work.Go(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		status := m.runHelper(m.ctx, []string{next.name, r.name}, env)
		m.tell(m.aboutHelper(next.minor(), next.ctx, next.name, schema.Response, status))
		r.todo = r.todo[1:]
		r.beginHelper()
	})
}

// call runs a helper for a device.
func (m *Module) call(d *device, c *connection, name string, ctx *schema.Values) int {
	args := []string{name, d.res.name}
	if m.gen == schema.V84 {
		args[1] = fmt.Sprintf("minor-%d", d.minor)
		m.tellEvent(d.only(), func(info *schema.Values) {
			info.SetUint("sib_reason", sibHelperPre).SetStr("helper", name)
		})
	}
	m.tell(m.aboutHelper(d.minor, ctx, name, schema.Call, 0))
	status := m.runHelper(m.ctx, args, m.helperEnv(d, c, name))
	if m.gen == schema.V84 {
		m.tellEvent(d.only(), func(info *schema.Values) {
			info.SetUint("sib_reason", sibHelperPost).SetStr("helper", name).SetUint("helper_exit_code", uint64(status))
		})
	}
	m.tell(m.aboutHelper(d.minor, ctx, name, schema.Response, status))
	return exitCode(status)
}

// helper calls a user mode helper for the connection and returns its exit code.
func (c *connection) helper(ctx context.Context, name string) int {
	m := c.res.m
	m.tell(m.aboutHelper(schema.NoMinor, c.context(), name, schema.Call, 0))
	status := m.runHelper(ctx, []string{name, c.res.name}, m.helperEnv(nil, c, name))
	m.tell(m.aboutHelper(schema.NoMinor, c.context(), name, schema.Response, status))
	return exitCode(status)
}

// exitCode returns the exit code in a wait status.
func exitCode(status uint32) int { return int(status >> 8 & 0xff) }

// runHelper runs a helper without the lock and returns its wait status.
func (m *Module) runHelper(ctx context.Context, args, env []string) uint32 {
	if m.cfg.Helper == nil {
		return 0
	}
	m.mu.Unlock()
	defer m.mu.Lock()
	return m.cfg.Helper(ctx, args, env)
}

func (m *Module) aboutHelper(minor uint32, ctx *schema.Values, name string, a schema.Action, status uint32) notice {
	info := m.set(schema.Helper).SetStr("helper_name", name).SetUint("helper_status", uint64(status))
	return notice{op: schema.HelperEvent, minor: minor, ctx: ctx, action: a, info: info}
}

// helperEnv returns the environment of a helper, as the kernel makes it. Either d
// or c may be nil.
func (m *Module) helperEnv(d *device, c *connection, name string) []string {
	env := []string{"HOME=/", "TERM=linux", "PATH=/sbin:/usr/sbin:/bin:/usr/bin"}
	if m.gen == schema.V9 {
		return append(env, helperEnv9(d, c, name)...)
	}
	if c.peerAddr != "" {
		family, ip, _ := splitAddress(c.peerAddr)
		env = append(env, "DRBD_PEER_AF="+family, "DRBD_PEER_ADDRESS="+ip)
	}
	return env
}

// helperEnv9 returns what DRBD 9 tells of a device and a connection.
func helperEnv9(d *device, c *connection, name string) []string {
	var env []string
	add := func(key string, value any) { env = append(env, fmt.Sprintf("%s=%v", key, value)) }
	if c != nil && len(c.paths) > 0 {
		family, ip, _ := splitAddress(c.paths[0].my)
		add("DRBD_MY_ADDRESS", ip)
		add("DRBD_MY_AF", family)
		family, ip, _ = splitAddress(c.paths[0].peer)
		add("DRBD_PEER_ADDRESS", ip)
		add("DRBD_PEER_AF", family)
	}
	if c != nil {
		add("DRBD_PEER_NODE_ID", c.node)
		add("DRBD_CSTATE", schema.ConnState(c.state))
	}
	if d != nil {
		add("DRBD_MINOR", d.minor)
		add("DRBD_VOLUME", d.volume)
		if d.attached() {
			add("DRBD_BACKING_DEV", d.disk.conf.Str("backing_dev"))
		}
		return env
	}
	for _, d := range c.res.devices {
		add(fmt.Sprintf("DRBD_MINOR_%d", d.volume), d.minor)
		if d.disk != nil {
			add(fmt.Sprintf("DRBD_BACKING_DEV_%d", d.volume), d.disk.conf.Str("backing_dev"))
		}
	}
	if strings.Contains(name, "fence") {
		add("UP_TO_DATE_NODES", fmt.Sprintf("0x%08X", c.res.upToDateNodes()))
	}
	return env
}

// upToDateNodes is a mask of the nodes with current data of all volumes.
func (r *resource) upToDateNodes() uint64 {
	mask := ^uint64(0)
	for _, d := range r.devices {
		var nodes uint64
		if d.own.disk == schema.UpToDate {
			nodes |= 1 << r.opts.Uint("node_id")
		}
		for _, pd := range d.peers {
			if pd.part.pdsk == schema.UpToDate {
				nodes |= 1 << pd.conn.node
			}
		}
		mask &= nodes
	}
	return mask
}

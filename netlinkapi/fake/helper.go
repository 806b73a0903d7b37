package fake

import (
	"context"
	"fmt"

	"drbdutils/schema"
)

// helper calls a user mode helper for the device and returns its exit code. The
// lock is given up while it runs, so that it can use the module.
func (pd *peerDevice) helper(name string) int {
	m := pd.res.m
	m.tellEvent(pd, func(info *schema.Values) {
		info.SetUint("sib_reason", sibHelperPre).SetStr("helper", name)
	})
	m.tell(m.aboutHelper(pd.minor, pd.context(), name, schema.Call, 0))
	status := m.runHelper(m.ctx, []string{name, fmt.Sprintf("minor-%d", pd.minor)}, pd.conn.helperEnv())
	m.tellEvent(pd, func(info *schema.Values) {
		info.SetUint("sib_reason", sibHelperPost).SetStr("helper", name).SetUint("helper_exit_code", uint64(status))
	})
	m.tell(m.aboutHelper(pd.minor, pd.context(), name, schema.Response, status))
	return exitCode(status)
}

// helper calls a user mode helper for the connection and returns its exit code.
func (c *connection) helper(ctx context.Context, name string) int {
	m := c.res.m
	m.tell(m.aboutHelper(schema.NoMinor, c.context(), name, schema.Call, 0))
	status := m.runHelper(ctx, []string{name, c.res.name}, c.helperEnv())
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

// helperEnv returns the environment of a helper, as the kernel makes it.
func (c *connection) helperEnv() []string {
	env := []string{"HOME=/", "TERM=linux", "PATH=/sbin:/usr/sbin:/bin:/usr/bin"}
	if c.peerAddr != "" {
		family, ip, _ := splitAddress(c.peerAddr)
		env = append(env, "DRBD_PEER_AF="+family, "DRBD_PEER_ADDRESS="+ip)
	}
	return env
}

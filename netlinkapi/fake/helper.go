package fake

import (
	"fmt"

	"drbdutils/schema"
)

// helper calls a user mode helper for the device and returns its exit code. The
// lock is given up while it runs, so that it can use the module.
func (d *device) helper(name string) int {
	m := d.res.m
	m.tellEvent(d, func(info *schema.Values) {
		info.SetUint("sib_reason", sibHelperPre).SetStr("helper", name)
	})
	m.tell(d.aboutHelper(name, schema.Call, 0))
	var status uint32
	if run := m.cfg.Helper; run != nil {
		args := []string{name, fmt.Sprintf("minor-%d", d.minor)}
		env := d.res.conn.helperEnv()
		m.mu.Unlock()
		status = run(m.ctx, args, env)
		m.mu.Lock()
	}
	m.tellEvent(d, func(info *schema.Values) {
		info.SetUint("sib_reason", sibHelperPost).SetStr("helper", name).SetUint("helper_exit_code", uint64(status))
	})
	m.tell(d.aboutHelper(name, schema.Response, status))
	return int(status >> 8 & 0xff)
}

func (d *device) aboutHelper(name string, a schema.Action, status uint32) notice {
	info := d.res.m.set(schema.Helper).SetStr("helper_name", name).SetUint("helper_status", uint64(status))
	return notice{op: schema.HelperEvent, minor: d.minor, ctx: d.peerContext(), action: a, sets: []*schema.Values{info}}
}

// helperEnv returns the environment of a helper, as the kernel makes it.
func (c *connection) helperEnv() []string {
	env := []string{"HOME=/", "TERM=linux", "PATH=/sbin:/usr/sbin:/bin:/usr/bin"}
	if c.peer != "" {
		family, ip, _ := splitAddress(c.peer)
		env = append(env, "DRBD_PEER_AF="+family, "DRBD_PEER_ADDRESS="+ip)
	}
	return env
}

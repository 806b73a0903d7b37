package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// request returns the request that the words and options make.
func (c *call) request() netlinkapi.Request {
	r := netlinkapi.Request{Op: c.cmd.op, Minor: c.minor, Object: c.object, Within: c.resource}
	if c.defaults {
		r.Flags = schema.SetDefaults
	}
	if !c.context.Empty() {
		r.Sets = append(r.Sets, c.context)
	}
	if c.payload != nil {
		r.Sets = append(r.Sets, c.payload)
	}
	return r
}

// send is what most commands do: one request.
func send(ctx context.Context, c *call) error {
	if c.cmd.lock {
		unlock, err := c.LockMinor(*c.minor)
		if err != nil {
			return fail(exitUsage, "%v", err)
		}
		defer unlock()
	}
	return c.do(ctx, c.request())
}

// do sends a request and prints what the module says beside success.
func (c *call) do(ctx context.Context, r netlinkapi.Request) error {
	client, err := c.dial(ctx)
	if err != nil {
		return err
	}
	reply, err := client.Do(ctx, r)
	if errno, ok := errors.AsType[syscall.Errno](err); ok && !errors.Is(err, netlinkapi.ErrNoModule) {
		return fail(exitUsage, "%s: %s%s", r.Object, reason(errno), wayOut(errno))
	}
	if err != nil {
		return err
	}
	switch {
	case c.gen == schema.V84: // compat: 8.4's drbdsetup never showed them
	case reply.Code == schema.NoError || reply.Code == schema.StateDone:
		c.remarks("warnings from kernel:", reply.Texts())
	default:
		c.remarks("additional info from kernel:", reply.Texts())
	}
	return nil
}

// unless returns err, or nil if it is the module's refusal with that code.
func unless(code schema.Code, err error) error {
	if k, ok := errors.AsType[*netlinkapi.KernelError](err); ok && k.Code == code {
		return nil
	}
	return err
}

// wayOut tells what helps where netlink itself refuses, as a line of its own.
func wayOut(errno syscall.Errno) string {
	switch errno {
	case syscall.EPERM, syscall.EACCES:
		return "\nOnly root may change DRBD; in a container CAP_NET_ADMIN and CAP_SYS_ADMIN of the host are needed."
	case syscall.EOPNOTSUPP, syscall.EINVAL:
		return "\nThis module does not know the command, or one of its options; see the version in /proc/drbd."
	}
	return ""
}

// newMinor9 refuses a minor whose remains are still in sysfs: the module would
// stumble over them.
func newMinor9(ctx context.Context, c *call) error {
	for _, path := range []string{
		"/sys/devices/virtual/block/drbd%d", "/sys/devices/virtual/bdi/147:%d", "/sys/block/drbd%d",
	} {
		path = c.Path(fmt.Sprintf(path, *c.minor))
		if _, err := os.Lstat(path); err == nil {
			return &netlinkapi.KernelError{
				Op: c.cmd.op, Object: c.object, Generation: c.gen, Code: schema.ErrMinorOrVolExists,
				Info: []string{path + " exists"},
			}
		}
	}
	if err := send(ctx, c); err != nil {
		return err
	}
	c.process.made(*c.minor, c.resource)
	c.linkVolume()
	return nil
}

// delMinor removes a device, and what drbdadm noted about it.
func delMinor(ctx context.Context, c *call) error {
	err := send(ctx, c)
	if err == nil {
		c.forgetMinor(*c.minor)
	}
	return err
}

// delResource removes a resource, and what drbdadm noted about it.
func delResource(ctx context.Context, c *call) error {
	err := send(ctx, c)
	if err == nil {
		c.forgetResource(c.resource)
	}
	return err
}

// runDir is where the tools note which configuration file is in force.
const runDir = "/var/run/drbd"

func (t *tool) forgetMinor(minor uint32) {
	_ = os.Remove(t.Path(fmt.Sprintf("%s/drbd-minor-%d.conf", runDir, minor)))
}

func (t *tool) forgetResource(name string) {
	if strings.Contains(name, "/") {
		return // never outside the directory
	}
	_ = os.Remove(t.Path(fmt.Sprintf("%s/drbd-resource-%s.conf", runDir, name)))
}

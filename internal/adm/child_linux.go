package adm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"

	"drbdutils/internal/cli"
)

// start runs a program as a child, with more variables in its environment and without
// those that drop reports. It does not outlive drbdadm, even if that is killed.
func start(ctx context.Context, env cli.Env, more []string, drop func(variable string) bool) int {
	runtime.LockOSThread() // the kernel watches the thread that started the child
	defer runtime.UnlockOSThread()
	c := exec.CommandContext(ctx, env.Name, env.Args...)
	c.Stdin, c.Stdout, c.Stderr = env.Stdin, env.Stdout, env.Stderr
	if _, logs := env.Stderr.(systemLog); logs {
		c.Stderr = nil // what it leaves behind may hold that open
	}
	c.Env = append(slices.DeleteFunc(c.Environ(), drop), more...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = grace / 2
	err := c.Run()
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		return exitBroken // it was told to end
	}
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && failed.Exited() {
		return failed.ExitCode()
	}
	// compat: a backend killed by a signal is a failure; the reference reports
	// success for it.
	fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name, err)
	return exitBroken
}

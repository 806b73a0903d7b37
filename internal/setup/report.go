package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"drbdutils/internal/cli"
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// stateExit are the exit codes of refused state changes that scripts tell apart.
var stateExit = map[schema.Code]int{
	schema.StateNoUpToDateDisk:    exitNoGoodDisk,
	schema.StateNoLocalDisk:       exitNoDisk,
	schema.StateLowerThanOutdated: exitOutdated,
}

// report tells people what a refused or failed request means, and returns the
// exit code.
func (t *tool) report(err error) int {
	if err == nil {
		return exitOK
	}
	if f, ok := errors.AsType[*failure](err); ok {
		if f.text != "" {
			fmt.Fprintln(t.Stderr, f.text)
		}
		return f.code
	}
	if k, ok := errors.AsType[*netlinkapi.KernelError](err); ok {
		return t.reportKernel(k)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return exitUsage // who set the time tells that it is over
	}
	fmt.Fprintln(t.Stderr, t.explain(err))
	if errors.Is(err, netlinkapi.ErrUnloaded) {
		return exitUnloaded
	}
	return exitUsage
}

// reportKernel prints the refusal of the module. Scripts look for these words
// and numbers.
func (t *tool) reportKernel(k *netlinkapi.KernelError) int {
	code := exitState
	switch text, known := k.Code.Text(k.Generation); {
	case k.Code == schema.StateUnknownError:
		fmt.Fprintf(t.Stderr, "%s: State change failed: (0)unknown error.\n", k.Object)
	case !known:
		fmt.Fprintf(t.Stderr, "%s: Error code %d unknown.\nYou should update the drbd userland tools.\n", k.Object, k.Code)
		code = exitUsage
	case k.Code.Refusal():
		fmt.Fprintf(t.Stderr, "%s: Failure: (%d) %s\n", k.Object, k.Code, text)
		code = exitRefused
	default:
		fmt.Fprintf(t.Stderr, "%s: State change failed: (%d) %s\n", k.Object, k.Code, text)
		if special, ok := stateExit[k.Code]; ok {
			code = special
		}
	}
	t.remarks("additional info from kernel:", k.Info)
	if hint := k.Code.Hint(); hint != "" && cli.IsTerminal(t.Stderr) {
		fmt.Fprintln(t.Stderr, hint)
	}
	return code
}

// remarks prints what the module has to say beside its result.
func (t *tool) remarks(title string, texts []string) {
	if len(texts) > 0 {
		fmt.Fprintf(t.Stderr, "%s\n%s\n", title, strings.Join(texts, "\n"))
	}
}

// explain returns other errors in words that say what to do.
func (t *tool) explain(err error) string {
	if errors.Is(err, netlinkapi.ErrNoModule) {
		return "Could not connect to 'drbd' generic netlink family"
	}
	if v, ok := errors.AsType[*netlinkapi.VersionError](err); ok {
		return fmt.Sprintf("API mismatch!\n\tAPI version %s: %d kernel: %d\n\theader size %s: 8 kernel: %d",
			t.Name, t.gen.FamilyVersion(), v.Version, t.Name, v.HeaderSize)
	}
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return err.Error()
}

// hung adds to the error of a module that hangs which command waited for it, where
// the error names but a part of that.
func (c *call) hung(err error) error {
	timeout, ok := errors.AsType[*netlinkapi.TimeoutError](err)
	switch {
	case ok && timeout.Op.Name(c.gen) != c.cmd.name:
		return fmt.Errorf("%s: %w", c.cmd.name, err)
	case errors.Is(err, os.ErrDeadlineExceeded): // the look-up of the family
		return fmt.Errorf("%s: %s: %w", c.cmd.name, c.object, err)
	}
	return err
}

// reason returns the bare cause of an error of the system, as in "No such file
// or directory".
func reason(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		text := errno.Error()
		return strings.ToUpper(text[:1]) + text[1:]
	}
	return err.Error()
}

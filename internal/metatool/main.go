package metatool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"drbdutils/internal/cli"
	"drbdutils/meta"
)

// Exit codes. They are those of drbd-utils 9.34.
const (
	exitCancelled  = 1
	exitNoLog      = 1
	exitBadLog     = 2
	exitLastKnown  = 2 // valid metadata, but only where it was before the device grew
	exitInvalid    = 3 // no valid superblock to dump
	exitNoJSON     = 4
	exitCannot     = 5
	exitBadValue   = 10
	exitUsage      = 20 // also: cannot open, locked, attached
	exitStriping   = 30
	exitDataInUse  = 40
	exitNoNumber   = 100
	exitNoMetadata = 255 // also: anything else that failed
)

// A failure is an error that knows its exit code. Without a text nothing is
// printed.
type failure struct {
	code int
	text string
}

func (f *failure) Error() string { return f.text }

func fail(code int, format string, args ...any) error {
	return &failure{code, fmt.Sprintf(format, args...)}
}

// silent ends the program without a word.
func silent(code int) error { return &failure{code: code} }

// A tool is one run of drbdmeta.
type tool struct {
	env cli.Env
	out *bufio.Writer
	opt options

	cmd     *command
	args    []string // after the command
	minor   int      // or noMinor
	version meta.Version
	path    string // of the device, or the file of v06
	index   meta.Index
	stale   bool // attached, so what the disk says may be out of date

	dev        *meta.Device
	disk       meta.Disk                    // dev, or what stands between in a dry run
	watch      func(*meta.Device) meta.Disk // what a test puts between, nil for nothing
	suppressed int                          // questions answered by --force --quiet
}

// Main runs drbdmeta and returns its exit code.
func Main(ctx context.Context, env cli.Env) int { return newTool(env).main(ctx) }

func newTool(env cli.Env) *tool {
	return &tool{env: env, out: bufio.NewWriter(env.Stdout), minor: noMinor}
}

func (t *tool) main(ctx context.Context) int {
	err := t.run(ctx)
	if flushErr := t.out.Flush(); err == nil && flushErr != nil {
		err = flushErr
	}
	code := t.report(err)
	if t.suppressed > 0 {
		t.remark("questions answered with yes because of --force: %d", t.suppressed)
	}
	if t.stale {
		t.remark("# Output might be stale, since minor %d is attached", t.minor)
	}
	return code
}

// report prints an error and returns the exit code for it.
func (t *tool) report(err error) int {
	if err == nil {
		return 0
	}
	if f, ok := errors.AsType[*failure](err); ok {
		if f.text != "" {
			t.remark("%s", f.text)
		}
		return f.code
	}
	t.remark("%s: %v", t.path, err)
	if errors.Is(err, meta.ErrTooSmall) {
		return exitBadValue
	}
	return exitNoMetadata
}

// remark prints a line on stderr, after everything that went to stdout before.
func (t *tool) remark(format string, args ...any) {
	t.out.Flush()
	fmt.Fprintf(t.env.Stderr, format+"\n", args...)
}

// printf prints on stdout.
func (t *tool) printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

func (t *tool) run(ctx context.Context) error {
	words, err := t.opt.parse(t.env.Args)
	if usage, ok := errors.AsType[*cli.UsageError](err); ok {
		t.remark("%s: %v", t.env.Name, usage)
		return t.usage()
	}
	if err != nil {
		return err
	}
	if len(words) < 3 {
		return t.usage()
	}
	if err := t.parseWords(words); err != nil {
		return err
	}
	if err := t.opt.check(t.cmd, t.version); err != nil {
		return err
	}
	if extra := len(t.args) - t.cmd.maxArgs; extra > 0 {
		t.remark("ignoring %d additional arguments: %s", extra, strings.Join(t.args[t.cmd.maxArgs:], " "))
	}
	unlock, err := t.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	defer t.close()
	return t.cmd.run(t)
}

// parseWords reads "DEVICE v06 MINOR COMMAND..." or "DEVICE v0x META_DEV INDEX
// COMMAND...".
func (t *tool) parseWords(words []string) (err error) {
	if t.minor, err = minorOf(words[0]); err != nil {
		return err
	}
	if t.version, err = meta.ParseVersion(words[1]); err != nil {
		return fail(exitUsage, "%v", err)
	}
	rest := words[2:]
	if t.version == meta.V06 {
		t.path = t.env.Path(fmt.Sprintf("%s/drbd%s", libDir, rest[0]))
		rest = rest[1:]
	} else {
		if len(rest) < 2 {
			return fail(exitUsage, "the index is missing after %s: internal, flex-internal, flex-external or 0 .. 255", rest[0])
		}
		t.path = rest[0]
		if t.index, err = meta.ParseIndex(t.version, rest[1]); err != nil {
			return fail(exitUsage, "%v", err)
		}
		rest = rest[2:]
	}
	if len(rest) == 0 {
		return fail(exitUsage, "the command is missing: %s without arguments lists them", t.env.Name)
	}
	t.args = rest[1:]
	if t.cmd = findCommand(rest[0]); t.cmd == nil {
		return fail(exitUsage, "Unknown command '%s'.\n%s without arguments lists the commands.", rest[0], t.env.Name)
	}
	return nil
}

func (t *tool) usage() error {
	t.printf("\nUSAGE: %s [--force] DEVICE FORMAT [FORMAT ARGS...] COMMAND [CMD ARGS...]\n\n", t.env.Name)
	t.printf("DEVICE:\n  minor number, /dev/drbdN, or - for none\n\n")
	t.printf("FORMATS:\n  v06 minor\n  v07 device index\n  v08 device index\n  v09 device index\n\n")
	t.printf("  index: internal, flex-internal, flex-external or 0 .. 255\n\nCOMMANDS:\n")
	for _, c := range commands() {
		if !c.hidden {
			t.printf("  %s\n        %s\n", strings.TrimRight(c.name+" "+c.usage, " "), c.about)
		}
	}
	return silent(exitUsage)
}

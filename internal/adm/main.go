package adm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"drbdutils/confparse"
	"drbdutils/internal/cli"
	"drbdutils/internal/metatool"
	"drbdutils/internal/setup"
	"drbdutils/schema"
)

// Exit codes that are drbdadm's own. Everything else is a backend's.
const (
	exitUsage    = 1
	exitConfig   = 10
	exitNoNumber = 100
)

// outBuffer is how much output is written at once; a dry run of many resources
// prints a lot.
const outBuffer = 64 << 10

// tool is one run of drbdadm.
type tool struct {
	env      cli.Env
	node     string // this host, as configuration files call it
	gen      schema.Generation
	driver   cli.Driver
	req      request
	cmd      command
	conf     *confparse.Config
	planner  planner
	plan     Plan                             // of up and adjust
	subjects []selection                      // that are worked on, or reported on, together
	narrowed map[string]*confparse.Connection // resources that were named with a peer
	locals   map[netip.Addr]bool              // this host's addresses, once they are known
	limits   [unlimited + 1]time.Duration
	names    map[program]string // of the backends, as called and shown
	setup    *setup.Process     // runs drbdsetup's command lines in this process
	backends map[program]backend
	workers  int  // resources that are worked on at the same time
	watching bool // status --watch
	quiet    bool // adjust-with-progress: backends' messages are not shown

	out   io.Writer    // standard output, buffered
	flush func() error // its error is that of anything written before
}

// Main runs drbdadm and returns its exit code. SIGINT, SIGTERM and SIGHUP end what
// is under way, and nothing new begins; what was done and what was not is stated.
func Main(ctx context.Context, env cli.Env) int {
	t, err := newTool(ctx, env)
	if err != nil {
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name, err)
		return exitBroken
	}
	// What is read and planned stays to the end: collecting garbage finds little.
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	code := t.main(ctx)
	t.setup.Close()
	if err := t.flush(); err != nil && code == 0 {
		fmt.Fprintf(env.Stderr, "%s: write the output: %v\n", env.Name, err)
		return exitBroken
	}
	return code
}

// gcPercent is how much the heap may grow between collections: to 32 MiB before the first. With the default
// of 100, reading a large configuration takes twice as long.
const gcPercent = 800

// newTool looks at the host: its name and its module.
func newTool(ctx context.Context, env cli.Env) (*tool, error) {
	node, err := env.Node()
	if err != nil {
		return nil, err
	}
	buffer := bufio.NewWriterSize(env.Stdout, outBuffer)
	t := &tool{
		env:     env,
		node:    node,
		gen:     schema.V9,
		driver:  env.Driver(ctx),
		limits:  defaultLimits,
		workers: defaultWorkers,
		out:     buffer,
		flush:   buffer.Flush,
	}
	if t.driver.Version.Is84() {
		t.gen = schema.V84
	}
	t.names = programNames(t.gen, env.Dir)
	t.setup = &setup.Process{Bars: true}
	t.backends = map[program]backend{drbdsetup: t.setup.Main, drbdmeta: metatool.Main}
	return t, nil
}

// programNames returns how the backends are called and shown. For DRBD 9 they
// carry the directory by which drbdadm itself was called, if they lie there.
func programNames(g schema.Generation, dir string) map[program]string {
	if g == schema.V84 {
		return map[program]string{drbdsetup: "drbdsetup-84", drbdmeta: "drbdmeta", proxyCtl: "drbd-proxy-ctl"}
	}
	names := map[program]string{drbdsetup: "drbdsetup", drbdmeta: "drbdmeta", proxyCtl: "drbd-proxy-ctl"}
	for p, name := range names {
		if info, err := os.Stat(dir + name); dir != "" && err == nil && info.Mode()&0o111 != 0 {
			names[p] = dir + name
		}
	}
	return names
}

// main runs the command line.
func (t *tool) main(ctx context.Context) int {
	table := commands(t.gen)
	var err error
	t.req, err = parse(t.gen, table, t.env.Args)
	if refused, ok := errors.AsType[*refusal](err); ok {
		t.complain("%s", refused.text)
		return refused.exit
	}
	if err != nil {
		t.complain("%s: %v\ntry '%s help'", t.env.Name, err, t.env.Name)
		return exitUsage
	}
	if done, code := t.answer(table); done {
		return code
	}
	if t.cmd.group == handler && wasClosed(t.env.Stderr) {
		t.env.Stderr = systemLog{t.env.Name, t.env.Path(logSocket)}
	}
	if code := t.prepare(); code != 0 {
		return code
	}
	if t.cmd.print != nil { // nothing is lost by whatever ends it
		return t.carryOut(ctx)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if t.watching {
		return t.watch(ctx)
	}
	return t.carryOut(ctx)
}

// answer handles what needs no configuration: help, version, and command lines
// without a command.
func (t *tool) answer(table []command) (done bool, code int) {
	name := t.req.command
	if now, ok := renamed[name]; ok {
		t.complain("'%s %s' is deprecated, use '%s %s' instead.", t.env.Name, name, t.env.Name, now)
		name = now
	}
	cmd, known := find(table, name)
	t.cmd = cmd
	switch {
	case t.req.version:
		version(t.out, t.gen, t.driver)
		return true, 0
	case t.req.hidden:
		hiddenUsage(t.out, t.gen)
		return true, 0
	case t.req.help:
		return true, t.help(cmd, known)
	case known:
		return false, 0
	case len(t.req.raw) > 0:
		t.complain("%s: Unknown command '%s'\ntry '%s help'", t.env.Name, t.req.raw[0], t.env.Name)
	default:
		usageNote(t.out, t.gen, nil, "No command specified")
	}
	return true, exitUsage
}

// help explains a command, or drbdadm.
//
// compat: help exits with 1 in generation 9 unless it explains a command.
func (t *tool) help(cmd command, known bool) int {
	if known {
		usage(t.out, t.gen, &cmd)
		return 0
	}
	usage(t.out, t.gen, nil)
	if t.gen == schema.V9 {
		return exitUsage
	}
	return 0
}

// complain writes a message for the user.
func (t *tool) complain(format string, args ...any) {
	t.flush()
	fmt.Fprintf(t.env.Stderr, format+"\n", args...)
}

package adm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"drbdutils/internal/cli"
	"drbdutils/internal/render"
	"drbdutils/schema"
)

// exitBroken is the exit code for a backend that could not be started, was
// killed, or did not come to an end.
const exitBroken = 20

// A backend runs one command line: env.Name with env.Args. It returns the exit
// code.
type backend func(ctx context.Context, env cli.Env) int

// perform runs ops one after the other until one fails, and returns its exit
// code.
func (t *tool) perform(ctx context.Context, ops []Op) int {
	for _, op := range ops {
		if code := t.do(ctx, op); code != 0 && !op.Ignore {
			return code
		}
	}
	return 0
}

// do runs one op with what follows from its outcome.
func (t *tool) do(ctx context.Context, op Op) int {
	rule := op.rule()
	awaitGrowth := t.growthOf(rule.Grown)
	code := t.once(ctx, op)
	if t.req.dryRun > 0 {
		if rule.ElseDry {
			t.perform(ctx, rule.Else)
		}
		t.perform(ctx, rule.Then)
		return t.noElse(rule)
	}
	if code == 0 || slices.Contains(rule.Accept, code) {
		t.succeeded(ctx, op, rule)
		awaitGrowth(ctx)
		return 0
	}
	if len(rule.Else) == 0 && rule.NoElse == nil || slices.Contains(rule.Final, code) {
		t.tellUsers(op)
		return code
	}
	instead := t.perform(ctx, rule.Else)
	if instead == 0 {
		instead = t.noElse(rule)
	}
	if instead != 0 && code == rule.ElseCode {
		return code
	}
	return instead
}

// noElse says why nothing can be done instead of an op, if that is so.
func (t *tool) noElse(rule Rule) int {
	if rule.NoElse == nil {
		return 0
	}
	t.complain("%v", rule.NoElse)
	return exitConfig
}

// succeeded does what belongs to an op that went well.
func (t *tool) succeeded(ctx context.Context, op Op, rule Rule) {
	if rule.NewUUID {
		t.identify(ctx, op)
	}
	t.register(op)
	for _, next := range rule.Then {
		t.do(ctx, next)
	}
}

// once runs the op, unless this is a dry run or an interrupt has ended it all.
func (t *tool) once(ctx context.Context, op Op) int {
	if ctx.Err() != nil {
		return exitBroken
	}
	t.announce(op)
	if t.req.dryRun > 0 {
		return 0
	}
	t.flush()
	return t.timed(ctx, op, t.line(op))
}

// announce prints the op's command line where that is wanted, as a shell would
// take it.
func (t *tool) announce(op Op) {
	if t.req.dryRun == 0 && t.req.verbose == 0 {
		return
	}
	if t.req.varName != "" {
		fmt.Fprintf(t.out, "%s=%s\n", t.req.varName, render.ShellWord(op.Res))
	}
	io.WriteString(t.out, render.ShellWord(t.program(op.Prog)))
	for _, arg := range op.Args {
		io.WriteString(t.out, " ")
		io.WriteString(t.out, render.ShellWord(arg))
	}
	io.WriteString(t.out, "\n")
}

// line returns the op's command line.
func (t *tool) line(op Op) []string {
	return append([]string{t.program(op.Prog)}, op.Args...)
}

// timed runs a command line for as long as its class allows.
func (t *tool) timed(ctx context.Context, op Op, line []string) int {
	ctx, cancel := t.limited(ctx, op.Class)
	defer cancel()
	env, messages := t.childEnv(op, line)
	code := await(ctx, t.backend(op), env)
	switch name := strings.Join(public(t.gen, line), " "); {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		code = exitBroken
		t.complain("Command '%s' did not terminate within %d seconds", name, t.limits[op.Class]/time.Second)
	case errors.Is(ctx.Err(), context.Canceled):
		t.complain("Command '%s' was interrupted", name)
	case op.Stderr == shown && op.Class != unlimited && code >= 10 && !t.quiet:
		t.complain("Command '%s' terminated with exit code %d", name, code)
	case slices.Contains(op.rule().Show, code):
		t.env.Stderr.Write(messages.Bytes())
	}
	return code
}

// limited gives a context the time that a class of backends may take.
func (t *tool) limited(ctx context.Context, c class) (context.Context, context.CancelFunc) {
	if t.limits[c] == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, t.limits[c])
}

// errSilent says that a backend, or the module behind it, does not answer.
var errSilent = errors.New("no answer")

// ask runs a backend that answers a question, and returns what it printed. Its
// error is errSilent if there was no answer in time.
func (t *tool) ask(ctx context.Context, p program, args ...string) (answer string, err error) {
	ctx, cancel := t.limited(ctx, short)
	defer cancel()
	var out, messages strings.Builder
	env := t.env
	env.Name, env.Args, env.Stdout, env.Stderr = t.program(p), args, &out, &messages
	code := await(ctx, t.backend(Op{Prog: p}), env)
	name := t.program(p) + " " + strings.Join(args, " ")
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("%w from '%s' within %d seconds", errSilent, name, t.limits[short]/time.Second)
	case ctx.Err() != nil:
		return "", fmt.Errorf("%w from '%s' before the interrupt", errSilent, name)
	case code != 0:
		return "", fmt.Errorf("'%s' ended with exit code %d: %s", name, code, strings.TrimSpace(messages.String()))
	}
	return out.String(), nil
}

// childEnv returns what a backend sees, and the place where its messages go if
// they are held back.
func (t *tool) childEnv(op Op, line []string) (cli.Env, *bytes.Buffer) {
	env := t.env
	env.Name, env.Args = line[0], line[1:]
	messages := &bytes.Buffer{}
	switch {
	case op.Stderr == held:
		env.Stderr = messages
	case op.Stderr == hidden || t.quiet:
		env.Stderr = io.Discard
	}
	return env, messages
}

// await runs a backend and gives up on it some time after ctx ends.
func await(ctx context.Context, run backend, env cli.Env) int {
	done := make(chan int, 1)
	go func() { done <- run(ctx, env) }()
	select {
	case code := <-done:
		return code
	case <-ctx.Done():
	}
	select {
	case <-done:
	case <-time.After(grace):
	}
	return exitBroken
}

// grace is the time in which a backend may end what it is writing after it was
// told to stop.
const grace = time.Second

// backend returns how an op's program is run: in this process, unless the
// command line names another one.
func (t *tool) backend(op Op) backend {
	if run, ok := t.backends[op.Prog]; ok && t.chosen(op.Prog) == "" {
		return run
	}
	more := op.rule().Env
	if op.Prog == drbdsetup && op.Res != "" {
		more = append(more, "DRBD_RESOURCE="+op.Res)
	}
	return func(ctx context.Context, env cli.Env) int { return start(ctx, env, more, t.isStale) }
}

// isStale reports whether a variable names a node for a handler, maybe one of another
// resource. With DRBD 8.4 nodes have no numbers.
func (t *tool) isStale(variable string) bool {
	return t.gen == schema.V9 && strings.HasPrefix(variable, "DRBD_NODE_ID_")
}

// program returns the name by which a program is called and shown.
func (t *tool) program(p program) string {
	if path := t.chosen(p); path != "" {
		return path
	}
	if name, ok := t.names[p]; ok {
		return name
	}
	return "/bin/sh"
}

// chosen returns the path that the command line gives for a program.
func (t *tool) chosen(p program) string {
	switch p {
	case drbdsetup:
		return t.req.setup
	case drbdmeta:
		return t.req.meta
	case proxyCtl:
		return t.req.proxyCtl
	}
	return ""
}

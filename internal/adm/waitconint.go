package adm

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"drbdutils/confparse"
	"drbdutils/schema"
)

// patienceAlone is how long wait-con-int waits before it asks.
const patienceAlone = 10 * time.Second

// waitConInt waits until all resources are connected, as a boot script does. After
// some seconds it lets a person at the console give up.
//
// compat: it succeeds whatever comes of the waiting.
func waitConInt(ctx context.Context, t *tool, _ []selection) int {
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	ops := t.connectionWaits()
	if t.req.dryRun > 0 {
		t.perform(ctx, ops)
		return 0
	}
	done := t.waitInParallel(ctx, ops)
	if t.dots(done, patienceAlone) {
		return 0
	}
	t.askToAbort(done, abort)
	<-done
	return 0
}

// connectionWaits returns a wait for every resource, or for every volume with DRBD
// 8.4.
func (t *tool) connectionWaits() []Op {
	var ops []Op
	for _, s := range selectAll(t.conf, t.req.stacked, false) {
		p := t.planner
		p.cmd.name = "wait-connect"
		scope, plan := perResource, planner.waitFor
		if t.gen == schema.V84 {
			scope, plan = perVolume, planner.waitConnect84
		}
		for _, o := range s.objects(scope) {
			more, _ := plan(p, o)
			ops = append(ops, more...)
		}
	}
	return ops
}

// waitInParallel runs all ops at once and closes the channel after the last one.
// Meanwhile the output belongs to the caller.
func (t *tool) waitInParallel(ctx context.Context, ops []Op) <-chan struct{} {
	var running sync.WaitGroup
	for _, op := range ops {
		t.announce(op)
		env, _ := t.childEnv(op, t.line(op))
		running.Go(func() { await(ctx, t.backend(op), env) })
	}
	t.flush()
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	return done
}

// dots prints one dot a second until done or the time is over, and reports
// whether it is done.
func (t *tool) dots(done <-chan struct{}, limit time.Duration) bool {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for range limit / time.Second {
		select {
		case <-done:
			return true
		case <-second.C:
			fmt.Fprint(t.out, ".")
			t.flush()
		}
	}
	return false
}

// askToAbort lets a person end the waiting. Where nobody can answer it only says
// how to.
func (t *tool) askToAbort(done <-chan struct{}, abort func()) {
	input := t.console()
	if input == nil {
		t.complain("%s: waiting for connections; to go on without them: kill %d", t.env.Name, os.Getpid())
		return
	}
	fmt.Fprint(t.out, t.banner())
	lines := make(chan string)
	go func() {
		for words := bufio.NewScanner(input); words.Scan(); {
			select {
			case lines <- words.Text():
			case <-done:
				return
			}
		}
	}()
	t.countSeconds(done, lines)
	abort()
}

const prompt = " To abort waiting enter 'yes' [ -- ]:"

// countSeconds keeps the number in the prompt up to date until a line says yes, or
// there is nothing to wait for.
func (t *tool) countSeconds(done <-chan struct{}, lines <-chan string) {
	fmt.Fprint(t.out, prompt)
	t.flush()
	refresh := max(t.conf.Global.DialogRefresh, 0)
	var tick <-chan time.Time
	if refresh > 0 {
		ticker := time.NewTicker(time.Duration(refresh) * time.Second)
		defer ticker.Stop()
		tick = ticker.C
	}
	for waited := int(patienceAlone / time.Second); ; waited += refresh {
		select {
		case <-done:
			fmt.Fprintln(t.out)
			return
		case line := <-lines:
			if line == "yes" {
				return
			}
			fmt.Fprint(t.out, prompt)
			t.flush()
		case <-tick:
			fmt.Fprintf(t.out, "\x1b[s\x1b[31G [%4d]: \x1b[u", waited)
			t.flush()
		}
	}
}

// console returns where a person can answer: the terminal that drbdadm was
// started from, or the machine's console.
func (t *tool) console() io.Reader {
	if isTerminal(t.env.Stdin) {
		return t.env.Stdin
	}
	f, err := os.Open(t.env.Path("/dev/console"))
	if err != nil || !isTerminal(f) {
		return nil
	}
	return f
}

// banner explains what is waited for, and how long.
func (t *tool) banner() string {
	degraded, normal := "0", "0"
	if len(t.conf.Resources) > 0 {
		startup := t.conf.Resources[0].Startup
		degraded, normal = seconds(startup, "degr-wfc-timeout"), seconds(startup, "wfc-timeout")
	}
	return "\n\nThe boot script waits for the DRBD resources to connect.\n" +
		"It waits for ever where the time limit is 0. Limits, from the configuration:\n" +
		" - the node was alone before it went down: degr-wfc-timeout, " + degraded + " seconds\n" +
		" - the peer was there: wfc-timeout, " + normal + " seconds\n"
}

func seconds(startup confparse.Options, name string) string {
	if o, ok := startup.Get(name); ok {
		if n, err := strconv.Atoi(o.Value); err == nil {
			return strconv.Itoa(n)
		}
	}
	return "0"
}

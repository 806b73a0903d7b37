package adm

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"drbdutils/confparse"
	"drbdutils/internal/cli"
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
	if d := t.console(); d != nil {
		if !d.dots(done, patienceAlone) && d.ask(t.banner(), done) {
			abort()
		}
	} else {
		t.tellHowToEnd(done)
	}
	<-done
	return 0
}

// tellHowToEnd is all there is to say where nobody can be asked.
func (t *tool) tellHowToEnd(done <-chan struct{}) {
	select {
	case <-done:
	case <-time.After(patienceAlone):
		t.complain("%s: waiting for connections; to go on without them: kill -INT %d", t.env.Name, os.Getpid())
	}
}

// connectionWaits returns a wait for every resource, or for every volume with DRBD
// 8.4. Stacked resources get the times that are configured here, too.
func (t *tool) connectionWaits() []Op {
	p := t.planner.bare()
	scope, verb := perResource, "wait-connect-resource"
	if t.gen == schema.V84 {
		scope, verb = perVolume, "wait-connect"
	}
	var ops []Op
	for _, s := range selectAll(t.conf, t.req.stacked, false) {
		for _, o := range s.objects(scope) {
			ops = append(ops, p.setup(o, slices.Concat([]string{verb}, p.ids(o), p.with(o.res.Startup))...))
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

// A dialogue is a conversation with whoever sits at a terminal.
type dialogue struct {
	in      io.Reader
	out     io.Writer
	refresh int // seconds between two pictures of the time; 0: it is not shown
}

// console returns the terminal that drbdadm was started from, or else the machine's
// console; nil if nobody can be asked.
func (t *tool) console() *dialogue {
	refresh := max(t.conf.Global.DialogRefresh, 0)
	if cli.IsTerminal(t.env.Stdin) && cli.IsTerminal(t.env.Stdout) {
		return &dialogue{t.env.Stdin, t.env.Stdout, refresh}
	}
	f, err := os.OpenFile(t.env.Path("/dev/console"), os.O_RDWR, 0)
	if err != nil || !cli.IsTerminal(f) {
		return nil
	}
	t.complain("%s: standard input and output are no terminal; the dialogue is at /dev/console", t.env.Name)
	return &dialogue{f, f, refresh}
}

// dots prints one dot a second until done or the time is over, and reports
// whether it is done.
func (d *dialogue) dots(done <-chan struct{}, limit time.Duration) bool {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for range limit / time.Second {
		select {
		case <-done:
			fmt.Fprintln(d.out)
			return true
		case <-second.C:
			fmt.Fprint(d.out, ".")
		}
	}
	return false
}

const prompt = " To abort waiting enter 'yes' [ -- ]:"

// ask explains what is waited for, and keeps the number in the prompt up to date
// until somebody gives up, which it reports, or there is nothing to wait for.
func (d *dialogue) ask(banner string, done <-chan struct{}) (abort bool) {
	words := make(chan bool)
	go d.listen(words, done)
	var tick <-chan time.Time
	if d.refresh > 0 {
		ticker := time.NewTicker(time.Duration(d.refresh) * time.Second)
		defer ticker.Stop()
		tick = ticker.C
	}
	waited := int(patienceAlone / time.Second)
	fmt.Fprint(d.out, banner, prompt)
	d.show(waited)
	for {
		select {
		case <-done:
			fmt.Fprintln(d.out)
			return false
		case abort := <-words:
			if abort {
				fmt.Fprintln(d.out)
				return true
			}
			fmt.Fprint(d.out, prompt)
		case <-tick:
			waited += d.refresh
		}
		d.show(waited)
	}
}

// show puts the number of seconds into the prompt: at column 31, and back.
func (d *dialogue) show(seconds int) {
	if d.refresh > 0 {
		fmt.Fprintf(d.out, "\x1b[s\x1b[31G[%4d]:\x1b[u", seconds)
	}
}

// Characters by which a terminal that does not treat them itself passes on that
// somebody wants to end something.
const (
	ctrlC = 3
	ctrlD = 4
)

// listen reports for every line whether it says yes. On a terminal that passes on
// each character, yes needs no end of line, and Ctrl-C or Ctrl-D three times in a
// row means the same.
func (d *dialogue) listen(words chan<- bool, done <-chan struct{}) {
	say := func(abort bool) {
		select {
		case words <- abort:
		case <-done:
		}
	}
	line, stops := "", 0
	in := bufio.NewReader(d.in)
	for {
		c, err := in.ReadByte()
		switch {
		case err != nil:
			return
		case c == '\n' || c == '\r':
			say(line == "yes")
			line, stops = "", 0
		case c == ctrlC || c == ctrlD:
			if stops++; stops == 3 {
				say(true)
			}
		default:
			line, stops = line+string(c), 0
			if line == "yes" && in.Buffered() == 0 {
				say(true)
			}
		}
	}
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

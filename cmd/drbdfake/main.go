// Command drbdfake runs the DRBD module of one or more nodes without a kernel,
// so that the tools, scripts and agents can be tried anywhere.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"drbdutils/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, cli.OS()))
}

// command is one word of the command line and what it does.
type command struct {
	name, args, doc string
	min             int
	run             func(ctx context.Context, env cli.Env, o options, words []string) error
}

var commands = []command{
	{"start", "DIR", "run a node in the foreground; prints a line when it is ready", 1, start},
	{"cluster", "DIR N|NAME...", "start nodes in the background; DIR/NAME/env is to be sourced", 2, cluster},
	{"stop", "DIR", "end the node in DIR, or all nodes below it", 1, stopAll},
	{"ctl", "DIR COMMAND [ARG...]", "act as an application or as fate on a node; \"help\" lists how", 2, ctl},
}

// options are the options of all commands.
type options struct {
	node   string // name of the node
	module string // version of the module
	rate   int64  // limit of a resync in bytes per second
	helper string // program to call for handlers
	config string // file that is drbd.conf on the nodes
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 20
)

func run(ctx context.Context, env cli.Env) int {
	o, words, err := parse(env)
	if err != nil {
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name, err)
		return exitUsage
	}
	if len(words) == 0 || words[0] == "help" {
		usage(env)
		return exitOK
	}
	for _, c := range commands {
		if c.name != words[0] {
			continue
		}
		if len(words)-1 < c.min {
			fmt.Fprintf(env.Stderr, "usage: %s %s %s\n", env.Name, c.name, c.args)
			return exitUsage
		}
		if err := c.run(ctx, env, o, words[1:]); err != nil {
			fmt.Fprintf(env.Stderr, "%s %s: %v\n", env.Name, c.name, err)
			return exitFailed
		}
		return exitOK
	}
	fmt.Fprintf(env.Stderr, "%s: unknown command %q; see %s help\n", env.Name, words[0], env.Name)
	return exitUsage
}

// rateVariable limits resyncs where no option does.
const rateVariable = "DRBD_FAKE_RATE"

// parse reads the options. Everything after the directory of "ctl" is passed on. Who asks
// for help gets no words.
func parse(env cli.Env) (o options, words []string, err error) {
	f := cli.NewFlags()
	f.Add("help", "h", cli.NoArg)
	f.Add("node", "", cli.RequiredArg)
	f.Add("module", "", cli.RequiredArg)
	f.Add("rate", "", cli.RequiredArg)
	f.Add("helper", "", cli.RequiredArg)
	f.Add("config", "", cli.RequiredArg)
	given, words, err := f.Parse(env.Args)
	if err != nil {
		return o, nil, err
	}
	o.module = "8.4.11"
	rate := env.Getenv(rateVariable)
	for _, opt := range given {
		switch opt.Name {
		case "help":
			return o, nil, nil
		case "node":
			o.node = opt.Value
		case "module":
			o.module = opt.Value
		case "rate":
			rate = opt.Value
		case "helper":
			o.helper = opt.Value
		case "config":
			o.config = opt.Value
		}
	}
	if !strings.HasPrefix(o.module, "8.4.") && !strings.HasPrefix(o.module, "9.") {
		return o, nil, fmt.Errorf("no module %q; known are those of 8.4 and 9", o.module)
	}
	o.rate, err = parseRate(rate)
	return o, words, err
}

// parseRate reads bytes per second with an optional K, M or G. No rate is 0.
func parseRate(text string) (int64, error) {
	digits := strings.TrimRight(text, "kKmMgG")
	shift, ok := map[string]int{"": 0, "K": 10, "M": 20, "G": 30}[strings.ToUpper(text[len(digits):])]
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || !ok || n < 0 {
		return 0, fmt.Errorf("rate %q: want a number of bytes per second, as in 4M", text)
	}
	return n << shift, nil
}

func usage(env cli.Env) {
	fmt.Fprintf(env.Stdout, "usage: %s COMMAND ARGUMENT...\n\n", env.Name)
	for _, c := range commands {
		fmt.Fprintf(env.Stdout, "  %-8s %-22s %s\n", c.name, c.args, c.doc)
	}
	fmt.Fprintf(env.Stdout, `
  --node NAME        name of the node (start; default: the directory's)
  --module VERSION   version of the module: 8.4.x or 9.x (default: 8.4.11)
  --rate BYTES       limit of a resync in bytes per second, K, M or G allowed;
                     default: %s, else the disk option c-max-rate
  --config FILE      the nodes' /etc/drbd.conf; default: DIR/NAME/etc/drbd.conf of each
  --helper PROGRAM   called for handlers as the kernel calls drbdadm;
                     default: none, every call succeeds
`, rateVariable)
}

var errNoNode = errors.New("no node runs there")

package setup

import (
	"context"
	"errors"
	"fmt"

	"drbdutils/internal/cli"
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// legacyName is the name under which the original has the tool for DRBD 8.4.
// Called so, ours speaks that generation's language whatever module there is.
const legacyName = "drbdsetup-84"

// tool is one run of drbdsetup.
type tool struct {
	cli.Env
	gen    schema.Generation
	client *netlinkapi.Client   // nil until the module was asked something
	held   *netlinkapi.Snapshot // what Process.Hold read, or nil

	process *Process // that this is a run of, or nil
}

// Main runs drbdsetup and returns its exit code.
func Main(ctx context.Context, env cli.Env) int {
	t := &tool{Env: env}
	defer t.close()
	return t.main(ctx)
}

func (t *tool) main(ctx context.Context) int {
	args := t.Args
	if len(args) >= 2 && (args[1] == "--help" || args[1] == "-h") {
		args = []string{args[1], args[0]}
	}
	if len(args) == 0 {
		t.gen = t.generation(ctx)
		return t.usage("")
	}
	switch args[0] {
	case "help", "--help", "-h":
		t.gen = t.generation(ctx)
		return t.help(args[1:], t.commandManual)
	case "xml-help":
		t.gen = schema.V9
		if t.Name == legacyName {
			t.gen = schema.V84
		}
		return t.help(args[1:], t.commandXML)
	}
	return t.run(ctx, args)
}

func (t *tool) close() {
	if t.client != nil {
		_ = t.client.Close()
	}
}

// run runs a command.
func (t *tool) run(ctx context.Context, args []string) int {
	loaded := t.loadModule(ctx)
	t.gen = t.generation(ctx)
	args = t.reorder(args)
	if loaded != nil {
		return t.withoutModule(args[0], loaded)
	}
	cmd := find(commandsOf(t.gen), args[0])
	if cmd == nil {
		return t.unknown(args[0])
	}
	cmd = cmd.form(args[1:])
	c, err := t.newCall(ctx, cmd, args[1:])
	if err == nil {
		err = c.hung(cmd.run(ctx, c))
	}
	code := t.report(err)
	if f, ok := errors.AsType[*failure](err); ok && f.usage {
		fmt.Fprint(t.Stdout, t.commandHelp(cmd))
	}
	return code
}

// reorder puts the command first.
//
// compat: DRBD 8.3's tool had the device in front of it, and options too.
func (t *tool) reorder(args []string) []string {
	table := commandsOf(t.gen)
	if len(args) < 2 || find(table, args[0]) != nil || find(table, args[1]) == nil {
		return args
	}
	swapped := append([]string{args[1], args[0]}, args[2:]...)
	return swapped
}

// unknown says why a command cannot be run.
func (t *tool) unknown(name string) int {
	other := schema.Both &^ t.gen
	if find(commandsOf(other), name) != nil {
		fmt.Fprintf(t.Stderr, "%s: %s is a command of DRBD %s; the module here is of DRBD %s\n", t.Name, name, other, t.gen)
		return exitUsage
	}
	return t.usage("invalid command")
}

// generation returns which module's commands are meant: those of the module that
// is loaded or could be, else of the newest.
func (t *tool) generation(ctx context.Context) schema.Generation {
	switch {
	case t.Name == legacyName:
		return schema.V84
	case t.client != nil:
		return t.client.Generation()
	case t.Driver(ctx).Version.Is84():
		return schema.V84
	}
	return schema.V9
}

// dial returns the connection to the module, opening it if need be.
func (t *tool) dial(ctx context.Context) (*netlinkapi.Client, error) {
	if t.client == nil {
		o := netlinkapi.Options{Socket: t.NetlinkSocket(), ReceiveBuffer: t.receiveBuffer()}
		client, err := t.connect(ctx, o)
		if err != nil {
			return nil, err
		}
		t.client = client
	}
	return t.client, nil
}

// connect connects to the module, which must be of the generation whose commands
// are run.
func (t *tool) connect(ctx context.Context, o netlinkapi.Options) (*netlinkapi.Client, error) {
	client, err := netlinkapi.Dial(ctx, o)
	if err != nil {
		return nil, err
	}
	if g := client.Generation(); g != t.gen {
		_ = client.Close()
		return nil, &netlinkapi.VersionError{Version: g.FamilyVersion(), HeaderSize: 8}
	}
	return client, nil
}

// receiveBuffer returns the size of the receive buffer that the environment asks
// for, 0 for the usual one.
func (t *tool) receiveBuffer() int {
	n, err := schema.ParseNumber(t.Getenv("DRBD_GENL_RCVBUF_SZ"), schema.One)
	if err != nil {
		return 0
	}
	return int(min(n, 1<<30))
}

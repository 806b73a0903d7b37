package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"drbdutils/internal/cli"
	"drbdutils/internal/render"
	"drbdutils/netlinkapi"
	"drbdutils/schema"

	"golang.org/x/term"
)

// snapshot asks for the state of the call's resource, of its device's, or of all.
func (c *call) snapshot(ctx context.Context) (*netlinkapi.Snapshot, error) {
	if c.held != nil {
		return c.held.Only(c.resource), nil
	}
	if c.minor == nil {
		return c.readState(ctx, c.resource)
	}
	client, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	return client.SnapshotOf(ctx, *c.minor)
}

// readState asks the module for the state of one resource, or for "" of all.
func (t *tool) readState(ctx context.Context, resource string) (*netlinkapi.Snapshot, error) {
	client, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	return client.Snapshot(ctx, resource)
}

// list asks for a state that is to be listed. What the module refuses to tell counts
// as nothing, after it was told why.
//
// compat: the exit code is 0 then, too.
func (c *call) list(ctx context.Context) (*netlinkapi.Snapshot, error) {
	if _, err := c.dial(ctx); err != nil {
		return nil, err
	}
	s, err := c.snapshot(ctx)
	if _, hangs := errors.AsType[*netlinkapi.TimeoutError](err); err != nil && ctx.Err() == nil && !hangs {
		fmt.Fprintf(c.Stderr, "received netlink error reply: %s\n", reason(err))
		return netlinkapi.NewSnapshot(c.gen), nil
	}
	return s, err
}

// noneFound is what people see when the module has no resources.
const noneFound = "# No currently configured DRBD found."

func nothing(s *netlinkapi.Snapshot) bool { return len(s.Resources) == 0 && !s.Others }

// status prints the state of resources.
func status(ctx context.Context, c *call) error {
	o, err := c.displayOptions()
	if err != nil {
		return err
	}
	s, err := c.list(ctx)
	if err != nil {
		return err
	}
	switch {
	case c.has("json") > 0:
		err = render.StatusJSON(c.Stdout, s)
	case nothing(s) && c.gen == schema.V9:
		err = c.print(noneFound)
	default:
		err = render.Status(c.Stdout, s, o)
	}
	if err == nil && len(s.Resources) == 0 && c.resource != "" {
		err = fail(exitRefused, "%s: No such resource", c.resource)
	}
	return err
}

// show9 prints the configuration of resources of DRBD 9.
func show9(ctx context.Context, c *call) error {
	if c.has("json") > 0 {
		return showJSON(ctx, c)
	}
	s, err := c.list(ctx)
	if err != nil {
		return err
	}
	if nothing(s) {
		return c.print(noneFound)
	}
	return render.Show(c.Stdout, s, c.renderOptions())
}

func showJSON(ctx context.Context, c *call) error {
	s, err := c.list(ctx)
	if err != nil {
		return err
	}
	return render.ShowJSON(c.Stdout, s, c.renderOptions())
}

// renderOptions returns what the options of the command line say about output.
func (c *call) renderOptions() render.Options {
	return render.Options{
		Verbose:    c.has("verbose"),
		Statistics: c.has("statistics") > 0,
		Defaults:   c.has("show-defaults") > 0,
		Width:      c.columns(),
		KeyName:    keyName,
	}
}

// displayOptions is renderOptions for commands that know colours.
func (c *call) displayOptions() (render.Options, error) {
	o := c.renderOptions()
	o.Color = o.Width > 0
	o.Bars = o.Width > 0 && c.process != nil && c.process.Bars
	if o.Bars && c.gen == schema.V84 {
		o.Paces = c.paces84()
	}
	for _, given := range c.given {
		switch {
		case given.Name != "color" || given.Value == "auto":
		case !given.HasValue || given.Value == "always":
			o.Color = true
		case given.Value == "never":
			o.Color = false
		default:
			return o, misuse("unknown --color argument '%s' (auto, always, never)", given.Value)
		}
	}
	return o, nil
}

// columns returns the width of the terminal, 0 if the output is none.
func (t *tool) columns() int {
	if !cli.IsTerminal(t.Stdout) {
		return 0
	}
	if width, _, err := term.GetSize(int(t.Stdout.(*os.File).Fd())); err == nil && width > 0 {
		return width
	}
	return pageWidth
}

// udevNames prints the names of a device as assignments for udev.
func (c *call) udevNames(minor uint32, resource string, volume uint64, lower string) error {
	text := fmt.Sprintf("DEVICE=drbd%d\nSYMLINK_BY_RES=drbd/by-res/%s/%d", minor, resource, volume)
	if lower != "" {
		text += "\nSYMLINK_BY_DISK=drbd/by-disk/" + strings.TrimPrefix(lower, "/dev/")
	}
	return c.print(text)
}

// print writes a line.
func (c *call) print(line any) error {
	_, err := fmt.Fprintln(c.Stdout, line)
	return err
}

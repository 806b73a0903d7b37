package adm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"drbdutils/confparse"
)

// showFile names the environment variable with a file that takes the place of
// drbdsetup show, for tests.
const showFile = "FAKE_DRBDSETUP_SHOW"

// running is what the module has, as far as drbdsetup show tells.
type running []*confparse.Resource

// Resource returns the running resource of that name, or nil.
func (r running) Resource(name string) *confparse.Resource {
	for _, res := range r {
		if res.Name == name {
			return res
		}
	}
	return nil
}

// lookFor learns what runs of the objects of the command line.
func (t *tool) lookFor(ctx context.Context, objects []objectName) (err error) {
	name := ""
	if len(objects) == 1 && !objects[0].minor && !objects[0].all {
		name = objects[0].res
	}
	t.planner.running, err = t.look(ctx, name)
	return err
}

// look learns what the module has. name narrows that to one resource.
func (t *tool) look(ctx context.Context, name string) (running, error) {
	text, err := t.runningText(ctx, name)
	if err != nil || strings.TrimSpace(text) == "" {
		return nil, err
	}
	have, diags := confparse.ParseShow(t.gen, []byte(text))
	if diags.Invalid() {
		return nil, fmt.Errorf("understand drbdsetup show: %w", diags)
	}
	for _, r := range have {
		findOurselves(r)
	}
	return have, nil
}

// noDisks takes "disk none" for what it means.
func noDisks(h *confparse.Host) {
	for _, v := range h.Volumes {
		if v.Disk == "none" {
			v.Disk = ""
		}
	}
}

// findOurselves notes which host section and which end of a path is this node's.
// drbdsetup show calls it _this_host.
func findOurselves(r *confparse.Resource) {
	for _, h := range r.Hosts {
		if h.Kind == confparse.This {
			r.Me = h
			noDisks(h)
		}
	}
	for _, c := range r.Connections {
		for _, p := range c.Paths {
			for _, e := range p.Endpoints {
				if e.Name == "_this_host" {
					p.Me = e
					continue
				}
				p.Peer = e
			}
		}
		c.Paths = slices.DeleteFunc(c.Paths, func(p *confparse.Path) bool { return p.Me == nil || p.Peer == nil })
	}
}

// runningText returns what drbdsetup show prints. Without a module nothing runs.
//
// compat: the reference takes a failing drbdsetup show for "nothing runs" and
// would create what is there.
func (t *tool) runningText(ctx context.Context, name string) (string, error) {
	if file := t.env.Getenv(showFile); file != "" {
		text, err := os.ReadFile(file)
		return string(text), err
	}
	if _, err := os.Stat(t.env.Path("/proc/drbd")); err != nil && t.req.setup == "" {
		return "", nil
	}
	if name == "" {
		return t.ask(ctx, drbdsetup, "show")
	}
	text, err := t.ask(ctx, drbdsetup, "show", name)
	if text == "" && !errors.Is(err, errSilent) {
		return t.ask(ctx, drbdsetup, "show") // it does not run: others may be in its way
	}
	return text, err
}

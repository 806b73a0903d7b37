package adm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"drbdutils/schema"
)

// carryOut does what the command does to the objects of the command line.
func (t *tool) carryOut(ctx context.Context) int {
	given := t.req.objects
	if t.cmd.objects == none && len(given) > 0 {
		t.complain("%s: %s is not about resources: their names do not matter", t.env.Name, t.cmd.name)
	}
	if t.cmd.objects == none && (len(given) == 0 || t.gen == schema.V84) {
		return t.cmd.run(ctx, t, nil)
	}
	if len(given) == 0 {
		return t.withoutObjects(ctx)
	}
	return t.onObjects(ctx, given)
}

// withoutObjects runs a command that works on everything if nothing is named.
func (t *tool) withoutObjects(ctx context.Context) int {
	switch {
	case t.cmd.run != nil:
		return t.cmd.run(ctx, t, nil)
	case t.cmd.flags.has(callsOnce) && t.gen == schema.V9:
		line := append([]string{"status"}, t.planner.statusOptions()...)
		return t.do(ctx, Op{Prog: drbdsetup, Args: line})
	}
	return t.onObjects(ctx, []string{"all"})
}

// onObjects resolves the words and runs the command on one after the other. The
// exit code is the worst of all; a broken backend ends everything at once.
func (t *tool) onObjects(ctx context.Context, given []string) int {
	parsed, refused := t.parseObjects(given)
	if refused != nil {
		t.complain("%s", refused.text)
		return refused.exit
	}
	if t.cmd.flags.has(readsState) {
		if err := t.lookFor(ctx, parsed); err != nil {
			t.complain("%s: %v", t.env.Name, err)
			return exitBroken
		}
	}
	worst := 0
	for i, w := range parsed {
		code, refused := t.onWord(ctx, w)
		switch {
		case refused != nil:
			t.complain("%s", refused.text)
			if refused.stop {
				return refused.exit
			}
			worst = max(worst, refused.exit)
		case code >= exitBroken:
			t.reportNotBegun(given[i:])
			return code
		default:
			worst = max(worst, code)
		}
	}
	return max(worst, t.together(ctx))
}

// onWord runs the command on what a word stands for.
func (t *tool) onWord(ctx context.Context, w objectName) (int, *refusal) {
	chosen, refused := t.resolve(w)
	if refused != nil {
		return 0, refused
	}
	return t.onSelections(ctx, chosen)
}

// together reports on what was gathered, or plans and does what is to be done to it.
func (t *tool) together(ctx context.Context) int {
	if report := t.reporter(); report != nil {
		return report(ctx, t, t.subjects)
	}
	if refused := t.makePlan(ctx); refused != nil {
		t.complain("%s", refused.text)
		return refused.exit
	}
	return t.runPlan(ctx)
}

// makePlan plans what up and adjust do to all objects. That it cannot be done counts like
// a failing step.
func (t *tool) makePlan(ctx context.Context) *refusal {
	for _, s := range t.subjects {
		if refused := t.checkAddress(s); refused != nil {
			return refused
		}
		if t.cmd.flags.has(readsState) {
			t.lookAtProxy(ctx, s)
		}
		if refused, ok := errors.AsType[*refusal](t.cmd.stage(t.planner, s, &t.plan)); ok {
			refused.exit = exitUsage
			return refused
		}
	}
	return nil
}

// gather adds objects to those that are worked on together. A resource that is named
// more than once, by several volumes, is there once, with all of them.
func (t *tool) gather(chosen []selection) {
	if len(t.subjects) == 0 {
		t.subjects = chosen
		return
	}
	for _, s := range chosen {
		i := slices.IndexFunc(t.subjects, func(known selection) bool { return known.res == s.res })
		if i < 0 {
			t.subjects = append(t.subjects, s)
			continue
		}
		t.subjects[i].join(s)
	}
}

// join adds what another word names of the same resource.
func (s *selection) join(other selection) {
	s.volume = s.volume && other.volume
	for _, v := range other.volumes {
		if !slices.Contains(s.volumes, v) {
			s.volumes = append(slices.Clip(s.volumes), v)
		}
	}
}

// reporter returns what reports on all objects of the command line, nil if they are
// worked on.
func (t *tool) reporter() func(context.Context, *tool, []selection) int {
	if t.planner.has("explain") && t.req.dryRun > 0 {
		return showPlan
	}
	return t.cmd.report
}

// onSelections runs the command on some resources.
func (t *tool) onSelections(ctx context.Context, chosen []selection) (int, *refusal) {
	switch {
	case t.cmd.objects == none:
		return t.oncePerResource(ctx, chosen), nil
	case t.cmd.run != nil:
		return t.cmd.run(ctx, t, chosen), nil
	case t.reporter() != nil || t.cmd.stage != nil:
		t.gather(chosen)
		return 0, nil
	}
	if t.cmd.flags.has(callsOnce) && len(chosen) > 1 && t.req.dryRun == 0 && t.req.setup == "" {
		defer t.setup.Hold(ctx, t.env)()
	}
	return t.oneByOne(ctx, chosen)
}

// oncePerResource runs a command that is not about resources.
//
// compat: it ignores what the objects are, but runs once for each.
func (t *tool) oncePerResource(ctx context.Context, chosen []selection) int {
	worst := 0
	for _, s := range chosen {
		t.req.stacked = s.res.Stacked
		worst = max(worst, t.cmd.run(ctx, t, nil))
	}
	return worst
}

// oneByOne runs the command on one resource after the other. A broken backend ends
// everything.
func (t *tool) oneByOne(ctx context.Context, chosen []selection) (int, *refusal) {
	worst := 0
	for i, s := range chosen {
		if refused := t.checkAddress(s); refused != nil {
			return worst, refused
		}
		code, err := t.onSelection(ctx, s)
		if refused, ok := errors.AsType[*refusal](err); ok {
			return worst, refused
		}
		worst = max(worst, code)
		if worst >= exitBroken {
			t.reportNotBegun(resourceNames(chosen[i:]))
			break
		}
	}
	return worst, nil
}

func resourceNames(chosen []selection) []string {
	var names []string
	for _, s := range chosen {
		names = append(names, s.res.Name)
	}
	return names
}

// fewNames is how many objects a message names one by one.
const fewNames = 8

// reportNotBegun says, after the first of some objects put an end to it all, what
// was not done any more, and which command goes on from there.
func (t *tool) reportNotBegun(objects []string) {
	if len(objects) < 2 || t.quiet {
		return
	}
	rest, again := strings.Join(objects[1:], ", "), objects
	if len(objects) > fewNames && t.req.objects[0] == "all" {
		rest, again = fmt.Sprintf("%d resources from %s on", len(objects)-1, objects[1]), []string{"all"}
	}
	t.complain("%s: not begun: %s; to go on, use: %s", t.env.Name, rest, t.repeat(t.cmd.name, again))
}

// repeat returns a command line like this one for a command and its objects.
func (t *tool) repeat(command string, objects []string) string {
	words := []string{t.env.Name}
	if t.req.config != "" {
		words = append(words, "-c", t.req.config)
	}
	if t.req.stacked {
		words = append(words, "-S")
	}
	if command == t.cmd.name {
		for _, o := range public(t.gen, t.planner.options) {
			words = append(words, "-W", o)
		}
	}
	return commandLine(slices.Concat(words, []string{command}, objects))
}

// onSelection runs the command on one resource, up to the first failure.
func (t *tool) onSelection(ctx context.Context, s selection) (int, error) {
	for _, o := range s.objects(t.cmd.scope) {
		if t.cmd.flags.has(needsDisk) && o.vol != nil && o.vol.Disk == "" {
			if s.all {
				continue
			}
			return 0, t.planner.diskless()
		}
		code, err := t.onObject(ctx, o)
		if code != 0 || err != nil {
			return code, err
		}
	}
	return 0, nil
}

// onObject runs the command on what its scope says.
func (t *tool) onObject(ctx context.Context, o object) (int, error) {
	if t.cmd.print != nil {
		return t.cmd.print(t, o), nil
	}
	if t.cmd.plan == nil {
		return t.perform(ctx, t.planner.simple(o)), nil
	}
	ops, err := t.cmd.plan(t.planner, o)
	if err != nil {
		return 0, err
	}
	return t.perform(ctx, ops), nil
}

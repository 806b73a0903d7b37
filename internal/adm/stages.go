package adm

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"drbdutils/schema"
)

// runPlan runs what up and adjust planned, stage by stage over all resources. A
// failure ends everything after its stage: nothing shall be connected whose disk
// is not there. Any failure makes the exit code 1.
func (t *tool) runPlan(ctx context.Context) int {
	if t.cmd.flags.has(listsChanges) {
		t.listResources()
		return 0
	}
	if t.req.verbose > 1 && t.gen == schema.V9 {
		t.showDependencies()
	}
	if t.cmd.flags.has(showsProgress) && t.req.verbose == 0 && t.req.dryRun == 0 {
		return t.runWithProgress(ctx)
	}
	failed := failures{}
	t.plan.run(
		func(steps []*Step) { t.runStage(ctx, steps, &failed) },
		func() bool { return failed.any || ctx.Err() != nil },
	)
	if failed.any || ctx.Err() != nil {
		t.reportHalfDone()
		return exitUsage
	}
	return 0
}

// reportHalfDone says for every resource what was done, what failed, and what was
// not begun, and which command goes on from there.
func (t *tool) reportHalfDone() {
	var order []string
	steps := map[string]*[outcomes][]string{}
	useful := t.plan.useful()
	slices.SortStableFunc(useful, func(a, b *Step) int { return cmp.Compare(a.Stage, b.Stage) })
	for _, s := range useful {
		if steps[s.Res] == nil {
			steps[s.Res] = &[outcomes][]string{}
			order = append(order, s.Res)
		}
		of := &steps[s.Res][s.outcome]
		*of = append(*of, s.Name)
	}
	for _, res := range order {
		of := steps[res]
		if len(of[failing])+len(of[notDone]) > 0 {
			t.complain("%s: %s:%s%s%s to go on, use: %s", t.env.Name, res, list(" done: ", of[done]),
				list(" failed: ", of[failing]), list(" not done: ", of[notDone]), t.repeat("adjust", []string{res}))
		}
	}
}

// list returns a part of a sentence, or nothing if there is nothing to say.
func list(label string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return label + strings.Join(names, ", ") + ";"
}

// listResources prints the resources that the plan would change.
func (t *tool) listResources() {
	last := ""
	for _, s := range t.plan.useful() {
		if s.Res != last {
			fmt.Fprintln(t.out, s.Res)
		}
		last = s.Res
	}
}

// failures remembers what went wrong.
type failures struct {
	any  bool
	lost map[string]bool // resources for which nothing more makes sense
}

// merge adds what came of a share.
func (f *failures) merge(s *share) {
	f.any = f.any || s.failed
	if s.lost {
		if f.lost == nil {
			f.lost = map[string]bool{}
		}
		f.lost[s.res] = true
	}
}

// code returns the exit code of a plan.
func (f *failures) code() int {
	if f.any {
		return exitUsage
	}
	return 0
}

// runWithProgress runs a plan as far as possible in spite of failures. Instead of
// the backends' messages it shows, stage by stage, which resources it works on.
func (t *tool) runWithProgress(ctx context.Context) int {
	t.quiet = true
	var failed failures
	fmt.Fprint(t.out, "[")
	t.plan.run(func(steps []*Step) { t.showStage(ctx, steps, &failed) }, func() bool { return ctx.Err() != nil })
	fmt.Fprint(t.out, "\n]\n")
	failed.any = failed.any || ctx.Err() != nil
	return failed.code()
}

// showStage runs the steps of a stage and names each resource once.
func (t *tool) showStage(ctx context.Context, steps []*Step, failed *failures) {
	rule := stageRules(t.gen)[steps[0].Stage]
	if rule.label != "" {
		fmt.Fprintf(t.out, "\n%15s:", rule.label)
	}
	named := ""
	for _, s := range steps {
		if ctx.Err() != nil {
			return
		}
		one := &share{res: s.Res, lost: failed.lost[s.Res]}
		if named != s.Res {
			fmt.Fprintf(t.out, map[bool]string{false: " %s", true: " [skipped:%s]"}[one.lost], s.Res)
			named = s.Res
		}
		if one.lost {
			continue
		}
		t.flush()
		s.outcome = done
		if code := t.perform(ctx, s.Ops); code != 0 {
			fmt.Fprintf(t.out, ":failed(%s:%d)", s.Name, code)
			s.outcome, one.failed, one.lost = failing, true, rule.fatal
		}
		failed.merge(one)
	}
}

// showReasons says why steps are necessary.
func (t *tool) showReasons() {
	for _, s := range t.plan.useful() {
		if s.Why != "" {
			t.complain("%s %s: %s", s.Name, s.Res, s.Why)
		}
		for _, c := range s.Changes {
			t.complain("%s %s: %s is %s and shall be %s", s.Name, s.Res, c.Option, c.Old, c.New)
		}
	}
}

// showDependencies says what waits for what.
func (t *tool) showDependencies() {
	if t.req.verbose > 2 {
		t.showReasons()
	}
	token := map[*Step]string{}
	for i, s := range t.plan {
		token[s] = fmt.Sprintf("[%d]", i+1)
		waits := ""
		if s.After != nil {
			waits = fmt.Sprintf(" depending on %s(%s)%s", s.After.Name, s.After.Res, token[s.After])
		}
		fmt.Fprintf(t.out, "scheduling %s(%s)%s as %s\n", s.Name, s.Res, waits, token[s])
	}
}

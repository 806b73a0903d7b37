package adm

import (
	"context"
	"fmt"
)

// runPlan runs what up and adjust planned, stage by stage over all resources. A
// failure ends everything after its stage: nothing shall be connected whose disk
// is not there.
func (t *tool) runPlan(ctx context.Context) int {
	if t.req.verbose > 1 {
		t.explainPlan()
	}
	failed := map[string]bool{}
	for _, p := range t.plan.passes() {
		for _, s := range p.steps {
			if t.runStep(ctx, s, failed) != 0 {
				failed[s.Res] = true
			}
		}
		if len(failed) > 0 {
			return exitUsage
		}
	}
	return 0
}

// runStep runs one step, unless it has become pointless.
func (t *tool) runStep(ctx context.Context, s *Step, failed map[string]bool) int {
	if failed[s.Res] && stageRules(t.gen)[s.Stage].skips {
		t.complain("%s: %s %s: skipped due to earlier error", t.env.Name, s.Name, s.Res)
		return 0
	}
	return t.perform(ctx, s.Ops)
}

// explainPlan shows what waits for what.
func (t *tool) explainPlan() {
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

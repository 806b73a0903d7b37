package adm

import (
	"bytes"
	"context"
	"sync"

	"drbdutils/schema"
)

// defaultWorkers is how many resources are worked on at the same time. What takes
// long is waiting for disks, so more than processors make sense.
const defaultWorkers = 8

// parallel reports whether resources can be worked on side by side. A module 9.x
// has a lock for each resource; 8.4 has one for all, and programs that the command
// line names may expect to run alone.
func (t *tool) parallel() bool {
	return t.workers > 1 && t.gen == schema.V9 && t.req.dryRun == 0 && t.req.verbose == 0 && t.req.setup == "" && t.req.meta == ""
}

// A share is the steps of one resource in one stage, and what came of them.
type share struct {
	res       string
	steps     []*Step
	lost      bool // nothing more makes sense for the resource
	failed    bool
	out, errs bytes.Buffer
}

// runStage runs steps and sets their outcomes. Those of one resource run one after
// the other. What they print appears resource by resource.
func (t *tool) runStage(ctx context.Context, steps []*Step, failed *failures) {
	if !t.parallel() {
		one := new(share)
		for i, s := range steps {
			one.res, one.steps, one.lost = s.Res, steps[i:i+1], failed.lost[s.Res]
			t.runShare(ctx, one)
			failed.merge(one)
		}
		return
	}
	t.flush()
	shares := sharesOf(steps, failed)
	t.runShares(ctx, shares)
	for _, s := range shares {
		t.env.Stdout.Write(s.out.Bytes())
		t.env.Stderr.Write(s.errs.Bytes())
		failed.merge(s)
	}
}

// sharesOf groups steps by resource.
func sharesOf(steps []*Step, failed *failures) []*share {
	var all []*share
	byRes := map[string]*share{}
	for _, s := range steps {
		if byRes[s.Res] == nil {
			byRes[s.Res] = &share{res: s.Res, lost: failed.lost[s.Res]}
			all = append(all, byRes[s.Res])
		}
		byRes[s.Res].steps = append(byRes[s.Res].steps, s)
	}
	return all
}

// runShares runs shares side by side. Each writes into its own buffers.
func (t *tool) runShares(ctx context.Context, shares []*share) {
	var running sync.WaitGroup
	slots := make(chan struct{}, t.workers)
	for _, s := range shares {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			worker := *t
			worker.env.Stdout, worker.env.Stderr = &s.out, &s.errs
			worker.out, worker.flush = &s.out, func() error { return nil }
			worker.runShare(ctx, s)
		})
	}
	running.Wait()
}

// runShare runs the steps of one resource. A failure in some stages makes what
// comes after it pointless.
func (t *tool) runShare(ctx context.Context, s *share) {
	for _, step := range s.steps {
		if ctx.Err() != nil {
			return
		}
		if s.lost {
			t.complain("%s: %s %s: skipped due to earlier error", t.env.Name, step.Name, step.Res)
			continue
		}
		step.outcome = done
		if t.perform(ctx, step.Ops) != 0 {
			step.outcome, s.failed = failing, true
			s.lost = stageRules(t.gen)[step.Stage].fatal
		}
	}
}

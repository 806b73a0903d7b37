package adm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"drbdutils/internal/cli"
	"drbdutils/internal/render"
)

// shStatus prints the state of everything as shell assignments. It is what the
// init script of DRBD 8.4 reads.
func shStatus(ctx context.Context, t *tool, _ []selection) int {
	if t.req.dryRun == 0 {
		fmt.Fprintf(t.out, "_drbd_version=%s\n_drbd_api=%d\n_config_file=%s\n\n\n",
			cli.CompatVersion, apiVersion(t.gen), render.ShellWord(t.conf.File))
	}
	worst := 0
	for _, r := range t.conf.Resources {
		if r.Ignored {
			continue
		}
		s := selectWhole(r)
		fmt.Fprintf(t.out, "_conf_res_name=%s\n_conf_file_line=%s:%d\n\n", render.ShellWord(r.Name), render.ShellWord(r.Place.Path()), r.Line)
		t.shStacked(s)
		for _, o := range s.objects(perVolume) {
			worst = max(worst, t.shVolume(ctx, o))
		}
	}
	return worst
}

// shStacked tells on which resource a stacked one lies.
func (t *tool) shStacked(s selection) {
	if !s.res.Stacked {
		fmt.Fprint(t.out, "_stacked_on=\n_stacked_on_device=\n_stacked_on_minor=\n")
		return
	}
	fmt.Fprintf(t.out, "_stacked_on=%s\n", render.ShellWord(s.res.Lower.Name))
}

func (t *tool) shVolume(ctx context.Context, o object) int {
	if o.res.Stacked {
		if lower := o.res.Lower.Me.Volume(o.vol.Number); lower != nil {
			fmt.Fprintf(t.out, "_stacked_on_device=%s\n_stacked_on_minor=%d\n", render.ShellWord(lower.DeviceName), lower.Minor)
		}
	}
	fmt.Fprintf(t.out, "_conf_volume=%d\n", o.vol.Number)
	return t.do(ctx, t.planner.setup(o, "sh-status", o.minor()))
}

// Attempts to become primary at start-up, and the time between them. Another
// node may still be on its way down.
const (
	promotions     = 5
	promotionPause = time.Second
)

// becomePrimary promotes the resources that shall be primary on this host from
// the start.
func becomePrimary(ctx context.Context, t *tool, chosen []selection) int {
	worst := 0
	for _, s := range chosen {
		if !t.startsPrimary(s) {
			continue
		}
		for _, o := range s.objects(perVolume) {
			worst = max(worst, t.promote(ctx, o))
		}
	}
	return worst
}

func (t *tool) startsPrimary(s selection) bool {
	on := s.res.BecomePrimaryOn
	return slices.Contains(on, "both") || slices.ContainsFunc(on, s.res.Me.Answers)
}

// promote makes a volume primary, if need be in the last of several attempts. Only
// that one's failure is reported.
func (t *tool) promote(ctx context.Context, o object) int {
	op := t.planner.setup(o, append([]string{"primary", o.minor()}, t.planner.options...)...)
	last := op
	op.Stderr = hidden
	for range promotions - 1 {
		if t.do(ctx, op) == 0 {
			return 0
		}
		select {
		case <-ctx.Done():
			return exitBroken
		case <-time.After(promotionPause):
		}
	}
	return t.do(ctx, last)
}

package adm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"drbdutils/schema"
)

// drbdadm plan shows what adjust would do, and why, without doing it.

// An Impact says what a step costs while the resource is in use.
type Impact uint8

const (
	Harmless  Impact = iota
	CutsPeer         // replication to a peer is interrupted
	TakesDisk        // the local disk is not used for a while, or not any more
)

func (i Impact) String() string {
	return [...]string{"harmless", "interrupts replication", "takes the disk offline"}[i]
}

// impacts of calls that are not harmless, by verb; of the proxy's control program,
// by the beginning of what it is told.
var impacts = map[string]Impact{
	"disconnect":     CutsPeer,
	"del-peer":       CutsPeer,
	"del connection": CutsPeer,
	"detach":         TakesDisk,
	"del-minor":      TakesDisk,
}

// impact is that of the step's worst call.
func (s *Step) impact() Impact {
	worst := Harmless
	for _, op := range s.Ops {
		verb := op.Args[0]
		if op.Prog == proxyCtl {
			verb = strings.Join(strings.SplitN(op.Args[1], " ", 3)[:2], " ")
		}
		worst = max(worst, impacts[verb])
	}
	return worst
}

// planReport is what plan says about one resource.
type planReport struct {
	Resource string       `json:"resource"`
	Steps    []stepReport `json:"steps"`
	Note     string       `json:"note,omitempty"` // what adjust leaves alone
}

type stepReport struct {
	Action   string         `json:"action"`
	Impact   string         `json:"impact"`
	Why      string         `json:"why,omitempty"`
	Changes  []changeReport `json:"changes,omitempty"`
	Commands []string       `json:"commands"`
}

type changeReport struct {
	Option string `json:"option"`
	Old    string `json:"old"`
	New    string `json:"new"`
}

// showPlan is the command.
func showPlan(ctx context.Context, t *tool, chosen []selection) int {
	adjust := planner.adjust
	if t.gen == schema.V84 {
		adjust = planner.adjust84
	}
	reports := []planReport{}
	for _, s := range chosen {
		t.lookAtProxy(ctx, s)
		var plan Plan
		if err := adjust(t.planner, s, &plan); err != nil {
			t.complain("%v", err)
			return exitConfig
		}
		reports = append(reports, t.planReport(s.res.Name, plan))
	}
	if len(chosen) > 0 && chosen[0].all {
		reports = append(reports, t.strangers()...)
	}
	if t.planner.has("json") {
		return t.writeJSON(reports)
	}
	for _, r := range reports {
		r.write(t.out)
	}
	return 0
}

// strangers reports resources that run and are not in the configuration.
func (t *tool) strangers() []planReport {
	var all []planReport
	for _, r := range t.planner.running {
		if t.conf.Resource(r.Name) == nil {
			all = append(all, planReport{Resource: r.Name, Steps: []stepReport{},
				Note: "runs, is not in the configuration, and is left alone; to remove it: drbdsetup down " + r.Name})
		}
	}
	return all
}

func (t *tool) writeJSON(v any) int {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.complain("%v", err)
		return exitBroken
	}
	return 0
}

// planReport describes the steps in the order in which they would run.
func (t *tool) planReport(name string, plan Plan) planReport {
	r := planReport{Resource: name, Steps: []stepReport{}}
	plan.run(func(steps []*Step) {
		for _, s := range steps {
			r.Steps = append(r.Steps, t.reportStep(s))
			s.outcome = done
		}
	}, func() bool { return false })
	return r
}

func (t *tool) reportStep(s *Step) stepReport {
	out := stepReport{Action: s.Name, Impact: s.impact().String(), Why: s.Why}
	for _, c := range s.Changes {
		out.Changes = append(out.Changes, changeReport(c))
	}
	for _, op := range s.Ops {
		out.Commands = append(out.Commands, t.commandLines(op)...)
	}
	return out
}

// commandLines returns the calls that an op may come to.
func (t *tool) commandLines(op Op) []string {
	all := []string{commandLine(public(t.gen, t.line(op)))}
	for _, next := range slices.Concat(op.rule().Else, op.rule().Then) {
		all = append(all, t.commandLines(next)...)
	}
	return all
}

// write prints the report for people.
func (r planReport) write(w io.Writer) {
	if len(r.Steps) == 0 {
		fmt.Fprintf(w, "%s: %s\n", r.Resource, cmp.Or(r.Note, "nothing to do"))
		return
	}
	fmt.Fprintf(w, "%s:\n", r.Resource)
	for i, s := range r.Steps {
		fmt.Fprintf(w, "  %d. %s (%s)", i+1, s.Action, s.Impact)
		if s.Why != "" {
			fmt.Fprintf(w, ": %s", s.Why)
		}
		fmt.Fprintln(w)
		for _, c := range s.Changes {
			fmt.Fprintf(w, "       %s: %s -> %s\n", c.Option, c.Old, c.New)
		}
		for _, line := range s.Commands {
			fmt.Fprintf(w, "     %s\n", line)
		}
	}
}

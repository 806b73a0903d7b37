package adm

import (
	"context"
	"slices"
	"strings"

	"drbdutils/confparse"
)

// Commands that need the configuration only.

// dump shows the configuration as a file that means the same. With objects it
// shows those resources alone.
func dump(_ context.Context, t *tool, chosen []selection) int {
	if t.asksJSON() {
		return t.written(t.conf.WriteJSON(t.out))
	}
	return t.show(chosen, func(form confparse.DumpForm, r *confparse.Resource) error {
		if r == nil {
			return t.conf.Dump(t.out, form)
		}
		return t.conf.DumpResource(t.out, r, form)
	})
}

// dumpXML shows the configuration as XML.
func dumpXML(_ context.Context, t *tool, chosen []selection) int {
	return t.show(chosen, func(form confparse.DumpForm, r *confparse.Resource) error {
		if r == nil {
			return t.conf.DumpXML(t.out, form)
		}
		return t.conf.DumpResourceXML(t.out, r, form)
	})
}

// show writes the configuration, unless this host lacks its addresses, or some
// resources of it.
//
// compat: addresses that are missing are no failure for resources that were named.
func (t *tool) show(chosen []selection, write func(confparse.DumpForm, *confparse.Resource) error) int {
	worst := 0
	shown := chosen
	whole := len(chosen) == 0 || chosen[0].all
	if whole {
		shown = nil
		for _, r := range t.conf.Resources {
			shown = append(shown, selection{res: r})
		}
	}
	for _, s := range shown {
		if refused := t.checkAddress(s); refused != nil {
			t.complain("%s", refused.text)
			worst = refused.exit
		}
	}
	if whole && worst != 0 {
		return worst
	}
	worst = 0
	form := confparse.DumpForm{Verbose: t.req.verbose > 0}
	if whole {
		return t.written(write(form, nil))
	}
	for _, s := range shown {
		form.Named = !strings.HasPrefix(s.word, "minor-")
		worst = max(worst, t.written(write(form, s.res)))
	}
	return worst
}

// written turns the error of writing into an exit code.
func (t *tool) written(err error) int {
	if err != nil {
		t.complain("%s: %v", t.env.Name, err)
		return exitBroken
	}
	return 0
}

// asksJSON reports whether the command line has --json.
func (t *tool) asksJSON() bool {
	return slices.ContainsFunc(t.req.backend, func(o backendOption) bool { return o.text == "--json" })
}

// exitWarnings is lint's exit code when there are warnings only. With errors it
// is that of the first one, as for every other command.
const exitWarnings = 3

// lint judges the configuration: errors, and what is legal but unwise.
func (t *tool) lint(diags confparse.Diagnostics) int {
	if !diags.Invalid() {
		diags = append(diags, t.conf.Lint()...)
	}
	if t.asksJSON() {
		diags.WriteJSON(t.out, t.conf)
	} else {
		style := confparse.DiagStyle{Source: true, Warnings: true, Generation: t.gen, Why: t.judgement()}
		diags.Print(t.out, style)
	}
	if code := diags.ExitCode(); code != 0 || len(diags) == 0 {
		return code
	}
	return exitWarnings
}

package adm

import (
	"fmt"
	"io"
	"strings"

	"drbdutils/confparse"
	"drbdutils/internal/cli"
	"drbdutils/internal/render"
	"drbdutils/schema"
)

const hiddenCommandsName = "hidden-commands"

// usage explains drbdadm, or one command if c is not nil. Completion scripts
// read the lines after "OPTIONS FOR".
func usage(w io.Writer, g schema.Generation, c *command) {
	if c == nil {
		fmt.Fprint(w, "\nUSAGE: drbdadm COMMAND [OPTION...] {all|RESOURCE...}\n")
	} else {
		fmt.Fprintf(w, "\nUSAGE: drbdadm %s [OPTION...]%s\n\n%s\n", c.name, c.operands(g), c.purpose())
	}
	fmt.Fprint(w, "\nGENERAL OPTIONS:\n")
	for _, o := range general {
		if o.gen&g == 0 {
			continue
		}
		value := ""
		if o.arg == cli.RequiredArg {
			value = "=..."
		}
		fmt.Fprintf(w, "  --%s%s, -%s%s\n", o.name, value, o.short, strings.Replace(value, "=", " ", 1))
	}
	switch {
	case c == nil:
		fmt.Fprint(w, "\nCOMMANDS:\n")
		columns(w, g, admin)
	case c.options != nil:
		fmt.Fprintf(w, "\nOPTIONS FOR %s:\n", c.name)
		for _, o := range c.options() {
			value := "=..."
			if argOf(o) == cli.OptionalArg {
				value = "[=...]"
			}
			fmt.Fprintf(w, "  --%s%s\n", o.Name, value)
		}
	}
	if c != nil && c.name == "lint" {
		lintHelp(w)
	}
	fmt.Fprintf(w, "\nVersion: %s (api:%d)\n%s\n", cli.CompatVersion, apiVersion(g), cli.BuildTag())
}

// lintHelp says how lint reports, and lists what it warns of.
func lintHelp(w io.Writer) {
	fmt.Fprintf(w, "\nEXIT CODES:\n   0  nothing to say\n  %2d  warnings only\n  %d  errors\n  %d  a file cannot be read\n\nWARNINGS:\n", exitWarnings, exitConfig, exitBroken)
	for _, r := range confparse.LintRules {
		fmt.Fprintf(w, "  %-21s %s\n", r.Code, r.Text)
	}
}

// usageNote is usage with a remark at its end.
func usageNote(w io.Writer, g schema.Generation, c *command, note string) {
	usage(w, g, c)
	fmt.Fprintf(w, "\n%s\n", note)
}

// hiddenUsage lists the commands that are not for every day.
func hiddenUsage(w io.Writer, g schema.Generation) {
	fmt.Fprint(w, "\nFor scripts:\n\n")
	columns(w, g, shell)
	fmt.Fprint(w, "\nCalled by the module when something happened:\n\n")
	columns(w, g, handler)
	fmt.Fprint(w, "\nFor experts, and for those who develop DRBD:\n\n")
	columns(w, g, expert)
	fmt.Fprint(w, "\nNot known to drbd-utils:\n\n")
	columns(w, g, beyond)
	fmt.Fprint(w, "\n")
}

// columns lists the commands of a group in two columns. Generation 9 fills the
// left one first.
func columns(w io.Writer, g schema.Generation, group group) {
	var names []string
	for _, c := range commands(g) {
		if c.group == group {
			names = append(names, c.name)
		}
	}
	rows := (len(names) + 1) / 2
	for i := range rows {
		left, right, format := 2*i, 2*i+1, " %-35s%-35s\n"
		if g == schema.V9 {
			left, right, format = i, i+rows, " %-35s %-35s\n"
		}
		if right < len(names) {
			fmt.Fprintf(w, format, names[left], names[right])
			continue
		}
		fmt.Fprintf(w, " %-35s\n", names[left])
	}
}

// version prints what scripts evaluate to learn which release they talk to.
func version(w io.Writer, g schema.Generation, d cli.Driver) {
	fmt.Fprintf(w, "DRBDADM_BUILDTAG=%s\n", render.ShellWord(cli.BuildTag()))
	fmt.Fprintf(w, "DRBDADM_API_VERSION=%d\n", apiVersion(g))
	kernel := d.Version
	if g == schema.V84 && !d.Loaded {
		kernel = cli.Version{} // compat: the 8.4 tool asks only the loaded module
	}
	fmt.Fprintf(w, "DRBD_KERNEL_VERSION_CODE=0x%06x\n", kernel.Code())
	if g == schema.V9 {
		text := "0"
		if kernel.Known() {
			text = kernel.String()
		}
		fmt.Fprintf(w, "DRBD_KERNEL_VERSION=%s\n", text)
	}
	fmt.Fprintf(w, "DRBDADM_VERSION_CODE=0x%06x\n", cli.CompatVersion.Code())
	fmt.Fprintf(w, "DRBDADM_VERSION=%s\n", cli.CompatVersion)
}

// apiVersion is the generation as --version reports it.
func apiVersion(g schema.Generation) int {
	if g == schema.V84 {
		return 1
	}
	return 2
}

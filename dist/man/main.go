// Command man writes drbd.conf(5), the manual page of the configuration files. What
// it says of options comes from package schema, so that it cannot be out of date.
package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"drbdutils/schema"
)

// The page before and after the options.
//
//go:embed head.5
var head string

//go:embed tail.5
var tail string

// sections are the sections of options, in the order of the page.
var sections = []struct {
	name  string
	slots []schema.Slot
	about string
}{
	{"global", []schema.Slot{schema.ToGlobal}, "In the file once, for all resources."},
	{"net", []schema.Slot{schema.ToNet}, "In common, resource, connection and connection-mesh: how peers talk to each other."},
	{"disk", []schema.Slot{schema.ToDisk, schema.ToPeer, schema.ToDevice},
		"In common, resource, volume and connection: disks, resync and devices."},
	{"options", []schema.Slot{schema.ToResource}, "In common and resource."},
	{"startup", []schema.Slot{schema.ToStartup}, "In common and resource: what happens when a host starts."},
	{"handlers", []schema.Slot{schema.ToHandlers}, "In common and resource: programs that the module calls. " +
		"They find the names and numbers of what they are called for in the environment: DRBD_RESOURCE, DRBD_VOLUME, DRBD_MINOR, DRBD_PEER ..."},
	{"proxy", []schema.Slot{schema.ToProxy}, "In common and resource: for DRBD Proxy."},
}

func main() {
	if err := page(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "man:", err)
		os.Exit(1)
	}
}

// page writes the page as troff source for the macros of man(7).
func page(w io.Writer) error {
	var b strings.Builder
	b.WriteString(head)
	for _, s := range sections {
		fmt.Fprintf(&b, ".SS %s\n%s\n", s.name, escape(s.about))
		for _, o := range options(s.slots) {
			o.write(&b)
		}
	}
	b.WriteString(tail)
	_, err := io.WriteString(w, b.String())
	return err
}

// An option is a row of the schema as each generation knows it, nil where it does
// not.
type option struct{ v84, v9 *schema.Field }

// options returns what slots take with either generation, in the order of the
// tables.
func options(slots []schema.Slot) []option {
	var all []option
	for _, slot := range slots {
		for _, g := range []schema.Generation{schema.V84, schema.V9} {
			set := slot.In(g)
			if set == nil {
				continue
			}
			for i := range set.Fields {
				f := &set.Fields[i]
				if f.Name != "" && f.Gen.Has(g) && !slices.Contains(schema.NotInFiles, f.Name) {
					all = note(all, g, f)
				}
			}
		}
	}
	return all
}

// note adds what a generation knows of an option.
func note(all []option, g schema.Generation, f *schema.Field) []option {
	i := slices.IndexFunc(all, func(o option) bool { return o.row().Name == f.Name })
	if i < 0 {
		i, all = len(all), append(all, option{})
	}
	if g == schema.V84 {
		all[i].v84 = f
	} else {
		all[i].v9 = f
	}
	return all
}

// row returns what the newest generation knows of the option.
func (o option) row() *schema.Field { return cmp.Or(o.v9, o.v84) }

func (o option) write(w io.Writer) {
	f := o.row()
	fmt.Fprintf(w, ".TP\n.B %s\n%s\n", escape(f.Name), escape(f.Doc))
	switch {
	case o.v84 == nil && f.Since != "":
		fmt.Fprintf(w, "DRBD 9 from %s on. %s\n", escape(f.Since), values(f))
	case o.v84 == nil:
		fmt.Fprintf(w, "DRBD 9 only. %s\n", values(f))
	case o.v9 == nil:
		fmt.Fprintf(w, "DRBD 8.4 only. %s\n", values(f))
	case values(o.v84) != values(o.v9):
		fmt.Fprintf(w, "DRBD 9: %s\nDRBD 8.4: %s\n", values(o.v9), values(o.v84))
	default:
		fmt.Fprintln(w, values(f))
	}
}

// values says what an option may be, and what it is if nobody says.
func values(f *schema.Field) string {
	var parts []string
	if allowed := f.Allowed(); allowed != "" {
		parts = append(parts, "Values: "+allowed+".")
	}
	if def := f.Format(f.Default()); def != "" && f.Kind != schema.Serial && f.Def >= f.Min {
		parts = append(parts, "Default: "+def+".")
	}
	return escape(strings.Join(parts, " "))
}

// escape protects what troff would take for its own.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

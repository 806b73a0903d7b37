package setup

import (
	"fmt"
	"strconv"
	"strings"

	"drbdutils/internal/render"
	"drbdutils/schema"
)

// usage prints what there is, and below it why.
func (t *tool) usage(why string) int {
	w := render.Wrapper{Width: pageWidth}
	fmt.Fprintf(&w, "%s - Configure the DRBD kernel module (DRBD %s)\n\nUSAGE: %s command {arguments} [options]\n\nCommands:\n", t.Name, t.gen, t.Name)
	table := commandsOf(t.gen)
	for i := range table {
		text := table[i].name + " - " + table[i].about(t.gen)
		indent := 4
		for word := range strings.FieldsSeq(text) {
			w.Word(indent, word)
			indent = 8
		}
		w.End()
	}
	fmt.Fprintf(&w, "\nUse '%s help command' for the arguments and options of a command.\n\n", t.Name)
	if why != "" {
		fmt.Fprintf(&w, "\n%s\n", why)
	}
	fmt.Fprint(t.Stdout, w.String())
	return exitUsage
}

// pageWidth is the width of help texts.
const pageWidth = 80

// help prints what describe says about the command in args.
func (t *tool) help(args []string, describe func(*command) string) int {
	if len(args) == 0 {
		return t.usage("")
	}
	cmd := find(commandsOf(t.gen), args[0])
	if cmd == nil {
		return t.usage("unknown command")
	}
	fmt.Fprint(t.Stdout, describe(cmd))
	return exitOK
}

// commandHelp returns the usage of a command.
func (t *tool) commandHelp(cmd *command) string {
	w := render.Wrapper{Width: pageWidth}
	fmt.Fprintf(&w, "%s %s - %s\n\nUSAGE: %s %s", t.Name, cmd.name, cmd.about(t.gen), t.Name, cmd.name)
	for _, word := range cmd.words {
		w.WriteString(" " + wordUsage(word))
	}
	w.End()
	for _, text := range t.optionUsages(cmd) {
		w.Word(4, text)
	}
	w.End()
	return w.String()
}

// commandManual returns the usage of a command, and what its options mean.
func (t *tool) commandManual(cmd *command) string {
	w := render.Wrapper{Width: pageWidth}
	w.WriteString(t.commandHelp(cmd))
	if cmd.edit {
		explain(&w, "--"+setDefaults, "Begins with the defaults, not with what is set now.")
	}
	for _, f := range cmd.fields(t.gen) {
		explain(&w, "--"+f.Name, fieldDoc(f))
	}
	for _, o := range cmd.flags {
		name := "--" + o.name
		if o.short != "" {
			name += ", -" + o.short
		}
		explain(&w, name, o.doc)
	}
	return w.String()
}

// explain writes what an option means.
func explain(w *render.Wrapper, name, doc string) {
	fmt.Fprintf(w, "\n    %s\n", name)
	for word := range strings.FieldsSeq(doc) {
		w.Word(8, word)
	}
	w.End()
}

// fieldDoc returns what an option means, and what it is without being set.
func fieldDoc(f *schema.Field) string {
	def := f.Format(f.Default())
	if f.Kind == schema.Flag || f.Kind.Textual() || f.Kind == schema.Serial || def == "" {
		return f.Doc
	}
	if f.Unit != "" {
		def += " (" + f.Unit + ")"
	}
	return f.Doc + " Default: " + def + "."
}

// wordUsage returns {minor}, or { {resource} | all }.
func wordUsage(w word) string {
	if len(w.or) == 0 {
		return "{" + w.name + "}"
	}
	text := "{ {" + w.name + "}"
	for _, alternative := range w.or {
		if alternative != "all" {
			alternative = "{" + alternative + "}"
		}
		text += " | " + alternative
	}
	return text + " }"
}

func (t *tool) optionUsages(cmd *command) []string {
	var texts []string
	if cmd.edit {
		texts = append(texts, "[--"+setDefaults+"]")
	}
	for _, f := range cmd.fields(t.gen) {
		texts = append(texts, "[--"+f.Name+"="+valueUsage(f)+"]")
	}
	for _, o := range cmd.flags {
		switch o.arg {
		case noArg:
			texts = append(texts, "[--"+o.name+"]")
		default:
			texts = append(texts, "[--"+o.name+"=...]")
		}
	}
	return texts
}

// valueUsage says what an option may be.
func valueUsage(f *schema.Field) string {
	limits := fmt.Sprintf("(%d ... %d)", f.Min, f.Max)
	switch f.Kind {
	case schema.Bool, schema.Flag:
		return "{yes|no}"
	case schema.Enum:
		return "{" + strings.Join(words(f), "|") + "}"
	case schema.Symbol:
		return "{" + strings.Join(words(f), "|") + "}|" + limits
	case schema.Serial:
		return "<key-description>"
	case schema.Address:
		return "[{af}:]{addr}[:{port}]"
	case schema.String:
		return "<str>"
	}
	return limits
}

func words(f *schema.Field) []string {
	var texts []string
	for _, w := range f.Words.Words {
		texts = append(texts, w.Text)
	}
	return texts
}

// commandXML returns the description of a command for programs.
func (t *tool) commandXML(cmd *command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<command name=\"%s\">\n", cmd.name)
	if t.gen == schema.V9 {
		fmt.Fprintf(&b, "\t<summary>%s</summary>\n", cmd.about(t.gen))
	}
	for _, w := range cmd.words {
		if len(w.or) == 0 {
			fmt.Fprintf(&b, "\t<argument>%s</argument>\n", w.name)
			continue
		}
		b.WriteString("\t<group>\n")
		for _, name := range append([]string{w.name}, w.or...) {
			fmt.Fprintf(&b, "\t\t<argument>%s</argument>\n", name)
		}
		b.WriteString("\t</group>\n")
	}
	if cmd.edit {
		b.WriteString(optionXML(setDefaults, "flag"))
	}
	for _, f := range cmd.fields(t.gen) {
		b.WriteString(fieldXML(f))
	}
	for _, o := range cmd.flags {
		b.WriteString(optionXML(o.name, [...]string{"flag", "string", "string"}[o.arg]))
	}
	return b.String() + "</command>\n"
}

// optionXML returns an option with elements of the given name and content.
func optionXML(name, kind string, elements ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\t<option name=\"%s\" type=\"%s\">\n", name, kind)
	for i := 0; i < len(elements); i += 2 {
		fmt.Fprintf(&b, "\t\t<%s>%s</%s>\n", elements[i], elements[i+1], elements[i])
	}
	return b.String() + "\t</option>\n"
}

func fieldXML(f *schema.Field) string {
	limits := []string{"min", strconv.FormatInt(f.Min, 10), "max", strconv.FormatInt(f.Max, 10)}
	switch f.Kind {
	case schema.Bool, schema.Flag:
		return optionXML(f.Name, "boolean", "default", f.Format(f.Default()))
	case schema.Enum:
		var handlers []string
		for _, w := range words(f) {
			handlers = append(handlers, "handler", w)
		}
		return optionXML(f.Name, "handler", handlers...)
	case schema.Symbol:
		elements := append(limits, "default", f.Format(f.Default()))
		for _, w := range words(f) {
			elements = append(elements, "symbol", w)
		}
		return optionXML(f.Name, "numeric-or-symbol", elements...)
	case schema.Address:
		return optionXML(f.Name, "address")
	case schema.String, schema.Serial:
		return optionXML(f.Name, "string")
	}
	elements := append(limits, "default", strconv.FormatInt(f.Def, 10), "unit_prefix", unitPrefix(f.Scale))
	if f.Unit != "" {
		elements = append(elements, "unit", f.Unit)
	}
	return optionXML(f.Name, "numeric", elements...)
}

func unitPrefix(s schema.Scale) string {
	if s == schema.One {
		return "1"
	}
	return s.Suffix()
}

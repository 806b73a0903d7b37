package confparse

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"drbdutils/schema"
)

func (c *Config) dumper(w io.Writer, form DumpForm) *dumper {
	return &dumper{gen: c.Generation, form: form, out: bufio.NewWriter(w), expanded: c.expanded}
}

// A dumper writes the text form.
type dumper struct {
	gen   schema.Generation
	form  DumpForm
	out   *bufio.Writer // its error is that of anything written before
	level int

	expanded bool // Expand was called
}

// valueColumn is where values of options begin, and valueWidth the width in
// which they stand to the right.
const (
	step        = 4
	valueColumn = 25
	valueWidth  = 3
	nameWidth   = 16 // of addresses and external metadata, at any level
)

const blanks = "                                                                "

func (p *dumper) indent() string { return blanks[:p.level*step] }

// line writes one line.
func (p *dumper) line(format string, args ...any) {
	if format != "" {
		p.out.WriteString(p.indent())
	}
	fmt.Fprintf(p.out, format+"\n", args...)
}

// words writes one line of words as they are, which is faster.
func (p *dumper) words(words ...string) {
	p.out.WriteString(p.indent())
	for _, w := range words {
		p.out.WriteString(w)
	}
	p.out.WriteByte('\n')
}

// open and close write the lines around a block.
func (p *dumper) open(words ...string) {
	p.words(append(words, " {")...)
	p.level++
}

func (p *dumper) close() {
	p.level--
	p.words("}")
}

// value writes a statement whose value stands in the column of options.
func (p *dumper) value(name, value string) {
	p.words(name, blanks[:max(0, valueColumn-1-p.level*step-len(name))], " ", value, ";")
}

// right sets a short value to the right of its column.
func right(value string) string { return blanks[:max(0, valueWidth-len(value))] + value }

// wide fills up a name up to where its value begins.
func wide(name string) string { return name + blanks[:max(0, nameWidth-len(name))+1] }

// named writes a statement whose value stands behind the names of addresses and
// external metadata.
func (p *dumper) named(name string, value ...string) {
	p.words(append([]string{wide(name)}, append(value, ";")...)...)
}

// option writes an option.
func (p *dumper) option(o *Option) {
	if o.Bare {
		p.words(o.Name, ";")
		return
	}
	if o.Name == "become-primary-on" {
		p.value(o.Name, right(p.quoteNames(strings.Fields(o.Value))))
		return
	}
	p.value(o.Name, right(p.quoteValue(o)))
}

// quoteValue is Quote for an option's value. What is a keyword to DRBD 8.4 can only be a
// text in quotes.
func (p *dumper) quoteValue(o *Option) string {
	if p.gen == schema.V9 || o.Field == nil || o.Field.Kind != schema.String || !isBare(o.Value) {
		return Quote(o.Value)
	}
	d := decoder{gen: p.gen}
	if !d.isValue(&word{text: o.Value, kind: classify(o.Value)}, o.Field) {
		return quoted(o.Value)
	}
	return o.Value
}

// section writes a block of options, nothing if there are none.
func (p *dumper) section(name string, options ...Options) {
	n := 0
	for _, l := range options {
		n += len(l)
	}
	if n == 0 {
		return
	}
	p.open(name)
	for _, l := range options {
		for i := range l {
			p.option(&l[i])
		}
	}
	p.close()
}

// proxySection writes the options of a proxy and its plugins.
func (p *dumper) proxySection(name string, options, plugins Options) {
	if len(options) == 0 && len(plugins) == 0 {
		return
	}
	p.open(name)
	for i := range options {
		p.option(&options[i])
	}
	p.section("plugin", plugins)
	p.close()
}

// Quote returns a text as it stands in a configuration file: in quotes, unless it
// is a short word.
func Quote(text string) string {
	if isBare(text) {
		return text
	}
	return quoted(text)
}

func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// quoteName is Quote for a name, which must not be a keyword, number or address.
func (p *dumper) quoteName(name string) string {
	d := decoder{gen: p.gen}
	if !isBare(name) || !d.isName(&word{text: name, kind: classify(name)}) {
		return quoted(name)
	}
	return name
}

func (p *dumper) quoteNames(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = p.quoteName(n)
	}
	return strings.Join(quoted, " ")
}

// maxBare is the length of the longest word that is written without quotes.
const maxBare = 80

func isBare(text string) bool {
	if text == "" || len(text) > maxBare {
		return false
	}
	for i := range len(text) {
		if classes[text[i]] != bareClass {
			return false
		}
	}
	return true
}

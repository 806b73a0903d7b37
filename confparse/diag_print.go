package confparse

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"drbdutils/schema"
)

// A DiagStyle says how diagnostics are printed.
type DiagStyle struct {
	Source     bool              // show the line of the file, with a mark under the word
	Warnings   bool              // show warnings, too
	Generation schema.Generation // module the files were judged for; 0 says nothing about it
	Why        string            // how that is known: "the loaded module is 8.4.11"
}

// Print writes the diagnostics for people. Each begins with one line of the form
// "file:line:column: error: message".
func (l Diagnostics) Print(w io.Writer, style DiagStyle) error {
	var b strings.Builder
	shown := 0
	for i := range l {
		if l[i].Severity == Error || style.Warnings {
			l[i].print(&b, style)
			shown++
		}
	}
	if shown > 0 && style.Generation != 0 {
		fmt.Fprintf(&b, "judged for DRBD %s: %s\n", style.Generation, style.Why)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (d *Diagnostic) print(b *strings.Builder, style DiagStyle) {
	fmt.Fprintln(b, d.Error())
	if style.Source && d.Place.file != nil && !isSecret(d.Hint) {
		d.Place.printSource(b)
	}
	note := func(text string) {
		if text != "" {
			fmt.Fprintln(b, "  "+text)
		}
	}
	if d.Hint != "" {
		note("did you mean '" + d.Hint + "'?")
	}
	note(d.Detail)
	if d.Other.file != nil {
		note("the other one: " + d.Other.String())
		if style.Source {
			d.Other.printSource(b)
		}
	}
}

// maxShown is how much of a line is shown, in bytes.
const maxShown = 200

// printSource writes the line of the file and a mark under the word.
func (p Place) printSource(b *strings.Builder) {
	line, column := p.Source(), p.Column()
	if column > maxShown || holdsSecret(line) {
		return
	}
	mark := strings.Map(func(c rune) rune {
		if c == '\t' {
			return c
		}
		return ' '
	}, line[:column-1])
	if len(line) > maxShown {
		line = strings.ToValidUTF8(line[:maxShown], "") + "..."
	}
	printable := strings.Map(func(c rune) rune {
		if c != '\t' && !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, line)
	fmt.Fprintf(b, "%5d | %s\n      | %s%s\n", p.Line(), printable, mark, strings.Repeat("^", max(1, min(p.Length(), maxShown-column+1, len(line)-column+1))))
}

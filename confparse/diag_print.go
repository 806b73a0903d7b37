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
	judged := false
	for i := range l {
		if l[i].Severity == Error || style.Warnings {
			l[i].print(&b, style)
			judged = judged || l[i].Place.file != nil
		}
	}
	if judged && style.Generation != 0 {
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
		if style.Source {
			text = strings.Join(wrap(text), "\n    ")
		}
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

// noteWidth is how long a line of a note is on a terminal, in bytes, unless a word is longer.
const noteWidth = 96

// wrap breaks a text into lines.
func wrap(text string) []string {
	var lines []string
	for len(text) > noteWidth {
		at := strings.LastIndexByte(text[:noteWidth], ' ')
		if at < 0 {
			break
		}
		lines = append(lines, text[:at])
		text = text[at+1:]
	}
	return append(lines, text)
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

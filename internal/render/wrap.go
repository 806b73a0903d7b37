package render

import (
	"bytes"
	"strings"
)

// pipeWidth is where lines break if the output is no terminal.
const pipeWidth = 80

// Wrapper writes words separated by blanks and breaks lines before they get
// wider than Width columns.
type Wrapper struct {
	bytes.Buffer
	Width   int // columns of a terminal; 0: not a terminal
	col     int
	started bool // something is on the current line
}

// Word writes a word. If it begins a line, indent blanks precede it.
//
// compat: off a terminal, lines break where drbd-utils 9.34 breaks them, which
// counts neither the indent nor one column more, but does count escape
// sequences. Its confusion after a word of a single character is not repeated.
func (w *Wrapper) Word(indent int, text string) {
	width, used := pipeWidth, len(text)
	if w.Width > 0 {
		width, used = w.Width, columns(text)
	}
	if w.started && w.col+1+used > width {
		w.End()
	}
	if w.started {
		w.WriteByte(' ')
		w.WriteString(text)
		w.col += 1 + used
		return
	}
	w.WriteString(strings.Repeat(" ", indent))
	w.WriteString(text)
	w.col = used - 1
	if w.Width > 0 {
		w.col = indent + used
	}
	w.started = true
}

// End ends the current line, also an empty one.
func (w *Wrapper) End() {
	w.WriteByte('\n')
	w.started = false
}

// columns returns how many columns a text takes, without its escape sequences.
func columns(text string) int {
	n, escaped := 0, false
	for _, r := range text {
		switch {
		case r == '\x1b':
			escaped = true
		case escaped:
			escaped = r != 'm'
		default:
			n++
		}
	}
	return n
}

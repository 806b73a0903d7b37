package render

import "bytes"

// pipeWidth is where lines break if the output is no terminal.
const pipeWidth = 80

// Wrapper writes words separated by blanks and breaks lines before they get
// wider than Width columns.
//
// compat: as in the original up to 9.22, escape sequences count like other bytes.
// Later ones lose count of the indentation, so that their lines get too wide and
// short names confuse them.
type Wrapper struct {
	bytes.Buffer
	Width   int // columns of a terminal; 0: not a terminal
	col     int
	started bool // something is on the current line
}

// Word writes a word, the parts of which are given. If it begins a line, indent
// blanks precede it.
func (w *Wrapper) Word(indent int, parts ...string) {
	width, size := w.Width, 0
	if width == 0 {
		width = pipeWidth
	}
	for _, part := range parts {
		size += len(part)
	}
	if w.started && w.col+1+size > width {
		w.End()
	}
	if w.started {
		indent = 1
	}
	for range indent {
		w.WriteByte(' ')
	}
	for _, part := range parts {
		w.WriteString(part)
	}
	w.col += indent + size
	w.started = true
}

// End ends the current line, also an empty one.
func (w *Wrapper) End() {
	w.WriteByte('\n')
	w.started, w.col = false, 0
}

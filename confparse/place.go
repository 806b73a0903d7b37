package confparse

import (
	"slices"
	"strconv"
	"strings"
)

// Place is a position in a file. The zero Place is nowhere.
type Place struct {
	file           *file
	offset, length int32
}

// A file is a text that was read.
type file struct {
	name    string // as in messages: as given by the user, or by the include
	path    string // canonical
	regular bool   // the directory says that it is a regular file
	text    string

	outline *outline // until its statements are taken
	lines   []int32  // offsets of all lines but the first, once somebody asked for one
}

// line returns the number of lines before the one at an offset, and where that begins.
func (f *file) line(offset int32) (before int, start int32) {
	if f.lines == nil {
		f.lines = []int32{}
		for i := range len(f.text) {
			if f.text[i] == '\n' {
				f.lines = append(f.lines, int32(i)+1)
			}
		}
	}
	before, found := slices.BinarySearch(f.lines, offset)
	if found {
		before++
	}
	if before > 0 {
		start = f.lines[before-1]
	}
	return before, start
}

// File returns the file as messages name it: as the command line or an include
// statement did. It is "" for nowhere.
func (p Place) File() string {
	if p.file == nil {
		return ""
	}
	return p.file.name
}

// Path returns the absolute path of the file.
func (p Place) Path() string {
	if p.file == nil {
		return ""
	}
	return p.file.path
}

// Line returns the line, from 1; 0 for nowhere.
func (p Place) Line() int {
	if p.file == nil {
		return 0
	}
	before, _ := p.file.line(p.offset)
	return before + 1
}

// Column returns the position in the line, from 1, in bytes.
func (p Place) Column() int {
	if p.file == nil {
		return 0
	}
	_, start := p.file.line(p.offset)
	return int(p.offset-start) + 1
}

// Source returns the text of the line.
func (p Place) Source() string {
	if p.file == nil {
		return ""
	}
	_, start := p.file.line(p.offset)
	line, _, _ := strings.Cut(p.file.text[start:], "\n")
	return strings.TrimSuffix(line, "\r")
}

// Length returns the length of the word at the place, in bytes.
func (p Place) Length() int { return int(p.length) }

// String returns file:line:column.
func (p Place) String() string {
	return p.File() + ":" + strconv.Itoa(p.Line()) + ":" + strconv.Itoa(p.Column())
}

// place returns where a word is.
func (f *file) place(w *word) Place {
	return Place{file: f, offset: w.offset, length: int32(len(w.text))}
}

// isBinary reports whether the file is no text.
func (f *file) isBinary() bool {
	return strings.IndexByte(f.text[:min(len(f.text), 4096)], 0) >= 0
}

// advice returns what to do about a word that cannot begin a section, "" if nothing
// is known.
func (f *file) advice(w *word) string {
	switch {
	case f.isBinary():
		return "the file is binary, or a text in UTF-16"
	case w.offset == 0 && strings.HasPrefix(f.text, "\ufeff"):
		return "the file begins with a byte order mark; save it as UTF-8 without one"
	case strings.HasPrefix(w.text, "//") || strings.HasPrefix(w.text, "/*"):
		return "a comment begins with #"
	case w.punct("}"):
		return "there is a '}' too many, here or above"
	case slices.ContainsFunc(resourceRules, func(r rule[*Resource]) bool { return w.is(r.word) }):
		return "it belongs to a resource section; is there a '}' too many above?"
	}
	return ""
}

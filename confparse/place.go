package confparse

import (
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
	return strings.Count(p.file.text[:p.offset], "\n") + 1
}

// Column returns the position in the line, from 1, in bytes.
func (p Place) Column() int {
	if p.file == nil {
		return 0
	}
	return int(p.offset) - p.lineStart() + 1
}

// Source returns the text of the line.
func (p Place) Source() string {
	if p.file == nil {
		return ""
	}
	line, _, _ := strings.Cut(p.file.text[p.lineStart():], "\n")
	return strings.TrimSuffix(line, "\r")
}

// Length returns the length of the word at the place, in bytes.
func (p Place) Length() int { return int(p.length) }

func (p Place) lineStart() int {
	return strings.LastIndexByte(p.file.text[:p.offset], '\n') + 1
}

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
	}
	return ""
}

package confparse

import "strings"

// The syntax inside of a block knows no vocabulary:
//
//	block     = "{" { statement } "}" .
//	statement = word { word } ( ";" | block ) .
//
// with two exceptions. "skip" takes any tokens up to its block, semicolons
// included, and its block is not read. And the end of the text ends all open
// blocks, since DRBD has always let a file go without its last brace; whether that
// is right for the section at hand is decided with everything else that needs
// vocabulary.

// A statement is its words and, perhaps, a block.
type statement struct {
	words  []word
	block  []statement
	braced bool // it has a block
	brace  word // which begins with this
	end    word // what ended it: ; or }, or what stands in their place
}

// open reports whether the text ended before the statement did.
func (s *statement) open() bool { return s.end.kind == endToken }

// isPlugin reports whether the block may have empty statements.
//
// compat: the reference makes each a plugin called UNKNOWN, which DRBD Proxy refuses. Here they are nothing.
func (s *statement) isPlugin() bool { return len(s.words) == 1 && s.words[0].is("plugin") }

// A tree reads the statements of blocks. What it returned is gone when it reads
// the next one.
type tree struct {
	in     scanner
	word   word        // the next one
	broken bool        // the syntax was broken by the next word
	depth  int         // of open blocks
	stack  []statement // statements of the open blocks
	done   []statement // statements of the closed ones
	words  []word
}

// maxDepth is how deep blocks may be nested. The language needs seven levels.
const maxDepth = 32

// read reads the block whose brace is at offset on a line of the text. If the
// text breaks the syntax, the tree is broken, and the statements end with the
// one that does. What ends it is the word that did not fit.
func (t *tree) read(text string, offset, line int) (s statement) {
	*t = tree{
		in:    scanner{text: text, at: offset, line: line},
		stack: t.stack[:0], done: t.done[:0], words: t.words[:0],
	}
	t.word = t.in.next()
	t.body(&s)
	return s
}

// advance moves to the next word and returns the one before.
func (t *tree) advance() word {
	w := t.word
	t.word = t.in.next()
	return w
}

// body reads the block of s, up to and including its closing brace.
func (t *tree) body(s *statement) {
	if t.depth++; t.depth > maxDepth {
		s.end, t.broken = t.word, true
		return
	}
	s.braced, s.brace = true, t.advance()
	base := len(t.stack)
	for !t.broken && t.word.kind != endToken && !t.word.punct("}") {
		if t.word.punct(";") && s.isPlugin() {
			t.advance()
			continue
		}
		t.stack = append(t.stack, t.statement())
	}
	s.end = t.word
	first := len(t.done)
	t.done = append(t.done, t.stack[base:]...)
	s.block = t.done[first:len(t.done):len(t.done)]
	t.stack = t.stack[:base]
	t.depth--
	if !t.broken && t.depth > 0 {
		t.advance()
	}
}

// statement reads one statement.
func (t *tree) statement() statement {
	first := len(t.words)
	skipping := t.word.is("skip")
	for t.word.kind != endToken && !t.endsWords(skipping) {
		t.words = append(t.words, t.advance())
	}
	s := statement{words: t.words[first:len(t.words):len(t.words)], end: t.word}
	switch {
	case len(s.words) > 0 && t.word.punct(";"):
		t.advance()
	case skipping && t.word.punct("{"):
		t.pass(&s)
	case len(s.words) > 0 && t.word.punct("{"):
		t.body(&s)
	default:
		t.broken = true
	}
	return s
}

// pass moves behind the block of s without reading it.
func (t *tree) pass(s *statement) {
	s.braced, s.brace = true, t.word
	start := int(t.word.offset)
	end, closed := blockEnd(t.in.text, start)
	if closed {
		end--
	}
	t.in.line += strings.Count(t.in.text[start:end], "\n")
	t.in.at = end
	t.word = t.in.next()
	s.end = t.word
	if closed {
		t.advance()
	}
}

// endsWords reports whether the next token ends the words of a statement.
func (t *tree) endsWords(skipping bool) bool {
	if t.word.kind != punctToken {
		return false
	}
	switch t.word.text[0] {
	case '{', '}':
		return true
	case ';':
		return !skipping
	}
	return false
}

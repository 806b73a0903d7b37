package confparse

import "strings"

// An outline is the statements of a file with their blocks unread. Whoever asks for
// one resource of thousands reads the outline and one block.
type outline struct {
	items  []item
	broken *word // what does not fit; the items end there
}

// An item is one statement of a file.
type item struct {
	words  []word
	block  word // kind blockToken, or the semicolon
	braced bool
}

// readOutline returns the outline of a file's text. It is the grammar by hand:
//
//	outline = { item } .
//	item    = word { word } ( ";" | Block ) .
//
// where "skip" takes any tokens up to its block, semicolons included.
func readOutline(text string) *outline {
	o := new(outline)
	r := outliner{in: blockScanner{scanner{text: text, line: 1}}}
	r.word = r.in.next()
	for o.broken == nil && r.word.kind != endToken {
		o.items = append(o.items, r.item(o))
	}
	return o
}

// An outliner reads an outline.
type outliner struct {
	in    blockScanner
	word  word   // the next one
	words []word // of many items
}

// item reads one statement.
func (r *outliner) item(o *outline) item {
	first := len(r.words)
	for {
		w := r.word
		words := r.words[first:len(r.words):len(r.words)]
		semicolon := w.punct(";")
		switch {
		case len(words) > 0 && (w.kind == blockToken || semicolon && !words[0].is("skip")):
			r.word = r.in.next()
			return item{words: words, block: w, braced: !semicolon}
		case w.kind == endToken, w.kind == blockToken, semicolon && len(words) == 0, w.punct("}"):
			o.broken = &w
			return item{words: words, block: w}
		}
		if len(r.words) == cap(r.words) { // earlier items keep theirs
			r.words = append(make([]word, 0, max(4, min(2*len(r.words), 512))), words...)
			first = 0
		}
		r.words = append(r.words, w)
		r.word = r.in.next()
	}
}

// blockScanner is a scanner that takes a whole block for one token.
type blockScanner struct{ scanner }

func (s *blockScanner) next() word {
	w := s.scanner.next()
	if w.punct("{") {
		s.at, _ = blockEnd(s.text, int(w.offset))
		w.kind, w.text = blockToken, s.text[w.offset:s.at]
		s.line += strings.Count(w.text, "\n")
	}
	return w
}

// blockEnd returns the offset after the block that begins at start: after its
// closing brace, or the end of the text if it is not closed. Braces in comments
// and quotes do not count.
func blockEnd(text string, start int) (end int, closed bool) {
	depth := 0
	for i := start; i < len(text); i++ {
		if !marksBlock[text[i]] {
			continue
		}
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1, true
			}
		case '"':
			_, end, _ := cutQuoted(text, i)
			i = end - 1
		case '#':
			end := strings.IndexByte(text[i:], '\n')
			if end < 0 {
				return len(text), false
			}
			i += end
		}
	}
	return len(text), false
}

// marksBlock is true for the bytes that matter to the end of a block.
var marksBlock = [256]bool{'{': true, '}': true, '"': true, '#': true}

package confparse

import "strings"

// An outline is the statements of a file with their blocks unread.
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

// defines reports whether the statement is the section of that resource.
func (it *item) defines(resource string) bool {
	return isResource(it.words) && it.words[1].text == resource
}

func isResource(words []word) bool { return len(words) == 2 && words[0].is("resource") }

// An outliner reads the outlines of texts. It is the grammar by hand:
//
//	outline = { item } .
//	item    = word { word } ( ";" | Block ) .
//
// where "skip" takes any tokens up to its block, semicolons included.
type outliner struct {
	glance *glance // nil, or what resources that nobody wants are left to
	in     scanner
	word   word   // the next one
	words  []word // of many items
}

// outline returns the outline of a file's text, without what a glance was enough for.
func (r *outliner) outline(f *file) *outline {
	o := new(outline)
	if r.glance != nil {
		r.glance.file = f
	}
	r.in = scanner{text: f.text, line: 1}
	r.word = r.in.next()
	for o.broken == nil && r.word.kind != endToken {
		r.item(o)
	}
	return o
}

// item reads one statement into an outline, unless a glance at it is enough.
func (r *outliner) item(o *outline) {
	first := len(r.words)
	for {
		w := r.word
		words := r.words[first:len(r.words):len(r.words)]
		semicolon, passed := w.punct(";"), false
		if w.punct("{") {
			w, passed = r.block(words)
		}
		switch {
		case passed:
			r.words = r.words[:first]
			r.word = r.in.next()
			return
		case len(words) > 0 && (w.kind == blockToken || semicolon && !words[0].is("skip")):
			o.items = append(o.items, item{words: words, block: w, braced: !semicolon})
			r.word = r.in.next()
			return
		case w.kind == endToken, w.kind == blockToken, semicolon && len(words) == 0, w.punct("}"):
			o.items = append(o.items, item{words: words, block: w})
			o.broken = &w
			return
		}
		if len(r.words) == cap(r.words) { // earlier items keep theirs
			r.words = append(make([]word, 0, max(8, min(2*len(r.words), 512))), words...)
			first = 0
		}
		r.words = append(r.words, w)
		r.word = r.in.next()
	}
}

// block takes the block that begins with the next word for one token. It reports true if a
// glance at it was enough.
func (r *outliner) block(words []word) (w word, passed bool) {
	if r.glance != nil && r.glance.knows(words) {
		end, passed := r.glance.resource(words[1].text, r.in.text, int(r.word.offset))
		return r.in.block(r.word, end), passed
	}
	end, _ := blockEnd(r.in.text, int(r.word.offset))
	return r.in.block(r.word, end), false
}

// block returns the block from an opening brace to an offset as one token.
func (s *scanner) block(brace word, end int) word {
	s.at = end
	brace.kind, brace.text = blockToken, s.text[brace.offset:end]
	s.line += strings.Count(brace.text, "\n")
	return brace
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

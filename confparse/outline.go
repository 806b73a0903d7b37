package confparse

import (
	"io"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// An outline is the statements of a file with their blocks unread:
//
//	outline = { item } .
//	item    = word { word } ( ";" | Block ) .
//
// "skip" takes any tokens up to its block, semicolons included. Whoever asks for
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

var _ participle.Parseable = (*outline)(nil)

// Parse fills the outline. It implements the grammar above by hand, because the
// way participle does it takes about 1.4 microseconds a token; a test holds both
// against each other.
func (o *outline) Parse(lex *lexer.PeekingLexer) error {
	for o.broken == nil && !lex.Peek().EOF() {
		o.items = append(o.items, o.item(lex))
	}
	return nil
}

// item reads one statement.
func (o *outline) item(lex *lexer.PeekingLexer) item {
	it := item{words: make([]word, 0, 2)}
	for {
		w := toWord(lex.Peek())
		semicolon := w.punct(";")
		switch {
		case len(it.words) > 0 && (w.kind == blockToken || semicolon && !it.words[0].is("skip")):
			lex.Next()
			it.block, it.braced = w, !semicolon
			return it
		case w.kind == endToken, w.kind == blockToken, semicolon && len(it.words) == 0, w.punct("}"):
			it.block, o.broken = w, &w
			return it
		}
		it.words = append(it.words, w)
		lex.Next()
	}
}

func toWord(t *lexer.Token) word {
	return word{text: t.Value, offset: int32(t.Pos.Offset), line: int32(t.Pos.Line), kind: kind(t.Type)}
}

// readOutline returns the outline of a file's text.
func readOutline(text string) (*outline, error) {
	lex, err := lexer.Upgrade(&blockScanner{scanner{text: text, line: 1}})
	if err != nil {
		return nil, err
	}
	o := new(outline)
	return o, o.Parse(lex)
}

// definition is the outline's lexer for participle.
type definition struct{}

var (
	_ lexer.Definition       = definition{}
	_ lexer.StringDefinition = definition{}
)

// Symbols returns the names of the token kinds in a participle grammar.
func (definition) Symbols() map[string]lexer.TokenType {
	names := map[string]kind{
		"EOF":      endToken,
		"Word":     wordToken,
		"Quoted":   quotedToken,
		"Integer":  integerToken,
		"Version":  versionToken,
		"IPv4":     ipv4Token,
		"IPv6":     ipv6Token,
		"Punct":    punctToken,
		"Stray":    strayToken,
		"Long":     longToken,
		"Unclosed": unclosedToken,
		"Block":    blockToken,
	}
	symbols := map[string]lexer.TokenType{}
	for name, k := range names {
		symbols[name] = lexer.TokenType(k)
	}
	return symbols
}

func (d definition) Lex(filename string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return d.LexString(filename, string(text))
}

func (definition) LexString(_, input string) (lexer.Lexer, error) {
	return &blockScanner{scanner{text: input, line: 1}}, nil
}

// blockScanner is a scanner that takes a whole block for one token.
type blockScanner struct{ scanner }

// Next returns the next token. Columns are not computed; they follow from the
// offset when a message needs them.
func (s *blockScanner) Next() (lexer.Token, error) {
	w := s.next()
	if w.punct("{") {
		s.at, _ = blockEnd(s.text, int(w.offset))
		w.kind, w.text = blockToken, s.text[w.offset:s.at]
		s.line += strings.Count(w.text, "\n")
	}
	pos := lexer.Position{Offset: int(w.offset), Line: int(w.line)}
	return lexer.Token{Type: lexer.TokenType(w.kind), Value: w.text, Pos: pos}, nil
}

// blockEnd returns the offset after the block that begins at start: after its
// closing brace, or the end of the text if it is not closed. Braces in comments
// and quotes do not count.
func blockEnd(text string, start int) (end int, closed bool) {
	depth := 0
	for i := start; i < len(text); i++ {
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

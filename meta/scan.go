package meta

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// A SyntaxError says where a dump cannot be understood.
type SyntaxError struct {
	Line    int
	Problem string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// tokenKind is the kind of a word in a dump.
type tokenKind byte

const (
	tokEOF    tokenKind = iota
	tokPunct            // { } ; [ ]
	tokWord             // keyword
	tokString           // "v09"
	tokNumber           // decimal
	tokU32              // 0x and 8 digits
	tokU64              // 0x and 16 digits
)

func (k tokenKind) String() string {
	return [...]string{"the end", "punctuation", "a keyword", "a string", "a number", "0x and 8 digits", "0x and 16 digits"}[k]
}

// token is a word of a dump.
type token struct {
	kind tokenKind
	text string // tokPunct, tokWord, tokString
	num  uint64 // the others; a negative number is its two's complement
}

func (t token) String() string {
	switch t.kind {
	case tokPunct, tokWord, tokString:
		return "'" + t.text + "'"
	}
	return t.kind.String()
}

// keywords are all words that a dump may contain.
var keywords = []string{
	"gc", "bm", "uuid", "version", "members", "la-size-sect", "bm-byte-per-bit", "device-uuid", "times",
	"flags", "al-stripes", "al-stripe-size-4k", "la-peer-max-bio-size", "node-id", "current-uuid",
	"bitmap", "bitmap-uuid", "bitmap-dagtag", "history-uuids", "peer", "hash", "max-peers", "bitmap-index",
}

// longestToken bounds a token, so that one never needs more than a little of the
// input at once.
const longestToken = 64

// scanner cuts a dump into tokens.
type scanner struct {
	r    io.ReaderAt
	off  int64 // where buf[0] comes from
	buf  []byte
	pos  int
	eof  bool
	line int
	err  error // of reading
}

// newScanner starts at an offset that lies in the given line.
func newScanner(r io.ReaderAt, off int64, line int) *scanner {
	return &scanner{r: r, off: off, buf: make([]byte, 0, 256<<10), line: line}
}

// offset returns where the next token may start.
func (s *scanner) offset() int64 { return s.off + int64(s.pos) }

// fill makes sure that the longest token is in the buffer.
func (s *scanner) fill() {
	if len(s.buf)-s.pos >= longestToken || s.eof {
		return
	}
	s.off += int64(s.pos)
	rest := copy(s.buf[:cap(s.buf)], s.buf[s.pos:])
	s.pos = 0
	n, err := s.r.ReadAt(s.buf[rest:cap(s.buf)], s.off+int64(rest))
	s.buf = s.buf[:rest+n]
	if err != nil {
		s.eof = true
		if !errors.Is(err, io.EOF) {
			s.err = err
		}
	}
}

func (s *scanner) errorf(format string, args ...any) error {
	if s.err != nil {
		return s.err
	}
	return &SyntaxError{s.line, fmt.Sprintf(format, args...)}
}

// peek returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos >= len(s.buf) {
		s.fill()
		if s.pos >= len(s.buf) {
			return 0
		}
	}
	return s.buf[s.pos]
}

// skip passes over blanks and comments.
func (s *scanner) skip() {
	comment := false
	for {
		switch c := s.peek(); {
		case c == 0 && s.pos >= len(s.buf):
			return
		case c == '\n':
			s.line++
			comment = false
		case comment || c == ' ' || c == '\t' || c == '\r':
		case c == '#':
			comment = true
		default:
			return
		}
		s.pos++
	}
}

// next returns the next token.
func (s *scanner) next() (token, error) {
	s.skip()
	s.fill()
	c := s.peek()
	switch {
	case c == 0 && s.pos >= len(s.buf):
		return token{}, s.err
	case c == '{' || c == '}' || c == ';' || c == '[' || c == ']':
		s.pos++
		return token{kind: tokPunct, text: string(c)}, nil
	case c == '"':
		return s.quoted()
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	word := s.take(isWordByte)
	if !slices.Contains(keywords, word) {
		if word == "" {
			word = string(c)
		}
		return token{}, s.errorf("unknown word '%s'", word)
	}
	return token{kind: tokWord, text: word}, nil
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// take returns the bytes that f accepts, up to the longest token.
func (s *scanner) take(f func(byte) bool) string {
	start := s.pos
	for s.pos < len(s.buf) && s.pos-start < longestToken && f(s.buf[s.pos]) {
		s.pos++
	}
	return string(s.buf[start:s.pos])
}

func (s *scanner) quoted() (token, error) {
	s.pos++
	text := s.take(func(c byte) bool { return c != '"' && c != '\n' })
	if s.peek() != '"' || text == "" || len(text) > 20 {
		return token{}, s.errorf("a string has 1 to 20 characters between quotes")
	}
	s.pos++
	return token{kind: tokString, text: text}, nil
}

// number reads a decimal number of up to 19 digits, or 0x with 8 or 16 digits.
func (s *scanner) number() (token, error) {
	if s.pos+1 < len(s.buf) && s.buf[s.pos] == '0' && s.buf[s.pos+1] == 'x' {
		return s.hexNumber()
	}
	text := s.take(func(c byte) bool { return c == '-' || c >= '0' && c <= '9' })
	digits, negative := text, text[0] == '-'
	if negative {
		digits = text[1:]
	}
	if len(digits) < 1 || len(digits) > 19 {
		return token{}, s.errorf("the number '%s' has not 1 to 19 digits", text)
	}
	n := uint64(0)
	for _, c := range []byte(digits) {
		if c == '-' {
			return token{}, s.errorf("'%s' is no number", text)
		}
		n = n*10 + uint64(c-'0')
	}
	if negative {
		n = -n
	}
	return token{kind: tokNumber, num: n}, nil
}

func (s *scanner) hexNumber() (token, error) {
	s.pos += 2
	start, n := s.pos, uint64(0)
	for s.pos < len(s.buf) && s.pos-start <= 16 {
		d := hexDigit[s.buf[s.pos]]
		if d > 15 {
			break
		}
		n = n<<4 | uint64(d)
		s.pos++
	}
	switch s.pos - start {
	case 8:
		return token{kind: tokU32, num: n}, nil
	case 16:
		return token{kind: tokU64, num: n}, nil
	}
	return token{}, s.errorf("after 0x there are 8 or 16 digits, not %d", s.pos-start)
}

// hexDigit is the value of a hexadecimal digit, 255 for other bytes.
var hexDigit = func() (t [256]byte) {
	for c := range t {
		switch {
		case c >= '0' && c <= '9':
			t[c] = byte(c - '0')
		case c >= 'a' && c <= 'f':
			t[c] = byte(c - 'a' + 10)
		case c >= 'A' && c <= 'F':
			t[c] = byte(c - 'A' + 10)
		default:
			t[c] = 255
		}
	}
	return t
}()

// run reads one entry of a bitmap: a value and how often it stands there. At the
// closing brace, which it takes, count is 0.
func (s *scanner) run() (value, count uint64, err error) {
	if v, ok := s.fastValue(); ok {
		return v, 1, nil
	}
	t, err := s.next()
	switch {
	case err != nil:
		return 0, 0, err
	case t.kind == tokPunct && t.text == "}":
		return 0, 0, nil
	case t.kind == tokU64:
		return t.num, 1, s.punct(";")
	case t.kind != tokNumber || int64(t.num) < 0:
		return 0, 0, s.errorf("a value, a count or '}' belongs here, not %s", t)
	}
	count = t.num
	if err := s.word("times"); err != nil {
		return 0, 0, err
	}
	v, err := s.value(tokU64)
	if err != nil {
		return 0, 0, err
	}
	if count == 0 { // says nothing; the caller would take it for the end
		if err := s.punct(";"); err != nil {
			return 0, 0, err
		}
		return s.run()
	}
	return v, count, s.punct(";")
}

// fastValue reads "0x0123456789ABCDEF;" after blanks, which is what most of a
// dump is. It takes nothing but blanks if something else is there.
func (s *scanner) fastValue() (uint64, bool) {
	const size = len("0x0123456789ABCDEF;")
	if len(s.buf)-s.pos < longestToken {
		s.fill()
	}
	for s.pos < len(s.buf) && (s.buf[s.pos] == ' ' || s.buf[s.pos] == '\n') {
		if s.buf[s.pos] == '\n' {
			s.line++
		}
		s.pos++
	}
	if len(s.buf)-s.pos < size {
		return 0, false
	}
	b := s.buf[s.pos : s.pos+size]
	if b[0] != '0' || b[1] != 'x' || b[size-1] != ';' {
		return 0, false
	}
	n, bad := uint64(0), byte(0)
	for _, c := range b[2 : size-1] {
		d := hexDigit[c]
		bad |= d
		n = n<<4 | uint64(d&15)
	}
	if bad > 15 {
		return 0, false
	}
	s.pos += size
	return n, true
}

// punct takes a punctuation mark.
func (s *scanner) punct(text string) error {
	t, err := s.next()
	if err == nil && (t.kind != tokPunct || t.text != text) {
		err = s.errorf("'%s' belongs here, not %s", text, t)
	}
	return err
}

// word takes a keyword.
func (s *scanner) word(text string) error {
	t, err := s.next()
	if err == nil && (t.kind != tokWord || t.text != text) {
		err = s.errorf("'%s' belongs here, not %s", text, t)
	}
	return err
}

// value takes a number of a certain form.
func (s *scanner) value(kind tokenKind) (uint64, error) {
	t, err := s.next()
	if err == nil && t.kind != kind {
		err = s.errorf("%s belongs here, not %s", kind, t)
	}
	return t.num, err
}

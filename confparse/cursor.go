package confparse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"drbdutils/schema"
)

// A decoder turns the statements of one block into the model.
type decoder struct {
	gen   schema.Generation
	file  *file
	show  bool // reads what drbdsetup show printed
	diags Diagnostics

	lastCounts bool              // a statement may be there twice
	inHost     bool              // in a host section
	around     []rule[*Resource] // of the section around all others
}

// report adds a diagnostic and returns it for more detail.
func (d *decoder) report(s Severity, code string, w *word, format string, args ...any) *Diagnostic {
	d.diags = append(d.diags, Diagnostic{
		Severity: s, Code: code, Place: d.file.place(w), Message: fmt.Sprintf(format, args...),
	})
	return &d.diags[len(d.diags)-1]
}

func (d *decoder) fail(code string, w *word, format string, args ...any) *Diagnostic {
	return d.report(Error, code, w, format, args...)
}

func (d *decoder) warn(code string, w *word, format string, args ...any) *Diagnostic {
	return d.report(Warning, code, w, format, args...)
}

// unexpected reports a word that does not fit.
func (d *decoder) unexpected(w *word, expected, found string) {
	if slices.ContainsFunc(d.diags, func(o Diagnostic) bool { return o.Code == "syntax" && o.Place.offset == w.offset }) {
		return
	}
	d.fail("syntax", w, "expected %s, found %s", expected, found)
}

// describe names a word for a message.
func (w *word) describe() string {
	text := w.text
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	switch w.kind {
	case endToken:
		return "the end of the file"
	case unclosedToken:
		return "a quoted text that does not end on its line"
	case longToken:
		return fmt.Sprintf("a text of %d bytes, which is too long", len(w.text))
	case quotedToken:
		return strconv.Quote(text)
	case strayToken:
		switch c, _ := utf8.DecodeRuneInString(text); {
		case c == utf8.RuneError:
			return "the byte " + strconv.QuoteToASCII(text)
		case !unicode.IsGraphic(c):
			return fmt.Sprintf("the character %U", c)
		}
	}
	return "'" + text + "'"
}

// A cursor walks the words of a statement. After the first problem, which it
// reports, it stays where it is and all its answers are zero.
type cursor struct {
	*decoder
	s      *statement
	at     int
	failed bool
}

func (d *decoder) cursor(s *statement, at int) *cursor { return &cursor{decoder: d, s: s, at: at} }

// peek returns the next word, or what ends the words.
func (c *cursor) peek() *word {
	if c.at < len(c.s.words) {
		return &c.s.words[c.at]
	}
	if c.s.braced {
		return &c.s.brace
	}
	return &c.s.end
}

// expect reports that something else should stand here.
func (c *cursor) expect(what string) {
	if !c.failed {
		c.unexpected(c.peek(), what, c.found())
		if c.at < len(c.s.words) && c.peek().text == "=" {
			c.diags[len(c.diags)-1].Detail = "no '=' stands between a name and its value"
		}
	}
	c.failed = true
}

// isMark reports whether a message about the word does not repeat its letters.
func (w *word) isMark() bool {
	return w.kind == punctToken || w.kind == unclosedToken || w.kind == longToken
}

// found names the next word for a message, unless it may belong to a secret.
func (c *cursor) found() string {
	w := c.peek()
	if c.at < len(c.s.words) && !w.isMark() && afterSecret(c.s.words[:c.at]) {
		return "more, which is not shown"
	}
	return w.describe()
}

// accept takes the next word if it is that keyword or mark.
func (c *cursor) accept(text string) bool {
	if !c.failed && c.at < len(c.s.words) && c.peek().is(text) {
		c.at++
		return true
	}
	return false
}

// mark takes a punctuation mark.
func (c *cursor) mark(text string) {
	if !c.accept(text) {
		c.expect("'" + text + "'")
	}
}

// name takes a text that is no keyword, number or address unless it is quoted.
func (c *cursor) name(what string) *word {
	if c.failed || c.at >= len(c.s.words) || !c.isName(&c.s.words[c.at]) {
		switch w := c.peek(); {
		case w.kind == wordToken:
			what += " (quote it, since it is a keyword)"
		case w.kind == strayToken && w.text >= "\x80":
			what += " (quote it, since it has other characters than letters, digits and / . _ -)"
		}
		c.expect(what)
		return new(word)
	}
	c.at++
	return &c.s.words[c.at-1]
}

// path takes a name that is not empty.
//
// compat: the reference passes on what is empty, and stops in the middle of its work.
func (c *cursor) path(what string) *word {
	w := c.name(what)
	if !c.failed && w.text == "" {
		c.at--
		c.expect(what)
	}
	return w
}

// isName reports whether w can be a name.
func (d *decoder) isName(w *word) bool {
	switch w.kind {
	case quotedToken:
		return true
	case versionToken:
		return d.gen == schema.V84
	case wordToken:
		return d.show || !isKeyword(d.gen, w.text) // 8.4's show quotes no keyword
	}
	return false
}

// integer takes a whole number without unit. Its value is at most 99999999.
//
// compat: the reference takes a unit and cuts it off, so that "minor 5K" means 5.
func (c *cursor) integer(what string) int {
	w := c.peek()
	if c.failed || c.at >= len(c.s.words) || w.kind != integerToken {
		c.expect(what)
		return 0
	}
	c.at++
	digits := strings.TrimRight(w.text, "MKGs")
	if digits != w.text {
		c.warn("unit", w, "the unit of %q is ignored here", w.text)
	}
	n, _ := strconv.Atoi(digits)
	return n
}

// end finishes a statement that has no block.
func (c *cursor) end() bool {
	if !c.failed && (c.at < len(c.s.words) || !c.s.end.punct(";") || c.s.braced) {
		c.expect("';'")
		if last := &c.s.words[max(c.at, 1)-1]; last.line < c.peek().line {
			c.diags[len(c.diags)-1].Detail = fmt.Sprintf("it is missing after '%s' on line %d", last.text, last.line)
		}
	}
	return !c.failed
}

// open finishes the words before a block.
func (c *cursor) open() bool {
	if !c.failed && (c.at < len(c.s.words) || !c.s.braced) {
		c.expect("'{'")
	}
	return !c.failed
}

// keywords9 and keywords84 are the keywords of the generations.
var (
	keywords9  = sync.OnceValue(func() map[string]bool { return setOf(schema.Keywords(schema.V9)) })
	keywords84 = sync.OnceValue(func() map[string]bool { return setOf(schema.Keywords(schema.V84)) })
)

func setOf(words []string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

func isKeyword(g schema.Generation, text string) bool {
	if g == schema.V84 {
		return keywords84()[text]
	}
	return keywords9()[text]
}

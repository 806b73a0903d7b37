package confparse

import (
	"fmt"
	"slices"
	"strings"

	"drbdutils/schema"
)

// A rule says what a statement of a section means. T is what the section fills.
type rule[T any] struct {
	word     string
	gen      schema.Generation // 0: both
	form     form
	once     group // may stand once, together with others of the group
	quotable bool  // the language of 9 takes the word in quotes, too
	read     func(*decoder, T, *statement)
}

// form tells "disk /dev/sda;" from "disk { ... }".
type form uint8

const (
	anyForm form = iota
	plainForm
	blockForm
)

// group numbers the statements of a section that may stand once. 0 is none.
type group uint8

const (
	netOnce group = iota + 1
	diskOnce
	deviceOnce
	metaDiskOnce
	addressOnce
	nodeIDOnce
	optionsOnce
	startupOnce
	handlersOnce
	proxyOnce
	syncerOnce
	protocolOnce
	alternateOnce
	templateOnce
	groups
)

// matches reports whether the rule is for the statement.
func (r *rule[T]) matches(g schema.Generation, s *statement) bool {
	w := &s.words[0]
	if w.text != r.word || !r.gen.Has(g) || w.kind == quotedToken && !(r.quotable && g == schema.V9) {
		return false
	}
	block := s.braced && len(s.words) == 1
	return r.form == anyForm || (r.form == blockForm) == block
}

// walk decodes the statements of a section by its rules.
func walk[T any](d *decoder, section string, rules []rule[T], to T, s *statement) {
	var seen [groups]*word
	for i := range s.block {
		child := &s.block[i]
		if len(child.words) == 0 {
			d.unexpected(&child.end, "a statement", child.end.describe())
			continue
		}
		w := &child.words[0]
		n := slices.IndexFunc(rules, func(r rule[T]) bool { return r.matches(d.gen, child) })
		if n < 0 {
			unknown(d, section, rules, s, child)
			continue
		}
		if g := rules[n].once; g != 0 {
			if seen[g] != nil {
				d.duplicate(w, "the "+w.text+" statement", d.file.place(seen[g]))
			}
			seen[g] = w
		}
		rules[n].read(d, to, child)
	}
	if section != "resource" && section != "common" {
		d.checkClosed(s, section)
	}
}

// readSkip passes over what a section is not to have, whatever that is.
func readSkip[T any](d *decoder, _ T, s *statement) { d.checkClosed(s, "skip") }

// checkClosed reports a section that the end of the file cuts off.
func (d *decoder) checkClosed(s *statement, section string) {
	if s.end.kind != endToken || slices.ContainsFunc(d.diags, func(o Diagnostic) bool { return o.Code == "unclosed" }) {
		return
	}
	diag := d.fail("unclosed", &s.end, "the %s section has no closing brace", section)
	if s.braced {
		diag.Other = d.file.place(&s.brace)
	}
}

// duplicate reports the second definition of something.
func (d *decoder) duplicate(w *word, what string, first Place) {
	diag := d.fail("duplicate", w, "%s is already there", what)
	diag.Other = first
	if d.lastCounts {
		diag.Severity = Warning
		diag.Message += "; the last one counts"
	}
}

// unknown reports a statement that the section around it does not know.
func unknown[T any](d *decoder, section string, rules []rule[T], around, s *statement) {
	w := &s.words[0]
	var names []string
	for i := range rules {
		r := &rules[i]
		if !w.is(r.word) {
			if r.gen.Has(d.gen) && r.word[0] != '_' { // those are of drbdsetup show
				names = append(names, r.word)
			}
			continue
		}
		if r.gen.Has(d.gen) {
			d.cursor(s, 1).expect(map[form]string{blockForm: "'{'", plainForm: "a value"}[r.form])
			return
		}
		d.fail("generation", w, "'%s' needs DRBD %s; the configuration is judged for DRBD %s", w.text, r.gen, d.gen)
		return
	}
	if w.kind != wordToken {
		d.unexpected(w, "a statement of the "+section+" section", w.describe())
		return
	}
	diag := d.fail("syntax", w, "unknown statement '%s' in the %s section", w.text, section)
	if home := d.homeOfStatement(section, w); home != "" {
		diag.Detail = fmt.Sprintf("it belongs %s; is a '}' missing that ends the %s section of line %d?", home, section, around.brace.line)
		return
	}
	diag.suggest(w.text, names)
}

// homeOfStatement returns where a statement belongs that stands too deep, "" if that is not
// known.
func (d *decoder) homeOfStatement(section string, w *word) string {
	if section == "resource" || section == "common" {
		if slices.Contains(fileWords, w.text) {
			return "outside of all sections"
		}
		return ""
	}
	if slices.ContainsFunc(d.around, func(r rule[*Resource]) bool { return r.word == w.text && r.gen.Has(d.gen) }) {
		return "to the resource section"
	}
	return ""
}

// suggest says what was probably meant, or else all that is known.
func (d *Diagnostic) suggest(text string, names []string) {
	if d.Hint = nearest(text, names); d.Hint == "" {
		d.Detail = "known here: " + strings.Join(slices.Compact(names), ", ")
	}
}

// nearest returns the name that text was probably meant to be, "" if none is
// near.
func nearest(text string, names []string) string {
	best, limit := "", len(text)/3+1
	for _, name := range names {
		if n := distance(text, name, limit); n <= limit {
			best, limit = name, n-1
		}
	}
	return best
}

// distance returns the number of letters to insert, delete, replace or swap
// with their neighbour to make b of a, or a number above limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	before, last, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(last[j]+cost, last[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, last, next = last, next, before
	}
	return last[len(b)]
}

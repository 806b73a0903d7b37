package confparse

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"drbdutils/schema"
)

// A glance looks at the resources that nobody asked for. All that matters of them is whether
// two use the same minor, device, disk or address: it reads the statements with such names,
// whatever the section, and keeps their hashes.
type glance struct {
	gen   schema.Generation
	seed  maphash.Seed
	marks []mark
	short bool // something cannot be judged by a glance

	want   []string
	keep   bool // as if all were wanted
	passed []passed
	file   *file // that is read

	in    scanner
	words []word   // of the statement
	owner uint64   // hash of the resource's name
	noted []string // statements of the resource
}

// A passed resource was only glanced at.
type passed struct {
	name string
	file *file
}

// knows reports whether the words before a block make it that of a resource.
func (g *glance) knows(words []word) bool {
	d := decoder{gen: g.gen}
	return isResource(words) && d.isName(&words[1]) && isGoodName(words[1].text)
}

// resource notes what a resource uses whose block begins at start. It returns where the block
// ends, and whether that was all that is wanted.
func (g *glance) resource(name, text string, start int) (end int, passed bool) {
	g.owner, g.noted = maphash.String(g.seed, name), g.noted[:0]
	g.marks = append(g.marks, mark{use: use{kind: "resource", name: name}.hash(g.seed)})
	g.in = scanner{text: text, at: start}
	for depth := 0; ; {
		w := g.in.next()
		switch {
		case w.punct("{"):
			depth++
		case w.punct("}"):
			if depth--; depth == 0 {
				return g.in.at, g.pass(name)
			}
		case w.kind == endToken:
			g.short = true
			return g.in.at, false
		case w.kind == wordToken:
			g.statement(&w)
		}
	}
}

// pass takes note of a resource, unless it is wanted.
func (g *glance) pass(name string) bool {
	if g.keep || slices.Contains(g.want, name) {
		return false
	}
	g.passed = append(g.passed, passed{name: strings.Clone(name), file: g.file})
	return true
}

// statement notes what a statement uses that begins with w. It moves to its end.
func (g *glance) statement(w *word) {
	g.in.skipStatement()
	note := g.noteOf(w.text)
	if note == nil {
		return
	}
	text := g.in.text[w.offset:g.in.at]
	if slices.Contains(g.noted, text) { // most hosts have the same
		return
	}
	g.noted = append(g.noted, text)
	g.words = g.words[:0]
	in := scanner{text: text, at: len(w.text)}
	for next := in.next(); next.kind != endToken; next = in.next() {
		g.words = append(g.words, next)
	}
	note(g, g.words)
}

// noteOf returns what takes notes of a statement's words behind the first, nil if there is
// nothing to be noted.
func (g *glance) noteOf(first string) func(*glance, []word) {
	switch first {
	case "device":
		return (*glance).device
	case "disk":
		return (*glance).disk
	case "meta-disk", "flexible-meta-disk":
		return (*glance).metaDisk
	case "address", "alternate-link-address", "host", "floating", "inside", "outside":
		return (*glance).address
	case "stacked-on-top-of":
		return (*glance).below
	case "_this_host", "_remote_host":
		g.short = true
	}
	return nil
}

func (g *glance) note(k use) {
	g.marks = append(g.marks, mark{use: k.hash(g.seed), owner: g.owner})
}

func (g *glance) disk(words []word) {
	if len(words) == 1 && words[0].text != noDisk {
		g.note(use{kind: "disk", name: words[0].text})
	}
}

func (g *glance) below(words []word) {
	if len(words) == 1 {
		g.note(use{kind: "below", name: words[0].text})
	}
}

func (g *glance) device(words []word) {
	minor := ""
	for i := range words {
		switch w := &words[i]; {
		case w.kind == integerToken:
			minor = strings.TrimRight(w.text, "MKGs")
		case !w.is("minor"):
			name := devicePath(w.text)
			g.note(use{kind: "device", name: name})
			minor = strings.TrimPrefix(name, "/dev/drbd")
		}
	}
	if n, err := strconv.Atoi(minor); err == nil {
		g.note(use{kind: "minor", minor: n})
	}
}

func (g *glance) metaDisk(words []word) {
	if len(words) == 0 || words[0].text == "internal" {
		return
	}
	k := use{kind: "meta-disk", name: words[0].text, minor: -1}
	if len(words) > 2 {
		k.minor, _ = strconv.Atoi(strings.TrimRight(words[2].text, "MKGs"))
	}
	g.note(k)
}

// address notes an address and its port, of whatever family. Where a port replaces that of
// a host, a glance is not enough.
func (g *glance) address(words []word) {
	for i := range words {
		switch w := &words[i]; {
		case w.is("port"):
			g.short = true
			return
		case w.kind == ipv4Token || w.kind == ipv6Token:
			port := slices.IndexFunc(words[i:], func(o word) bool { return o.kind == integerToken })
			if port >= 0 && (g.gen == schema.V84 || !isLoopback(w.text)) {
				g.note(use{kind: "address", host: words[i+port].text, name: w.text})
			}
			return
		}
	}
}

// skipStatement moves to the end of a statement, or to its block.
func (s *scanner) skipStatement() {
	text, at := s.text, s.at
	for at < len(text) && !endsStatement[text[at]] {
		switch text[at] {
		case '"':
			_, at, _ = cutQuoted(text, at)
		case '#':
			s.at = at
			s.skipBlanks()
			at = s.at
		default:
			at++
		}
	}
	s.at = at
}

// endsStatement is true for the bytes that end the words of a statement.
var endsStatement = [256]bool{';': true, '{': true, '}': true}

package confparse

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"drbdutils/schema"
)

// Who asks for one resource of thousands still has to know whether two of them have
// the same minor, device, disk or address. For that, the blocks of all are glanced at:
// no more is read than the statements with such names, hosts and sections apart. If
// a name is in two resources, which is hardly ever so, all of them are decoded
// after all, and judged exactly.

// mayCollide reports whether two resources possibly use the same.
func (l *loader) mayCollide() bool {
	var suspect atomic.Bool
	var all []*glance
	seed := maphash.MakeSeed()
	parallel(len(l.parts), func() func(int) {
		g := &glance{gen: l.src.Generation, seed: seed, marks: make([]mark, 0, 4*len(l.parts))}
		all = append(all, g)
		return func(i int) {
			if p := l.parts[i]; p.res != nil && !g.block(p) {
				suspect.Store(true)
			}
		}
	})
	if suspect.Load() {
		return true
	}
	uses := 0
	for _, g := range all {
		uses += len(g.marks)
	}
	s := newSieve(uses)
	for _, g := range all {
		for _, m := range g.marks {
			if s.add(m) {
				return true
			}
		}
	}
	return false
}

// wantAll has all resources decoded that are not yet.
func (l *loader) wantAll() {
	if l.src.Want == nil {
		return
	}
	decoded := map[*Resource]bool{}
	for _, r := range l.cfg.Resources {
		decoded[r] = true
	}
	l.src.Want, l.cfg.Resources = nil, nil
	for _, p := range l.parts {
		if p.res != nil {
			l.cfg.Resources = append(l.cfg.Resources, p.res)
			p.wanted = p.wanted || !decoded[p.res]
		}
	}
}

// A glance looks at blocks for what resources cannot share.
type glance struct {
	gen   schema.Generation
	seed  maphash.Seed
	in    scanner
	words []word // of the statement
	owner uint64 // hash of the resource's name
	own   int    // where its marks begin
	marks []mark
}

// block notes what a resource uses. It reports false where a glance is not enough.
func (g *glance) block(p *part) bool {
	w := &p.item.block
	g.in = scanner{text: p.file.text[:int(w.offset)+len(w.text)], at: int(w.offset)}
	g.owner, g.own = maphash.String(g.seed, p.res.Name), len(g.marks)
	for {
		w := g.in.next()
		switch {
		case w.kind == endToken:
			return true
		case w.kind == wordToken && !g.statement(w.text):
			return false
		}
	}
}

// statement notes what a statement uses whose first word was read. It moves to its end.
func (g *glance) statement(first string) bool {
	switch first {
	case "device":
		g.device(g.rest())
	case "disk":
		if words := g.rest(); len(words) == 1 && words[0].text != noDisk {
			g.note(use{kind: "disk", name: words[0].text})
		}
	case "meta-disk", "flexible-meta-disk":
		g.metaDisk(g.rest())
	case "address", "host", "floating", "inside", "outside":
		return g.address(g.rest())
	case "stacked-on-top-of":
		if words := g.rest(); len(words) == 1 {
			g.note(use{kind: "below", name: words[0].text})
		}
	case "_this_host", "_remote_host":
		return false
	default:
		g.in.skipStatement()
	}
	return true
}

// rest returns the words up to the end of the statement, or to its block.
func (g *glance) rest() []word {
	g.words = g.words[:0]
	for {
		w := g.in.next()
		if w.kind == endToken || w.punct(";") || w.punct("{") || w.punct("}") {
			return g.words
		}
		g.words = append(g.words, w)
	}
}

// note notes a use, unless it was lately: the hosts of a resource mostly use the same.
func (g *glance) note(k use) {
	m := mark{use: k.hash(g.seed), owner: g.owner}
	const lately = 16
	if !slices.Contains(g.marks[max(g.own, len(g.marks)-lately):], m) {
		g.marks = append(g.marks, m)
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
func (g *glance) address(words []word) bool {
	for i := range words {
		switch w := &words[i]; {
		case w.is("port"):
			return false
		case w.kind == ipv4Token || w.kind == ipv6Token:
			port := slices.IndexFunc(words[i:], func(o word) bool { return o.kind == integerToken })
			if port >= 0 && (g.gen == schema.V84 || !isLoopback(w.text)) {
				g.note(use{kind: "address", host: words[i+port].text, name: w.text})
			}
			return true
		}
	}
	return true
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

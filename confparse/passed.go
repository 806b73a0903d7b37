package confparse

import "slices"

// newGlance returns a glance for a worker that reads files, nil if everything is wanted.
func (l *loader) newGlance(keep bool) *glance {
	if l.src.Want == nil {
		return nil
	}
	g := &glance{gen: l.src.Generation, want: l.src.Want, keep: keep, seed: l.seed}
	l.glances = append(l.glances, g)
	return g
}

// few is how many resources are decoded wanted or not, since it costs next to nothing.
const few = 100

// glancesSuffice reports whether the resources that were passed can be left at that: they are
// many, and no two resources seem to use the same.
func (l *loader) glancesSuffice() bool {
	passed, uses, short := 0, 0, false
	for _, g := range l.glances {
		passed += len(g.passed)
		uses += len(g.marks)
		short = short || g.short
	}
	l.cfg.Defined += passed
	if passed == 0 || short || l.cfg.Defined <= few {
		return passed == 0
	}
	s := newSieve(uses)
	return !slices.ContainsFunc(l.glances, func(g *glance) bool { return slices.ContainsFunc(g.marks, s.add) })
}

// fetch reads a resource that was passed, after all.
func (l *loader) fetch(name string) {
	for _, g := range l.glances {
		for _, p := range g.passed {
			if p.name == name {
				l.readPassed(p)
				return
			}
		}
	}
}

func (l *loader) readPassed(p passed) {
	f, r := *p.file, reader{fs: l.src.FS}
	if f.text == "" {
		if err := r.read(&f, false); err != nil {
			l.part(&f).broken("include %s: %v", f.name, cause(err))
			return
		}
	}
	f.outline = r.outline(&f)
	f.outline.items = slices.DeleteFunc(f.outline.items, func(it item) bool { return !it.defines(p.name) })
	l.cfg.Defined-- // it was counted
	l.read(&f)
}

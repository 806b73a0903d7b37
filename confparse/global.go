package confparse

import (
	"slices"
	"strconv"

	"drbdutils/schema"
)

// global decodes the global section.
func (l *loader) global(p *part) {
	w := &p.item.words[0]
	head := p.head()
	if !p.cursor(&head, 1).open() {
		return
	}
	if l.cfg.Global.Present {
		p.fail("duplicate", w, "there is already a global section").Other = l.cfg.Global.place
		return
	}
	l.cfg.Global.Present, l.cfg.Global.place = true, p.file.place(w)
	if len(l.names) > 0 {
		p.warn("global-late", w, "the global section belongs before the resources")
	}
	var t tree
	s := p.block(&t)
	for i := range s.block {
		l.globalStatement(p, &s.block[i])
	}
	p.checkClosed(&s, "global")
	if t.broken && !p.diags.Invalid() {
		p.unexpected(&t.word, "a statement or '}'", t.word.describe())
	}
}

// globalStatement decodes one statement of the global section.
func (l *loader) globalStatement(p *part, s *statement) {
	if len(s.words) == 0 {
		p.unexpected(&s.end, "a statement of the global section", s.end.describe())
		return
	}
	w := &s.words[0]
	field := schema.ToGlobal.In(p.gen).Option(w.text)
	if field == nil || w.kind == quotedToken {
		diag := p.fail("syntax", w, "unknown statement %s in the global section", w.describe())
		names := p.optionNames(&schema.Section{Slots: []schema.Slot{schema.ToGlobal}}, lists{schema.ToGlobal: new(Options)})
		diag.Hint = nearest(w.text, names)
		return
	}
	c := p.cursor(s, 1)
	switch field.Kind {
	case schema.Flag:
		if c.end() {
			*l.globalFlag(field.Name) = true
		}
	case schema.Enum:
		word := c.peek()
		if c.at >= len(s.words) || word.kind != wordToken || !slices.Contains([]string{"yes", "no", "ask"}, word.text) {
			c.expect("yes, no or ask")
			return
		}
		c.at++
		if c.end() {
			l.cfg.Global.UsageCount = word.text
		}
	default:
		p.globalNumber(c, field, l.globalNumber(field.Name))
	}
}

// globalNumber decodes a number of the global section.
func (p *part) globalNumber(c *cursor, field *schema.Field, to *int) {
	w := c.peek()
	text := c.token(integerToken, "a number")
	if !c.end() {
		return
	}
	if err := invalid(field, text); err != nil {
		p.fail("value", w, "%v", err)
		return
	}
	// compat: the range is checked with the unit, but the number is kept without.
	digits := text
	for len(digits) > 0 && isUnit(digits[len(digits)-1]) {
		digits = digits[:len(digits)-1]
	}
	*to, _ = strconv.Atoi(digits)
}

func (l *loader) globalFlag(name string) *bool {
	if name == "disable-ip-verification" {
		return &l.cfg.Global.DisableIPVerification
	}
	return &l.cfg.Global.UdevAlwaysUseVNR
}

func (l *loader) globalNumber(name string) *int {
	g := &l.cfg.Global
	return map[string]*int{
		"minor-count": &g.MinorCount, "dialog-refresh": &g.DialogRefresh, "cmd-timeout-short": &g.CmdTimeoutShort,
		"cmd-timeout-medium": &g.CmdTimeoutMedium, "cmd-timeout-long": &g.CmdTimeoutLong,
	}[name]
}

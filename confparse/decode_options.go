package confparse

import (
	"errors"
	"slices"
	"strings"

	"drbdutils/schema"
)

// lists is where the options of a section go, by slot. nil: the slot cannot be
// used here.
type lists [schema.Slots]*Options

// options decodes a block of options.
func (d *decoder) options(s *statement, section *schema.Section, to lists) {
	for i := range s.block {
		child := &s.block[i]
		if len(child.words) == 0 {
			d.unexpected(&child.end, "an option", child.end.describe())
			continue
		}
		d.option(child, section, to, len(s.block)-i)
	}
	d.checkClosed(s, section.Name)
}

// option decodes one option. With it, about n options go to the list.
func (d *decoder) option(s *statement, section *schema.Section, to lists, n int) {
	c := d.cursor(s, 0)
	unknown := d.gen == schema.V9 && c.accept("_unknown")
	w := c.peek()
	if c.at >= len(s.words) || w.kind != wordToken && (w.kind != quotedToken || d.gen == schema.V84) {
		c.expect("an option of the " + section.Name + " section")
		return
	}
	c.at++
	if slices.Contains(section.Lists, w.text) {
		d.listOption(c, w, to)
		return
	}
	relic := section.Relic != nil && section.Relic.Name == w.text
	if relic {
		d.value(c, &Option{Name: w.text, Field: section.Relic}, false)
		c.end()
	}
	if relic || d.gen == schema.V84 && slices.Contains(schema.Swallowed84, w.text) {
		d.warn("obsolete", w, "'%s' has no effect since DRBD 8.4", w.text)
		return
	}
	slot, field, negated := d.find(section, w, to)
	if field == nil {
		d.unknownOption(w, section, unknown, to)
		return
	}
	o := Option{Name: field.Name, Field: field, Place: d.file.place(w), Unknown: unknown}
	d.value(c, &o, negated)
	if c.end() {
		if *to[slot] == nil {
			*to[slot] = make(Options, 0, n)
		}
		*to[slot] = append(*to[slot], o)
	}
}

// find looks an option up, by its own name, an old one, or after "no-".
func (d *decoder) find(section *schema.Section, w *word, to lists) (slot schema.Slot, field *schema.Field, negated bool) {
	name, negated := strings.CutPrefix(w.text, "no-")
	if negated && d.gen == schema.V84 && !slices.Contains(schema.NoForms84, name) {
		return 0, nil, false
	}
	if section.Only != nil && !slices.Contains(section.Only, name) || slices.Contains(schema.NotInFiles, name) {
		return 0, nil, false
	}
	if modern, ok := section.Alias[name]; ok {
		name = modern
	}
	for _, slot = range section.Slots {
		if to[slot] == nil {
			continue
		}
		if field = d.fieldOf(slot, name); field != nil {
			return slot, field, negated
		}
	}
	if d.gen == schema.V84 && section.Name == "proxy" {
		return d.findInProxy84(w, to)
	}
	// DRBD 8.4 has fencing among the options of a disk, and its files still do.
	if name == "fencing" && d.gen == schema.V9 && section.Name == "disk" && to[schema.ToNet] != nil {
		return schema.ToNet, d.fieldOf(schema.ToNet, name), negated
	}
	return 0, nil, false
}

// findInProxy84 looks up what the proxy section of 8.4 takes besides.
//
// compat: it takes what the syncer section takes, and shows it, to no effect.
func (d *decoder) findInProxy84(w *word, to lists) (slot schema.Slot, field *schema.Field, negated bool) {
	syncer := &schema.ConfigSections(schema.V84).Syncer
	var all lists
	for _, s := range syncer.Slots {
		all[s] = to[schema.ToProxy]
	}
	if _, field, negated = d.find(syncer, w, all); field != nil {
		d.warn("obsolete", w, "'%s' has no effect in the proxy section", w.text)
	}
	return schema.ToProxy, field, negated
}

func (d *decoder) fieldOf(slot schema.Slot, name string) *schema.Field {
	set := slot.In(d.gen)
	if set == nil {
		return nil
	}
	if f := set.Option(name); f != nil && f.Gen.Has(d.gen) {
		return f
	}
	return nil
}

// value reads and checks an option's value. An option without one is "yes", or
// "no" if it was negated.
//
// compat: the language of 9 takes a missing value for "yes" whatever the type.
func (d *decoder) value(c *cursor, o *Option, negated bool) {
	if c.at >= len(c.s.words) {
		o.Value = "yes"
		if negated {
			o.Value = "no"
		}
		switch o.Field.Kind {
		case schema.Bool, schema.Flag:
		default:
			if d.gen == schema.V84 {
				c.expect("a value for " + o.Name)
			} else if c.s.end.punct(";") && !c.s.braced {
				d.warn("no-value", &c.s.words[c.at-1], "%s has no value; DRBD takes it for \"yes\"", o.Name)
			}
		}
		return
	}
	w := c.peek()
	if !d.isValue(w, o.Field) || negated && d.gen == schema.V84 {
		c.expect("a value for " + o.Name)
		return
	}
	c.at++
	o.Value = w.text
	if o.Name == "protocol" && d.gen == schema.V84 {
		o.Value = strings.ToUpper(o.Value)
	}
	d.check(w, o)
}

// isValue reports whether w can be the value of an option.
func (d *decoder) isValue(w *word, f *schema.Field) bool {
	switch w.kind {
	case wordToken:
		if d.gen == schema.V84 && (w.text == "yes" || w.text == "no") {
			return f.Kind == schema.Bool || f.Kind == schema.Flag
		}
		return d.gen == schema.V9 || w.text == "on" || !isKeyword(d.gen, w.text)
	case quotedToken, integerToken:
		return true
	case versionToken, ipv4Token, ipv6Token:
		return d.gen == schema.V9 || w.kind == versionToken
	}
	return false
}

// check compares a value with what the option allows.
func (d *decoder) check(w *word, o *Option) {
	f := o.Field
	if f.Name == "resync-after" || f.Kind == schema.Serial {
		return
	}
	err := invalid(f, o.Value)
	if err == nil || f.Is(schema.Clamped) && errors.Is(err, schema.ErrOutOfRange) {
		return
	}
	meant := nearestWord(f, o.Value)
	if d.gen == schema.V84 && f.Kind != schema.Bool && !slices.Contains(schema.Checked84, f.Name) {
		d.warn("unchecked", w, "%v; the module will refuse it", err).Hint = meant
		return
	}
	diag := d.fail("value", w, "%v", err)
	diag.Hint = meant
	switch {
	case d.gen != schema.V84:
	case f.Kind == schema.Bool:
		diag.Exit = 10 // ends the reading, other than a number out of range
	case errors.Is(err, schema.ErrNoNumber) || errors.Is(err, schema.ErrUnit):
		diag.Exit = 20
	}
	if d.show {
		diag.Severity = Warning
	}
}

// nearestWord returns the word that a value was probably meant to be.
func nearestWord(f *schema.Field, text string) string {
	var words []string
	if f.Words != nil {
		for _, w := range f.Words.Words {
			words = append(words, w.Text)
		}
	}
	return nearest(text, words)
}

// invalid returns what is wrong with a value, nil if it is fine.
func invalid(f *schema.Field, text string) error {
	v, err := f.Parse(text)
	if err != nil {
		return err
	}
	// A number that stands for a word is not another way to write it.
	if _, word := wordOf(f, text); f.Kind == schema.Symbol && !word && (int64(v.Num) < f.Min || int64(v.Num) > f.Max) {
		return &schema.ValueError{Field: f, Text: text, Reason: schema.ErrOutOfRange}
	}
	err = f.Check(v)
	if e, ok := errors.AsType[*schema.ValueError](err); ok && !f.Is(schema.Sensitive) {
		e.Text = text // as written
	}
	return err
}

func wordOf(f *schema.Field, text string) (uint64, bool) {
	if f.Words == nil {
		return 0, false
	}
	return f.Words.Num(text)
}

// unknownOption reports an option that the section does not know.
func (d *decoder) unknownOption(w *word, section *schema.Section, marked bool, to lists) {
	if marked || d.show {
		d.warn("unknown-option", w, "unknown option '%s'", w.text)
		return
	}
	other := schema.Both &^ d.gen
	if d.knownIn(other, section, w.text, to) {
		d.fail("generation", w, "'%s' needs DRBD %s; the configuration is judged for DRBD %s", w.text, other, d.gen)
		return
	}
	if home := homeOf(d.gen, w.text); home != "" && home != section.Name {
		d.fail("syntax", w, "'%s' belongs to the %s section, not to %s", w.text, home, section.Name)
		return
	}
	if home := homeOf(other, w.text); home != "" {
		d.fail("generation", w, "'%s' needs DRBD %s, and belongs to the %s section there", w.text, other, home)
		return
	}
	if slices.Contains(schema.NotInFiles, w.text) {
		d.fail("syntax", w, "'%s' is an option of the connect command, not of configuration files", w.text)
		return
	}
	d.fail("syntax", w, "unknown option '%s' in the %s section", w.text, section.Name).suggest(w.text, d.optionNames(section, to))
}

// knownIn reports whether the other generation has the option there.
func (d *decoder) knownIn(g schema.Generation, section *schema.Section, name string, to lists) bool {
	other := decoder{gen: g}
	w := word{text: name}
	_, f, _ := other.find(section, &w, to)
	return f != nil
}

// homeOf returns the section that an option belongs to, "" if there is none.
func homeOf(g schema.Generation, name string) string {
	s := schema.ConfigSections(g)
	d := decoder{gen: g}
	for _, section := range []*schema.Section{&s.Net, &s.Disk, &s.Options, &s.Startup, &s.Handlers} {
		for _, slot := range section.Slots {
			if !slices.Contains(schema.NotInFiles, name) && d.fieldOf(slot, name) != nil {
				return section.Name
			}
		}
	}
	return ""
}

// optionNames returns what a section knows.
func (d *decoder) optionNames(section *schema.Section, to lists) []string {
	if section.Only != nil {
		return section.Only
	}
	var names []string
	for _, slot := range section.Slots {
		set := slot.In(d.gen)
		if set == nil || to[slot] == nil {
			continue
		}
		for i := range set.Fields {
			f := &set.Fields[i]
			if f.Name != "" && f.Name[0] != '_' && f.Gen.Has(d.gen) && !slices.Contains(schema.NotInFiles, f.Name) && !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	return append(names, section.Lists...)
}

// listOption decodes the statements that hold words instead of a value.
func (d *decoder) listOption(c *cursor, w *word, to lists) {
	switch w.text {
	case "stacked-timeouts":
		if c.end() {
			*to[schema.ToStartup] = append(*to[schema.ToStartup], Option{Name: w.text, Bare: true, Place: d.file.place(w)})
		}
	case "become-primary-on":
		d.becomePrimary(c, w, to[schema.ToStartup])
	case "plugin":
		d.plugins(c, to[schema.ToProxy])
	}
}

// becomePrimary decodes become-primary-on, which DRBD 9 has no use for.
func (d *decoder) becomePrimary(c *cursor, w *word, to *Options) {
	if d.gen == schema.V9 {
		c.at = len(c.s.words)
		if c.end() {
			d.warn("obsolete", w, "become-primary-on has no effect since DRBD 9")
		}
		return
	}
	var hosts []string
	for first := true; first || c.at < len(c.s.words) && !c.failed; first = false {
		hosts = append(hosts, c.name("a host name").text)
	}
	if c.end() {
		*to = append(*to, Option{Name: w.text, Value: strings.Join(hosts, " "), Place: d.file.place(w)})
	}
}

// plugins decodes the word lists of a plugin section. Each is an option without
// value.
func (d *decoder) plugins(c *cursor, to *Options) {
	if !c.open() {
		return
	}
	for i := range c.s.block {
		child := &c.s.block[i]
		list := d.cursor(child, len(child.words))
		if len(child.words) == 0 || !list.end() {
			list.expect("a plugin")
			continue
		}
		words := make([]string, len(child.words))
		for j := range child.words {
			words[j] = child.words[j].text
		}
		*to = append(*to, Option{Name: strings.Join(words, " "), Bare: true, Field: &plugin, Place: d.file.place(&child.words[0])})
	}
	d.checkClosed(c.s, "plugin")
}

// plugin marks the plugins among the options of a proxy.
var plugin = schema.Field{Name: "plugin", Kind: schema.String}

// split moves the plugins out of a proxy's options.
func split(mixed Options) (options, plugins Options) {
	for _, o := range mixed {
		if o.Field == &plugin {
			plugins = append(plugins, o)
		} else {
			options = append(options, o)
		}
	}
	return options, plugins
}

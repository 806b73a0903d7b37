package confparse

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"drbdutils/schema"
)

// Load reads the configuration and returns it as written. The model is complete
// as far as the Diagnostics allow; it must not be acted upon if they are
// Invalid.
func Load(src Source) (*Config, Diagnostics) {
	l := newLoader(src, map[string]*file{})
	l.readAll()
	if !l.glancesSuffice() {
		src.Want = nil
		l = newLoader(src, l.files.named)
		l.readAll()
	}
	l.decode()
	l.readTemplates()
	diags := l.collect()
	if !diags.Unreadable() {
		diags = append(diags, l.cfg.resolve(&l.src)...)
	}
	if !diags.Invalid() {
		diags = append(diags, l.cfg.checkAcross()...)
	}
	return l.cfg, diags
}

// readAll reads the main file, what it includes, and the files that are to be tested.
func (l *loader) readAll() {
	if main := l.mainFile(); main != nil {
		l.cfg.File = main.path
		l.read(main)
		l.readTests()
	}
}

// ParseShow reads what drbdsetup show printed. Options that the schema does not
// know and values out of range are warnings; uniqueness is not checked, and
// nothing is handed down.
func ParseShow(g schema.Generation, text []byte) ([]*Resource, Diagnostics) {
	l := newLoader(Source{Generation: g}, nil)
	l.show = true
	l.read(&file{name: "drbdsetup show", path: "drbdsetup show", text: string(text)})
	l.decode()
	return l.cfg.Resources, l.collect()
}

// A loader reads files. What is found goes into parts, in the order of the text,
// so that blocks can be decoded side by side.
type loader struct {
	src   Source
	files *files
	cfg   *Config
	show  bool
	parts []*part
	spare []part // of which the next parts are made
	names map[string]*Resource

	glances []*glance
	seed    maphash.Seed // of their marks
}

// A part is one statement of a file.
type part struct {
	decoder
	item item
	res  *Resource // what its block is decoded into
}

func newLoader(src Source, named map[string]*file) *loader {
	cfg := &Config{
		Generation: src.Generation,
		Node:       src.Node,
		Legacy:     true,
		Global: Global{
			DialogRefresh: 1, CmdTimeoutShort: 5, CmdTimeoutMedium: 600, UsageCount: "ask",
		},
	}
	return &loader{src: src, files: newFiles(src, named), cfg: cfg, names: map[string]*Resource{}, seed: maphash.MakeSeed()}
}

// part begins a part for a file.
func (l *loader) part(f *file) *part {
	if len(l.spare) == 0 {
		l.spare = make([]part, min(len(l.parts)+8, 256))
	}
	p := &l.spare[0]
	l.spare = l.spare[1:]
	p.decoder = decoder{gen: l.src.Generation, file: f, show: l.show}
	l.parts = append(l.parts, p)
	return p
}

// read takes the statements of a file.
func (l *loader) read(f *file) {
	o := f.outline
	f.outline = nil
	if o == nil {
		r := outliner{glance: l.newGlance(false)}
		o = r.outline(f)
	}
	for i := range o.items {
		p := l.part(f)
		p.item = o.items[i]
		if i > 0 && len(l.parts[len(l.parts)-2].diags) > 0 && f.isBinary() {
			return // more would be noise
		}
		if o.broken != nil && i == len(o.items)-1 {
			l.brokenItem(p, o.broken)
			continue
		}
		l.statement(p)
	}
}

// brokenItem reports the statement that ends an outline early.
func (l *loader) brokenItem(p *part, w *word) {
	if len(p.item.words) > 0 && p.item.words[0].is("skip") {
		p.fail("unclosed", &p.item.words[0], "skip without a block")
		return
	}
	if len(p.item.words) == 0 {
		p.fail("syntax", w, "expected a section, found %s", w.describe()).Detail = p.file.advice(w)
		return
	}
	l.statement(p)
	if len(p.diags) == 0 {
		p.unexpected(w, "';' or '{'", w.describe())
	}
}

// statement dispatches on the first word of a statement.
func (l *loader) statement(p *part) {
	w := &p.item.words[0]
	switch {
	case w.is("resource"):
		l.resource(p)
	case w.is("common"):
		l.common(p)
	case w.is("global"):
		l.global(p)
	case w.is("include"):
		l.include(p)
	case w.is("skip"):
		l.skip(p)
	case l.src.Generation == schema.V9 && strings.HasPrefix(w.text, requirePrefix) && w.kind == wordToken:
		l.require(p)
	default:
		diag := p.fail("syntax", w, "expected a section, found %s", w.describe())
		if diag.Detail = p.file.advice(w); diag.Detail != "" {
			return
		}
		known := fileWords
		if l.src.Generation == schema.V9 {
			known = append(known, requirePrefix+"{eq,ne,gt,ge,lt,le}")
		}
		diag.suggest(w.text, known)
	}
}

// fileWords are the words that statements of a file begin with.
var fileWords = []string{"global", "common", "resource", "include", "skip"}

// head returns the words of the part's item as a statement.
func (p *part) head() statement {
	s := statement{words: p.item.words, braced: p.item.braced, brace: p.item.block, end: p.item.block}
	if p.item.braced {
		s.brace.text, s.brace.kind = "{", punctToken
	}
	return s
}

// block reads the block of the part's item into a tree.
func (p *part) block(t *tree) statement {
	w := &p.item.block
	return t.read(p.file.text[:int(w.offset)+len(w.text)], int(w.offset), int(w.line))
}

func (l *loader) resource(p *part) {
	s := p.head()
	c := p.cursor(&s, 1)
	w := c.name("the name of the resource")
	if !c.open() {
		return
	}
	if !p.goodName(w) {
		return
	}
	r := &Resource{Name: w.text, Place: p.file.place(&p.item.words[0]), Line: int(p.item.block.line)}
	if first, ok := l.names[r.Name]; ok && !l.show {
		p.fail("duplicate", w, "resource %q is already defined", r.Name).Other = first.Place
	}
	l.names[r.Name] = r
	l.cfg.Defined++
	p.res = r
	l.cfg.Resources = append(l.cfg.Resources, r)
}

// goodName refuses names that cannot be.
func (p *part) goodName(w *word) bool {
	if isGoodName(w.text) {
		return true
	}
	diag := p.fail("resource-name", w, "%q is no name for a resource: it is empty or has control characters", w.text)
	diag.Exit = 1
	return false
}

func isGoodName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool { return c < 0x20 || c == 0x7f })
}

func (l *loader) common(p *part) {
	s := p.head()
	if !p.cursor(&s, 1).open() {
		return
	}
	if l.cfg.Common != nil {
		p.fail("duplicate", &p.item.words[0], "there is already a common section").Other = l.cfg.Common.Place
		return
	}
	l.cfg.Common = &Resource{Place: p.file.place(&p.item.words[0])}
	p.decodeBlock(new(tree), l.cfg.Common, "common")
	p.hostsInCommon(l.cfg.Common)
	p.res = nil
}

func (p *part) hostsInCommon(common *Resource) {
	for _, h := range common.Hosts {
		p.diags = append(p.diags, Diagnostic{Severity: Error, Code: "host-in-common", Place: h.Place,
			Message: "host sections cannot stand in the common section"})
	}
}

// decodeBlock decodes the part's block into a resource.
func (p *part) decodeBlock(t *tree, r *Resource, section string) {
	s := p.block(t)
	p.resource(r, section, &s)
	if t.broken && !p.diags.Invalid() {
		p.unexpected(&t.word, "a statement or '}'", t.word.describe())
	}
	if s.open() && !p.diags.Invalid() {
		p.warn("unclosed", &p.item.words[0], "the %s section ends with the file; it has no closing brace", section)
	}
}

func (l *loader) skip(p *part) {
	w := &p.item.block
	_, closed := blockEnd(p.file.text, int(w.offset))
	switch {
	case !closed:
		p.fail("unclosed", &p.item.words[0], "the skip section has no closing brace")
	case l.src.Generation == schema.V84 && len(p.item.words) > 1:
		s := p.head()
		if c := p.cursor(&s, 1); c.name("a name or '{'") != nil {
			c.open()
		}
	}
}

const requirePrefix = "require-drbd-module-version-"

// require checks the module's version against a statement.
//
// compat: the reference compares wrongly: gt is true unless equal, ge always, lt
// never, le only if equal. Here they mean what they say.
func (l *loader) require(p *part) {
	s := p.head()
	c := p.cursor(&s, 1)
	w := &p.item.words[0]
	l.cfg.Legacy = false
	text := c.token(versionToken, "a version such as 9.2.0")
	if !c.end() {
		return
	}
	sign := slices.Compare(l.src.Version[:], versionOf(text))
	holds, known := map[string]bool{
		"eq": sign == 0, "ne": sign != 0, "gt": sign > 0, "ge": sign >= 0, "lt": sign < 0, "le": sign <= 0,
	}[strings.TrimPrefix(w.text, requirePrefix)]
	switch {
	case !known:
		p.unexpected(w, requirePrefix+"{eq,ne,gt,ge,lt,le}", w.describe())
	case l.src.Version == [3]int{}:
		p.fail("module-version", w, "this configuration requires a version of the module, but none is known")
	case !holds:
		v := l.src.Version
		p.fail("module-version", w, "the module is %d.%d.%d, but this configuration requires %s %s",
			v[0], v[1], v[2], strings.TrimPrefix(w.text, requirePrefix), text)
	}
}

func versionOf(text string) []int {
	var v []int
	for part := range strings.SplitSeq(text, ".") {
		n, _ := strconv.Atoi(part)
		v = append(v, n)
	}
	return v
}

// decode decodes the resources, and those that they refer to.
func (l *loader) decode() {
	for first := 0; first < len(l.parts); {
		var todo []*part
		for _, p := range l.parts[first:] {
			if p.res != nil {
				todo = append(todo, p)
			}
		}
		first = len(l.parts)
		parallel(len(todo), func() func(int) {
			var t tree // one for each worker, since it keeps its memory
			return func(i int) { todo[i].decodeBlock(&t, todo[i].res, "resource") }
		})
		for _, p := range todo {
			l.fetchReferred(p.res)
		}
	}
}

// fetchReferred reads the resources that one is stacked on or resyncs after.
func (l *loader) fetchReferred(r *Resource) {
	if l.src.Want == nil {
		return
	}
	for _, name := range r.refersTo() {
		if l.names[name] == nil {
			l.fetch(name)
		}
	}
}

// refersTo returns the names of other resources that matter to this one.
func (r *Resource) refersTo() []string {
	var names []string
	after := func(o Options) {
		if opt, ok := o.Get("resync-after"); ok {
			name, _, _ := strings.Cut(opt.Value, "/")
			names = append(names, name)
		}
	}
	after(r.Disk)
	for _, v := range r.Volumes {
		after(v.DiskOptions)
	}
	for _, h := range r.Hosts {
		if h.Kind == Stacked {
			names = append(names, h.LowerName)
		}
		for _, v := range h.Volumes {
			after(v.DiskOptions)
		}
	}
	return names
}

// collect returns the diagnostics of all parts, in the order of the text.
func (l *loader) collect() Diagnostics {
	var all Diagnostics
	for _, p := range l.parts {
		slices.SortStableFunc(p.diags, func(a, b Diagnostic) int { return int(a.Place.offset - b.Place.offset) })
		all = append(all, p.diags...)
		p.decoder = decoder{}
	}
	return all
}

package confparse

import (
	"path"

	"drbdutils/schema"
)

// readTemplates reads the files that replace the common section for a resource.
func (l *loader) readTemplates() {
	known := map[string]*Resource{}
	for _, p := range l.parts {
		r := p.res
		if r == nil || r.Template == "" || r.template != nil {
			continue
		}
		l.cfg.Legacy = false
		abs := r.Template
		if !path.IsAbs(abs) {
			abs = path.Join(path.Dir(p.file.path), abs)
		}
		abs = l.files.canonical(abs)
		if known[abs] == nil {
			known[abs] = l.readTemplate(p, abs)
		}
		r.Template, r.template = abs, known[abs]
	}
}

// readTemplate reads one template: a common section and nothing else.
func (l *loader) readTemplate(p *part, abs string) *Resource {
	r := p.res
	report := func(f string) {
		p.diags = append(p.diags, Diagnostic{Severity: Error, Code: "template", Place: r.templatePlace,
			Message: "resource " + r.Name + ": template " + f})
	}
	file, in := &file{name: r.Template, path: abs}, reader{fs: l.src.FS}
	if err := in.read(file, false); err != nil {
		report(r.Template + ": " + cause(err).Error())
		return nil
	}
	o, err := parseOutline(file.text)
	if err != nil {
		o = new(outliner).outline(file) // as far as it goes
	}
	if len(o.items) == 0 || len(o.items[0].words) == 0 || !o.items[0].words[0].is("common") || !o.items[0].braced {
		report(r.Template + " does not begin with a common section")
		return nil
	}
	t := &part{decoder: decoder{gen: schema.V9, file: file}, item: o.items[0]}
	common := &Resource{Place: file.place(&o.items[0].words[0])}
	t.decodeBlock(new(tree), common, "common")
	t.hostsInCommon(common)
	p.diags = append(p.diags, t.diags...)
	return common
}

package confparse

import (
	"slices"
	"strings"

	"drbdutils/schema"
)

// resourceRules are the statements of a resource section.
var resourceRules = []rule[*Resource]{
	{word: "protocol", once: protocolOnce, quotable: true, read: readProtocol},
	{word: "on", read: readOn},
	{word: "floating", read: readFloating},
	{word: "stacked-on-top-of", read: readStacked},
	{word: "_this_host", read: readThisHost},
	{word: "_remote_host", gen: schema.V84, read: readRemoteHost},
	{word: "disk", form: blockForm, once: diskOnce, read: readDiskSection},
	{word: "disk", form: plainForm, read: inResource(readDisk)},
	{word: "device", once: deviceOnce, read: inResource(readDevice)},
	{word: "meta-disk", read: inResource(readMetaDisk)},
	{word: "flexible-meta-disk", read: inResource(readFlexible)},
	{word: "volume", read: readResourceVolume},
	{word: "net", once: netOnce, read: readNet},
	{word: "options", once: optionsOnce, read: readOptions},
	{word: "startup", once: startupOnce, read: readStartup},
	{word: "handlers", once: handlersOnce, read: readHandlers},
	{word: "proxy", once: proxyOnce, read: readProxySection},
	{word: "syncer", once: syncerOnce, read: readSyncer},
	{word: "connection", gen: schema.V9, read: readConnection},
	{word: "connection-mesh", gen: schema.V9, read: readMesh},
	{word: "template-file", gen: schema.V9, once: templateOnce, read: readTemplate},
	{word: "skip", gen: schema.V9, read: readSkip[*Resource]},
	{word: "ignore-on", gen: schema.V84, read: readIgnoreOn},
}

// resource decodes the block of a resource or common section.
func (d *decoder) resource(r *Resource, section string, s *statement) {
	d.around = resourceRules
	walk(d, section, resourceRules, r, s)
	r.Proxy, r.Plugins = split(r.Proxy)
	r.Startup = slices.DeleteFunc(r.Startup, func(o Option) bool {
		switch o.Name {
		case "stacked-timeouts":
			r.StackedTimeouts = true
		case "become-primary-on":
			r.BecomePrimaryOn = append(r.BecomePrimaryOn, strings.Fields(o.Value)...)
		default:
			return false
		}
		return true
	})
}

// slots returns where a resource keeps its options.
func (r *Resource) slots() lists {
	return lists{
		schema.ToDisk: &r.Disk, schema.ToPeer: &r.PeerDevice, schema.ToDevice: &r.Device, schema.ToNet: &r.Net,
		schema.ToResource: &r.Options, schema.ToStartup: &r.Startup, schema.ToHandlers: &r.Handlers, schema.ToProxy: &r.Proxy,
	}
}

// section decodes a block of options of a resource.
func (d *decoder) section(s *statement, section *schema.Section, to lists) {
	if d.cursor(s, 1).open() {
		d.options(s, section, to)
	}
}

func readNet(d *decoder, r *Resource, s *statement) {
	d.section(s, &schema.ConfigSections(d.gen).Net, r.slots())
}

func readDiskSection(d *decoder, r *Resource, s *statement) {
	d.section(s, &schema.ConfigSections(d.gen).Disk, r.slots())
}

func readOptions(d *decoder, r *Resource, s *statement) {
	d.section(s, &schema.ConfigSections(d.gen).Options, r.slots())
}

func readStartup(d *decoder, r *Resource, s *statement) {
	d.section(s, &schema.ConfigSections(d.gen).Startup, r.slots())
}

func readHandlers(d *decoder, r *Resource, s *statement) {
	d.section(s, &schema.ConfigSections(d.gen).Handlers, r.slots())
}

func readProxySection(d *decoder, r *Resource, s *statement) {
	d.section(s, &schema.ConfigSections(d.gen).Proxy, r.slots())
}

func readSyncer(d *decoder, r *Resource, s *statement) {
	d.section(s, &schema.ConfigSections(d.gen).Syncer, r.slots())
}

// readProtocol decodes the 8.3 place of a net option.
func readProtocol(d *decoder, r *Resource, s *statement) {
	d.option(s, &schema.ConfigSections(d.gen).Net, r.slots(), 1)
}

func readTemplate(d *decoder, r *Resource, s *statement) {
	c := d.cursor(s, 1)
	name := c.name("a file name")
	if c.end() {
		r.Template, r.templatePlace = name.text, d.file.place(name)
	}
}

func readIgnoreOn(d *decoder, _ *Resource, s *statement) {
	c := d.cursor(s, 1)
	c.name("a host name")
	if c.end() {
		d.warn("obsolete", &s.words[0], "ignore-on has no effect since DRBD 8.4")
	}
}

func readOn(d *decoder, r *Resource, s *statement) {
	c := d.cursor(s, 1)
	h := d.host(r, On, s)
	for first := true; first || c.at < len(s.words) && !c.failed; first = false {
		h.Names = append(h.Names, c.name("a host name").text)
	}
	if c.open() {
		d.hostBody(h, "on", hostRules, s)
	}
}

func readFloating(d *decoder, r *Resource, s *statement) {
	c := d.cursor(s, 1)
	h := d.host(r, Floating, s)
	h.Address = c.address()
	h.Names = []string{floatingName(d.gen, h.Address)}
	if c.s.braced && c.open() {
		d.hostBody(h, "floating", hostRules, s)
		return
	}
	c.end()
}

// floatingName makes a host name of an address: ADDR:PORT for 8.4, for 9 ADDR_PORT with
// _ for every character that a name cannot have.
func floatingName(g schema.Generation, a *Address) string {
	switch {
	case a == nil:
		return ""
	case g == schema.V84:
		return a.Addr + ":" + a.Port
	}
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.ContainsRune("+.-_", c) {
			return c
		}
		return '_'
	}, a.Addr+":"+a.Port)
}

func readStacked(d *decoder, r *Resource, s *statement) {
	c := d.cursor(s, 1)
	h := d.host(r, Stacked, s)
	h.LowerName = c.name("the name of the resource below").text
	if c.open() {
		d.hostBody(h, "stacked-on-top-of", stackedRules, s)
	}
}

func readThisHost(d *decoder, r *Resource, s *statement) {
	h := d.host(r, This, s)
	h.Names = []string{"_this_host"}
	if d.cursor(s, 1).open() {
		d.hostBody(h, "_this_host", hostRules, s)
	}
}

func readRemoteHost(d *decoder, r *Resource, s *statement) {
	h := d.host(r, Remote, s)
	h.Names = []string{"_remote_host"}
	if d.cursor(s, 1).open() {
		d.hostBody(h, "_remote_host", hostRules, s)
	}
}

// host adds a host section to a resource.
func (d *decoder) host(r *Resource, kind HostKind, s *statement) *Host {
	h := &Host{Kind: kind, NodeID: -1, Place: d.file.place(&s.words[0])}
	if r != nil {
		r.Hosts = append(r.Hosts, h)
	}
	return h
}

func readResourceVolume(d *decoder, r *Resource, s *statement) {
	if v := d.volume(&r.Volumes, s, volumeRules); v != nil {
		warnTwice(d, r.Volumes, v, s)
	}
}

// warnTwice warns of a volume number that is used again.
//
// compat: the reference takes the first of both.
func warnTwice(d *decoder, list []*Volume, v *Volume, s *statement) {
	for _, other := range list {
		if other != v && other.Number == v.Number && !other.Implicit {
			d.warn("duplicate-volume", &s.words[0], "volume %d is already there; this one has no effect", v.Number).Other = other.Place
			return
		}
	}
}

// inResource makes a statement of a volume one of a resource: it is of the
// implicit volume 0.
func inResource(read func(*decoder, *Volume, *statement)) func(*decoder, *Resource, *statement) {
	return func(d *decoder, r *Resource, s *statement) {
		if v := d.implicitVolume(&r.Volumes, s); v != nil {
			read(d, v, s)
		}
	}
}

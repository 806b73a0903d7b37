package confparse

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"drbdutils/schema"
)

// A DumpForm says what a dump shows.
type DumpForm struct {
	Verbose bool // what takes effect, hosts and connections complete; after Expand
	Named   bool // the resource was asked for by name: connections show theirs
}

// Dump writes the configuration as drbdadm dump does: the global and common
// sections and all resources. What it writes can be read again and means the
// same.
func (c *Config) Dump(w io.Writer, form DumpForm) error {
	p := c.dumper(w, form)
	p.line("# %s", c.File)
	p.global(&c.Global)
	if c.Common != nil {
		p.line("common {")
		p.sections(c.Common)
		p.line("}")
		p.line("")
	}
	for _, r := range c.Resources {
		p.resource(r, c.Node)
	}
	return p.out.Flush()
}

// DumpResource writes one resource.
func (c *Config) DumpResource(w io.Writer, r *Resource, form DumpForm) error {
	p := c.dumper(w, form)
	p.resource(r, c.Node)
	return p.out.Flush()
}

// Nominal times of commands, which DRBD 8.4's dump leaves out.
//
// compat: the effective defaults of the medium and the long time are others, and
// are always shown.
const (
	nominalShort  = 5
	nominalMedium = 121
	nominalLong   = 600
)

func (p *dumper) global(g *Global) {
	var lines []string
	add := func(show bool, format string, args ...any) {
		if show {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	add(g.DisableIPVerification, "disable-ip-verification;")
	add(g.MinorCount != 0, "minor-count %d;", g.MinorCount)
	add(g.DialogRefresh != 1, "dialog-refresh %d;", g.DialogRefresh)
	add(g.UsageCount != "ask", "usage-count %s;", g.UsageCount)
	if len(lines) == 0 && !p.form.Verbose {
		return
	}
	if p.gen == schema.V84 {
		add(g.CmdTimeoutShort != nominalShort, "cmd-timeout-short %d;", g.CmdTimeoutShort)
		add(g.CmdTimeoutMedium != nominalMedium, "cmd-timeout-medium %d;", g.CmdTimeoutMedium)
		add(g.CmdTimeoutLong != nominalLong, "cmd-timeout-long %d;", g.CmdTimeoutLong)
	}
	p.open("global")
	for _, l := range lines {
		p.words(l)
	}
	p.close()
	p.line("")
}

// sections writes the sections of options at the end of a resource.
func (p *dumper) sections(r *Resource) {
	p.level++
	defer func() { p.level-- }()
	p.section("options", r.Options)
	p.section("net", r.Net)
	p.section("disk", r.Device, r.Disk, r.PeerDevice)
	p.section("startup", r.startup())
	p.proxySection("proxy", r.Proxy, r.Plugins)
	p.section("handlers", r.Handlers)
}

// becomePrimaryOn is the statement whose value is names of hosts.
const becomePrimaryOn = "become-primary-on"

// startup returns all statements of the startup section.
func (r *Resource) startup() Options {
	all := r.Startup[:len(r.Startup):len(r.Startup)]
	if r.StackedTimeouts {
		all = append(all, Option{Name: "stacked-timeouts", Bare: true})
	}
	if len(r.BecomePrimaryOn) > 0 {
		all = append(all, Option{Name: becomePrimaryOn, Value: strings.Join(r.BecomePrimaryOn, " ")})
	}
	return all
}

func (p *dumper) resource(r *Resource, node string) {
	not := map[bool]string{false: "not "}
	p.line("# resource %s on %s: %signored, %sstacked", Quote(r.Name), node, not[r.Ignored && !r.ProxyOnly], not[r.Stacked])
	p.line("# defined at %s:%d", r.Place.Path(), r.Line)
	p.open("resource ", p.quoteName(r.Name))
	if r.Template != "" {
		p.words("template-file ", Quote(r.Template), ";")
	}
	if p.gen == schema.V9 && !p.form.Verbose {
		p.volumes(r.Volumes, false)
	}
	for _, h := range r.Hosts {
		p.host(r, h)
	}
	for _, c := range r.Connections {
		p.connection(c)
	}
	if !p.form.Verbose {
		for _, m := range r.Meshes {
			p.mesh(m)
		}
	}
	p.level--
	p.sections(r)
	p.line("}")
	p.line("")
}

func (p *dumper) mesh(m *Mesh) {
	p.open("connection-mesh")
	p.words(strings.TrimSuffix("hosts "+p.quoteNames(m.Hosts), " "), ";")
	p.section("net", m.Net)
	p.close()
}

func (p *dumper) host(r *Resource, h *Host) {
	switch h.Kind {
	case Stacked:
		p.open("stacked-on-top-of ", p.quoteName(h.LowerName))
		p.line("# on %s ", cmp.Or(strings.Join(h.Names, " "), "UNKNOWN"))
	case Floating:
		if p.gen == schema.V84 {
			p.open("floating ", h.Address.text())
			break
		}
		p.open(wide("floating"), h.Address.text())
	case This, Remote:
		p.open(h.Names[0])
	default:
		p.open("on ", p.quoteNames(h.Names))
	}
	if h.NodeID >= 0 && p.gen == schema.V9 {
		p.words("node-id ", strconv.Itoa(h.NodeID), ";")
	}
	p.section("options", h.Options)
	p.volumes(h.Volumes, h.Kind == Stacked)
	if h.Address != nil && h.Kind != Floating {
		p.address("address", h.Address)
	}
	if h.Alternate != nil {
		p.address("alternate-link-address", h.Alternate)
	}
	if h.Proxy != nil && (p.gen == schema.V84 || !p.form.Verbose) {
		p.proxy("proxy on", h.Proxy)
	}
	p.close()
}

// text returns an address as it stands in a configuration file.
func (a *Address) text() string {
	if a == nil {
		return ""
	}
	if a.Family == "ipv6" {
		return "ipv6 [" + a.Addr + "]:" + a.Port
	}
	return a.Family + " " + a.Addr + ":" + a.Port
}

func (p *dumper) address(name string, a *Address) {
	p.named(name, a.text())
}

func (p *dumper) proxy(words string, x *Proxy) {
	p.open(words, " ", p.quoteNames(x.Names))
	p.proxyBody(x)
	p.close()
}

func (p *dumper) proxyBody(x *Proxy) {
	if x.Inside != nil {
		p.address("inside", x.Inside)
	}
	if x.Outside != nil {
		p.address("outside", x.Outside)
	}
	p.proxySection("options", x.Options, x.Plugins)
}

// volumes writes volumes, or what stands of them in the section itself. Unless
// all is to be shown, what came from the resource level is left out.
func (p *dumper) volumes(list []*Volume, stacked bool) {
	for _, v := range list {
		hide := v.handed
		if p.form.Verbose || p.gen == schema.V84 {
			hide = 0
		}
		if hide&allParts != 0 {
			continue
		}
		if stacked {
			hide |= diskPart | metaPart
		}
		if v.Implicit {
			p.volume(v, hide)
			continue
		}
		p.open("volume ", strconv.Itoa(v.Number))
		p.volume(v, hide)
		p.close()
	}
}

func (p *dumper) volume(v *Volume, hide parts) {
	p.section("disk", v.DeviceOptions, v.DiskOptions, v.PeerOptions)
	if hide&devicePart == 0 {
		p.device(v)
	}
	if hide&diskPart == 0 {
		p.disk(v)
	}
	if hide&metaPart == 0 {
		p.metaDisk(v)
	}
	if v.Tiebreaker != nil && hide&allParts == 0 {
		word := map[bool]string{true: "yes", false: "no"}[*v.Tiebreaker]
		p.value("tiebreaker", right(word))
	}
}

func (p *dumper) device(v *Volume) {
	switch {
	case v.DeviceName != "" && v.Minor >= 0:
		p.value("device", Quote(v.DeviceName)+" minor "+strconv.Itoa(v.Minor))
	case v.Minor >= 0:
		p.value("device", "minor "+strconv.Itoa(v.Minor))
	}
}

func (p *dumper) disk(v *Volume) {
	switch {
	case v.Disk != "":
		p.value("disk", right(p.quoteName(v.Disk)))
	case p.expanded && p.gen == schema.V9:
		p.value("disk", noDisk)
	}
}

func (p *dumper) metaDisk(v *Volume) {
	switch v.MetaIndex {
	case "":
	case "internal":
		p.value("meta-disk", "internal")
	case "flexible":
		p.named("meta-disk", p.quoteName(v.MetaDisk))
	default:
		p.named("meta-disk", p.quoteName(v.MetaDisk), " [", v.MetaIndex, "]")
	}
}

// connection writes a connection, unless it is an implicit one and only what was
// written is asked for.
func (p *dumper) connection(c *Connection) {
	if p.gen == schema.V84 || c.Implicit && !p.form.Verbose {
		return
	}
	p.open("connection")
	for _, path := range c.Paths {
		if path.Implicit && !p.form.Verbose {
			p.endpoints(path)
			continue
		}
		p.open("path")
		p.endpoints(path)
		p.close()
	}
	p.section("net", c.shownNet(p.form))
	p.section("disk", c.PeerDevice)
	for _, d := range c.PeerDevices {
		if d.Implicit && !p.form.Verbose {
			continue
		}
		p.open("volume ", strconv.Itoa(d.Number))
		p.section("disk", d.Options, d.shown(p.form, p.expanded))
		p.close()
	}
	p.close()
}

// shownNet returns the net options to show, with the connection's name if the
// resource was asked for by name.
func (c *Connection) shownNet(form DumpForm) Options {
	if !form.Named || c.Ignored || c.Net.index("_name") >= 0 {
		return c.Net
	}
	return append(Options{{Name: "_name", Value: c.Name}}, c.Net...)
}

// shown returns what is shown of a peer device besides its options, if the resource was
// asked for by name.
func (d *PeerDevice) shown(form DumpForm, expanded bool) Options {
	if !form.Named || !expanded || d.Connection.Ignored {
		return nil
	}
	return d.implied()
}

func (p *dumper) endpoints(path *Path) {
	for _, e := range path.Endpoints {
		p.endpoint(e)
	}
}

// endpoint writes one end of a path.
func (p *dumper) endpoint(e *Endpoint) {
	gap := " " + p.indent()
	var head, note string
	switch {
	case e.Name == "":
		head = wide("address") + e.Address.text()
		if e.Host != nil {
			note = " # on " + strings.Join(e.Host.Names, "_")
		}
	case e.Port != "" && !p.form.Verbose:
		head = "host " + p.quoteName(e.Name) + " port " + e.Port
	case e.written || p.form.Verbose:
		head = "host " + p.quoteName(e.Name) + gap + "address         " + e.Address.text()
	default:
		head = "host " + p.quoteName(e.Name)
	}
	if note != "" {
		gap = note + "\n" + gap
	}
	switch {
	case e.Proxy != nil:
		p.proxy(head+gap+"via proxy on", e.Proxy)
	case e.Outside != nil:
		p.words(head, gap, "via outside-address ", e.Outside.text(), ";")
	default:
		p.words(head, ";", note)
	}
}

package confparse

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"drbdutils/schema"
)

// DumpXML writes the configuration as drbdadm dump-xml does.
func (c *Config) DumpXML(w io.Writer, form DumpForm) error {
	x := xmlDumper{gen: c.Generation, form: form, out: bufio.NewWriter(w), expanded: c.expanded}
	x.open("config", "file", c.File)
	x.global(&c.Global)
	if c.Common != nil {
		x.open("common")
		x.sections(c.Common)
		x.close("common")
	}
	for _, r := range c.Resources {
		x.resource(r)
	}
	x.close("config")
	return x.out.Flush()
}

// DumpResourceXML writes one resource, without an element around it.
func (c *Config) DumpResourceXML(w io.Writer, r *Resource, form DumpForm) error {
	x := xmlDumper{gen: c.Generation, form: form, out: bufio.NewWriter(w), expanded: c.expanded}
	x.resource(r)
	return x.out.Flush()
}

// An xmlDumper writes the XML form.
type xmlDumper struct {
	gen   schema.Generation
	form  DumpForm
	out   *bufio.Writer // its error is that of anything written before
	level int

	expanded bool // Expand was called
}

var xmlEscapes = strings.NewReplacer("'", "&apos;", `"`, "&quot;", "<", "&lt;", ">", "&gt;", "&", "&amp;")

// tag returns a tag with its attributes, without the brackets.
func tag(name string, attributes ...string) string {
	for i := 0; i < len(attributes); i += 2 {
		name += " " + attributes[i] + `="` + xmlEscapes.Replace(attributes[i+1]) + `"`
	}
	return name
}

func (x *xmlDumper) line(text string) {
	x.out.WriteString(blanks[:x.level*step])
	x.out.WriteString(text)
	x.out.WriteByte('\n')
}

func (x *xmlDumper) open(name string, attributes ...string) {
	x.line("<" + tag(name, attributes...) + ">")
	x.level++
}

func (x *xmlDumper) close(name string) {
	x.level--
	x.line("</" + name + ">")
}

// leaf returns an element with text.
func leaf(name, text string, attributes ...string) string {
	return "<" + tag(name, attributes...) + ">" + xmlEscapes.Replace(text) + "</" + name + ">"
}

func (x *xmlDumper) global(g *Global) {
	if !g.DisableIPVerification && g.MinorCount == 0 && g.DialogRefresh == 1 {
		return
	}
	x.open("global")
	if g.DisableIPVerification {
		x.line("<disable-ip-verification/>")
	}
	if g.MinorCount != 0 {
		x.line("<" + tag("minor-count", "count", fmt.Sprint(g.MinorCount)) + "/>")
	}
	if g.DialogRefresh != 1 {
		x.line("<" + tag("dialog-refresh", "refresh", fmt.Sprint(g.DialogRefresh)) + "/>")
	}
	x.close("global")
}

func (x *xmlDumper) section(name string, lists ...Options) {
	n := 0
	for _, l := range lists {
		n += len(l)
	}
	if n == 0 {
		return
	}
	x.open("section", "name", name)
	for _, l := range lists {
		x.options(l)
	}
	x.close("section")
}

func (x *xmlDumper) options(l Options) {
	for i := range l {
		if l[i].Bare {
			x.line("<" + tag("option", "name", l[i].Name) + "/>")
			continue
		}
		x.line("<" + tag("option", "name", l[i].Name, "value", l[i].Value) + "/>")
	}
}

func (x *xmlDumper) sections(r *Resource) {
	x.section("options", r.Options)
	x.section("net", r.Net)
	x.section("disk", r.Device, r.Disk, r.PeerDevice)
	x.section("startup", r.startup())
	if len(r.Proxy) > 0 || len(r.Plugins) > 0 {
		x.open("section", "name", "proxy")
		x.options(r.Proxy)
		x.section("plugin", r.Plugins)
		x.close("section")
	}
	x.section("handlers", r.Handlers)
}

func (x *xmlDumper) resource(r *Resource) {
	x.open("resource", "name", r.Name, "conf-file-line", fmt.Sprintf("%s:%d", r.Place.Path(), r.Line))
	if r.Template != "" {
		// compat: the reference does not close the element.
		x.line("<" + tag("template", "file", r.Template) + "/>")
	}
	for _, h := range r.Hosts {
		x.host(h)
	}
	if x.gen == schema.V9 {
		for _, c := range r.Connections {
			x.connection(c)
		}
	}
	x.sections(r)
	x.close("resource")
}

func (x *xmlDumper) host(h *Host) {
	if h.Kind == Floating {
		x.open("host", "floating", "1")
	} else {
		x.open("host", "name", h.label())
	}
	x.section("options", h.Options)
	for _, v := range h.Volumes {
		x.volume(v)
	}
	if h.Address != nil {
		x.line(address("address", h.Address))
	}
	if h.Proxy != nil && x.gen == schema.V84 {
		x.proxy(h.Proxy)
	}
	x.close("host")
}

func address(name string, a *Address) string {
	return leaf(name, a.Addr, "family", a.Family, "port", a.Port)
}

func (x *xmlDumper) volume(v *Volume) {
	x.open("volume", "vnr", fmt.Sprint(v.Number))
	x.section("disk", v.DeviceOptions, v.DiskOptions, v.PeerOptions)
	x.line(leaf("device", v.DeviceName, "minor", fmt.Sprint(v.Minor)))
	x.line(leaf("disk", v.Disk))
	switch v.MetaIndex {
	case "":
	case "internal":
		x.line(leaf("meta-disk", "internal"))
	case "flexible":
		x.line(leaf("meta-disk", v.MetaDisk))
	default:
		x.line(leaf("meta-disk", v.MetaDisk, "index", v.MetaIndex))
	}
	x.close("volume")
}

func (x *xmlDumper) proxy(p *Proxy) {
	x.open("proxy", "hostname", strings.Join(p.Names, " "))
	if p.Inside != nil {
		x.line(address("inside", p.Inside))
	}
	if p.Outside != nil {
		x.line(address("outside", p.Outside))
	}
	x.proxyOptions(p)
	x.close("proxy")
}

// proxyOptions writes the options of one proxy.
//
// compat: for DRBD 9 its plugins stand among the options.
func (x *xmlDumper) proxyOptions(p *Proxy) {
	if x.gen == schema.V9 {
		x.section("options", p.Options, p.Plugins)
		return
	}
	if len(p.Options) == 0 && len(p.Plugins) == 0 {
		return
	}
	x.open("section", "name", "options")
	x.options(p.Options)
	x.section("plugin", p.Plugins)
	x.close("section")
}

func (x *xmlDumper) connection(c *Connection) {
	x.open("connection")
	for _, p := range c.Paths {
		wrapped := !p.Implicit || x.form.Verbose
		if wrapped {
			x.open("path")
		}
		for _, e := range p.Endpoints {
			x.endpoint(e)
		}
		if wrapped {
			x.close("path")
		}
	}
	x.section("net", c.shownNet(x.form))
	x.section("disk", c.PeerDevice)
	for _, d := range c.PeerDevices {
		if d.Implicit && !x.form.Verbose {
			continue
		}
		x.open("volume", "vnr", fmt.Sprint(d.Number))
		x.section("disk", d.Options, d.shown(x.form, x.expanded))
		x.close("volume")
	}
	x.close("connection")
}

func (x *xmlDumper) endpoint(e *Endpoint) {
	name := e.Name
	if name == "" && e.Host != nil {
		name = strings.Join(e.Host.Names, "_")
	}
	if e.Proxy == nil {
		x.line("<" + tag("host", "name", name) + ">" + address("address", e.Address) + "</host>")
		return
	}
	x.open("host", "name", name)
	x.line(address("address", e.Address))
	x.proxy(e.Proxy)
	x.close("host")
}

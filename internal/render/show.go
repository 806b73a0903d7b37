package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// Show writes the configuration of resources in the configuration language, as
// far as the module tells it. drbdadm reads this text.
func Show(w io.Writer, s *netlinkapi.Snapshot, o Options) error {
	p := sections{Options: o}
	for _, r := range byName(s.Resources) {
		p.resource(r)
		p.WriteByte('\n')
	}
	_, err := w.Write(p.Bytes())
	return err
}

// sections writes nested sections of statements.
type sections struct {
	bytes.Buffer
	Options
	depth int
}

func (p *sections) line(parts ...string) {
	for range p.depth {
		p.WriteString("    ")
	}
	for _, part := range parts {
		p.WriteString(part)
	}
	p.WriteByte('\n')
}

// pad fills text up with blanks to the width of a column.
func pad(text string, width int) string {
	const blanks = "                "
	return text + blanks[:min(max(width-len(text), 0), len(blanks))]
}

// section writes a section; body fills it.
func (p *sections) section(title string, body func()) {
	p.line(title, " {")
	p.depth++
	body()
	p.depth--
	p.line("}")
}

// options writes a section of options, or nothing if none is worth showing.
func (p *sections) options(title string, sets ...*schema.Values) {
	inner := sections{Options: p.Options, depth: p.depth + 1}
	for _, v := range sets {
		inner.values(v)
	}
	if inner.Len() > 0 {
		p.section(title, func() { p.Write(inner.Bytes()) })
	}
}

// values writes the options of a set, each on a line of its own.
func (p *sections) values(v *schema.Values) {
	if v == nil {
		return
	}
	for i := range v.Set.Fields {
		f := &v.Set.Fields[i]
		if f.Name == "" {
			continue
		}
		val, known := v.At(i)
		if !known {
			p.line("_unknown ", pad(f.Name, 14), ";\t# not supported by kernel")
			continue
		}
		p.option(f, val, isDefault(f, val, v))
	}
}

// option writes an option; standard: it is at its default.
func (p *sections) option(f *schema.Field, val schema.Value, standard bool) {
	if !standard || p.Defaults {
		p.line(pad(f.Name, 16), "\t", p.optionText(f, val), ";", remark(f, standard))
	}
}

// isDefault reports whether val is what the option is without being set.
//
// compat: in resources that act as DRBD 8.4 automatic promotion is off unless
// set.
func isDefault(f *schema.Field, val schema.Value, v *schema.Values) bool {
	if f.Key == "auto_promote" && on(v, "drbd8_compat_mode") {
		return val.Num == 0
	}
	return f.IsDefault(val)
}

// optionText returns a value as the configuration language writes it.
func (o Options) optionText(f *schema.Field, val schema.Value) string {
	if f.Kind == schema.String || f.Kind == schema.Serial {
		return quoteConf(o.plainText(f, val))
	}
	return o.plainText(f, val)
}

// plainText returns a value without quotes. Keys are described in words.
func (o Options) plainText(f *schema.Field, val schema.Value) string {
	if f.Kind == schema.Serial && o.KeyName != nil {
		return o.KeyName(int32(val.Num))
	}
	return f.FormatSecret(val)
}

// quoteConf returns a string of the configuration language.
func quoteConf(s string) string {
	if strings.ContainsAny(s, `\"`) {
		s = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
	}
	return `"` + s + `"`
}

// nameWord returns a name as one word of the configuration language that is no
// number, without quotes if it does without: what reads the output of 8.4 expects
// none.
//
// compat: 8.4's drbdsetup never quotes, and its output is no configuration then.
func nameWord(name string) string {
	special := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-/+:@", r)
	}
	if name == "" || name[0] >= '0' && name[0] <= '9' || strings.ContainsFunc(name, special) {
		return quoteConf(name)
	}
	return name
}

// remark returns the comment behind an option.
func remark(f *schema.Field, standard bool) string {
	switch {
	case f.Unit != "" && standard:
		return " # " + f.Unit + ", default"
	case f.Unit != "":
		return " # " + f.Unit
	case standard:
		return " # default"
	}
	return ""
}

func (p *sections) resource(r *netlinkapi.Resource) {
	p.section("resource "+quoteConf(r.Name), func() {
		if on(r.Options, "drbd8_compat_mode") {
			p.line("# This resource is in drbd-8.4 compatibility mode!")
		}
		p.options("options", r.Options)
		p.section("_this_host", func() { p.thisHost(r) })
		for _, c := range connections(r) {
			p.section("connection", func() { p.connection(c) })
		}
	})
}

func (p *sections) thisHost(r *netlinkapi.Resource) {
	if has(r.Options, "node_id") {
		p.line("node-id\t\t\t", digits(num(r.Options, "node_id")), ";")
	}
	for _, d := range r.Devices {
		p.section("volume "+digits(uint64(d.Volume)), func() { p.device(d) })
	}
}

func (p *sections) device(d *netlinkapi.Device) {
	p.line("device\t\t\tminor ", digits(uint64(d.Minor)), ";")
	if lower := text(d.Disk, "backing_dev"); lower != "" {
		p.line("disk\t\t\t", quoteConf(lower), ";")
		p.line("meta-disk\t\t\t", metaDisk(d.Disk), ";")
	} else if on(d.Info, "is_intentional_diskless") {
		p.line("disk\t\t\tnone;")
	}
	p.options("disk", d.Disk, d.Conf)
}

// metaDisk returns where a disk has its metadata, as the configuration language
// says it.
func metaDisk(disk *schema.Values) string {
	place, index := text(disk, "meta_dev"), int64(num(disk, "meta_dev_idx"))
	switch index {
	case schema.MetaIndexInternal, schema.MetaIndexFlexInt:
		return "internal"
	case schema.MetaIndexFlexible:
		return quoteConf(place)
	}
	return fmt.Sprintf("%s [ %d ]", quoteConf(place), index)
}

func (p *sections) connection(c *netlinkapi.Connection) {
	p.line("_peer_node_id ", digits(uint64(c.PeerNodeID)), ";")
	for _, path := range c.Paths {
		p.section("path", func() {
			p.line("_this_host ", addressWords(path.Local), ";")
			p.line("_remote_host ", addressWords(path.Peer), ";")
		})
	}
	p.line("_cstate ", c.State().String(), ";")
	p.options("net", c.Conf)
	for _, pd := range c.PeerDevices {
		inner := sections{Options: p.Options, depth: p.depth + 1}
		inner.options("disk", pd.Options)
		if inner.Len() > 0 {
			p.section("volume "+digits(uint64(pd.Volume)), func() { p.Write(inner.Bytes()) })
		}
	}
}

// addressWords returns an address as the configuration language writes it:
// ipv4 10.0.0.1:7788.
func addressWords(a netlinkapi.Address) string {
	return strings.Replace(a.String(), ":", " ", 1)
}

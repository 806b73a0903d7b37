package render

import (
	"io"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// Show84 writes the configuration of volumes of DRBD 8.4 in the form that its
// tools gave it: one resource after the other, volumes in the module's order.
func Show84(w io.Writer, volumes []Volume84, o Options) error {
	p := sections84{sections{Options: o}}
	for len(volumes) > 0 {
		if p.Len() > 0 {
			p.WriteByte('\n')
		}
		n := 1
		for n < len(volumes) && volumes[n].Resource() == volumes[0].Resource() {
			n++
		}
		p.resource(volumes[:n])
		volumes = volumes[n:]
	}
	_, err := w.Write(p.Bytes())
	return err
}

type sections84 struct{ sections }

// set writes a section of options if the module told the set, though it may be
// empty.
func (p *sections84) set(title string, v *schema.Values) {
	if v == nil {
		return
	}
	p.section(title, func() {
		for f, val := range v.All() {
			if f.Name != "" && f.Kind != schema.Flag { // flags are of a moment, and no configuration
				p.option(f, val, f.IsDefault(val))
			}
		}
	})
}

func (p *sections84) resource(volumes []Volume84) {
	first := volumes[0]
	context := first.Get(schema.CfgContext)
	p.section("resource "+nameWord(first.Resource()), func() {
		p.set("options", first.Get(schema.ResourceOpts))
		p.set("net", first.Get(schema.NetConf))
		if has(context, "ctx_peer_addr") {
			p.section("_remote_host", func() { p.address(context.Str("ctx_peer_addr")) })
		}
		p.section("_this_host", func() {
			if has(context, "ctx_my_addr") {
				p.address(context.Str("ctx_my_addr"))
			}
			for _, v := range volumes {
				p.volume(v)
			}
		})
	})
}

func (p *sections84) address(raw string) {
	p.line("address\t\t\t", addressWords(netlinkapi.Address(raw)), ";")
}

func (p *sections84) volume(v Volume84) {
	number, ok := v.Number()
	if !ok {
		return
	}
	p.section("volume "+digits(uint64(number)), func() {
		p.line("device\t\t\tminor ", digits(uint64(v.Minor)), ";")
		disk := v.Get(schema.DiskConf)
		if lower := text(disk, "backing_dev"); lower != "" {
			p.line("disk\t\t\t", quoteConf(lower), ";")
			p.line("meta-disk\t\t\t", metaDisk(disk), ";")
		}
		p.set("disk", disk)
	})
}

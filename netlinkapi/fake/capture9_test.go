package fake

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"drbdutils/meta"
	"drbdutils/schema"
)

// format9 and geometry are those of the metadata of the recorded machine.
func (p *player) format9() meta.Version {
	if p.node.m.cfg.Version == "9.3.3" {
		return meta.V09
	}
	return meta.V08
}

func (p *player) geometry() meta.Geometry {
	g := meta.DefaultGeometry
	if p.format9() == meta.V09 {
		g.MaxPeers = 3
	}
	return g
}

// diff returns the lines that only one of two texts has.
func diff(a, b string) string {
	var out strings.Builder
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for _, line := range x {
		if !slices.Contains(y, line) {
			out.WriteString("- " + line + "\n")
		}
	}
	for _, line := range y {
		if !slices.Contains(x, line) {
			out.WriteString("+ " + line + "\n")
		}
	}
	return out.String()
}

// TestCaptures9 sends what drbd-utils sent to a real 9.3.3 module while one node
// was configured, byte for byte, and compares what comes back. What differs is
// named in deviating9.
func TestCaptures9(t *testing.T) {
	if native.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the recording is little endian")
	}
	steps := readSteps(t, "9.3.3")
	synctest.Test(t, func(t *testing.T) {
		p := newPlayer(t, "9.3.3")
		p.deviating = map[string]string{}
		p.playAll(steps, "001-family-lookup", "117-del-resource-unknown")
		require.Greater(t, p.compared, 200)
		for what, how := range p.deviating {
			if _, known := deviating9[what]; !known {
				t.Errorf("%s:\n%s", what, how)
			}
		}
		for what := range deviating9 {
			if _, still := p.deviating[what]; !still {
				t.Errorf("%s deviates no more: take it off the list", what)
			}
		}
	})
}

// aftermath9 is what was done at a shell of the recorded machine after a step.
var aftermath9 = map[string]func(p *player){
	"012-new-resource-bad-cpu-mask": func(p *player) { p.node.ok(schema.DelResource, schema.NoMinor, p.about("rbad")) },
	"066-attach-device-in-use": func(p *player) {
		p.node.ok(schema.NewMinor, 5, p.about("ropt").SetUint("ctx_volume", 1))
	},
	"111-down-unknown": func(p *player) {
		p.node.ok(schema.NewResource, schema.NoMinor, p.about("rtmp"), p.node.set(schema.ResourceOpts).SetUint("node_id", 1))
	},
	"082-primary-again":     func(p *player) { p.setOpen(0, 1) },
	"084-down-refused-open": func(p *player) { p.setOpen(0, 0) },
	"057-resource-options-unknown": func(p *player) {
		p.node.ok(schema.ChgResourceOpts, schema.NoMinor, p.about("r0"), p.node.set(schema.ResourceOpts).SetUint("quorum", 0))
	},
}

func (p *player) setOpen(minor uint32, users int) {
	d := p.node.m.minors[minor]
	d.open = users
	d.openers = make([]string, users)
	d.res.m.tell(d.about(schema.Change))
}

func (p *player) about(resource string) *schema.Values {
	return p.node.set(schema.CfgContext).SetStr("ctx_resource_name", resource)
}

// deviating9 names what the fake answers otherwise than the recorded module, and
// why.
var deviating9 = map[string]string{
	"065-attach-all-options: answers":             alFlag,
	"065-attach-all-options: notifications":       alFlag,
	"066-attach-device-in-use: answers":           alFlag,
	"066-attach-device-in-use: notifications":     "what was done at the shell afterwards was not recorded",
	"067-attach-external-flexible: answers":       slots,
	"067-attach-external-flexible: notifications": slots,
	"068-detach-external: notifications":          slots,
	"069-attach-unknown-minor: answers":           slots,
	"070-show-attached: answers":                  slots,
	"072-status-attached: answers":                slots,
	"084-down-refused-open: answers":              opener,
	"083-secondary-refused-open: answers":         opener,
	"087-status-uptodate: answers":                slots,
	"088-get-gi: answers":                         markedBase,
	"090-role: answers":                           slots,
	"092-dstate: answers":                         slots,
	"094-dstate-unknown: answers":                 slots,
	"104-del-peer: notifications":                 markedBase,
	"108-del-minor-of-ropt: notifications":        slots,
	"110-down-ropt: answers":                      slots,
	"110-down-ropt: notifications":                slots,
	"111-down-unknown: answers":                   slots,
}

// abbreviated9 are the steps whose recording leaves out the objects of a dump.
var abbreviated9 = []string{"044-show-configured", "045-show-defaults-json", "071-show-all", "089-show-gi"}

// Why some answers differ.
const (
	alFlag     = "the module notes later that the activity log is off, and clears the clean mark with the first write"
	slots      = "the disk of volume 1 of ropt had metadata with more slots, which nobody recorded"
	opener     = "the process that had the device open is another"
	markedBase = "the base that the module makes up for peers it never met carries the mark of a Primary by chance"
)

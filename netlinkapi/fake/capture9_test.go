package fake

import (
	"fmt"
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
	replay(t, "9.3.3", func(p *player) {
		p.deviating = map[string]string{}
		p.playAll("001-family-lookup", "117-del-resource-unknown")
		require.Greater(p.t, p.compared, 200)
		for what, how := range p.deviating {
			if _, known := deviating9[what]; !known {
				p.t.Errorf("%s:\n%s", what, how)
			}
		}
		for what := range deviating9 {
			if _, still := p.deviating[what]; !still {
				p.t.Errorf("%s deviates no more: take it off the list", what)
			}
		}
	})
}

// TestCaptures9Dumps does the same on a node with three resources: dumps, objects that
// are not there, and broken requests.
func TestCaptures9Dumps(t *testing.T) {
	replay(t, "9.3.3", func(p *player) {
		p.threeResources9()
		p.deviating = map[string]string{}
		p.playAll("118-dump3-show", "214-raw-get-status-84-command")
		require.Greater(p.t, p.compared, 200)
		require.Contains(p.t, p.deviating, existing)
		delete(p.deviating, existing)
		for what, how := range p.deviating { // one disk had been written, which nobody recorded
			require.Equal(p.t, "-     00013 0x0 dev_disk_flags = 80000000\n", how, what)
		}
	})
}

// existing is a minor that is made again. The module has nothing against it; the fake
// refuses in the place of drbdsetup, which looks into sysfs.
const existing = "207-raw-new-minor-exists: answers"

// threeResources9 configures what the recorded machine had then: two volumes each,
// and two peers, of which one is to be connected.
func (p *player) threeResources9() {
	n := p.node
	for i, name := range []string{"ra", "rb", "rc"} {
		n.ok(schema.NewResource, schema.NoMinor, p.about(name), n.set(schema.ResourceOpts).SetUint("node_id", 0))
		for peer := 1; peer <= 2; peer++ {
			port := 770 + 10*peer + i
			to := p.about(name).SetUint("ctx_peer_node_id", uint64(peer))
			net := n.set(schema.NetConf).SetStr("name", fmt.Sprint("node", peer+1))
			if peer == 1 {
				net.SetStr("cram_hmac_alg", "sha1").SetStr("shared_secret", "hush-"+name)
			}
			n.ok(schema.NewPeer, schema.NoMinor, to, net)
			at := func(node int) string { return address(fmt.Sprintf("10.0.0.%d:%d", node+1, port)) }
			n.ok(schema.NewPath, schema.NoMinor, to, n.set(schema.PathParms).SetStr("my_addr", at(0)).SetStr("peer_addr", at(peer)))
		}
		for volume := range 2 {
			n.ok(schema.NewMinor, uint32(100+2*i+volume), p.about(name).SetUint("ctx_volume", uint64(volume)))
			disk := fmt.Sprintf("/dev/loop%d", 1+2*i+volume)
			conf := n.set(schema.DiskConf).SetStr("backing_dev", disk).SetStr("meta_dev", disk).SetInt("meta_dev_idx", -3)
			n.ok(schema.Attach, uint32(100+2*i+volume), conf)
		}
	}
	n.ok(schema.Connect, schema.NoMinor, p.about("ra").SetUint("ctx_peer_node_id", 1))
	n.ok(schema.Promote, schema.NoMinor, p.about("rb"), n.set(schema.SetRoleParms).SetBool("force", true))
	synctest.Wait()
}

// aftermath9 is what was done at a shell of the recorded machine after a step.
var aftermath9 = map[string]func(p *player){
	"252-resize-no-primary": func(p *player) {
		require.True(p.t, p.node.promoteNine(false).OK())
		settle()
	},
	"261-new-current-uuid-clear-bitmap-refused": func(p *player) {
		p.node.ok(schema.Demote, schema.NoMinor, p.node.named())
		settle()
	},
	"266-live-down": func(p *player) { // the peer begins with a fresh disk
		p.peer.ok(schema.Down, schema.NoMinor, p.peer.named())
		p.freshPeer9("")
		p.peer.ok(schema.Connect, schema.NoMinor, p.peer.peerContext(0))
	},
	"012-new-resource-bad-cpu-mask": func(p *player) { p.node.ok(schema.DelResource, schema.NoMinor, p.about("rbad")) },
	"066-attach-device-in-use": func(p *player) {
		p.node.ok(schema.NewMinor, 5, p.about("ropt").SetUint("ctx_volume", 1))
	},
	"111-down-unknown": func(p *player) {
		p.node.ok(schema.NewResource, schema.NoMinor, p.about("rtmp"), p.node.set(schema.ResourceOpts).SetUint("node_id", 1))
	},
	"192-raw-do-as-dump": func(p *player) {
		p.node.ok(schema.NewMinor, 110, p.about("rc").SetUint("ctx_volume", 5))
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
	"090-role: answers":                           slots,
	"092-dstate: answers":                         slots,
	"094-dstate-unknown: answers":                 slots,
	"110-down-ropt: answers":                      slots,
	"110-down-ropt: notifications":                slots,
	"111-down-unknown: answers":                   slots,
}

// abbreviated9 are the steps whose recording leaves out the objects of a dump.
var abbreviated9 = []string{"044-show-configured", "045-show-defaults-json", "071-show-all", "089-show-gi", "120-dump3-status", "123-dump3-status-json", "125-dump3-events2-now-one", "129-get-gi-unknown", "140-user-status", "144-user-events2-now", "160-raw-dump-initial-state-filtered"}

// Why some answers differ.
const (
	alFlag = "the module notes later that the activity log is off, and clears the clean mark with the first write"
	slots  = "the disk of volume 1 of ropt had metadata with more slots, which nobody recorded"
	opener = "the process that had the device open is another"
)

// TestCaptures9Unmarked configures a node with requests without the mandatory marks.
func TestCaptures9Unmarked(t *testing.T) {
	replay(t, "9.3.3", func(p *player) { p.playAll("273-unmarked-up", "273-unmarked-up") })
}

// TestCaptures9Hazards loses the name of a connection, attaches without and with an
// applied log, and brings the machine down.
func TestCaptures9Hazards(t *testing.T) {
	replay(t, "9.3.3", func(p *player) {
		p.connected()
		require.True(p.t, p.node.promoteNine(false).OK())
		p.write(256 << 10)
		p.node.ok(schema.Demote, schema.NoMinor, p.node.named())
		p.cut()
		p.heal()
		p.deviating = map[string]string{}
		p.playAll("274-net-options-set-defaults-name", "274-net-options-set-defaults-name")
		p.playAll("276-detach-attach-without-apply-al", "278-attach-again-status")
		for what, how := range p.deviating {
			p.t.Errorf("%s:\n%s", what, how)
		}
	})
}

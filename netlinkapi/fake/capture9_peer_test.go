package fake

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"drbdutils/meta"
	"drbdutils/schema"
)

// TestCaptures9WithPeer does the same as TestCaptures9 with a peer: from the first
// connect to the loss of the peer.
func TestCaptures9WithPeer(t *testing.T) {
	replay(t, "9.3.3", func(p *player) {
		p.addPeer9()
		p.deviating = map[string]string{}
		p.node.m.cfg.Helper = func(context.Context, []string, []string) uint32 {
			time.Sleep(5 * time.Millisecond)
			return 0
		}
		for _, s := range p.steps {
			if s.name >= "216-connect-no-peer-yet" && s.name <= "271-down" {
				p.play(s)
				p.compareStates(s)
			}
		}
		require.Greater(p.t, p.compared, 300)
		for _, what := range []string{"268-new-current-uuid-clear-bitmap", "269-live-peer-power-loss", "270-status-peer-lost"} {
			what += ": answers" // the peer does not say at once that it is no longer Inconsistent; here it does
			require.NotContains(p.t, withoutLines(p.deviating[what], "peer_dev_uuid_flags"), " ", what)
			delete(p.deviating, what)
		}
		for what, how := range p.deviating {
			p.t.Errorf("%s:\n%s", what, how)
		}
	})
}

// withoutLines leaves out the lines with a word.
func withoutLines(text, word string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return strings.Contains(l, word) })
	return strings.Join(lines, "\n")
}

// compareStates compares what listeners were told of states, without repetitions.
func (p *player) compareStates(s step) {
	states := func(list [][]byte) (lines []string) {
		for _, msg := range list {
			if line := p.brief(msg); line != "" { // the old-style events of 8.4 come from a worker of their own
				lines = append(lines, line)
			}
		}
		return slices.Compact(lines)
	}
	recorded, ours := states(s.told), states(p.told)
	if slices.Contains(unordered9, s.name) {
		slices.Sort(recorded)
		slices.Sort(ours)
		recorded, ours = slices.Compact(recorded), slices.Compact(ours)
	}
	if !slices.Equal(recorded, ours) {
		p.t.Errorf("%s\nrecorded:\n  %s\nours:\n  %s", s.name, strings.Join(recorded, "\n  "), strings.Join(ours, "\n  "))
	}
}

// unordered9 are the steps in which what two threads of the module tell comes in an
// order that is chance.
var unordered9 = []string{
	"275-live-fence-peer-network", "244-live-invalidate", "245-live-invalidate-remote", "255-resize-full", "261-new-current-uuid-clear-bitmap-refused",
}

// brief is a notification in a line: what happened, and the states.
func (p *player) brief(msg []byte) string {
	var words []string
	for _, a := range readAttributes(msg[bodyOffset:]) {
		set := schema.ID(a.number()).In(p.node.m.gen)
		if set == nil {
			continue
		}
		v := set.New()
		_ = decodeInto(v, unmarked(a.payload))
		switch set.ID {
		case schema.NotifyHeader:
			words = append(words, schema.Action(v.Uint("nh_type")&^uint64(schema.Continues)).String())
		case schema.ResourceInfo:
			words = append(words, "resource", schema.Role(v.Uint("res_role")).String(), fmt.Sprint(v.Bool("res_susp")))
		case schema.ConnectionInfo:
			words = append(words, "connection", schema.ConnState(v.Uint("conn_connection_state")).String(), schema.Role(v.Uint("conn_role")).String())
		case schema.DeviceInfo:
			words = append(words, "device", schema.DiskState(v.Uint("dev_disk_state")).String(), fmt.Sprint(v.Bool("is_intentional_diskless")))
		case schema.PeerDeviceInfo:
			words = append(words, "peer-device", schema.ReplState(v.Uint("peer_repl_state")).String(), schema.DiskState(v.Uint("peer_disk_state")).String(),
				fmt.Sprint(v.Bool("peer_resync_susp_user"), v.Bool("peer_resync_susp_peer")))
		case schema.Helper:
			words = append(words, v.Str("helper_name"))
		case schema.PathInfo:
			words = append(words, "path", fmt.Sprint(v.Bool("path_established")))
		}
	}
	return strings.Join(words, " ")
}

// addPeer9 configures resource r0 on the recorded node, whose data counts, and on
// another, whose disk is empty.
func (p *player) addPeer9() {
	network := NewMemoryNetwork()
	p.node.m.cfg.Network, p.node.m.cfg.ResyncRate = network, 8<<20
	p.node.disk, p.node.size = p.path("vda"), 32<<20
	p.peer = &machine{t: p.t, disk: filepath.Join(p.t.TempDir(), "peer"), size: 32 << 20}
	p.peer.m = New(Config{Version: "9.3.3", Network: network, ResyncRate: 8 << 20})
	p.t.Cleanup(func() { p.peer.m.Close() })
	p.freshPeer9("crc32c")
	p.node.recorded9(0, "/dev/vda", "crc32c")
	p.node.ok(schema.Promote, schema.NoMinor, p.node.named(), p.node.set(schema.SetRoleParms).SetBool("force", true))
	p.node.ok(schema.Demote, schema.NoMinor, p.node.named())
	p.node.ok(schema.Down, schema.NoMinor, p.node.named())
	p.readyDisk()
	p.node.recorded9(0, "/dev/vda", "crc32c")
}

// freshPeer9 gives the peer an empty disk, and configures it.
func (p *player) freshPeer9(verifyAlg string) {
	n := p.peer
	require.NoError(n.t, os.WriteFile(n.disk, nil, 0o600))
	require.NoError(n.t, os.Truncate(n.disk, n.size))
	f, err := os.OpenFile(n.disk, os.O_RDWR, 0)
	require.NoError(n.t, err)
	defer f.Close()
	_, err = meta.Create(f, n.size, meta.CreateOptions{Version: meta.V09, Index: meta.FlexInternal, Geometry: p.geometry()})
	require.NoError(n.t, err)
	n.recorded9(1, n.disk, verifyAlg)
}

// recorded9 configures resource r0 as it was on the recorded machines.
func (n *machine) recorded9(id int, disk, verifyAlg string) {
	peer := 1 - id
	to := n.peerContext(peer)
	names, ports := []string{"node1", "node2"}, []string{"10.0.0.1:7789", "10.0.0.2:7789"}
	res := n.set(schema.ResourceOpts).SetUint("node_id", uint64(id)).SetBool("auto_promote", false)
	n.ok(schema.NewResource, schema.NoMinor, n.named(), res)
	n.ok(schema.NewPeer, schema.NoMinor, to, n.set(schema.NetConf).SetStr("name", names[peer]).SetStr("verify_alg", verifyAlg))
	n.ok(schema.NewPath, schema.NoMinor, to, n.set(schema.PathParms).SetStr("my_addr", address(ports[id])).SetStr("peer_addr", address(ports[peer])))
	n.ok(schema.NewMinor, 0, n.named().SetUint("ctx_volume", 0))
	rates := n.set(schema.PeerDeviceOpts).SetUint("resync_rate", 6144).SetUint("c_plan_ahead", 0)
	n.ok(schema.ChgPeerDeviceOpts, schema.NoMinor, n.peerContext(peer).SetUint("ctx_volume", 0), rates)
	n.attach9(disk)
}

func (n *machine) attach9(disk string) {
	n.ok(schema.Attach, 0, n.set(schema.DiskConf).SetStr("backing_dev", disk).SetStr("meta_dev", disk).SetInt("meta_dev_idx", -3))
}

// applyAL9 does what drbdadm does before each attach.
func (n *machine) applyAL9() {
	f, err := os.OpenFile(n.disk, os.O_RDWR, 0)
	require.NoError(n.t, err)
	defer f.Close()
	img, err := meta.Open(f, n.size, meta.V09, meta.FlexInternal)
	require.NoError(n.t, err)
	_, err = img.ApplyAL()
	require.NoError(n.t, err)
}

// between9 is what happened elsewhere before a request of a step, by the number of the
// request.
var between9 = map[string]map[int]func(p *player){
	"220-live-connect-initial-sync": {
		1:  func(p *player) { p.peer.ok(schema.Connect, schema.NoMinor, p.peer.peerContext(0)) },
		10: wait,
	},
	"233-live-role-change": {
		2: func(p *player) {
			require.Equal(p.t, schema.StateTwoPrimaries, p.peer.promoteNine(false))
			p.write(512 << 10)
		},
		3: func(p *player) { require.True(p.t, p.peer.promoteNine(false).OK()) },
		4: func(p *player) { p.peer.ok(schema.Demote, schema.NoMinor, p.peer.named()) },
	},
	"240-outdate-connected": {1: wait},
	"241-live-verify":       {2: wait},
	"242-live-verify-out-of-sync": {2: wait, 0: func(p *player) {
		f, err := os.OpenFile(p.peer.disk, os.O_RDWR, 0)
		require.NoError(p.t, err)
		defer f.Close()
		_, err = f.WriteAt(make([]byte, 3*4096), 100*4096)
		require.NoError(p.t, err)
		_, err = f.WriteAt([]byte("a"), 101*4096)
		require.NoError(p.t, err)
	}},
	"244-live-invalidate":          {13: wait},
	"245-live-invalidate-remote":   {2: wait},
	"246-invalidate-remote-bitmap": {1: wait},
	"247-invalidate-options":       {1: wait},
	"248-live-detach-attach":       {2: (*player).readyDisk, 5: wait},
	"249-live-peer-detach": {
		2: func(p *player) { p.peer.ok(schema.Detach, 0) },
		3: func(p *player) {
			p.peer.applyAL9()
			p.peer.attach9(p.peer.disk)
			settle()
		},
		4: (*player).readyDisk,
		7: wait,
	},
	"251-attach-after-diskless": {0: (*player).readyDisk, 3: wait},
	"255-resize-full":           {1: wait},
	"262-live-disconnect-reconnect": {
		3: func(p *player) { p.write(2 << 20) },
		4: wait,
		6: wait,
	},
	"263-live-fence-peer":  {3: func(p *player) { p.write(256 << 10) }}, // 9.3.3 refuses the peer's disconnect
	"264-live-network-cut": {1: func(p *player) { p.cut(); p.heal() }},
	"265-outdate":          {7: wait},
	"275-live-fence-peer-network": {
		3: (*player).cut,
		8: func(p *player) { p.write(256 << 10); p.heal(); wait(p) },
	},
	"276-detach-attach-without-apply-al": {4: (*player).readyDisk},
	"267-up-sequence":                    {5: func(p *player) { p.format("vda", 32<<20, meta.FlexInternal) }},
	"269-live-peer-power-loss":           {1: func(p *player) { p.peer.m.Close() }},
}

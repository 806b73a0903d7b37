package fake

import (
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// TestCapturesWithPeer does the same with a peer: connect, full sync, roles,
// suspension and what is refused meanwhile. Counters differ, as the machines are
// not equally fast.
func TestCapturesWithPeer(t *testing.T) {
	replay(t, "8.4.11", func(p *player) {
		p.addPeer()
		p.playAll("184-connect-no-peer-yet", "229-down")
		require.Greater(p.t, p.compared, 250)
	})
}

// addPeer configures resource r0 on the recorded node, whose data counts, and on
// another, whose disk is empty.
func (p *player) addPeer() {
	network := NewMemoryNetwork()
	p.node.m.cfg.Network, p.node.m.cfg.ResyncRate = network, 8<<20
	x, y := address("10.0.0.1:7789"), address("10.0.0.2:7789")
	p.node.addr, p.node.peer = x, y
	p.peer = newMachine(p.t, network, "peer", y, x)
	p.peer.configure()
	rates := p.peer.set(schema.DiskConf).SetUint("resync_rate", 6144).SetUint("c_plan_ahead", 0)
	p.peer.ok(schema.ChgDiskOpts, 0, rates)
	n := p.node
	ctx := func(name string) *schema.Values { return n.set(schema.CfgContext).SetStr("ctx_resource_name", name) }
	n.ok(schema.NewResource, schema.NoMinor, ctx("rbad"), n.set(schema.ResourceOpts).SetStr("cpu_mask", "zzz"))
	n.ok(schema.NewResource, schema.NoMinor, ctx("r0"))
	n.ok(schema.NewMinor, 0, ctx("r0"))
	conf := n.set(schema.DiskConf).SetStr("backing_dev", "/dev/vda").SetStr("meta_dev", "/dev/vda").SetInt("meta_dev_idx", -3)
	conf.SetUint("resync_rate", 6144).SetUint("c_plan_ahead", 0)
	n.ok(schema.Attach, 0, conf)
	n.ok(schema.Promote, 0, n.set(schema.SetRoleParms).SetBool("assume_uptodate", true))
	n.ok(schema.Demote, 0)
}

// between is what happened elsewhere before a request of a step, by the number of
// the request.
var between = map[string]map[int]func(p *player){
	"187-live-connect-initial-sync": {1: func(p *player) { p.peer.connect(p.peer.verifies()) }},
	"198-live-role-change": {
		2: func(p *player) {
			code, _ := p.peer.do(schema.Promote, 0, 0)
			require.Equal(p.t, schema.StateTwoPrimaries, code)
			p.write(512 << 10)
		},
		3: func(p *player) { p.peer.ok(schema.Promote, 0) },
		4: func(p *player) { p.peer.ok(schema.Demote, 0) },
	},
	"204-live-verify": {2: wait},
	"205-live-verify-out-of-sync": {2: wait, 0: func(p *player) {
		f, err := os.OpenFile(p.peer.disk, os.O_RDWR, 0)
		require.NoError(p.t, err)
		defer f.Close()
		_, err = f.WriteAt([]byte("not what was written"), 100*4096)
		require.NoError(p.t, err)
	}},
	"207-live-invalidate":        {12: wait},
	"208-live-invalidate-remote": {2: wait},
	"209-live-detach-attach":     {3: (*player).readyDisk, 4: wait},
	"210-live-peer-detach": {
		2: func(p *player) { p.peer.ok(schema.Detach, 0) },
		3: func(p *player) {
			p.peer.applyAL()
			p.peer.ok(schema.Attach, 0, p.peer.diskConf())
			settle()
		},
		4: (*player).readyDisk,
		5: wait,
	},
	"214-resize-full": {1: wait},
	"220-live-disconnect-reconnect": {
		3: func(p *player) { p.write(2 << 20) },
		4: wait,
		5: func(p *player) {
			p.peer.ok(schema.Disconnect, schema.NoMinor, p.peer.ends())
			p.peer.connect(p.peer.verifies())
		},
		6: wait,
	},
	"221-live-fence-peer": {
		3: func(p *player) {
			p.peer.ok(schema.Disconnect, schema.NoMinor, p.peer.ends())
			settle()
			p.write(256 << 10)
		},
		7: func(p *player) { p.peer.connect(p.peer.verifies()) },
		8: wait,
	},
	"222-live-network-cut": {1: func(p *player) { p.cut(); p.heal() }},
	"223-outdate":          {7: wait},
	"225-up-sequence":      {2: func(p *player) {}},
	"234-live-fence-peer-network": {
		3: (*player).cut,
		7: func(p *player) { p.write(256 << 10); p.heal(); wait(p) },
	},
	"227-live-peer-power-loss": {1: func(p *player) { p.peer.m.Close() }},
}

// verifies are the options of the recorded connection.
func (n *machine) verifies() *schema.Values {
	return n.set(schema.NetConf).SetStr("verify_alg", "crc32c")
}

// readyDisk does what drbdadm does before it attaches the disk.
func (p *player) readyDisk() { p.applyAL("vda", 32<<20) }

// write writes as an application on the recorded node.
func (p *player) write(n int) { require.NoError(p.t, p.node.m.Write(0, 0, make([]byte, n))) }

// cut and heal cut the network, and repair it.
func (p *player) cut() {
	require.NoError(p.t, p.node.m.Cut("ipv4:10.0.0.2:7789"))
	settle()
}

func (p *player) heal() {
	require.NoError(p.t, p.node.m.Heal("ipv4:10.0.0.2:7789"))
	settle()
}

// wait lets a resync end.
func wait(*player) {
	time.Sleep(time.Minute)
	synctest.Wait()
}

// outrun are the steps whose events were built when the command had gone on: whether
// they show the disk that is gone by then is chance.
var outrun = []string{"224-live-down"}

// moving are the steps whose answers show a resync on its way.
var moving = []string{"187-live-connect-initial-sync", "220-live-connect-initial-sync"}

// paced are the counters that depend on the speed of a machine.
var paced = []string{
	"send_cnt", "recv_cnt", "writ_cnt", "al_writ_cnt", "bits_oos", "rs_pending_cnt", "ap_bio_cnt", "dev_write", "dev_al_writes",
	"peer_dev_sent", "peer_dev_received", "peer_dev_out_of_sync", "peer_dev_pending", "peer_dev_unacked",
	"conn_congested", "dev_al_suspended",
	"rs_in_flight", "peer_dev_rs_dt_start_ms", "peer_dev_rs_paused_ms", "peer_dev_rs_dt0_ms", "peer_dev_rs_db0_sectors",
	"peer_dev_rs_dt1_ms", "peer_dev_rs_db1_sectors", "peer_dev_rs_c_sync_rate",
}

// withoutProgress leaves out the events that tell how far a resync is.
func withoutProgress(list [][]byte) [][]byte {
	return slices.DeleteFunc(list, func(msg []byte) bool {
		for _, a := range readAttributes(msg[bodyOffset:]) {
			if schema.ID(a.number()) == schema.StateInfo {
				v := schema.StateInfo.In(schema.V84).New()
				return decodeInto(v, a.payload) == nil && v.Uint("sib_reason") == sibSyncProgress
			}
		}
		return false
	})
}

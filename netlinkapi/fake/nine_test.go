package fake

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"drbdutils/meta"
	"drbdutils/schema"
)

// newNine returns nodes of DRBD 9 with fresh metadata, all joined to each other.
func newNine(t *testing.T, count int, opts func(v *schema.Values)) []*machine {
	t.Helper()
	network := NewMemoryNetwork()
	var nodes []*machine
	for id := range count {
		n := &machine{t: t, disk: filepath.Join(t.TempDir(), "disk"), size: 4 << 20}
		f, err := os.Create(n.disk)
		require.NoError(t, err)
		require.NoError(t, f.Truncate(n.size))
		geometry := meta.DefaultGeometry
		geometry.MaxPeers = uint32(count - 1)
		_, err = meta.Create(f, n.size, meta.CreateOptions{Version: meta.V09, Index: meta.FlexInternal, Geometry: geometry})
		require.NoError(t, err)
		require.NoError(t, f.Close())
		n.m = New(Config{Version: "9.3.3", Network: network, ResyncRate: 64 << 20})
		t.Cleanup(n.m.Close)
		n.upNine(id, count, opts)
		nodes = append(nodes, n)
	}
	settle()
	return nodes
}

func (n *machine) upNine(id, count int, opts func(v *schema.Values)) {
	n.t.Helper()
	res := n.set(schema.ResourceOpts).SetUint("node_id", uint64(id))
	if opts != nil {
		opts(res)
	}
	n.ok(schema.NewResource, schema.NoMinor, n.named(), res)
	n.ok(schema.NewMinor, 0, n.named().SetUint("ctx_volume", 0))
	for peer := range count {
		if peer == id {
			continue
		}
		n.ok(schema.NewPeer, schema.NoMinor, n.peerContext(peer), n.set(schema.NetConf).SetStr("name", fmt.Sprint("n", peer)))
		at := func(node int) string { return address(fmt.Sprintf("10.0.0.%d:7789", node+1)) }
		n.ok(schema.NewPath, schema.NoMinor, n.peerContext(peer), n.set(schema.PathParms).SetStr("my_addr", at(id)).SetStr("peer_addr", at(peer)))
	}
	n.ok(schema.Attach, 0, n.diskConf())
	for peer := range count {
		if peer != id {
			n.ok(schema.Connect, schema.NoMinor, n.peerContext(peer))
		}
	}
}

func (n *machine) peerContext(peer int) *schema.Values {
	return n.named().SetUint("ctx_peer_node_id", uint64(peer))
}

// disks returns the state of the disk here and of those at the peers, by node id.
func (n *machine) disks() string {
	n.m.mu.Lock()
	defer n.m.mu.Unlock()
	d := n.m.minors[0]
	text := d.own.disk.String()
	for _, c := range d.res.conns {
		text += " " + d.with(c).part.pdsk.String()
	}
	return text
}

func (n *machine) promoteNine(force bool) schema.Code {
	code, _ := n.do(schema.Promote, schema.NoMinor, 0, n.named(), n.set(schema.SetRoleParms).SetBool("force", force))
	return code
}

// TestThreeNodes brings three nodes to the same data and checks that they agree on
// who may write.
func TestThreeNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newNine(t, 3, nil)
		require.Equal(t, "Inconsistent Inconsistent Inconsistent", nodes[0].disks())
		require.Equal(t, schema.StateNoUpToDateDisk, nodes[0].promoteNine(false))
		require.True(t, nodes[0].promoteNine(true).OK())
		settle()
		for _, n := range nodes {
			require.Equal(t, "UpToDate UpToDate UpToDate", n.disks())
		}
		require.Equal(t, schema.StateTwoPrimaries, nodes[1].promoteNine(true))
		data := []byte("written on node 0 and read on node 2")
		require.NoError(t, nodes[0].m.Write(0, 4096, data))
		code, _ := nodes[0].do(schema.Demote, schema.NoMinor, 0, nodes[0].named())
		require.True(t, code.OK())
		got, err := nodes[2].m.Read(0, 4096, int64(len(data)))
		require.NoError(t, err)
		require.Equal(t, data, got)
	})
}

// TestMissedWrites takes a node away while another writes: it gets what it missed,
// from the node that wrote and not from scratch.
func TestMissedWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newNine(t, 3, nil)
		require.True(t, nodes[0].promoteNine(true).OK())
		settle()
		gone := nodes[2]
		require.NoError(t, gone.m.Cut("ipv4:10.0.0.1:7789"))
		require.NoError(t, gone.m.Cut("ipv4:10.0.0.2:7789"))
		settle()
		require.NoError(t, nodes[0].m.Write(0, 8192, []byte("missed")))
		require.EqualValues(t, 1, nodes[0].m.minors[0].with(nodes[0].m.resources[0].connectionTo(2)).outOfSync())
		require.EqualValues(t, 1, nodes[1].m.minors[0].with(nodes[1].m.resources[0].connectionTo(2)).outOfSync(), "the other peer keeps account, too")
		require.NoError(t, gone.m.Heal("ipv4:10.0.0.1:7789"))
		require.NoError(t, gone.m.Heal("ipv4:10.0.0.2:7789"))
		settle()
		settle()
		for _, n := range nodes {
			require.Equal(t, "UpToDate UpToDate UpToDate", n.disks())
		}
	})
}

// TestQuorum cuts a Primary off: its I/O waits, and the others may take over.
func TestQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newNine(t, 3, func(v *schema.Values) { v.SetUint("quorum", quorumMajority) })
		require.True(t, nodes[0].promoteNine(true).OK())
		settle()
		require.NoError(t, nodes[0].m.Cut("ipv4:10.0.0.2:7789"))
		require.NoError(t, nodes[0].m.Cut("ipv4:10.0.0.3:7789"))
		settle()
		require.True(t, nodes[0].m.resources[0].susp.quorum)
		require.False(t, nodes[1].m.resources[0].susp.quorum)
		require.True(t, nodes[1].promoteNine(false).OK())
	})
}

// TestNoQuorumFailsIO cuts a Primary off that is to get errors then: what it writes is
// lost nowhere, for it cannot write.
func TestNoQuorumFailsIO(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newNine(t, 3, func(v *schema.Values) { v.SetUint("quorum", quorumMajority).SetUint("on_no_quorum", 0) })
		require.True(t, nodes[0].promoteNine(true).OK())
		settle()
		for _, peer := range []string{"ipv4:10.0.0.2:7789", "ipv4:10.0.0.3:7789"} {
			require.NoError(t, nodes[0].m.Cut(peer))
		}
		settle()
		require.ErrorIs(t, nodes[0].m.Write(0, 0, []byte("alone")), ErrIO)
		_, err := nodes[0].m.Read(0, 0, 5)
		require.ErrorIs(t, err, ErrIO)
		for _, peer := range []string{"ipv4:10.0.0.2:7789", "ipv4:10.0.0.3:7789"} {
			require.NoError(t, nodes[0].m.Heal(peer))
		}
		settle()
		require.NoError(t, nodes[0].m.Write(0, 0, []byte("together")))
	})
}

// reach cuts or repairs all ways between one node and the others of a cluster.
func (n *machine) reach(verb func(m *Module, peer string) error, self, count int) {
	n.t.Helper()
	for peer := range count {
		if peer != self {
			require.NoError(n.t, verb(n.m, fmt.Sprintf("ipv4:10.0.0.%d:7789", peer+1)))
		}
	}
}

// quorum reports whether the node has quorum.
func (n *machine) quorum() bool {
	n.m.mu.Lock()
	defer n.m.mu.Unlock()
	return n.m.minors[0].own.quorum
}

// TestFiveNodes loses one node after the other. Those that cannot know what was written
// count against the rest as long as it is unknown what another has.
func TestFiveNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newNine(t, 5, func(v *schema.Values) { v.SetUint("quorum", quorumMajority) })
		require.True(t, nodes[0].promoteNine(true).OK())
		settle()
		all := "UpToDate UpToDate UpToDate UpToDate UpToDate"
		for _, n := range nodes {
			require.Equal(t, all, n.disks())
		}
		for _, lost := range []int{4, 3} {
			nodes[lost].reach((*Module).Cut, lost, len(nodes))
			settle()
			require.False(t, nodes[lost].quorum())
			require.Equal(t, schema.StateNoQuorum, nodes[lost].promoteNine(false))
		}
		require.True(t, nodes[0].quorum(), "three of five")
		require.NoError(t, nodes[0].m.Write(0, 4096, []byte("three have it")))
		nodes[2].reach((*Module).Cut, 2, len(nodes))
		settle()
		require.False(t, nodes[0].quorum(), "two of five, though two of the others are behind")
		require.True(t, nodes[0].m.resources[0].susp.quorum)
		for lost := 2; lost < len(nodes); lost++ {
			nodes[lost].reach((*Module).Heal, lost, len(nodes))
		}
		settle()
		settle()
		for _, n := range nodes {
			require.Equal(t, all, n.disks())
			require.True(t, n.quorum())
		}
		require.False(t, nodes[0].m.resources[0].susp.quorum)
	})
}

// TestNeeded refuses what would leave a Primary without data, or without knowledge of
// what its peer has.
func TestNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newNine(t, 2, nil)
		require.True(t, nodes[0].promoteNine(true).OK())
		settle()
		nodes[0].ok(schema.ChgNetOpts, schema.NoMinor, nodes[0].peerContext(1), nodes[0].set(schema.NetConf).SetUint("fencing_policy", 1))
		refused := func(op schema.Op, minor uint32, sets ...*schema.Values) {
			code, texts := nodes[1].do(op, minor, 0, sets...)
			require.Equal(t, schema.StateFailedByPeer, code)
			require.Equal(t, []string{"Declined by peer n0 (id: 0), see the kernel log there"}, texts)
		}
		refused(schema.Disconnect, schema.NoMinor, nodes[1].peerContext(0)) // the peer would not know that it is outdated
		nodes[0].ok(schema.Detach, 0)
		refused(schema.Detach, 0)
		refused(schema.Disconnect, schema.NoMinor, nodes[1].peerContext(0))
		code, _ := nodes[1].do(schema.Outdate, 0, 0)
		require.Equal(t, schema.StateConnectedOutdates, code)
		require.Equal(t, "UpToDate Diskless", nodes[1].disks())
	})
}

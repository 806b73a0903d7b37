package render_test

import (
	"fmt"
	"io"
	"testing"

	"drbdutils/internal/render"
	"drbdutils/netlinkapi"
	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// messages returns what a module says about a resource with one volume and
// several peers.
func messages(name string, minor uint32, peers int) []netlinkapi.Message {
	set := func(id schema.ID) *schema.Values { return id.In(schema.V9).New() }
	message := func(op schema.Op, minor uint32, context *schema.Values, sets ...*schema.Values) netlinkapi.Message {
		context.SetStr("ctx_resource_name", name)
		head := set(schema.NotifyHeader).SetUint("nh_type", uint64(schema.Exists))
		return netlinkapi.Message{Op: op, Minor: minor, Code: schema.NoError, Sets: append([]*schema.Values{context, head}, sets...)}
	}
	all := []netlinkapi.Message{
		message(schema.ResourceState, schema.NoMinor, set(schema.CfgContext),
			set(schema.ResourceInfo).SetUint("res_role", uint64(schema.Secondary)),
			set(schema.ResourceStats).SetUint("res_stat_write_ordering", 2)),
		message(schema.DeviceState, minor, set(schema.CfgContext).SetUint("ctx_volume", 0),
			set(schema.DeviceInfo).SetUint("dev_disk_state", uint64(schema.UpToDate)).SetUint("dev_has_quorum", 1),
			set(schema.DeviceStats).SetUint("dev_size", 1<<20)),
	}
	for peer := range uint64(peers) {
		context := func() *schema.Values {
			return set(schema.CfgContext).SetUint("ctx_peer_node_id", peer).SetStr("ctx_conn_name", fmt.Sprint("peer", peer))
		}
		all = append(all,
			message(schema.ConnectionState, schema.NoMinor, context(),
				set(schema.ConnectionInfo).SetUint("conn_connection_state", uint64(schema.Connected)).SetUint("conn_role", uint64(schema.Secondary)),
				set(schema.ConnectionStats).SetUint("conn_congested", 0)),
			message(schema.PeerDeviceState, minor, context().SetUint("ctx_volume", 0),
				set(schema.PeerDeviceInfo).SetUint("peer_repl_state", uint64(schema.SyncSource)).SetUint("peer_disk_state", uint64(schema.Inconsistent)),
				set(schema.PeerDeviceStats).SetUint("peer_dev_rs_total", 1<<20).SetUint("peer_dev_out_of_sync", 1<<19)))
	}
	return all
}

func snapshot(resources, peers int) *netlinkapi.Snapshot {
	s := netlinkapi.NewSnapshot(schema.V9)
	for i := range resources {
		for _, m := range messages(fmt.Sprintf("resource%d", i), uint32(i), peers) {
			s.Apply(m)
		}
	}
	return s
}

func BenchmarkStatus(b *testing.B) {
	for _, resources := range []int{100, 1500} {
		b.Run(fmt.Sprintf("resources=%d", resources), func(b *testing.B) {
			s := snapshot(resources, 3)
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, render.Status(io.Discard, s, render.Options{Verbose: 1, Statistics: true}))
			}
		})
	}
}

func BenchmarkStatusJSON(b *testing.B) {
	s := snapshot(1500, 3)
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, render.StatusJSON(io.Discard, s))
	}
}

// BenchmarkEvents measures the steady state: one notification after the other
// about how far a resync is, on a node with many resources.
func BenchmarkEvents(b *testing.B) {
	s := snapshot(1500, 3)
	e := render.Events{Out: io.Discard, Options: render.Options{Statistics: true}}
	m := messages("resource7", 7, 3)[3]
	m.Sets[1].SetUint("nh_type", uint64(schema.Change))
	stats := m.Sets[3]
	b.ReportAllocs()
	left := uint64(1 << 20)
	for b.Loop() {
		left--
		m.Sets[3] = stats.Clone().SetUint("peer_dev_out_of_sync", left)
		require.NoError(b, e.Event(s.Apply(m), schema.V9))
	}
}

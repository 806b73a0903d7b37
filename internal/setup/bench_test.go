package setup_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/internal/cli"
	"drbdutils/internal/setup"
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// Numbers of the benchmarks: as large as clusters get.
const (
	benchResources = 1500
	benchPeers     = 3
	benchEvents    = 100_000
)

// resourceMessages returns what the module says about a resource with one volume
// and its peers, as answers to queries or as notifications.
func resourceMessages(t testing.TB, i int, notices bool) []recorded {
	var all []recorded
	action := schema.Exists | schema.Continues
	add := func(query, notice schema.Op, minor uint32, sets ...*schema.Values) {
		m := netlinkapi.Message{Op: query, Minor: minor, Code: schema.NoError, Sets: sets}
		r := recorded{Phase: "dump"}
		if notices {
			m.Op, r.Phase = notice, "initial"
			m.Sets = append(m.Sets, set(schema.NotifyHeader, "nh_type", uint64(action)))
		}
		r.raw = wireBytes(t, schema.V9, &m)
		all = append(all, r)
	}
	name := fmt.Sprintf("resource%04d", i)
	add(schema.GetResources, schema.ResourceState, schema.NoMinor, set(schema.CfgContext, "ctx_resource_name", name),
		set(schema.ResourceInfo, "res_role", schema.Secondary), set(schema.ResourceStats, "res_stat_write_ordering", 2))
	add(schema.GetDevices, schema.DeviceState, uint32(i), set(schema.CfgContext, "ctx_resource_name", name, "ctx_volume", 0),
		set(schema.DeviceInfo, "dev_disk_state", schema.UpToDate, "dev_has_quorum", 1, "is_intentional_diskless", 0, "dev_is_open", 0),
		set(schema.DeviceStats, "dev_size", 1<<20, "dev_read", 2048, "dev_write", 8192))
	for peer := range benchPeers {
		conn := []any{"ctx_resource_name", name, "ctx_peer_node_id", peer, "ctx_conn_name", fmt.Sprint("peer", peer)}
		add(schema.GetConnections, schema.ConnectionState, schema.NoMinor, set(schema.CfgContext, conn...),
			set(schema.ConnectionInfo, "conn_connection_state", schema.Connected, "conn_role", schema.Secondary),
			set(schema.ConnectionStats, "conn_congested", 0))
		if peer == benchPeers-1 {
			action = schema.Exists
		}
		add(schema.GetPeerDevices, schema.PeerDeviceState, uint32(i), set(schema.CfgContext, append(conn, "ctx_volume", 0)...),
			set(schema.PeerDeviceInfo, "peer_repl_state", schema.Established, "peer_disk_state", schema.UpToDate),
			set(schema.PeerDeviceStats, "peer_dev_received", 1024, "peer_dev_sent", 5120, "peer_dev_out_of_sync", 0))
	}
	return all
}

// benchNode starts a module with many resources, and messages beside.
func benchNode(b *testing.B, more ...recorded) (dir string) {
	p := newPeer(b, 2)
	for i := range benchResources {
		p.messages = append(p.messages, resourceMessages(b, i, false)...)
		p.messages = append(p.messages, resourceMessages(b, i, true)...)
	}
	p.messages = append(p.messages, more...)
	dir = b.TempDir()
	p.start(b, dir)
	return dir
}

func benchRun(b *testing.B, dir string, argv ...string) int {
	return setup.Main(context.Background(), cli.Env{
		Name: "drbdsetup", Args: argv, Stdout: io.Discard, Stderr: io.Discard,
		Getenv: func(name string) string { return map[string]string{cli.FakeVariable: dir}[name] },
	})
}

// BenchmarkQueries runs whole commands over 1500 resources with three peers, the
// module's part, 12000 messages by a socket, included.
func BenchmarkQueries(b *testing.B) {
	dir := benchNode(b)
	for _, line := range []string{"status", "status --json", "status --verbose --statistics", "show", "events2 --now", "events2 --now --statistics"} {
		b.Run(strings.ReplaceAll(line, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				require.Zero(b, benchRun(b, dir, strings.Fields(line)...))
			}
		})
	}
}

// BenchmarkEvents2 tells 100,000 changes, one after the other, to a running
// events2 on a node with 1500 resources.
func BenchmarkEvents2(b *testing.B) {
	more := make([]recorded, 0, benchEvents+1)
	for i := range benchEvents {
		context := set(schema.CfgContext, "ctx_resource_name", fmt.Sprintf("resource%04d", i%benchResources),
			"ctx_peer_node_id", 1, "ctx_conn_name", "peer1", "ctx_volume", 0)
		m := netlinkapi.Message{Op: schema.PeerDeviceState, Minor: schema.NoMinor, Code: schema.NoError, Seq: uint32(3 + i), Sets: []*schema.Values{
			context, set(schema.NotifyHeader, "nh_type", uint64(schema.Change)),
			set(schema.PeerDeviceInfo, "peer_repl_state", schema.Established, "peer_disk_state", schema.UpToDate),
			set(schema.PeerDeviceStats, "peer_dev_received", 1024, "peer_dev_sent", 5120+i, "peer_dev_out_of_sync", 0),
		}}
		more = append(more, recorded{Phase: "event", raw: wireBytes(b, schema.V9, &m)})
	}
	dir := benchNode(b, append(more, special(unload))...)
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		require.Equal(b, 121, benchRun(b, dir, "events2", "--statistics"))
		runtime.ReadMemStats(&after)
	}
	b.ReportMetric(benchEvents*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/benchEvents, "allocs/event")
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/(1<<20), "MiB-left")
}

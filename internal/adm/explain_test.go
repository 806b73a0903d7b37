package adm

import (
	"strings"
	"testing"

	"drbdutils/confparse"
	"drbdutils/netlinkapi"
	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// stateOf builds the running state of a resource with one volume and one peer.
func stateOf(disk schema.DiskState, conn schema.ConnState, repl schema.ReplState, peerDisk schema.DiskState, outOfSync uint64) *netlinkapi.Resource {
	values := func(id schema.ID) *schema.Values { return id.In(schema.V9).New() }
	return &netlinkapi.Resource{
		Name: "r0",
		Info: values(schema.ResourceInfo).SetUint("res_role", uint64(schema.Secondary)),
		Devices: []*netlinkapi.Device{{
			Info: values(schema.DeviceInfo).SetUint("dev_disk_state", uint64(disk)),
		}},
		Connections: []*netlinkapi.Connection{{
			PeerNodeID: 1,
			Info: values(schema.ConnectionInfo).
				SetUint("conn_connection_state", uint64(conn)).SetUint("conn_role", uint64(schema.Secondary)),
			PeerDevices: []*netlinkapi.PeerDevice{{
				Info: values(schema.PeerDeviceInfo).
					SetUint("peer_repl_state", uint64(repl)).SetUint("peer_disk_state", uint64(peerDisk)),
				Stats: values(schema.PeerDeviceStats).SetUint("peer_dev_out_of_sync", outOfSync),
			}},
		}},
	}
}

func TestDiagnose(t *testing.T) {
	r := &confparse.Resource{Name: "r0"}
	s := selection{
		res:     r,
		volumes: []*confparse.Volume{{Disk: "/dev/d0"}},
		peers:   []*confparse.Connection{{Name: "pine", Peer: &confparse.Host{NodeID: 1, Names: []string{"pine"}}}},
	}
	tests := []struct {
		name  string
		have  *netlinkapi.Resource
		about string // of the only finding; "" if there is none
		state string
		loses bool // some remedy says what would be lost
	}{
		{"in order", stateOf(schema.UpToDate, schema.Connected, schema.Established, schema.UpToDate, 0), "", "", false},
		{"down", nil, "resource r0", "not running", false},
		{"alone without changes", stateOf(schema.UpToDate, schema.StandAlone, schema.ReplOff, schema.DUnknown, 0),
			"the connection to pine", "StandAlone", false},
		{"split brain", stateOf(schema.UpToDate, schema.StandAlone, schema.ReplOff, schema.DUnknown, 16),
			"the connection to pine", "StandAlone", true},
		{"peer away", stateOf(schema.UpToDate, schema.Connecting, schema.ReplOff, schema.DUnknown, 0),
			"the connection to pine", "Connecting", false},
		{"outdated", stateOf(schema.Outdated, schema.Connected, schema.Established, schema.UpToDate, 0),
			"the disk of volume 0", "Outdated", true},
		{"resync", stateOf(schema.UpToDate, schema.Connected, schema.SyncSource, schema.Inconsistent, 16),
			"volume 0", "SyncSource", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := diagnose(s, tt.have)
			if tt.about == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			require.Equal(t, tt.about, found[0].About)
			require.Equal(t, tt.state, found[0].State)
			require.NotEmpty(t, found[0].Why)
			loses := false
			for _, r := range found[0].Remedies {
				loses = loses || strings.Contains(r.Effect, "lost")
			}
			require.Equal(t, tt.loses, loses)
		})
	}
}

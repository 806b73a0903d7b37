package testkit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCompare shows what a comparison forgives, and what it does not.
func TestCompare(t *testing.T) {
	const status = "drbdsetup status --verbose --statistics"
	for _, tc := range []struct {
		name, view, recorded, ours string
		same                       bool
	}{
		{"counters", status, "size:8 read:1 written:22\n  lower-pending:0", "size:8 read:1234\n written:22 lower-pending:0", true},
		{"size", status, "size:8 read:1", "size:9 read:1", false},
		{"out of sync", status, "out-of-sync:4", "out-of-sync:8", false},
		{"out of sync meanwhile", status, "replication:SyncTarget out-of-sync:4", "replication:SyncTarget out-of-sync:8", true},
		{"state", status, "disk:UpToDate", "disk:Outdated", false},
		{"indentation of text", "drbdsetup show", "net {\n    x;", "net {\n  x;", false},
		{"new UUIDs", "drbdadm get-gi all", "0123456789ABCDE0:FEDCBA9876543210:", "1111111111111110:2222222222222222:", true},
		{"a UUID twice", "drbdadm get-gi all", "0123456789ABCDE0:0123456789ABCDE0:", "1111111111111110:2222222222222222:", false},
		{"two UUIDs", "drbdadm get-gi all", "0123456789ABCDE0:FEDCBA9876543210:", "1111111111111110:1111111111111110:", false},
		{"marks of UUIDs", "drbdadm get-gi all", "0123456789ABCDE1:", "1111111111111110:", false},
		{"no UUID", "drbdadm get-gi all", "0000000000000000:", "1111111111111110:", false},
		{"codes", "stderr", "r0: Failure: (123) so", "minor 0: Failure: (123) other", true},
		{"other codes", "stderr", "r0: Failure: (123) so", "r0: Failure: (124) so", false},
		{"empty change", "events2 stream", "change device name:r volume:0\ncreate resource name:r role:Primary", "create resource name:r role:Primary", true},
		{"two changes", "events2 stream", "change connection name:r peer-node-id:1 connection:Connected role:Primary",
			"change connection name:r peer-node-id:1 connection:Connected\nchange connection name:r peer-node-id:1 role:Primary", true},
		{"values in passing", "events2 stream", "change device name:r volume:0 disk:Attaching\nchange device name:r volume:0 disk:UpToDate",
			"change device name:r volume:0 disk:UpToDate", false},
		{"order in a connection", "events2 stream", "change connection name:r peer-node-id:1 role:Primary\nchange device name:r volume:0 disk:UpToDate",
			"change device name:r volume:0 disk:UpToDate\nchange connection name:r peer-node-id:1 role:Primary", false},
		{"order of connections", "events2 stream", "change connection name:r peer-node-id:1 role:Primary\nchange connection name:r peer-node-id:2 role:Primary",
			"change connection name:r peer-node-id:2 role:Primary\nchange connection name:r peer-node-id:1 role:Primary", true},
		{"order of volumes", "events2 stream", "change device name:r volume:0 disk:UpToDate\nchange device name:r volume:1 disk:UpToDate",
			"change device name:r volume:1 disk:UpToDate\nchange device name:r volume:0 disk:UpToDate", true},
		{"order of a volume", "events2 stream", "change device name:r volume:0 disk:UpToDate\nchange resource name:r role:Primary\nchange device name:r volume:1 disk:UpToDate",
			"change resource name:r role:Primary\nchange device name:r volume:0 disk:UpToDate\nchange device name:r volume:1 disk:UpToDate", false},
		{"attempts", "events2 stream", rounds(2), rounds(5), true},
		{"who hangs up first", "events2 stream", hangUp("Connected", "Disconnecting"), hangUp("Connected", "NetworkFailure", "Disconnecting"), true},
		{"how the link is lost", "events2 stream", hangUp("Connected", "BrokenPipe", "Unconnected"), hangUp("Connected", "NetworkFailure", "Unconnected"), true},
		{"who loses the link", "events2 stream", hangUp("Connected", "Unconnected"), hangUp("Connected", "NetworkFailure", "Unconnected"), false},
		{"fence-peer while it connects", "events2 stream", "change connection name:r connection:Connecting\ncall helper name:r helper:fence-peer",
			"call helper name:r helper:fence-peer\nchange connection name:r connection:Connecting", true},
		{"other helpers", "events2 stream", "change connection name:r connection:Connecting\ncall helper name:r helper:split-brain",
			"call helper name:r helper:split-brain\nchange connection name:r connection:Connecting", false},
		{"environment", "handler calls", "handler: h x\n  env A=1", "handler: h x\n  env A=2", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want, got := Names{}.Compare(tc.view, strings.Split(tc.recorded, "\n"), strings.Split(tc.ours, "\n"))
			require.Equal(t, tc.same, want == got, "%s\n%s", want, got)
		})
	}
}

// hangUp returns the changes of a connection, the first of which a helper follows.
func hangUp(states ...string) string {
	const c = "change connection name:r peer-node-id:1 connection:"
	helper := "\ncall helper name:r peer-node-id:1 volume:0 minor:0 helper:split-brain\n"
	return c + states[0] + helper + c + strings.Join(states[1:], "\n"+c)
}

func rounds(n int) string {
	const c = "change connection name:r peer-node-id:1 connection:"
	return strings.TrimSpace(strings.Repeat(c+"NetworkFailure\n"+c+"Unconnected\n"+c+"Connecting\n", n))
}

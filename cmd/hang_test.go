package cmd_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"drbdutils/netlinkapi/fake"
)

// TestHang asks a module that does not answer any more: each tool gives up, after
// a time that is stated, and names the command and the object.
func TestHang(t *testing.T) {
	keepSignals()
	for _, tc := range []struct {
		command string
		exit    int
		waited  time.Duration
		want    string // on standard error
	}{
		{"drbdsetup primary 0", 20, 2 * time.Minute, "primary: 0: no reply from the kernel within 2m0s"},
		{"drbdsetup down r0", 20, 2 * time.Minute, "r0: no reply from the kernel within 2m0s"},
		{"drbdsetup status r0", 20, 2 * time.Minute, "status: get-resources: r0: no reply from the kernel within 2m0s"},
		{"drbdsetup events2 --now", 20, 2 * time.Minute, "events2: get-initial-state: all: no reply from the kernel within 2m0s"},
		{"drbdadm disconnect r0", 20, 5 * time.Second, "'drbdsetup-84 disconnect ipv4:10.0.0.1:7788 ipv4:10.0.0.2:7788' did not terminate within 5 seconds"},
	} {
		t.Run(tc.command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, t.TempDir(), "", "8.4.11", "true", 1, fake.NewMemoryNetwork())
				defer h.off()
				h.write("etc/drbd.d/r0.res", h.local("resource r0 {\n"+
					"  device minor 0; disk /dev/vda; meta-disk internal;\n"+
					"  on node1 { address 10.0.0.1:7788; }\n  on node2 { address 10.0.0.2:7788; }\n}\n"))
				var out, errs bytes.Buffer
				require.Zero(t, h.run(t.Context(), "drbdadm create-md r0; drbdadm up r0", &out, &errs), errs.String())
				require.Zero(t, h.control("hang 1"))
				out.Reset()
				errs.Reset()
				began := time.Now()
				require.Equal(t, tc.exit, h.run(t.Context(), tc.command, &out, &errs), errs.String())
				require.Equal(t, tc.waited, time.Since(began).Round(time.Second))
				require.Contains(t, errs.String(), tc.want)
				require.Empty(t, out.String())
			})
		})
	}
}

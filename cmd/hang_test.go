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
		module  string
		command string
		exit    int
		waited  time.Duration
		want    string // on standard error
	}{
		{"8.4.11", "drbdsetup primary 0", 20, 2 * time.Minute, "primary: 0: no reply from the kernel within 2m0s"},
		{"8.4.11", "drbdsetup down r0", 20, 2 * time.Minute, "r0: no reply from the kernel within 2m0s"},
		{"8.4.11", "drbdsetup status r0", 20, 2 * time.Minute, "status: get-resources: r0: no reply from the kernel within 2m0s"},
		{"8.4.11", "drbdsetup events2 --now", 20, 2 * time.Minute, "events2: get-initial-state: all: no reply from the kernel within 2m0s"},
		{"8.4.11", "drbdadm disconnect r0", 20, 5 * time.Second, "'drbdsetup-84 disconnect ipv4:10.0.0.1:7788 ipv4:10.0.0.2:7788' did not terminate within 5 seconds"},
		{"8.4.11", "drbdadm adjust r0", 20, 5 * time.Second, "no answer from 'drbdsetup-84 show r0' within 5 seconds"},
		{"8.4.11", "drbdadm role r0", 20, 5 * time.Second, "'drbdsetup-84 role 0' did not terminate within 5 seconds"},
		{"8.4.11", "drbdadm wait-connect r0", 20, 2 * time.Minute, "wait-connect: get-timeout-type: 0: no reply from the kernel within 2m0s"},
		{"9.3.3", "drbdsetup primary r0", 20, 2 * time.Minute, "primary: r0: no reply from the kernel within 2m0s"},
		{"9.3.3", "drbdsetup verify r0 1 0", 20, 2 * time.Minute, "verify: r0: no reply from the kernel within 2m0s"},
		{"9.3.3", "drbdsetup attach 0 /dev/vda /dev/vda internal", 20, 2 * time.Minute, "attach: get-devices: 0: no reply from the kernel within 2m0s"},
		{"9.3.3", "drbdsetup events2", 20, 2 * time.Minute, "events2: get-initial-state: all: no reply from the kernel within 2m0s"},
		{"9.3.3", "drbdsetup wait-connect-resource r0", 20, 2 * time.Minute, "wait-connect-resource: get-resources: r0: no reply from the kernel within 2m0s"},
		{"9.3.3", "drbdadm status r0", 20, 5 * time.Second, "'drbdsetup status r0' did not terminate within 5 seconds"},
		{"9.3.3", "drbdadm down r0", 20, 2 * time.Minute, "down: get-resources: r0: no reply from the kernel within 2m0s"},
		{"9.3.3", "drbdadm adjust r0", 20, 5 * time.Second, "no answer from 'drbdsetup show r0' within 5 seconds"},
	} {
		t.Run(tc.module+" "+tc.command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, t.TempDir(), "", tc.module, "true", 1, fake.NewMemoryNetwork())
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

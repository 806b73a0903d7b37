package adm

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The words of a command that failed are shown, but for the secret.
func TestSecretsAreNotInMessages(t *testing.T) {
	config := strings.Replace(twoHosts(oneDisk), "resource r0 {", "resource r0 { net { shared-secret geheim; }", 1)
	for _, line := range []string{
		"new-peer r0",
		"net-options --shared-secret=geheim r0",
		"net-options --shared-secret geheim r0",
		"net-options --shared-sec=geheim r0",
		"-- --shared-secret=geheim net-options r0",
		"-- --shared-sec=geheim net-options r0",
		"primary --shared-secret=geheim r0",
		"-- --shared-secret=geheim primary r0",
	} {
		got := script(t, config, []rule{{Match: "r0", Exit: 10}}, strings.Fields(line)...)
		require.NotZero(t, got.exit+len(got.stderr), line)
		require.NotContains(t, got.stderr, "geheim", line)
	}
	got := script(t, config, []rule{{Match: "r0", Exit: 10}}, "new-peer", "r0")
	require.Equal(t, "Command 'drbdsetup new-peer r0 1 --_name=pine --shared-secret=...' terminated with exit code 10\n", got.stderr)
}

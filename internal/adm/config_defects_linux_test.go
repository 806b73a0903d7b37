package adm

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"drbdutils/internal/cli"
	"drbdutils/internal/testkit"

	"github.com/stretchr/testify/require"
)

// exitCodes runs commands on a configuration and returns their exit codes.
func exitCodes(t *testing.T, text, version string, commands ...string) map[string]int {
	t.Helper()
	c := testkit.ConfigCase{Node: "alpha", Files: map[string]string{"input.conf": text}}
	dir := c.Unpack(t)
	codes := map[string]int{}
	for _, command := range commands {
		_, _, codes[command] = runConfig(t, c, dir, version, strings.Fields(command))
	}
	return codes
}

// The reference crashes when it is to bring up what drbdsetup show printed.
func TestUpOfWhatShowPrints(t *testing.T) {
	const shown = `global { disable-ip-verification; }
resource r0 {
  _this_host { node-id 0; volume 0 { device minor 1; disk "/dev/vg/a"; meta-disk internal; } }
  connection {
    _peer_node_id 1;
    path { _this_host ipv4 10.1.0.1:7000; _remote_host ipv4 10.1.0.2:7000; }
    net { _name "bravo"; }
    volume 0 { disk { resync-rate 250k; } }
  }
}
`
	c := testkit.ConfigCase{Node: "alpha", Files: map[string]string{"input.conf": shown}}
	dir := c.Unpack(t)
	out, stderr, code := runConfig(t, c, dir, "9.2.12", []string{"-d", "up", "r0"})
	require.Zero(t, code, stderr)
	require.Contains(t, out, "new-resource r0 0\n")
	require.Contains(t, out, "new-peer r0 1 --_name=bravo\n")
	require.Contains(t, out, "new-path r0 1 ipv4:10.1.0.1:7000 ipv4:10.1.0.2:7000\n")
	for command, code := range exitCodes(t, shown, "9.2.12", "sh-nop", "-d adjust r0", "-d down r0", "-d connect r0", "sh-dev r0", "dump r0", "-v dump-xml") {
		require.Zero(t, code, command)
	}
}

// The reference shows without a word what it then refuses. Here only a plain dump, which is
// for finding out, does.
func TestDumpOfAmbiguousOptions(t *testing.T) {
	const text = `global { disable-ip-verification; }
common { net { timeout 40; timeout 41; } }
resource r0 {
  on alpha { device minor 1; disk /dev/a; address 10.1.0.1:7000; }
  on bravo { device minor 1; disk /dev/a; address 10.1.0.2:7000; }
}
`
	require.Equal(t, map[string]int{
		"dump": 0, "dump-xml": 0, "dump r0": 0,
		"-v dump": exitConfig, "dump --json": exitConfig, "sh-nop": exitConfig, "lint": exitConfig, "-d up all": exitConfig,
	}, exitCodes(t, text, "9.2.12", "dump", "dump-xml", "dump r0", "-v dump", "dump --json", "sh-nop", "lint", "-d up all"))
}

// For DRBD 9 the reference looks for this host's addresses in a dry run, but only on a
// terminal.
func TestDryRunNeedsNoAddress(t *testing.T) {
	const text = `resource r0 {
  on alpha { device minor 1; disk /dev/a; meta-disk internal; address 10.1.0.1:7000; }
  on bravo { device minor 1; disk /dev/a; meta-disk internal; address 10.1.0.2:7000; }
}
`
	for _, version := range []string{"9.2.12", "8.4.11"} {
		require.Equal(t, map[string]int{"dump": exitConfig, "-d up all": 0, "sh-nop": 0, "sh-dev all": 0},
			exitCodes(t, text, version, "dump", "-d up all", "sh-nop", "sh-dev all"), version)
	}

	_, program := terminal(t)
	c := testkit.ConfigCase{Files: map[string]string{"input.conf": text}}
	vars := map[string]string{"__DRBD_NODE__": "alpha", "DRBD_DRIVER_VERSION_OVERRIDE": "9.2.12"}
	asked, err := newTool(t.Context(), cli.Env{
		Name: "drbdadm", Args: []string{"-c", filepath.Join(c.Unpack(t), "input.conf"), "-d", "up", "r0"},
		Stdin: program, Stdout: io.Discard, Stderr: io.Discard, Getenv: func(name string) string { return vars[name] },
	})
	require.NoError(t, err)
	require.Zero(t, asked.main(t.Context()))
}

package setup_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Where the original 9.34 crashes, loses something or says what is not so. The
// others are in TestLostNotifications (it waits for ever, or gives up) and in
// TestReferenceWithoutModule (8.4's exemption that never applies).

func TestTooFewWordsIsAnError(t *testing.T) {
	for line, missing := range map[string]string{
		"attach 3":                     "lower_dev",
		"attach 3 /dev/null /dev/null": "",
		"new-minor r0":                 "minor",
		"new-minor r0 3":               "volume",
		"new-path r0 1":                "local-addr",
		"rename-resource r0":           "new_name",
		"forget-peer r0":               "peer_node_id",
	} {
		got := drbdsetupAlone(t, 2, line)
		require.Equal(t, 20, got.exit, line)
		if missing != "" {
			require.Equal(t, fmt.Sprintf("Missing argument '%s' to command %s\n", missing, strings.Fields(line)[0]), got.stderr)
			require.Contains(t, got.stdout, "USAGE: drbdsetup "+strings.Fields(line)[0])
		}
	}
}

func TestConnectByAddressWithoutKeptOptions(t *testing.T) {
	dir := t.TempDir()
	p := newPeer(t, 2)
	p.start(t, dir)
	require.Equal(t, result{}, drbdsetup(t, dir, "", "connect", "r0", "ipv4:10.0.0.1:7789", "ipv4:10.0.0.2:7789"))
	var ops []byte
	for _, m := range p.requests {
		ops = append(ops, m[16])
	}
	require.Equal(t, []byte{44, 45, 10}, ops, "new peer, new path, connect")
}

// DRBD 9 wants to know how to connect when it does.
func TestConnectByAddressDiscards(t *testing.T) {
	dir := t.TempDir()
	p := newPeer(t, 2)
	p.start(t, dir)
	require.Equal(t, result{}, drbdsetup(t, dir, "", "connect", "r0", "ipv4:10.0.0.1:7789", "ipv4:10.0.0.2:7789", "--discard-my-data", "--protocol=C"))
	known := names(t, 2)
	require.Equal(t, map[string]string{"discard_my_data": "1"}, decode(t, known, p.requests[2]).Attrs[1].Fields)
	require.Equal(t, map[string]string{"name": "remote", "wire_protocol": "3"}, decode(t, known, p.requests[0]).Attrs[1].Fields)
}

// The module removes the path with the peer, and does not know it any more then.
func TestDisconnectByAddress(t *testing.T) {
	for refused, exit := range map[byte]int{46: 10, 47: 0, 11: 0, 0: 0} {
		dir := t.TempDir()
		p := newPeer(t, 2)
		p.answer = func(op byte, _ uint32) (int32, [][]string, int32) {
			if op == refused {
				return 162, nil, 0
			}
			return 101, nil, 0
		}
		p.start(t, dir)
		require.Equal(t, exit, drbdsetup(t, dir, "", "disconnect", "r0", "ipv4:10.0.0.1:7789", "ipv4:10.0.0.2:7789").exit)
	}
}

func TestNamesOfOneCharacter(t *testing.T) {
	got := drbdsetup(t, node(t, 2, "one-char-names"), "", "status")
	require.Regexp(t, `(?m)^a role:`, got.stdout)
	require.Regexp(t, `(?m)^  b role:`, got.stdout)
	requireNarrow(t, got.stdout)
}

func TestDiffTellsQuorumOfNewDevices(t *testing.T) {
	got := drbdsetup(t, node(t, 2, "two-node-primary"), "", "events2", "--now", "--diff")
	require.Regexp(t, `(?m)^exists device .* quorum:UNKNOWN->yes$`, got.stdout)
}

func TestJSONIsJSON(t *testing.T) {
	for _, scene := range []string{"tls-and-odd-names", "diskless-variants", "no-statistics-old-module", "zero-size-and-huge"} {
		for _, command := range []string{"status", "show"} {
			got := drbdsetup(t, node(t, 2, scene), "", command, "--json")
			require.Zero(t, got.exit)
			requireDistinctKeys(t, json.NewDecoder(strings.NewReader(got.stdout)))
			require.NotContains(t, got.stdout, "(null)")
			require.NotContains(t, got.stdout, "nan")
		}
	}
	require.Contains(t, drbdsetup(t, node(t, 2, "tls-and-odd-names"), "", "status", "--json").stdout, `"we ird\"n\\ame"`)
}

// requireDistinctKeys reads one JSON value in which no object has a key twice.
func requireDistinctKeys(t *testing.T, d *json.Decoder) {
	token, err := d.Token()
	require.NoError(t, err)
	delim, ok := token.(json.Delim)
	if !ok {
		return
	}
	seen := map[any]bool{}
	for d.More() {
		if delim == '{' {
			key, err := d.Token()
			require.NoError(t, err)
			require.False(t, seen[key], "%s occurs twice", key)
			seen[key] = true
		}
		requireDistinctKeys(t, d)
	}
	_, err = d.Token()
	require.NoError(t, err)
}

// The time-out for an outdated peer is shortened to the one that is named.
func TestShortenedTimeouts(t *testing.T) {
	for version, argv := range map[byte]string{2: "wait-connect-resource w", 1: "wait-connect 10"} {
		s := situation{conn: connecting, repl: off, timeout: 2}
		program := map[byte]string{1: "drbdsetup-84", 2: "drbdsetup"}[version]
		dir := t.TempDir()
		s.peer(t, program).start(t, dir)
		got := drbdsetupAs(t, program, dir, "", strings.Fields(argv+" --wfc-timeout=9 --degr-wfc-timeout=1 --outdated-wfc-timeout=5")...)
		require.Equal(t, result{5, "", "outdated-wfc-timeout has to be shorter than degr-wfc-timeout\n" +
			"outdated-wfc-timeout implicitly set to degr-wfc-timeout (1s)\n"}, got)
	}
}

func TestExcessWordsAreAllNamed(t *testing.T) {
	for version, lines := range map[byte][]string{
		2: {"events2 r0 x y", "wait-connect-resource r0 x y", "down r0 x y", "primary r0 x y", "new-minor r0 3 0 x y"},
		1: {"events2 r0 x y", "wait-connect 3 x y", "down r0 x y", "primary 3 x y", "role 3 x y"},
	} {
		for _, line := range lines {
			require.Equal(t, result{20, "", "Excess arguments: x y\n"}, drbdsetupAlone(t, version, line), line)
		}
	}
}

func TestCongestionThatTheModuleDoesNotTell(t *testing.T) {
	dir := node(t, 2, "no-statistics-old-module")
	require.NotContains(t, drbdsetup(t, dir, "", "status", "--verbose").stdout, "congested")
	require.Contains(t, drbdsetup(t, dir, "", "status", "--json").stdout, `"congested": false`)
}

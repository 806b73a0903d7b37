package confparse

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// lintCodes returns the codes of all warnings about a configuration.
func lintCodes(t *testing.T, src Source) []string {
	t.Helper()
	cfg, diags := Load(src)
	diags = slices.Concat(diags, cfg.Expand(), cfg.Prepare(), cfg.Lint())
	require.False(t, diags.Invalid(), "%v", diags)
	var codes []string
	for _, d := range diags {
		codes = append(codes, d.Code)
	}
	return codes
}

// Each rule has a configuration that it warns of, and one much like it that is fine.
func TestLint(t *testing.T) {
	six := func(far string) string {
		return strings.NewReplacer("10.1.0.1:", "ipv6 [fd00::1]:", "10.1.0.2:", "ipv6 ["+far+"]:").Replace(pair("r", ""))
	}
	second := func(disk, meta string) string {
		return strings.NewReplacer("minor 1", "minor 2", "7001", "7002", "/dev/a", disk, "internal", meta).Replace(pair("s", ""))
	}
	in := func(old, new string) string { return strings.ReplaceAll(pair("r", ""), old, new) }
	public := func(net string) string { return strings.ReplaceAll(pair("r", net), "10.1.", "8.8.") }
	ids := strings.NewReplacer("on alpha {", "on alpha { node-id 0;", "on bravo {", "on bravo { node-id 1;").Replace
	untested := map[string]bool{}
	for _, r := range LintRules {
		untested[r.Code] = true
	}
	const mesh = "connection-mesh { hosts alpha bravo charlie; }"
	const joined = "connection { host alpha; host bravo; } connection { host bravo; host charlie; } "
	for _, test := range []struct {
		code      string
		gen       schema.Generation
		bad, good string
	}{
		{"discards-data", schema.V9, pair("r", "net { after-sb-0pri discard-younger-primary; }"), pair("r", "net { after-sb-0pri discard-zero-changes; }")},
		{"discards-data", schema.V9, pair("r", "net { after-sb-1pri discard-secondary; }"), pair("r", "net { after-sb-1pri consensus; }")},
		{"discards-data", schema.V84, pair("r", "net { after-sb-2pri violently-as0p; }"), pair("r", "net { after-sb-2pri disconnect; }")},
		{"discards-data", schema.V84, pair("r", "net { rr-conflict violently; }"), pair("r", "net { rr-conflict call-pri-lost; }")},
		{"discards-data", schema.V9, "common { net { rr-conflict auto-discard; } } " + pair("r", ""), "common { net { rr-conflict retry-connect; } } " + pair("r", "")},
		{"two-primaries", schema.V9, pair("r", "net { allow-two-primaries; fencing resource-only; }"), pair("r", "net { allow-two-primaries; fencing resource-and-stonith; }")},
		{"two-primaries", schema.V84, pair("r", "net { allow-two-primaries; }"), pair("r", "net { allow-two-primaries no; }")},
		{"two-primaries", schema.V84, pair("r", "net { allow-two-primaries; protocol A; } disk { fencing resource-and-stonith; }"), pair("r", "net { allow-two-primaries; protocol c; } disk { fencing resource-and-stonith; }")},
		{"fencing", schema.V9, pair("r", "net { fencing resource-only; }"), pair("r", "net { fencing resource-only; } handlers { fence-peer x; }")},
		{"fencing", schema.V84, pair("r", "disk { fencing resource-only; }"), pair("r", "disk { fencing dont-care; }")},
		{"authentication", schema.V9, pair("r", "net { cram-hmac-alg sha1; }"), pair("r", "net { cram-hmac-alg sha1; shared-secret x; }")},
		{"authentication", schema.V9, public(""), public("net { cram-hmac-alg sha1; shared-secret x; }")},
		{"authentication", schema.V84, public(""), pair("r", "")},
		{"authentication", schema.V9, in("10.1.0.2", "10.2.0.2"), in("10.1.0.2", "10.1.9.2")},
		{"authentication", schema.V84, six("fd00:0:0:2::2"), six("fd00::2")},
		{"storage", schema.V9, pair("r", "") + second("/dev/a", "internal"), pair("r", "") + second("/dev/b", "internal")},
		{"storage", schema.V9, pair("r", "") + second("/dev/b", "/dev/a"), pair("r", "") + second("/dev/b", "/dev/m")},
		{"storage", schema.V9, pair("r", "") + second("/dev/b", "/dev/a[0]"), pair("r", "") + second("/dev/b", "/dev/m[0]")},
		{"storage", schema.V84, in("/dev/a", "/dev/drbd7"), in("/dev/a", "/dev/vg/drbd7")},
		{"path", schema.V9, in("internal", "internl"), pair("r", "")},
		{"path", schema.V84, in("/dev/a", "dev/a"), pair("r", "")},
		{"timeout", schema.V9, pair("r", "net { timeout 110; }"), pair("r", "net { timeout 110; connect-int 12; ping-int 12; }")},
		{"timeout", schema.V84, pair("r", "net { timeout 60; ping-int 5; }"), pair("r", "net { timeout 60; }")},
		{"address", schema.V9, in("10.1.0.2", "10.1.0.300"), pair("r", "")},
		{"unused-host", schema.V9, three("connection { host alpha; host bravo; }"), three(mesh)},
		{"name", schema.V9, pair("all", ""), pair("al", "")},
		{"name", schema.V9, pair(`"a b"`, ""), pair(`"a+b"`, "")},
		{"name", schema.V84, pair(strings.Repeat("x", 128), ""), pair(strings.Repeat("x", 127), "")},
		{"node-id", schema.V9, strings.ReplaceAll(three(mesh), "node-id 2", "node-id 32"), strings.ReplaceAll(three(mesh), "node-id 2", "node-id 31")},
		{"volume-number", schema.V9, strings.ReplaceAll(three(mesh), "volume 0", "volume 65535"), strings.ReplaceAll(three(mesh), "volume 0", "volume 65534")},
		{"minor-number", schema.V9, in("minor 1", "minor 1048576"), in("minor 1", "minor 1048575")},
		{"no-connection", schema.V9, three(""), three(mesh)},
		{"address-missing", schema.V9, ids(in("address 10.1.0.2:7001;", "")), ids(pair("r", ""))},
		{"duplicate-connection", schema.V9, three(joined + "connection { host bravo; host alpha; }"), three(joined)},
		{"duplicate-connection", schema.V9, three("connection-mesh { hosts alpha bravo charlie alpha; }"), three(mesh)},
		{"duplicate-volume", schema.V9, strings.Replace(three(mesh), "on alpha", "volume 0 { device minor 2; } on alpha", 1), three(mesh)},
		{"duplicate", schema.V9, "resource r { floating 127.0.0.1:7 { node-id 0; node-id 0; } }", "resource r { floating 127.0.0.1:7 { node-id 0; } }"},
		{"duplicate", schema.V9, three("connection { host alpha; host bravo; disk { c-min-rate 1M; } disk { c-min-rate 2M; } }"), three("connection { host alpha; host bravo; disk { c-min-rate 1M; } }")},
		{"mixed-paths", schema.V9, three("connection { host alpha; host bravo; path { host alpha; host bravo; } }"), three("connection { path { host alpha; host bravo; } path { host alpha; host bravo; } }")},
		{"connection-name", schema.V9, three("connection a { host alpha; host bravo; }"), three("connection { host alpha; host bravo; net { _name a; } }")},
		{"device-name", schema.V84, in("device minor 1", "device /dev/drbd_x minor 1"), in("device minor 1", "device /dev/drbd1 minor 1")},
		{"device-name", schema.V9, strings.Replace(pair("r", ""), "on bravo { device minor 1", "on bravo { device /dev/x minor 1", 1), pair("r", "")},
		{"resync-after", schema.V9, pair("r", "disk { resync-after s; }"), pair("r", "disk { resync-after s; }") + second("/dev/b", "internal")},
		{"no-value", schema.V9, pair("r", "handlers { pri-lost; }"), pair("r", "net { always-asbp; }")},
		{"unchecked", schema.V84, pair("r", "disk { on-io-error explode; }"), pair("r", "disk { on-io-error detach; }")},
		{"unit", schema.V9, in("minor 1", "minor 1K"), pair("r", "")},
		{"obsolete", schema.V84, pair("r", "ignore-on charlie;"), pair("r", "")},
		{"obsolete", schema.V9, pair("r", "startup { become-primary-on alpha; }"), pair("r", "startup { wfc-timeout 1; }")},
		{"obsolete", schema.V84, pair("r", "net { hold-off-threshold 1; }"), pair("r", "net { }")},
		{"global-late", schema.V9, pair("r", "") + "global { }", "global { } " + pair("r", "")},
		{"unclosed", schema.V84, strings.TrimSuffix(pair("r", ""), "}\n"), pair("r", "")},
	} {
		delete(untested, test.code)
		require.Contains(t, lintCodes(t, textSource(test.gen, test.bad)), test.code, "%s", test.bad)
		require.NotContains(t, lintCodes(t, textSource(test.gen, test.good)), test.code, "%s", test.good)
	}
	require.Equal(t, map[string]bool{"include": true}, untested, "that one wants a file that vanishes in the middle")
	require.Empty(t, lintCodes(t, textSource(schema.V9, pair("r", "net { protocol C; }"))))
	require.Empty(t, lintCodes(t, textSource(schema.V84, pair("r", "net { protocol C; }"))))
}

func TestLintRulesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	known := map[string]bool{}
	for _, r := range LintRules {
		require.Contains(t, string(text), "| `"+r.Code+"` | "+r.Text+" |\n")
		known[r.Code] = true
	}
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range sources {
		code, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\.warn\("([a-z-]+)"`).FindAllSubmatch(code, -1) {
			require.True(t, known[string(m[1])] || string(m[1]) == "unknown-option", "%s", m[1]) // drbdsetup show only
		}
	}
}

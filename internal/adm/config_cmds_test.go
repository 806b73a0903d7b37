package adm

import (
	"encoding/json"
	"strings"
	"testing"

	"drbdutils/confparse"
	"drbdutils/internal/cli"
	"drbdutils/internal/testkit"

	"github.com/stretchr/testify/require"
)

// lintCase returns a resource with more statements.
func lintCase(more string) testkit.ConfigCase {
	return testkit.ConfigCase{Node: "alpha", Files: map[string]string{"input.conf": "resource r0 {\n" + more + `
  on alpha { device minor 1; disk /dev/a; meta-disk internal; address 10.1.0.1:7000; }
  on bravo { device minor 1; disk /dev/a; meta-disk internal; address 10.1.0.2:7000; }
}
`}}
}

func TestLintCommand(t *testing.T) {
	for _, test := range []struct {
		more string
		exit int
		code string // of the only problem
	}{
		{"", 0, ""},
		{"net { after-sb-1pri discard-secondary; }", exitWarnings, "discards-data"},
		{"net { timeout 6000; }", exitConfig, "value"},
	} {
		for _, version := range []string{"9.2.12", "8.4.11"} {
			c := lintCase(test.more)
			dir := c.Unpack(t)
			out, stderr, code := runConfig(t, c, dir, version, []string{"lint"})
			require.Equal(t, test.exit, code, out)
			require.Empty(t, stderr)
			require.Equal(t, test.exit != 0, strings.Contains(out, "judged for DRBD "+version[:1]), out)

			out, _, code = runConfig(t, c, dir, version, []string{"lint", "--json"})
			require.Equal(t, test.exit, code)
			var doc confparse.DiagnosticsDocument
			require.NoError(t, json.Unmarshal([]byte(out), &doc))
			require.Equal(t, test.exit != exitConfig, doc.Valid)
			require.Equal(t, test.code != "", len(doc.Diagnostics) == 1)
			if test.code != "" {
				require.Equal(t, test.code, doc.Diagnostics[0].Code)
			}
		}
	}
	c := lintCase("")
	require.Equal(t, exitBroken, exitCodes(t, `include "/";`, "9.2.12", "lint")["lint"])
	out, _, code := runConfig(t, c, c.Unpack(t), "9.2.12", []string{"help", "lint"})
	require.Zero(t, code)
	for _, want := range []string{"USAGE: drbdadm lint [OPTION...]\n", "--json", "3  warnings only", "20  a file cannot be read"} {
		require.Contains(t, out, want)
	}
}

// What decides about the generation is said.
func TestJudgement(t *testing.T) {
	v := cli.Version{8, 4, 11}
	for want, driver := range map[string]cli.Driver{
		"no module was found":                          {},
		"the loaded module is 8.4.11":                  {Version: v, Loaded: true},
		"the installed module is 8.4.11":               {Version: v},
		"DRBD_DRIVER_VERSION_OVERRIDE asks for 8.4.11": {Version: v, Asked: true},
	} {
		require.Equal(t, want, (&tool{driver: driver}).judgement())
	}
}

package adm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// planned returns what plan --json says about a recorded case of adjust.
func planned(t *testing.T, r record) []planReport {
	t.Helper()
	r.Argv = slices.Clone(r.Argv)
	r.Argv[slices.Index(r.Argv, "adjust")], r.Argv[slices.Index(r.Argv, "-d")] = "plan", "--json"
	stdout, stderr, _ := r.run(t, t.TempDir())
	var reports []planReport
	if stdout != "" {
		require.NoError(t, json.Unmarshal([]byte(stdout), &reports), "%s%s", stdout, stderr)
	}
	return reports
}

// secretValue is what a dry run shows, as the reference does, and plan does not.
var secretValue = regexp.MustCompile(`(--shared-secret=)(\\.|\S)+`)

// TestPlanOfEveryAdjust holds, for all recorded running states, that plan shows the
// same calls as adjust, and that each has a reason.
func TestPlanOfEveryAdjust(t *testing.T) {
	all := records[record](t, "adjust.jsonl.gz")
	t.Chdir(filepath.Join(goldens, "configs"))
	for _, r := range all {
		if !slices.Contains(r.Argv, "-d") || !slices.Contains(r.Argv, "adjust") || slices.Contains(r.Argv, "-vv") || slices.Contains(r.Argv, "-vvv") || r.Exit != 0 {
			continue
		}
		t.Run(r.name(), func(t *testing.T) {
			var shown []string
			for _, report := range planned(t, r) {
				for _, s := range report.Steps {
					require.True(t, s.Why != "" || len(s.Changes) > 0, "%+v", s)
					require.Contains(t, []string{"harmless", "interrupts replication", "takes the disk offline"}, s.Impact)
					shown = append(shown, s.Commands...)
				}
			}
			dry, _, _ := r.run(t, t.TempDir())
			require.ElementsMatch(t, lines(secretValue.ReplaceAllString(dry, "$1...")), shown)
		})
	}
}

func TestImpacts(t *testing.T) {
	call := func(p program, words ...string) *Step {
		return &Step{Ops: []Op{{Prog: drbdmeta, Args: []string{"0"}}, {Prog: p, Args: words}}}
	}
	for want, steps := range map[Impact][]*Step{
		Harmless:  {call(drbdsetup, "new-path", "r0"), call(drbdsetup, "attach", "0"), call(proxyCtl, "-c", "set plugin r0 0 zlib")},
		CutsPeer:  {call(drbdsetup, "disconnect", "r0", "1"), call(drbdsetup, "del-peer", "r0", "1"), call(proxyCtl, "-c", "del connection r0")},
		TakesDisk: {call(drbdsetup, "detach", "--diskless", "0"), call(drbdsetup, "del-minor", "0")},
	} {
		for _, s := range steps {
			require.Equal(t, want, s.impact(), s.Ops[1].Args)
		}
	}
}

// lines splits text into its lines.
func lines(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		all = append(all, strings.TrimSuffix(line, "\n"))
	}
	return all
}

// Resources that run and are not in the configuration are left alone, and named.
// One that has a minor which another shall get is named there, too.
func TestPlanNamesStrangers(t *testing.T) {
	dir := t.TempDir()
	show := filepath.Join(dir, "show")
	require.NoError(t, os.WriteFile(show, []byte("resource old { _this_host { node-id 0; volume 0 { device minor 1; disk \"/dev/d9\"; meta-disk internal; } } }\n"), 0o600))
	file := filepath.Join(dir, "drbd.conf")
	require.NoError(t, os.WriteFile(file, []byte(twoHosts(oneDisk)), 0o600))
	got := faultRecord{record: record{Gen: "9", Node: "oak", Config: file, Argv: []string{"plan", "all"}, Env: map[string]string{showFile: show}}}.play(t, dir)
	require.Zero(t, got.exit, got.stderr)
	require.Contains(t, got.stdout, "old: runs, is not in the configuration, and is left alone; to remove it: drbdsetup down old\n")
	require.Contains(t, got.stdout, "new-minor (harmless): volume 1 has no device; resource old, which runs, has minor 1, and has to go first: 'drbdsetup down old'; "+
		"if it is the same under its old name: 'drbdsetup rename-resource old r0'\n")
}

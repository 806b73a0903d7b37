package adm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// upSteps are the calls of up for one resource with one volume, and the step that
// each belongs to, in order.
var upSteps = map[string][][2]string{
	"9": {
		{"new-resource r0", "new-resource"}, {"new-minor", "new-minor"}, {"new-peer", "new-peer"}, {"new-path", "new-path"},
		{"peer-device-options", "peer-device-options"}, {"repair-md", "attach"}, {"apply-al", "attach"}, {"attach 0", "attach"},
		{"connect r0", "connect"},
	},
	"8.4": {
		{"new-resource r0", "new-resource"}, {"new-minor", "new-minor"}, {"apply-al", "attach"}, {"attach 0", "attach"},
		{"connect r0", "connect"},
	},
}

// oneVolume is a configuration that both generations understand. A rate gives DRBD 9
// something to say about its peer.
const oneVolume = `global { usage-count no; cmd-timeout-short 5; }
resource r0 {
  device minor 0; disk /dev/d0; meta-disk internal;
  disk { resync-rate 1M; }
  on oak { address 10.20.0.1:7000; }
  on pine { address 10.20.0.2:7000; }
}
`

// TestEveryStepOfUpFailing holds, for each call, each class of exit code, and no
// answer at all, that the failure is stated completely: what was done, what failed,
// what was not begun, and how to go on.
func TestEveryStepOfUpFailing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "drbd.conf")
	require.NoError(t, os.WriteFile(file, []byte(oneVolume), 0o600))
	faults := []rule{{Exit: 1}, {Exit: 5}, {Exit: 10}, {Exit: 11}, {Exit: 16}, {Exit: 17}, {Exit: 20}, {Kill: 9}, {Sleep: 1e6}}
	for gen, steps := range upSteps {
		for _, s := range steps {
			for _, fault := range faults {
				if fault.Sleep > 0 && strings.HasSuffix(s[0], "-md") || fault.Sleep > 0 && s[0] == "apply-al" {
					continue // what writes to disks has all the time it needs
				}
				t.Run(fmt.Sprintf("%s %s exit=%d kill=%d sleep=%t", gen, s[0], fault.Exit, fault.Kill, fault.Sleep > 0), func(t *testing.T) {
					fault.Match = s[0]
					var got faultRun
					synctest.Test(t, func(t *testing.T) {
						got = faultRecord{
							record: record{Gen: gen, Node: "oak", Config: file, Argv: []string{"up", "r0"}},
							Rules:  []rule{fault},
						}.play(t, t.TempDir())
					})
					require.Equal(t, exitUsage, got.exit, got.stderr)
					summary := lines(got.stderr)
					last := summary[len(summary)-1]
					require.Contains(t, last, "drbdadm: r0:")
					require.Contains(t, last, "failed: "+s[1])
					require.True(t, strings.HasSuffix(last, "; to go on, use: drbdadm -c "+file+" adjust r0"), last)
					for _, other := range steps {
						require.Contains(t, last, other[1], "every step is accounted for")
					}
				})
			}
		}
	}
}

// TestAdjustOfASilentModule holds that a module that does not answer is not taken
// for one in which nothing runs.
func TestAdjustOfASilentModule(t *testing.T) {
	for _, command := range []string{"adjust", "adjust-with-progress", "plan"} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "drbd.conf")
			require.NoError(t, os.WriteFile(file, []byte(oneVolume), 0o600))
			require.NoError(t, os.Mkdir(filepath.Join(dir, "proc"), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "proc/drbd"), []byte("version: 9.2.0\n"), 0o600))
			got := faultRecord{
				record: record{Gen: "9", Node: "oak", Config: file, Argv: []string{command, "r0"}},
				Rules:  []rule{{Match: "show", Sleep: 1e6}},
			}.play(t, dir)
			require.Equal(t, exitBroken, got.exit)
			require.Equal(t, "drbdadm: no answer from 'drbdsetup show r0' within 5 seconds\n", got.stderr)
			require.Equal(t, []string{"drbdsetup show r0"}, got.calls)
		})
	}
}

// TestNotBegun holds that a backend that is broken ends everything, and that the
// resources are named which are left.
func TestNotBegun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "drbd.conf")
	require.NoError(t, os.WriteFile(file, []byte(resources(12)), 0o600))
	run := func(rules []rule, args ...string) faultRun {
		return faultRecord{record: record{Gen: "9", Node: "oak", Config: file, Argv: args}, Rules: rules}.play(t, t.TempDir())
	}
	broken := []rule{{Match: "secondary r1", Exit: 20}}
	got := run(broken, "secondary", "--force", "r0", "r1", "r2", "r3")
	require.Equal(t, exitBroken, got.exit)
	require.Equal(t, []string{"drbdsetup secondary r0 --force", "drbdsetup secondary r1 --force"}, got.calls)
	require.Contains(t, got.stderr, "drbdadm: not begun: r2, r3; to go on, use: drbdadm -c "+file+" -W --force secondary r1 r2 r3\n")

	got = run(broken, "secondary", "all")
	require.Contains(t, got.stderr, "drbdadm: not begun: 10 resources from r2 on; to go on, use: drbdadm -c "+file+" secondary all\n")

	got = run([]rule{{Match: "secondary r1", Exit: 11}}, "secondary", "all")
	require.Equal(t, 11, got.exit, "what is only refused does not end it")
	require.Len(t, got.calls, 12)
	require.NotContains(t, got.stderr, "not begun")
}

package adm

import (
	"context"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drbdutils/confparse"
	"drbdutils/internal/cli"
	"drbdutils/internal/testkit"
	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// Where the reference goes wrong and ours does right, and what else it does that
// nobody would guess. What recorded runs already show is not repeated here; what they
// show and ours does otherwise on purpose is listed where they are played:
//
//   - outdate asks the module by minor, and refuses a diskless volume: here
//   - a backend killed by a signal is a failure: killed in faults_test.go
//   - the label of the last stage of adjust-with-progress, repeated labels,
//     load-balance-paths in net-options, options of attach given to apply-al,
//     tokens of -vv: corrections in golden_test.go
//   - the times that backends get, more than 40 options: here
//   - resync-after by name on two levels: record.resolved in golden_test.go
//   - a changed minor, options that the module does not know: betterAdjust in golden_test.go
//   - the size that resize waits for: growth_test.go
//   - the registered file of RES/VNR, a failing drbdsetup show: here
//   - messages of refused objects come once: here

// twoHosts is a configuration with one resource; the text goes into its volume.
func twoHosts(volume string) string {
	return `global { usage-count no; }
resource r0 {
  volume 0 { device minor 0; ` + volume + ` }
  volume 1 { device minor 1; disk /dev/d1; meta-disk internal; }
  on oak { node-id 0; address 10.20.0.1:7000; }
  on pine { node-id 1; address 10.20.0.2:7000; }
}
`
}

const oneDisk = "disk /dev/d0; meta-disk internal;"

// script runs drbdadm for DRBD 9 on a configuration, against stubs.
func script(t *testing.T, config string, rules []rule, args ...string) faultRun {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "drbd.conf")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	return faultRecord{
		record: record{Gen: "9", Node: "oak", Config: file, Argv: args},
		Rules:  rules,
	}.play(t, dir)
}

func TestOutdateAsksTheModuleByMinor(t *testing.T) {
	got := script(t, twoHosts(oneDisk), nil, "outdate", "r0/0")
	require.Equal(t, []string{"drbdsetup outdate 0"}, got.calls)
}

func TestResourceThatIsCalledLikeAMinor(t *testing.T) {
	config := strings.ReplaceAll(twoHosts(oneDisk), "resource r0", "resource minor-1")
	got := script(t, config, nil, "-d", "secondary", "minor-1")
	require.Equal(t, "drbdsetup secondary minor-1\n", got.stdout, got.stderr)
	got = script(t, config, nil, "sh-dev", "minor-1")
	require.Equal(t, "/dev/drbd0\n/dev/drbd1\n", got.stdout, got.stderr)
}

func TestUpOfNoVolumesDoesNothingWith84(t *testing.T) {
	got := script84(t, "oak", "resource r0 { on oak { address 10.20.0.1:7000; } on pine { address 10.20.0.2:7000; } }\n", "up", "r0")
	require.Zero(t, got.exit, got.stderr)
	require.Empty(t, got.calls)
}

func TestRefusedObjectsAreNamedOnce(t *testing.T) {
	got := script(t, twoHosts(oneDisk), nil, "down", "r0:oak")
	require.Equal(t, exitUsage, got.exit)
	require.Equal(t, 1, strings.Count(got.stderr, "r0:oak"), got.stderr)
	require.Empty(t, got.calls)
}

func TestOutdateOfADisklessVolumeIsRefused(t *testing.T) {
	got := script(t, twoHosts("disk none;"), nil, "outdate", "r0/0")
	require.Equal(t, exitConfig, got.exit)
	require.Contains(t, got.stderr, "needs a disk on this host")
	require.Empty(t, got.calls)

	got = script(t, twoHosts("disk none;"), nil, "outdate", "all")
	require.Zero(t, got.exit)
	require.Equal(t, []string{"drbdsetup outdate 1"}, got.calls)
}

func TestManyOptions(t *testing.T) {
	net := []string{
		"protocol C", "timeout 50", "max-epoch-size 2048", "connect-int 10", "ping-int 10", "sndbuf-size 1M", "rcvbuf-size 1M",
		"ko-count 7", "allow-two-primaries no", "cram-hmac-alg sha1", "shared-secret s", "after-sb-0pri disconnect",
		"after-sb-1pri disconnect", "after-sb-2pri disconnect", "always-asbp no", "rr-conflict disconnect", "ping-timeout 5",
		"data-integrity-alg crc32c", "tcp-cork yes", "on-congestion block", "congestion-fill 1M", "congestion-extents 1000",
		"csums-alg crc32c", "csums-after-crash-only no", "verify-alg crc32c", "use-rle yes", "socket-check-timeout 0",
		"fencing dont-care", "max-buffers 2048", "allow-remote-read yes", "tls no", "tls-keyring 1", "tls-privkey 2",
		"tls-certificate 3", "rdma-ctrl-rcvbuf-size 0", "rdma-ctrl-sndbuf-size 0", "load-balance-paths no", "transport tcp",
	}
	config := strings.Replace(twoHosts(oneDisk), "resource r0 {", "resource r0 { net { "+strings.Join(net, "; ")+"; }", 1)
	got := script(t, config, nil, "-d", "new-peer", "r0")
	require.Zero(t, got.exit, got.stderr)
	require.Equal(t, len(net)+1, strings.Count(got.stdout, " --"), "the reference cannot pass more than 40 words")
}

func TestTimeLimits(t *testing.T) {
	none := limits(confparse.Global{CmdTimeoutShort: -1, CmdTimeoutMedium: -1, CmdTimeoutLong: -1})
	require.Equal(t, 5*time.Second, none[short])
	require.Equal(t, 600*time.Second, none[medium])
	require.Zero(t, none[long])
	require.Zero(t, none[unlimited])
	set := limits(confparse.Global{CmdTimeoutShort: 1, CmdTimeoutMedium: 0, CmdTimeoutLong: 3})
	require.Equal(t, [...]time.Duration{time.Second, 0, 3 * time.Second, 0}, set)
}

func TestHandlerFindsTheFileOfAVolumesResource(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "elsewhere.conf")
	require.NoError(t, os.WriteFile(file, []byte(twoHosts(oneDisk)), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, registry), 0o700))
	require.NoError(t, os.Symlink(file, filepath.Join(dir, registry, "drbd-resource-r0.conf")))
	got := faultRecord{record: record{Gen: "9", Node: "oak", Argv: []string{"sh-udev", "r0/1"}}}.play(t, dir)
	require.Zero(t, got.exit, got.stderr)
	require.Contains(t, got.stdout, "DEVICE=drbd1\n")
}

func TestAdjustStopsWhenItCannotSeeWhatRuns(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "drbd.conf")
	require.NoError(t, os.WriteFile(file, []byte(twoHosts(oneDisk)), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "proc"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "proc/drbd"), []byte("version: 9.2.0\n"), 0o600))
	r := faultRecord{
		record: record{Gen: "9", Node: "oak", Config: file, Argv: []string{"adjust", "r0"}},
		Rules:  []rule{{Match: "show", Exit: 20, Stderr: "cannot talk to the module\n"}},
	}
	got := r.play(t, dir)
	require.Equal(t, exitBroken, got.exit)
	require.Contains(t, got.stderr, "cannot talk to the module")
	require.Equal(t, []string{"drbdsetup show r0", "drbdsetup show"}, got.calls)
}

func TestAdjustIsIdempotent(t *testing.T) {
	for _, show := range []string{"same", "running-default", "connecting", "unknown-option"} {
		config, err := os.ReadFile(filepath.Join(goldens, "configs/mesh3.conf"))
		require.NoError(t, err)
		state, err := filepath.Abs(filepath.Join(goldens, "shows", show+".show"))
		require.NoError(t, err)
		dir := t.TempDir()
		file := filepath.Join(dir, "drbd.conf")
		require.NoError(t, os.WriteFile(file, config, 0o600))
		got := faultRecord{record: record{
			Gen: "9", Node: "oak", Config: file, Argv: []string{"plan", "bank"}, Env: map[string]string{showFile: state},
		}}.play(t, dir)
		require.Equal(t, "bank: nothing to do\n", got.stdout, show)
	}
}

// TestHalfDone holds that a failure in the middle is stated completely.
func TestHalfDone(t *testing.T) {
	got := script(t, twoHosts(oneDisk), []rule{{Match: "attach 0", Exit: 10, Stderr: "no\n"}}, "up", "r0")
	require.Equal(t, exitUsage, got.exit)
	require.Contains(t, got.stderr, "r0: done: new-resource, new-minor, new-minor, new-peer, new-path, attach; failed: attach; not done: connect;")
	require.Contains(t, got.stderr, "adjust r0\n")
}

func TestSecretsAreNotShownByPlan(t *testing.T) {
	config := strings.Replace(twoHosts(oneDisk), "resource r0 {", `resource r0 { net { cram-hmac-alg sha1; shared-secret "open sesame"; }`, 1)
	for _, args := range [][]string{{"plan", "r0"}, {"plan", "--json", "r0"}, {"adjust", "-d", "--explain", "r0"}} {
		got := script(t, config, nil, args...)
		require.Zero(t, got.exit, got.stderr)
		require.NotContains(t, got.stdout, "sesame")
		require.Contains(t, got.stdout, "--shared-secret=...")
	}
}

func TestInterruptIsStated(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "drbd.conf")
	require.NoError(t, os.WriteFile(file, []byte(twoHosts(oneDisk)), 0o600))
	ctx, interrupt := context.WithCancel(t.Context())
	vars := record{Gen: "9", Node: "oak"}.vars(dir)
	var errs strings.Builder
	tl, err := newTool(ctx, cli.Env{
		Name: "drbdadm", Args: []string{"-c", file, "up", "r0"},
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &errs,
		Getenv: func(name string) string { return vars[name] },
	})
	require.NoError(t, err)
	tl.workers = 1
	tl.locals = map[netip.Addr]bool{netip.MustParseAddr("10.20.0.1"): true}
	hang := func(ctx context.Context, env cli.Env) int {
		if env.Args[0] == "new-minor" {
			interrupt()
			<-ctx.Done()
		}
		return 0
	}
	tl.backends = map[program]backend{drbdsetup: hang, drbdmeta: hang}
	require.Equal(t, exitUsage, tl.main(ctx))
	require.Contains(t, errs.String(), "was interrupted")
	require.Contains(t, errs.String(), "r0: done: new-resource")
	require.Contains(t, errs.String(), "failed: new-minor; not done: new-minor, new-peer, new-path, attach, attach, connect;")
}

func TestSeveralHostsOf84(t *testing.T) {
	config := `global { usage-count no; }
resource r0 {
  device minor 0; meta-disk internal;
  on oak { disk /dev/a; address 10.20.0.1:7000; }
  on pine { disk /dev/a; address 10.20.0.2:7000; }
  on birch { disk /dev/a; address 10.20.0.3:7000; }
}
`
	got := script84(t, "oak", config, "-P", "birch", "disconnect", "r0")
	require.Equal(t, []string{"drbdsetup-84 disconnect ipv4:10.20.0.1:7000 ipv4:10.20.0.3:7000"}, got.calls, got.stderr)

	for command, exit := range map[string]int{"disconnect": exitBroken, "connect": exitBroken, "up": exitUsage, "adjust": exitUsage} {
		got = script84(t, "oak", config, command, "r0")
		require.Equal(t, exit, got.exit)
		require.Contains(t, got.stderr, "--peer")
		require.Empty(t, got.calls)
	}
}

func TestPlanSaysWhatAndWhy(t *testing.T) {
	state, err := filepath.Abs(filepath.Join(goldens, "shows/mixed.show"))
	require.NoError(t, err)
	t.Chdir(filepath.Join(goldens, "configs"))
	got := faultRecord{record: record{
		Gen: "9", Node: "oak", Config: "mesh3.conf", Argv: []string{"plan", "bank"}, Env: map[string]string{showFile: state},
	}}.play(t, t.TempDir())
	require.Zero(t, got.exit, got.stderr)
	require.Empty(t, got.calls, "a plan does nothing")
	require.Equal(t, `bank:
  1. resource-options (harmless)
       quorum: off -> majority
     drbdsetup resource-options bank --set-defaults --auto-promote=yes --quorum=majority --on-no-quorum=suspend-io
  2. detach (takes the disk offline): the disk is /dev/vg9/old and shall be /dev/vg0/bank0
     drbdsetup detach --diskless 20
  3. net-options (harmless)
       ko-count: 2 -> 7 (default)
     drbdsetup net-options bank 1 --set-defaults --_name=pine --verify-alg=crc32c --max-buffers=8k --protocol=C
  4. attach (harmless): the disk of volume 0, /dev/vg0/bank0, is not attached
     drbdmeta 20 v09 /dev/vg0/bank0 internal repair-md
     drbdmeta 20 v09 /dev/vg0/bank0 internal apply-al
     drbdsetup attach 20 /dev/vg0/bank0 /dev/vg0/bank0 internal
  5. connect (harmless): pine is not connected
     drbdsetup connect bank 1
`, got.stdout)
}

func TestSetGIWithoutPeersIsForThisNode(t *testing.T) {
	config := "resource r0 { device minor 0; disk /dev/d0; meta-disk internal; on oak { node-id 3; address 10.20.0.1:7000; } }\n"
	got := script(t, config, nil, "-d", "A:B:C:D", "set-gi", "r0")
	require.Equal(t, "drbdmeta 0 v09 /dev/d0 internal --node-id=3 set-gi A:B:C:D\n", got.stdout, got.stderr)
}

func TestOnlyTheLastFileIsTestedWith84(t *testing.T) {
	good, bad := filepath.Join(t.TempDir(), "good"), filepath.Join(t.TempDir(), "bad")
	require.NoError(t, os.WriteFile(good, nil, 0o600))
	require.NoError(t, os.WriteFile(bad, []byte("nonsense"), 0o600))
	require.Zero(t, script84(t, "oak", "", "-t", bad, "-t", good, "sh-nop").exit)
	require.Equal(t, exitConfig, script84(t, "oak", "", "-t", good, "-t", bad, "sh-nop").exit)
	require.Equal(t, exitConfig, script(t, "", nil, "-t", bad, "-t", good, "sh-nop").exit)
}

// Of the two kinds of waiting, only that of the boot script gives stacked resources their own times.
func TestWaitsOfStackedResources(t *testing.T) {
	config := `resource low { device minor 0; disk /dev/d0; meta-disk internal;
  on oak { node-id 0; address 10.20.0.1:7000; } on pine { node-id 1; address 10.20.0.2:7000; } }
resource top { startup { wfc-timeout 7; } net { connect-int 12; }
  stacked-on-top-of low { node-id 0; device minor 10; address 10.20.0.1:7800; }
  on birch { node-id 1; device minor 10; disk /dev/t; meta-disk internal; address 10.20.0.3:7800; } }
`
	require.Equal(t, "drbdsetup wait-connect-resource top --wfc-timeout=7\n", script(t, config, nil, "-S", "-d", "wait-con-int").stdout)
	require.Equal(t, "drbdsetup wait-connect-resource top --wfc-timeout 24\n", script(t, config, nil, "-S", "-d", "wait-connect", "all").stdout)
}

func TestNamesAreTakenApart(t *testing.T) {
	for _, tt := range []struct {
		line      string
		nine, old int // exit codes
	}{
		{"sh-minor r0", 0, 0}, {"sh-minor r0/1", 0, 0}, {"sh-minor r0/+1", 0, 0}, {"sh-minor r0/01", 0, 0}, {"sh-minor minor-+1", 0, 0},
		{"sh-minor r0/-1", exitUsage, exitUsage}, {"sh-minor minor--1", exitUsage, exitUsage}, {"sh-minor r0/7", exitUsage, exitUsage},
		{"sh-minor r0/", exitNoNumber, exitNoNumber}, {"sh-minor minor-", exitNoNumber, exitNoNumber},
		{"sh-minor r0/x", exitBroken, exitBroken}, {"sh-minor r0/1x", exitBroken, exitBroken}, {"sh-minor minor-0x1", exitBroken, exitBroken},
		{"sh-minor r0/0/1", exitUsage, exitBroken}, {"sh-minor r0//1", exitUsage, exitBroken},
		{"sh-minor r0:pine/1", 0, exitUsage}, {"sh-minor r0:pine", 0, exitUsage}, {"sh-minor R0", exitUsage, exitUsage},
	} {
		got := script(t, twoHosts(oneDisk), nil, strings.Fields(tt.line)...)
		require.Equal(t, tt.nine, got.exit, "%s: %s", tt.line, got.stderr)
		got = script84(t, "oak", withoutIDs(twoHosts(oneDisk)), strings.Fields(tt.line)...)
		require.Equal(t, tt.old, got.exit, "8.4: %s: %s", tt.line, got.stderr)
	}
}

// A host that only runs a proxy has nothing but that to do, and with DRBD 8.4 not even adjust does it.
func TestHostWithAProxyOnlyWith84(t *testing.T) {
	config := `resource p {
  protocol A; device minor 3; disk /dev/sdp; meta-disk internal;
  on oak { address 10.20.0.1:7915; proxy on oak { inside 127.0.0.1:7815; outside 192.168.23.1:7715; } }
  on pine { address 10.20.0.2:7915; proxy on pine prx { inside 127.0.0.1:7815; outside 192.168.23.2:7715; } }
}
`
	for _, line := range []string{"adjust all", "adjust p", "adjust-with-progress all", "plan all", "plan p", "dump p", "dump-xml p", "up p"} {
		got := script84(t, "prx", config, strings.Fields(line)...)
		require.Equal(t, exitUsage, got.exit, "%s: %s", line, got.stderr)
	}
}

// withoutIDs returns a configuration as DRBD 8.4 knows it.
func withoutIDs(config string) string {
	return strings.NewReplacer("node-id 0;", "", "node-id 1;", "").Replace(config)
}

// script84 runs drbdadm for DRBD 8.4 on a configuration, against stubs.
func script84(t *testing.T, node, config string, args ...string) faultRun {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "drbd.conf")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	return faultRecord{record: record{Gen: "8.4", Node: node, Config: file, Argv: args}}.play(t, dir)
}

func TestDumpAllWhereNothingIsForThisHost(t *testing.T) {
	for _, word := range []string{"dump", "dump-xml"} {
		got := script(t, strings.Replace(strings.Replace(twoHosts(oneDisk), "on oak", "on elm", 1), "10.20.0.1", "10.20.0.7", 1), nil, word, "all")
		require.Zero(t, got.exit, got.stderr)
		require.Contains(t, got.stdout, "r0")
	}
}

func TestScheduleIsShownFor9Only(t *testing.T) {
	require.NotContains(t, script84(t, "oak", withoutIDs(twoHosts(oneDisk)), "-d", "-vv", "up", "r0").stdout, "scheduling")
	require.Contains(t, script(t, twoHosts(oneDisk), nil, "-d", "-vv", "up", "r0").stdout, "scheduling")
}

func TestTunnelsAreNamedAfterAllHostsOfTheProxy(t *testing.T) {
	got := script84(t, "oak", `resource p {
  protocol A; device minor 3; disk /dev/sdp; meta-disk internal;
  on oak { address 10.20.0.1:7915; proxy on oak { inside 127.0.0.1:7815; outside 192.168.23.1:7715; } }
  on pine { address 10.20.0.2:7915; proxy on pine prx { inside 127.0.0.1:7815; outside 192.168.23.2:7715; } }
}
`, "-d", "proxy-up", "all")
	require.Zero(t, got.exit, got.stderr)
	require.Contains(t, got.stdout, `add\ connection\ p-pine_prx-oak\ `)
}

// A volume whose minor changes is made anew: its options at the peers are gone, too.
func TestNewMinorGetsItsOptionsAtThePeersAgain(t *testing.T) {
	dir := t.TempDir()
	show := filepath.Join(dir, "show")
	require.NoError(t, os.WriteFile(show, []byte(`resource r0 {
  _this_host { node-id 0;
    volume 0 { device minor 7; disk "/dev/d0"; meta-disk internal; }
    volume 1 { device minor 1; disk "/dev/d1"; meta-disk internal; }
  }
  connection { _peer_node_id 1;
    path { _this_host ipv4 10.20.0.1:7000; _remote_host ipv4 10.20.0.2:7000; }
    _cstate Connected;
    net { _name "pine"; }
    volume 0 { disk { resync-rate 10240k; } }
    volume 1 { disk { resync-rate 10240k; } }
  }
}
`), 0o600))
	file := filepath.Join(dir, "drbd.conf")
	config := strings.Replace(twoHosts(oneDisk), "resource r0 {", "resource r0 { disk { resync-rate 10M; }", 1)
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	got := faultRecord{record: record{Gen: "9", Node: "oak", Config: file, Argv: []string{"-d", "adjust", "r0"}, Env: map[string]string{showFile: show}}}.play(t, dir)
	require.Zero(t, got.exit, got.stderr)
	require.Equal(t, `drbdsetup detach --diskless 7
drbdsetup del-minor 7
drbdsetup new-minor r0 0 0
drbdsetup peer-device-options r0 1 0 --set-defaults --resync-rate=10M
drbdmeta 0 v09 /dev/d0 internal repair-md
drbdmeta 0 v09 /dev/d0 internal apply-al
drbdsetup attach 0 /dev/d0 /dev/d0 internal
`, got.stdout)
}

func TestNamedResourcesAreDumpedWithoutTheirAddresses(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "input.conf"), []byte(twoHosts(oneDisk)), 0o600))
	for words, exit := range map[string]int{"dump r0": 0, "dump-xml r0": 0, "dump": 10, "dump all": 10} {
		out, errs, got := runConfig(t, testkit.ConfigCase{Node: "oak"}, dir, "9.2.0", strings.Fields(words))
		require.Equal(t, exit, got, words)
		require.Equal(t, exit == 0, strings.Contains(out, "r0"), words)
		require.Contains(t, errs, "IP 10.20.0.1 not found on this host.", words)
	}
}

func TestEmptyNameOfConfigurationFile(t *testing.T) {
	got := script(t, twoHosts(oneDisk), nil, "-c", "", "dump")
	require.Equal(t, 20, got.exit)
	require.Contains(t, got.stderr, "Can not open ''")
}

func TestWorkingDirectoryIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	require.NoError(t, os.Mkdir(dir, 0o700))
	t.Chdir(dir)
	require.NoError(t, os.Remove(dir))
	require.Zero(t, script(t, twoHosts(oneDisk), nil, "-d", "up", "r0").exit)
	require.Equal(t, 20, script(t, twoHosts(oneDisk), nil, "-c", "drbd.conf", "-d", "up", "r0").exit)
}

// A resource that is named by several of its volumes, or by one and as a whole, is
// there once.
func TestVolumesOfOneResourceAreAdjustedTogether(t *testing.T) {
	whole := script(t, twoHosts(oneDisk), nil, "-d", "adjust", "r0")
	both := script(t, twoHosts(oneDisk), nil, "-d", "adjust", "r0/0", "r0/1")
	require.Zero(t, both.exit, both.stderr)
	require.Equal(t, whole.stdout, both.stdout)
	again := script(t, twoHosts(oneDisk), nil, "-d", "adjust", "minor-1", "r0", "minor-1")
	require.ElementsMatch(t, lines(whole.stdout), lines(again.stdout))
}

// Options for the metadata are not for the module, which does not know them.
func TestOptionsOfTheMetadataAreForDrbdmetaAlone(t *testing.T) {
	got := script(t, twoHosts(oneDisk), nil, "-d", "dstate", "--force", "r0/0")
	require.Equal(t, "drbdsetup dstate 0\ndrbdmeta 0 v09 /dev/d0 internal dstate --force\n", got.stdout)
	got = script(t, twoHosts(oneDisk), nil, "-d", "forget-peer", "--force", "r0:pine")
	require.Contains(t, got.stdout, "drbdsetup forget-peer r0 1\n")
}

// What the command line lacks is told before the configuration is read.
func TestObjectsAreLookedAtFirst(t *testing.T) {
	for _, args := range [][]string{{"primary"}, {"primary", ""}, {"primary", "a\tb"}} {
		got := script(t, "this is no configuration", nil, args...)
		require.Equal(t, exitUsage, got.exit, "%q: %s", args, got.stderr)
	}
}

func TestAdjust84GoesThroughVolumesByNumber(t *testing.T) {
	const running = `resource r0 {
	_remote_host { address ipv4 10.20.0.2:7000; }
	_this_host { address ipv4 10.20.0.1:7000;
		volume 0 { device minor 10; disk "/dev/d10"; meta-disk internal; }
		volume 1 { device minor 11; disk "/dev/d11"; meta-disk internal; }
		volume 2 { device minor 12; disk "/dev/d12"; meta-disk internal; }
	}
}
`
	const config = `resource r0 {
  volume 1 { device minor 11; disk /dev/other; meta-disk internal; }
  on oak { address 10.20.0.1:7000; }
  on pine { address 10.20.0.2:7000; }
}
`
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "input.conf"), []byte(config), 0o600))
	c := testkit.ConfigCase{Node: "oak", Show: running, IPs: []string{"10.20.0.1"}}
	out, errs, exit := runConfig(t, c, dir, "8.4.11", []string{"-d", "adjust", "r0"})
	require.Zero(t, exit, errs)
	require.Equal(t, `drbdsetup-84 detach 10
drbdsetup-84 del-minor 10
drbdsetup-84 detach 11
drbdsetup-84 detach 12
drbdsetup-84 del-minor 12
drbdmeta 11 v08 /dev/other internal apply-al
drbdsetup-84 attach 11 /dev/other /dev/other internal
`, out)
}

func TestHandlersKeepTheNodeIDThatTheModuleTells(t *testing.T) {
	o := object{selection: selection{res: &confparse.Resource{Name: "r0", Me: &confparse.Host{NodeID: 3}}}}
	require.Contains(t, planner{gen: schema.V9}.handlerEnv(o), "DRBD_MY_NODE_ID=3")
	require.Contains(t, planner{gen: schema.V9, myNodeID: "9"}.handlerEnv(o), "DRBD_MY_NODE_ID=9")
}

// A configuration file that is named and not there counts more than a missing command.
func TestNamedConfigurationIsMissing(t *testing.T) {
	for _, words := range [][]string{{}, {"bogus"}, {"sh-nop"}} {
		for _, version := range []string{"8.4.11", "9.2.0"} {
			vars := map[string]string{"__DRBD_NODE__": "oak", "DRBD_DRIVER_VERSION_OVERRIDE": version}
			var errs strings.Builder
			missing := filepath.Join(t.TempDir(), "missing.conf")
			code := Main(t.Context(), cli.Env{
				Name: "drbdadm", Args: append([]string{"-c", missing}, words...), Stdin: strings.NewReader(""),
				Stdout: io.Discard, Stderr: &errs, Getenv: func(name string) string { return vars[name] },
			})
			require.Equal(t, exitBroken, code, words)
			require.Contains(t, errs.String(), missing)
		}
	}
}

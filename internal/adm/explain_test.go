package adm

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"drbdutils/confparse"
	"drbdutils/internal/cli"
	"drbdutils/netlinkapi"
	"drbdutils/schema"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
)

// A patient is a resource with one volume and one peer, to be made ill.
type patient struct {
	gen       schema.Generation
	disk      schema.DiskState
	conn      schema.ConnState
	repl      schema.ReplState
	peerDisk  schema.DiskState
	outOfSync uint64 // sectors
	ids       [2]uint64
	peerRole  schema.Role
	role      schema.Role // 0: Secondary
	log       string
	silent    bool
	usedBy    []string
	suspended string // key of the resource
	noQuorum  bool
}

func healthy() patient {
	return patient{gen: schema.V9, disk: schema.UpToDate, conn: schema.Connected, repl: schema.Established, peerDisk: schema.UpToDate, peerRole: schema.Secondary}
}

// exam returns what explain knows about the patient.
func (p patient) exam() exam {
	peer := &confparse.Host{NodeID: 1, Names: []string{"pine"}, Address: &confparse.Address{Family: "ipv4", Addr: "10.20.0.2", Port: "7000"}}
	link := &confparse.Connection{Name: "pine", Peer: peer}
	r := &confparse.Resource{Name: "r0", Connections: []*confparse.Connection{link}}
	volumes := []*confparse.Volume{{Disk: "/dev/d0", Minor: 3}}
	r.Me = &confparse.Host{Names: []string{"oak"}, Volumes: volumes}
	e := exam{
		selection: selection{res: r, volumes: volumes, peers: []*confparse.Connection{link}},
		evidence: evidence{
			node: "oak", state: netlinkapi.NewSnapshot(p.gen), log: parseLog(p.log), copies: map[copyID]report{},
			usersOf: func(string) []string { return p.usedBy },
			silent:  func(string) bool { return p.silent },
		},
		have: p.running(),
	}
	e.state.Resources = []*netlinkapi.Resource{e.have}
	e.readStatistics()
	return e
}

func (p patient) running() *netlinkapi.Resource {
	values := func(id schema.ID) *schema.Values { return id.In(p.gen).New() }
	r := &netlinkapi.Resource{
		Name: "r0",
		Info: values(schema.ResourceInfo).SetUint("res_role", uint64(cmp.Or(p.role, schema.Secondary))),
		Devices: []*netlinkapi.Device{{
			Minor: 3,
			Info:  values(schema.DeviceInfo).SetUint("dev_disk_state", uint64(p.disk)).SetBool("dev_has_quorum", !p.noQuorum),
			Stats: values(schema.DeviceStats).SetUint("dev_current_uuid", p.ids[0]).SetBytes("history_uuids", binary.NativeEndian.AppendUint64(nil, 0xA0)),
		}},
		Connections: []*netlinkapi.Connection{{
			PeerNodeID: 1,
			Conf:       values(schema.NetConf),
			Info:       values(schema.ConnectionInfo).SetUint("conn_connection_state", uint64(p.conn)).SetUint("conn_role", uint64(p.peerRole)),
			PeerDevices: []*netlinkapi.PeerDevice{{
				Info:  values(schema.PeerDeviceInfo).SetUint("peer_repl_state", uint64(p.repl)).SetUint("peer_disk_state", uint64(p.peerDisk)),
				Stats: values(schema.PeerDeviceStats).SetUint("peer_dev_out_of_sync", p.outOfSync).SetUint("peer_dev_bitmap_uuid", p.ids[1]),
			}},
		}},
	}
	if p.suspended != "" {
		r.Info.SetBool(p.suspended, true)
	}
	return r
}

// alone is a node that gave its connection up, with data of generation 0x20 that
// parted from the peer's at 0x10, and messages in the kernel's log.
func alone(log ...string) patient {
	p := healthy()
	p.conn, p.repl, p.peerDisk, p.peerRole = schema.StandAlone, schema.ReplOff, schema.DUnknown, schema.RoleUnknown
	p.ids, p.outOfSync = [2]uint64{0x20, 0x10}, 16
	for _, l := range log {
		p.log += "3,1,1,-;" + l + "\n"
	}
	return p
}

const (
	selfLine = "drbd r0/0 drbd3 pine: self 0000000000000020:0000000000000010:00000000000000A0:0000000000000000 bits:2 flags:0"
	peerLine = "drbd r0/0 drbd3 pine: peer 0000000000000031:0000000000000010:00000000000000A0:0000000000000000 bits:32 flags:0"
	sbLine   = "drbd r0/0 drbd3 pine: Split-Brain detected but unresolved, dropping connection!"
)

func TestDiagnose(t *testing.T) {
	ill := func(change func(*patient)) patient {
		p := healthy()
		change(&p)
		return p
	}
	connection := "the connection to pine"
	tests := []struct {
		name  string
		have  patient
		about string // of the first finding; "" if there is none
		state string
		cause cause
		loses bool // some remedy says what would be lost
	}{
		{"in order", healthy(), "", "", "", false},
		{"alone without changes", ill(func(p *patient) { p.conn, p.repl = schema.StandAlone, schema.ReplOff }),
			connection, "StandAlone", causeStopped, false},
		{"changed alone", alone(), connection, "StandAlone", causeMaybe, true},
		{"disconnected by a command", alone("drbd r0 pine: conn( Connected -> Disconnecting ) peer( Secondary -> Unknown )"), connection, "StandAlone", causeStopped, false},
		{"a Primary that should take data", alone("drbd r0/0 drbd3 pine: I shall become SyncTarget, but I am primary!"), connection, "StandAlone", causeInUse, false},
		{"other algorithms", alone("drbd r0/0 drbd3 pine: Different verify-alg settings. me=\"sha1\" peer=\"crc32c\""), connection, "StandAlone", causeSettings, false},
		{"split brain by the log", alone(sbLine), connection, "StandAlone", causeSplitBrain, true},
		{"split brain by the generations", alone(selfLine, peerLine), connection, "StandAlone", causeSplitBrain, true},
		{"a later success clears the log", alone(sbLine, "drbd r0 pine: conn( Connecting -> Connected )"), connection, "StandAlone", causeMaybe, true},
		{"somebody else's split brain", alone(strings.Replace(sbLine, "r0/0", "r9/0", 1)), connection, "StandAlone", causeMaybe, true},
		{"unrelated", alone("drbd r0/0 drbd3 pine: Unrelated data, aborting!"), connection, "StandAlone", causeUnrelated, true},
		{"secret", alone("drbd r0 pine: Authentication of peer failed"), connection, "StandAlone", causeSecret, false},
		{"dialects", alone("drbd r0 pine: incompatible DRBD dialects: I support 86-101, peer supports 110-122"), connection, "StandAlone", causeProtocol, false},
		{"node ids", alone("drbd r0 pine: Peer presented a node_id of 3 instead of 1"), connection, "StandAlone", causeNodeID, false},
		{"settings", alone("drbd r0 pine: incompatible after-sb-0pri settings"), connection, "StandAlone", causeSettings, false},
		{"sizes", alone("drbd r0/0 drbd3 pine: The peer's disk size is too small! (20480 < 65456 sectors)"), connection, "StandAlone", causeSize, false},
		{"handler", alone("drbd r0/0 drbd3 pine: before-resync-target handler returned 1, dropping connection."), connection, "StandAlone", causeHandler, false},
		{"peer away", ill(func(p *patient) { p.conn, p.repl = schema.Connecting, schema.ReplOff }), connection, "Connecting", causeUnreachable, false},
		{"wrong secret, trying again", ill(func(p *patient) {
			p.conn, p.repl, p.log = schema.Connecting, schema.ReplOff, "3,1,1,-;drbd r0 pine: Authentication of peer failed, trying again.\n"
		}), connection, "Connecting", causeSecret, false},
		{"outdated", ill(func(p *patient) { p.disk = schema.Outdated }), "the disk of volume 0", "Outdated", "", false},
		{"detached", ill(func(p *patient) { p.disk = schema.Diskless }), "the disk of volume 0", "Diskless", "", false},
		{"resync", ill(func(p *patient) { p.repl, p.peerDisk, p.outOfSync = schema.SyncSource, schema.Inconsistent, 16 }), "volume 0", "SyncSource", "", false},
		{"paused", ill(func(p *patient) { p.repl, p.peerDisk = schema.PausedSyncS, schema.Inconsistent }), "the resync of volume 0", "paused", "", false},
		{"verify", ill(func(p *patient) { p.repl = schema.VerifyS }), "volume 0", "being verified", "", false},
		{"the peer's disk", ill(func(p *patient) { p.peerDisk = schema.Failed }), "the disk of volume 0 on pine", "Failed", "", false},
		{"the peer is Primary", ill(func(p *patient) { p.peerRole = schema.Primary }), "resource r0", "not promotable", "", false},
		{"no quorum", ill(func(p *patient) { p.noQuorum = true }), "resource r0", "not promotable", "", false},
		{"no quorum for a Primary", ill(func(p *patient) { p.noQuorum, p.role = true, schema.Primary }), "resource r0",
			"of no use as Primary: its I/O stands still or fails, as on-no-quorum says", "", false},
		{"suspended", ill(func(p *patient) { p.suspended = "res_susp_fen" }), "the I/O of resource r0", "suspended", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := tt.have.exam().diagnose()
			if tt.about == "" {
				require.Empty(t, found)
				return
			}
			require.NotEmpty(t, found)
			f := found[0]
			require.Equal(t, tt.about, f.About)
			require.Equal(t, tt.state, f.State)
			require.Equal(t, tt.cause, f.Cause)
			require.NotEmpty(t, f.Why)
			loses := false
			for _, r := range f.Remedies {
				loses = loses || strings.Contains(r.Effect, "discard") || strings.Contains(r.Effect, "lost")
			}
			require.Equal(t, tt.loses, loses)
		})
	}
}

func TestExplainOfWhatIsDown(t *testing.T) {
	e := healthy().exam()
	e.have = nil
	found := e.diagnose()
	require.Len(t, found, 1)
	require.Equal(t, "not running", found[0].State)
	require.Equal(t, "the module does not know it", found[0].Why)
	e.absent = true
	require.Equal(t, "the DRBD module is not loaded", e.diagnose()[0].Why)
}

// A split brain is shown with both sides, and both ways out, each with its price.
func TestSplitBrainShowsBothSides(t *testing.T) {
	p := alone(selfLine, peerLine, sbLine)
	p.usedBy = []string{"mounted at /srv (xfs)"}
	var out strings.Builder
	diagnosis{Resource: "r0", Findings: p.exam().diagnose()}.write(&out)
	require.Equal(t, `r0:
  the connection to pine is StandAlone
    split brain: both nodes have changed data since they parted. Somebody has to say whose changes are lost; there is no way to keep both
    volume 0 here:     0000000000000020:0000000000000010:00000000000000A0:0000000000000000, 8 KiB changed since
    volume 0 the peer: 0000000000000031:0000000000000010:00000000000000A0:0000000000000000, 128 KiB changed since
    the kernel's log says: Split-Brain detected but unresolved, dropping connection!
    in use: mounted at /srv (xfs)
    to discard what was changed on oak since (8 KiB):
      oak# drbdadm secondary r0
      oak# drbdadm connect --discard-my-data r0
      pine# drbdadm connect r0
    to discard what was changed on pine since (128 KiB):
      pine# drbdadm secondary r0
      pine# drbdadm disconnect r0 || true
      pine# drbdadm connect --discard-my-data r0
      oak# drbdadm connect r0
`, out.String())
}

// What the peer has is only known if the log goes back that far. Otherwise explain
// says so, and names the command that tells.
func TestUnknownPeerIsSaidPlainly(t *testing.T) {
	var out strings.Builder
	diagnosis{Resource: "r0", Findings: alone(sbLine).exam().diagnose()}.write(&out)
	require.Contains(t, out.String(), "volume 0 the peer: generations not known here\n      'drbdadm get-gi r0/0' there tells\n")
	require.Contains(t, out.String(), "to discard what was changed on pine (how much that is, 'drbdadm explain' there tells):\n")

	text, err := json.Marshal(alone(sbLine).exam().diagnose())
	require.NoError(t, err)
	require.Contains(t, string(text), `"here":{"generations":{"current":"0000000000000020","bitmap":"0000000000000010","history":["00000000000000A0"]},"changed_kib":8}`)
	require.Contains(t, string(text), `"peer":{"generations":null,"changed_kib":null},"ask":"drbdadm get-gi r0/0"`)
}

// With several peers the commands name the one that they are about.
func TestRemediesNameThePeer(t *testing.T) {
	e := alone(sbLine).exam()
	e.res.Connections = append(e.res.Connections, &confparse.Connection{Name: "birch", Ignored: true})
	commands := e.diagnose()[0].Remedies[0].Commands
	require.Equal(t, []call{{"oak", "drbdadm secondary r0"}, {"oak", "drbdadm connect --discard-my-data r0:pine"}, {"pine", "drbdadm connect r0:oak"}}, commands)
}

func TestNobodyAtTheAddress(t *testing.T) {
	p := healthy()
	p.conn, p.repl, p.silent = schema.Connecting, schema.ReplOff, true
	require.Contains(t, p.exam().diagnose()[0].Why, "no machine answers at 10.20.0.2")
	p.silent = false
	require.Contains(t, p.exam().diagnose()[0].Why, "nobody answers at ipv4:10.20.0.2:7000")
}

func TestDiskInUseElsewhere(t *testing.T) {
	p := healthy()
	p.disk, p.usedBy = schema.Diskless, []string{"mounted at /mnt (ext4)"}
	f := p.exam().diagnose()[0]
	require.Contains(t, f.Why, "/dev/d0 is in use by something else")
	require.Equal(t, p.usedBy, f.UsedBy)

	p.usedBy, p.log = nil, "3,1,1,-;drbd r0/0 drbd3: Local IO failed in __req_endio_error. Detaching...\n"
	require.Equal(t, "Local IO failed in __req_endio_error. Detaching...", p.exam().diagnose()[0].Kernel)
}

func TestKinship(t *testing.T) {
	ours := lineage{current: 0x21, parted: 0x10, history: []uint64{0xA0, 0}}
	for _, tt := range []struct {
		name string
		peer lineage
		want kinship
	}{
		{"the role does not matter", lineage{current: 0x20}, sameData},
		{"the peer stayed where we parted", lineage{current: 0x10}, oursIsNewer},
		{"the peer is far behind", lineage{current: 0xA1}, oursIsNewer},
		{"the peer is new", lineage{current: justCreated}, oursIsNewer},
		{"the peer went on from here", lineage{current: 0x30, parted: 0x20}, theirsIsNewer},
		{"we are far behind", lineage{current: 0x30, history: []uint64{0x28, 0x21}}, theirsIsNewer},
		{"both went on", lineage{current: 0x30, parted: 0x11}, splitBrain},
		{"both went on, long ago", lineage{current: 0x30, history: []uint64{0xA0}}, splitBrain},
		{"strangers", lineage{current: 0x30, parted: 0x40, history: []uint64{0x50}}, unrelated},
		{"zero is nobody's ancestor", lineage{current: 0x30, history: []uint64{0}}, unrelated},
	} {
		require.Equal(t, tt.want, ours.compare(tt.peer), tt.name)
	}
}

// TestUsersOf holds that whoever has a device open is found in /proc and /sys.
func TestUsersOf(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("sys/class/block/drbd3/dev", "147:3\n")
	write("sys/class/block/drbd3/holders/dm-0/x", "")
	write("proc/self/mountinfo", "36 35 147:3 / /srv rw - xfs /dev/drbd3 rw\n37 35 8:1 / / rw - ext4 /dev/sda1 rw\n")
	write("proc/swaps", "Filename Type Size Used Priority\n/dev/drbd3 partition 1 0 -2\n")
	write("proc/42/comm", "mysqld\n")
	write("proc/42/fd/.keep", "")
	for _, fd := range []string{"3", "4"} {
		require.NoError(t, os.Symlink("/dev/drbd3", filepath.Join(dir, "proc/42/fd", fd)))
	}
	own := filepath.Join(dir, "proc", strconv.Itoa(os.Getpid()), "fd")
	require.NoError(t, os.MkdirAll(own, 0o700))
	require.NoError(t, os.Symlink("/dev/drbd3", filepath.Join(own, "3")))
	tl := &tool{env: cli.Env{Getenv: func(name string) string { return map[string]string{cli.FakeVariable: dir}[name] }}}
	require.Equal(t, []string{
		"mounted at /srv (xfs)", "as swap space", "by the device /dev/dm-0 on top of it", "by process 42 (mysqld)",
	}, tl.usersOf("/dev/drbd3"))
	require.Empty(t, tl.usersOf("/dev/drbd4"))
}

func TestReadKernelLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kmsg")
	text := bytes.Repeat([]byte("6,1,1,-;drbd r0: "+strings.Repeat("x", 100)+"\n"), 200)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	require.Equal(t, string(text), readKernelLog(file))
	require.Empty(t, readKernelLog(file+".missing"))
}

func TestSilent(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "proc/net"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "proc/net/arp"), []byte(
		"IP address       HW type     Flags       HW address            Mask     Device\n"+
			"10.0.0.2         0x1         0x0         00:00:00:00:00:00     *        eth0\n"+
			"10.0.0.3         0x1         0x2         52:54:00:00:00:03     *        eth0\n"), 0o600))
	tl := &tool{env: cli.Env{Getenv: func(name string) string { return map[string]string{cli.FakeVariable: dir}[name] }}}
	require.True(t, tl.silent("10.0.0.2"))
	require.False(t, tl.silent("10.0.0.3"))
	require.False(t, tl.silent("10.0.0.4"))
}

// TestRealLogs judges what a real module logged when it refused a peer.
func TestRealLogs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(goldens, "kernel-8.4.11.txtar"))
	require.NoError(t, err)
	want := map[string]cause{
		"splitbrain.node1": causeSplitBrain, "splitbrain.node2": causeSplitBrain,
		"secret.node1": causeSecret, "secret.node2": causeSecret,
		"onesecret.node1": causeSecret, "onesecret.node2": causeSecret,
		"protocol.node1": causeSettings, "protocol.node2": causeSettings,
		"aftersb.node1": causeSettings, "aftersb.node2": causeSettings,
		"size.node1": causeSize, "size.node2": causePeer,
	}
	for _, f := range txtar.Parse(text).Files {
		v := judge(parseLog(string(f.Data)), topic{"drbd r0", map[string]int{"block drbd0": 7}})
		require.Equal(t, want[f.Name], v.cause, f.Name)
		delete(want, f.Name)
		if f.Name == "splitbrain.node1" {
			require.Equal(t, "F7B0C5CD36BCF0EB:A7B13BFA7899CB72:0000000000000000:0000000000000000", v.peer[7].lineage.String())
			require.EqualValues(t, 128, v.peer[7].kib)
			require.EqualValues(t, 64, v.here[7].kib)
			require.Equal(t, splitBrain, v.here[7].lineage.compare(v.peer[7].lineage))
		}
	}
	require.Empty(t, want)
}

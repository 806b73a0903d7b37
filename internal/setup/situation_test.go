package setup_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/internal/cli"
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// A specialRun is a run of which the record tells only in words what the module
// did meanwhile.
type specialRun struct {
	run
	Prog     string
	Note     string
	Env      map[string]string
	Requests []string
}

// A situation is what the words say, about the one peer of a resource w.
type situation struct {
	conn, repl uint64 // states at first
	events     []change
	timeout    byte // what the module answers when asked for the time-out
	code       int32
	volume1    bool   // there is a second volume, which syncs
	scene      string // other messages altogether
	unloads    bool   // the module goes away at the end
	overrun    bool   // notifications get lost after the role changed
	stdin      string
}

// A change is what the module tells later.
type change struct{ conn, repl uint64 }

// States of connections and replication, in the numbers of 9. For 8.4, which has
// one state for both, Connected and Established are the same.
const (
	standAlone, unconnected, connecting, connected = 0, 2, 8, 9
	off, established, syncSource, syncTarget       = 9, 10, 16, 17
)

// situations are by the beginning of the note.
var situations = []struct {
	note string
	situation
}{
	{"connects after", situation{conn: connecting, repl: off, events: []change{{connected, established}}}},
	{"sync finishes after", situation{conn: connected, repl: syncTarget, events: []change{{connected, established}}}},
	{"peer syncing counts", situation{conn: connected, repl: syncSource}},
	{"syncing counts", situation{conn: connected, repl: syncSource}},
	{"still syncing", situation{conn: connected, repl: syncTarget}},
	{"volume 0 done", situation{conn: connected, repl: established, volume1: true}},
	{"volume 1 still syncing", situation{conn: connected, repl: established, volume1: true}},
	{"never connects", situation{conn: connecting, repl: off}},
	{"timeout type request fails", situation{conn: connecting, repl: off, code: 127}},
	{"timeout", situation{conn: connecting, repl: off}},
	{"short option", situation{conn: connecting, repl: off}},
	{"degr longer", situation{conn: connecting, repl: off}},
	{"kernel says degraded", situation{conn: connecting, repl: off, timeout: 1}},
	{"kernel says peer outdated", situation{conn: connecting, repl: off, timeout: 2}},
	{"no timeout", situation{conn: connecting, repl: off, unloads: true}},
	{"module unloaded", situation{conn: connecting, repl: off, unloads: true}},
	{"connection is StandAlone", situation{conn: standAlone, repl: off}},
	{"StandAlone", situation{conn: standAlone, repl: off}},
	{"no peer devices", situation{scene: "resource-only"}},
	{"driver version 8.3", situation{scene: "empty"}},
	{"dispatch", situation{scene: "empty"}},
	{"/proc/drbd says 8.4", situation{scene: "empty"}},
	{"socket receive buffer overrun", situation{conn: connected, repl: established, overrun: true}},
	{"", situation{conn: connected, repl: established}},
}

func TestRecordedSpecial(t *testing.T) {
	for i, r := range records[specialRun](t, "special.jsonl.gz") {
		t.Run(fmt.Sprintf("%d %s", i, r.Note), func(t *testing.T) {
			t.Parallel()
			s := r.situation()
			dir := t.TempDir()
			p := s.peer(t, r.Prog)
			p.start(t, dir)
			if r.Note == "/proc/drbd says 8.4" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "proc/drbd"), []byte("version: 8.4.11 (api:1/proto:86-101)\n"), 0o644))
			}
			got := drbdsetupIn(t, cli.Env{Name: r.Prog, Args: r.Argv, Stdin: strings.NewReader(s.stdin)}, r.variables(dir))
			r.check(t, got, p)
		})
	}
}

func (r *specialRun) situation() situation {
	i := slices.IndexFunc(situations, func(s struct {
		note string
		situation
	}) bool {
		return strings.HasPrefix(r.Note, s.note)
	})
	s := situations[i].situation
	if _, quoted, found := strings.Cut(r.Note, `stdin "`); found {
		s.stdin, _, _ = strings.Cut(quoted, `"`)
		s.stdin = strings.ReplaceAll(s.stdin, `\n`, "\n")
	}
	return s
}

// variables returns the environment of the run.
func (r *specialRun) variables(dir string) map[string]string {
	v := map[string]string{cli.FakeVariable: dir}
	for _, release := range []string{"8.4", "8.3"} {
		if strings.Contains(r.Note, "driver version "+release) {
			v["DRBD_DRIVER_VERSION_OVERRIDE"] = release + ".11"
		}
	}
	return v
}

// peer returns the module in the situation.
func (s *situation) peer(t *testing.T, program string) *peer {
	version := byte(2)
	if program == "drbdsetup-84" {
		version = 1
	}
	p := newPeer(t, version)
	p.timeoutTypes = []byte{s.timeout}
	p.answer = func(op byte, _ uint32) (int32, [][]string, int32) {
		if s.code != 0 && op == 26 {
			return s.code, nil, 0
		}
		return 101, nil, 0
	}
	switch {
	case s.scene == "empty":
	case s.scene != "":
		p.messages = sceneMessages(t, version, s.scene)
	case version == 1:
		p.messages = s.messages84(t)
	default:
		p.messages = s.messages9(t)
	}
	if s.overrun {
		p.messages = append(p.messages, s.promoted(t, p.messages), special(overrun), special(next), special(unload))
	}
	if s.unloads {
		p.messages = append(p.messages, special(pause), special(unload))
	}
	return p
}

// promoted returns the notification that the node became primary.
func (s *situation) promoted(t *testing.T, all []recorded) recorded {
	i := slices.IndexFunc(all, func(r recorded) bool { return decoded(t, schema.V9, r).Op == schema.ResourceState })
	r := reshape(t, schema.V9, all[i], func(m *netlinkapi.Message) {
		m.Seq = 7
		m.Get(schema.NotifyHeader).SetUint("nh_type", uint64(schema.Change))
		put(m, schema.ResourceInfo, "res_role", uint64(schema.Primary))
	})
	r.Phase = "event"
	return r
}

// messages9 makes the messages out of those of another recorded scene.
func (s *situation) messages9(t *testing.T) []recorded {
	var all []recorded
	for _, r := range sceneMessages(t, 2, "two-node-secondary-vol1") {
		if op := decoded(t, schema.V9, r).Op; op == schema.GetPaths || op == schema.PathState {
			continue
		}
		all = append(all, reshape(t, schema.V9, r, func(m *netlinkapi.Message) { s.rename9(m, 0) }))
		if s.volume1 && hasVolume(t, r) {
			all = append(all, reshape(t, schema.V9, r, func(m *netlinkapi.Message) { s.rename9(m, 1) }))
		}
	}
	for seq, e := range s.events {
		later := situation{conn: e.conn, repl: e.repl}
		for _, r := range all {
			if r.Phase != "initial" {
				continue
			}
			all = append(all, reshape(t, schema.V9, r, func(m *netlinkapi.Message) {
				later.rename9(m, 0)
				m.Seq = uint32(100*seq + len(all))
				m.Get(schema.NotifyHeader).SetUint("nh_type", uint64(schema.Change))
			}))
			all[len(all)-1].Phase = "event"
		}
	}
	return all
}

func hasVolume(t *testing.T, r recorded) bool {
	m := decoded(t, schema.V9, r)
	return m.Get(schema.CfgContext).Has("ctx_volume")
}

// rename9 makes an object one of the resource w.
func (s *situation) rename9(m *netlinkapi.Message, volume uint64) {
	ctx := m.Get(schema.CfgContext)
	ctx.SetStr("ctx_resource_name", "w")
	if ctx.Has("ctx_peer_node_id") {
		ctx.SetStr("ctx_conn_name", "pb").SetUint("ctx_peer_node_id", 1)
	}
	repl := s.repl
	if volume == 1 {
		repl = syncTarget
	}
	if ctx.Has("ctx_volume") {
		ctx.SetUint("ctx_volume", volume)
	}
	if m.Minor != schema.NoMinor {
		m.Minor = uint32(10 + volume)
	}
	put(m, schema.ResourceOpts, "node_id", 0)
	put(m, schema.ResourceInfo, "res_role", uint64(schema.Secondary))
	put(m, schema.ConnectionInfo, "conn_connection_state", s.conn)
	put(m, schema.ConnectionInfo, "conn_role", uint64(schema.Secondary))
	put(m, schema.PeerDeviceInfo, "peer_repl_state", repl)
	put(m, schema.PeerDeviceInfo, "peer_disk_state", uint64(schema.UpToDate))
	if conf := m.Get(schema.NetConf); conf != nil {
		conf.SetStr("name", "pb")
	}
	m.Sets = slices.DeleteFunc(m.Sets, func(v *schema.Values) bool { return v.Set.ID == schema.PathParms })
}

func put(m *netlinkapi.Message, id schema.ID, key string, n uint64) {
	if v := m.Get(id); v != nil {
		v.SetUint(key, n)
	}
}

// messages84 makes the messages out of those of another recorded scene.
func (s *situation) messages84(t *testing.T) []recorded {
	state := func(conn, repl uint64) uint64 {
		both := conn // 8.4 has one state for both
		if conn == connected {
			both = repl
		}
		return uint64(schema.Secondary) | uint64(schema.Secondary)<<2 | both<<4 | 8<<9 | 8<<13
	}
	var all []recorded
	for _, r := range sceneMessages(t, 1, "connected-primary") {
		all = append(all, reshape(t, schema.V84, r, func(m *netlinkapi.Message) { s.rename84(m, s.conn, s.repl, state(s.conn, s.repl)) }))
	}
	for i, e := range s.events {
		for _, r := range all {
			if r.Phase != "initial" {
				continue
			}
			all = append(all, reshape(t, schema.V84, r, func(m *netlinkapi.Message) {
				m.Seq = uint32(100*i + len(all))
				s.rename84(m, e.conn, e.repl, state(e.conn, e.repl))
				m.Get(schema.NotifyHeader).SetUint("nh_type", uint64(schema.Change))
			}))
			all[len(all)-1].Phase = "event"
		}
	}
	return all
}

func (s *situation) rename84(m *netlinkapi.Message, conn, repl, state uint64) {
	m.Get(schema.CfgContext).SetStr("ctx_resource_name", "w")
	if m.Minor != schema.NoMinor {
		m.Minor = 10
	}
	put(m, schema.StateInfo, "current_state", state)
	put(m, schema.ConnectionInfo, "conn_connection_state", conn)
	put(m, schema.PeerDeviceInfo, "peer_repl_state", repl)
}

var (
	timestamp  = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d `)
	shortening = regexp.MustCompile(`(?m)^((?:degr|outdated)-wfc-timeout) (?:has to be|implicitly set).*\n`)
)

func (r *specialRun) check(t *testing.T, got result, p *peer) {
	got.stdout = timestamp.ReplaceAllString(got.stdout, "<TS> ")
	want := regexp.MustCompile(`<TS>[+-]\d\d:\d\d`).ReplaceAllString(r.Stdout, "<TS>")
	if r.Argv[0] == "status" { // see deviations
		got.stdout, want = oneLine(got.stdout), oneLine(want)
	}
	if strings.Contains(r.Note, "ENOBUFS") {
		want += "change resource name:w role:Secondary may_promote:yes promotion_score:10102\n"
	}
	if r.Stdout != "<usage-all>" {
		require.Equal(t, want, got.stdout)
	}
	switch {
	case strings.Contains(r.Note, "ENOBUFS"): // the state is read again, and differs
		return
	case string(r.Exit) == `TIMEOUT`: // it would still wait
		require.Equal(t, result{121, "", "w: module unloaded\n"}, got)
		return
	case r.Prog == "drbdsetup-84" && r.Stdout == "<usage-all>": // we know short options there, too
		require.Equal(t, result{5, "", ""}, got)
		return
	case strings.Contains(r.Note, "--wait-after-sb") && got.exit == 5:
		require.Contains(t, got.stderr, "is StandAlone")
	case strings.HasPrefix(r.Argv[0], "wait-") && r.Exit == "20":
		require.NotEmpty(t, got.stderr)
	default:
		require.Equal(t, r.notes(), got.stderr)
	}
	require.Equal(t, string(r.Exit), fmt.Sprint(got.exit), got.stderr)
	r.checkQueries(t, p)
}

// notes returns what must be on standard error: the original also tells that it
// shortens time-outs which nobody gave.
func (r *specialRun) notes() string {
	return shortening.ReplaceAllStringFunc(r.Stderr, func(line string) string {
		name := shortening.FindStringSubmatch(line)[1]
		for _, arg := range r.Argv {
			if strings.HasPrefix(arg, "--"+name) {
				return line
			}
		}
		return ""
	})
}

// checkQueries compares how often the state and the time-outs were asked for.
// How else we find out what is there is our business.
func (r *specialRun) checkQueries(t *testing.T, p *peer) {
	if r.Prog == "drbdsetup-84" {
		return
	}
	for name, op := range map[string]byte{"DRBD_ADM_GET_INITIAL_STATE": 38, "DRBD_ADM_GET_TIMEOUT_TYPE": 26} {
		want, got := 0, 0
		for _, request := range r.Requests {
			if request == name {
				want++
			}
		}
		p.mu.Lock()
		for _, m := range p.requests {
			if m[16] == op {
				got++
			}
		}
		p.mu.Unlock()
		require.Equal(t, want, got, name)
	}
}

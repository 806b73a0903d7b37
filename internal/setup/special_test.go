package setup_test

import (
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// node starts a peer with the messages of a recorded scene and returns the
// directory of its node.
func node(t *testing.T, version byte, name string) string {
	p := newPeer(t, version)
	p.messages = sceneMessages(t, version, name)
	dir := t.TempDir()
	p.start(t, dir)
	return dir
}

func TestWait(t *testing.T) {
	tests := []struct {
		name    string
		version byte
		scene   string
		argv    string
		exit    int
		stderr  string // a part of it
	}{
		{"connected", 2, "two-node-primary", "wait-connect-volume alpha 1 0", 0, ""},
		{"in sync", 2, "two-node-primary", "wait-sync-resource alpha", 0, ""},
		{"unknown resource", 2, "two-node-primary", "wait-connect-resource nope", 0, ""},
		{"no peers", 2, "resource-only", "wait-connect-resource bare", 0, ""},
		{"syncing is connected", 2, "sync-target", "wait-connect-connection sync 1", 0, ""},
		{"syncing is not in sync", 2, "sync-target", "wait-sync-connection sync 1 --wfc-timeout=1", 5, ""},
		{"a peer that is not there", 2, "two-node-primary", "wait-connect-connection alpha 7 -t 1", 5, ""},
		{"gave up", 2, "standalone", "wait-connect-resource solo", 0, ""},
		{"gave up, waited for", 2, "standalone", "wait-connect-resource solo --wait-after-sb -t 1", 5, "is StandAlone"},
		{"gave up, not waited for", 2, "standalone", "wait-connect-resource solo --wait-after-sb=no -t 1", 0, ""},
		{"one of many gave up", 2, "connection-state-zoo", "wait-connect-resource czoo", 0, ""},
		{"another one gave up", 2, "connection-state-zoo", "wait-connect-connection czoo 3 -t 1", 5, ""},
		{"a volume whose connection gave up", 2, "connection-state-zoo", "wait-connect-volume czoo 0 0 -t 1", 5, ""},
		{"shortened", 2, "two-node-primary", "wait-connect-resource alpha -t 1 -d 3", 0, "degr-wfc-timeout implicitly set to wfc-timeout (1s)"},
		{"8.4 connected", 1, "connected-primary", "wait-connect 100", 0, ""},
		{"8.4 in sync", 1, "connected-primary", "wait-sync 100", 0, ""},
		{"8.4 syncing is connected", 1, "sync-target", "wait-connect 30", 0, ""},
		{"8.4 syncing is not in sync", 1, "sync-target", "wait-sync 30 --wfc-timeout=1", 5, ""},
		{"8.4 waits for the peer", 1, "wfconnection-suspended", "wait-connect 60 --wfc-timeout=1", 5, ""},
		{"8.4 not configured", 1, "standalone-unconfigured", "wait-connect 41", 0, ""},
		{"8.4 gave up, waited for", 1, "standalone-unconfigured", "wait-sync 41 --wait-after-sb --wfc-timeout=1", 5, "is StandAlone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := drbdsetup(t, node(t, tt.version, tt.scene), "", strings.Fields(tt.argv)...)
			require.Equal(t, tt.exit, got.exit, got.stderr)
			require.Empty(t, got.stdout)
			require.Contains(t, got.stderr, tt.stderr)
			if tt.stderr == "" {
				require.Empty(t, got.stderr)
			}
		})
	}
}

// A target whose own time is over is not waited for any longer, but the command
// succeeds if the others are reached.
func TestWaitForSomeTargets(t *testing.T) {
	t.Parallel()
	s := situation{conn: connected, repl: syncTarget, volume1: true, events: []change{{connected, established}}}
	p := s.peer(t, "drbdsetup")
	p.timeoutTypes = []byte{0, 1}
	first := slices.IndexFunc(p.messages, event)
	p.messages = slices.Insert(p.messages, first, slices.Repeat([]recorded{special(pause)}, 5)...) // more than a second
	dir := t.TempDir()
	p.start(t, dir)
	require.Equal(t, result{}, drbdsetup(t, dir, "", "wait-sync-resource", "w", "--wfc-timeout=15", "--degr-wfc-timeout=1"))
}

func TestPoll(t *testing.T) {
	dir := node(t, 2, "two-node-primary")
	once := drbdsetup(t, dir, "", "events2", "--now").stdout
	require.Contains(t, once, "exists -\n")
	for stdin, times := range map[string]int{"nn": 3, "\n\nq": 1, "n x": 2, "": 1} {
		got := drbdsetup(t, dir, stdin, "events2", "--poll", "--now")
		require.Equal(t, result{0, strings.Repeat(once, times), ""}, got, "%q", stdin)
	}
	for _, stdin := range []string{"", "n", "n\nn\n"} {
		got := drbdsetup(t, dir, stdin, "events2", "--poll")
		require.Equal(t, result{0, once, ""}, got, "%q: only differences are told", stdin)
	}
}

func TestTimestamps(t *testing.T) {
	got := drbdsetup(t, node(t, 2, "two-node-primary"), "", "events2", "--now", "--timestamps")
	for line := range strings.Lines(got.stdout) {
		stamp, rest, _ := strings.Cut(line, " ")
		at, err := time.Parse("2006-01-02T15:04:05.000000-07:00", stamp)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), at, time.Minute)
		require.True(t, strings.HasPrefix(rest, "exists "), line)
	}
	got = drbdsetup(t, node(t, 1, "connected-primary"), "", "events2", "--now", "--timestamps")
	lines := timestamp.FindAllString(got.stdout, -1)
	require.Len(t, lines, 5)
	require.Equal(t, slices.Repeat(lines[:1], 4), lines[:4], "one change, one time")
}

// An old module tells no statistics. Nothing is made up for it.
func TestOldModule(t *testing.T) {
	dir := node(t, 2, "no-statistics-old-module")
	got := drbdsetup(t, dir, "", "status", "--json")
	require.Zero(t, got.exit)
	require.Contains(t, got.stdout, `"congested": false`)
	require.Equal(t, 1, drbdsetup(t, dir, "", "get-gi", "old", "1", "0").exit)
}

// A compatCase is a sequence of commands, and the files that were there after
// each.
type compatCase struct {
	Title string
	Steps []struct {
		commandRun
		Files map[string]string `json:"rundir_after"`
	}
}

func TestRecordedCompat(t *testing.T) {
	for _, c := range records[compatCase](t, "compat9.jsonl.gz") {
		t.Run(c.Title, func(t *testing.T) {
			dir := t.TempDir()
			p := newPeer(t, 2)
			p.start(t, dir)
			for _, device := range []string{"loop0", "loop1"} {
				require.NoError(t, os.WriteFile(filepath.Join(dir, device), nil, 0o600))
			}
			here := strings.NewReplacer("/dev/loop", dir+"/loop")
			for _, s := range c.Steps {
				p.requests = nil
				for i := range s.Argv {
					s.Argv[i] = here.Replace(s.Argv[i])
				}
				for _, q := range s.Requests {
					for _, n := range q.Attrs {
						for field, value := range n.Fields {
							n.Fields[field] = here.Replace(value)
						}
					}
				}
				got := drbdsetup(t, dir, "", s.Argv...)
				require.Equal(t, s.Stderr, allowed.ReplaceAllString(got.stderr, ""), s.Argv)
				s.checkExit(t, got)
				s.checkRequests(t, p)
				for name, content := range s.Files {
					checkFile(t, filepath.Join(dir, "var/run/drbd", name), content)
				}
			}
		})
	}
}

// allowed is what our messages tell beside those of the original.
var allowed = regexp.MustCompile(`(?m) \([a-z_-]+: .*\)$`)

// checkFile compares a file, or with "-> TARGET" a link.
func checkFile(t *testing.T, path, want string) {
	target, isLink := strings.CutPrefix(want, "-> ")
	if isLink {
		got, err := os.Readlink(path)
		require.NoError(t, err)
		require.Equal(t, target, got)
		return
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

// A described command is what xml-help said about it.
type described struct {
	Prog, Command string
	Arguments     []any
	Options       []map[string]any
}

// An xmlCommand is what xml-help says.
type xmlCommand struct {
	Name      string      `xml:"name,attr"`
	Arguments []string    `xml:"argument"`
	Group     []string    `xml:"group>argument"`
	Options   []xmlOption `xml:"option"`
}

type xmlOption struct {
	Name     string   `xml:"name,attr"`
	Type     string   `xml:"type,attr"`
	Min      string   `xml:"min"`
	Max      string   `xml:"max"`
	Default  string   `xml:"default"`
	Prefix   string   `xml:"unit_prefix"`
	Unit     string   `xml:"unit"`
	Handlers []string `xml:"handler"`
	Symbols  []string `xml:"symbol"`
}

// beyond are options of ours that the original lacks there.
var beyond = map[string][]string{
	"drbdsetup-84 show":    {"json"},
	"drbdsetup-84 status":  {"json"},
	"drbdsetup-84 events2": {"poll", "full", "color", "diff", "rcvbuf"},
}

func TestRecordedOptions(t *testing.T) {
	programs := map[string]string{"9.34": "drbdsetup", "84@9.34": "drbdsetup-84"}
	for _, want := range records[described](t, "options.jsonl.gz") {
		program := programs[want.Prog]
		t.Run(program+" "+want.Command, func(t *testing.T) {
			text := drbdsetupAs(t, program, t.TempDir(), "", "xml-help", want.Command)
			require.Zero(t, text.exit)
			var got xmlCommand
			require.NoError(t, xml.Unmarshal([]byte(text.stdout), &got))
			require.Equal(t, want.Command, got.Name)
			require.Equal(t, want.words(), slices.Concat(got.Arguments, got.Group))
			var options []string
			for _, o := range got.Options {
				if !slices.Contains(beyond[program+" "+want.Command], o.Name) {
					options = append(options, fmt.Sprint(o.Name, o.Type, o.Min, o.Max, o.Default, o.Prefix, o.Unit, o.Handlers, o.Symbols))
				}
			}
			require.Equal(t, want.options(), options)
		})
	}
}

func (d *described) words() []string {
	var words []string
	for _, a := range d.Arguments {
		if group, ok := a.([]any); ok {
			for _, g := range group {
				words = append(words, g.(string))
			}
			continue
		}
		words = append(words, a.(string))
	}
	return words
}

func (d *described) options() []string {
	var all []string
	for _, o := range d.Options {
		text := func(key string) string {
			if o[key] == nil {
				return ""
			}
			return o[key].(string)
		}
		list := func(key string) []any {
			if o[key] == nil {
				return []any{}
			}
			return o[key].([]any)
		}
		all = append(all, fmt.Sprint(text("name"), text("type"), text("min"), text("max"), text("default"),
			text("unit_prefix"), text("unit"), list("handlers"), list("symbols")))
	}
	return all
}

// The original waits for a lost notification for ever, and gives up when the kernel
// dropped some. Here the state is read again in both cases, and told as far as it
// differs from what was told before.
func TestLostNotifications(t *testing.T) {
	lost := map[string]func([]recorded) []recorded{
		"missing number": func(all []recorded) []recorded { return append(all, special(next)) },
		"overrun": func(all []recorded) []recorded {
			i := slices.IndexFunc(all, event) + 2
			return append(all[:i:i], special(overrun), special(next))
		},
	}
	for name, lose := range lost {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, 2)
			for _, s := range records[scene](t, "events9.jsonl.gz") {
				if s.Name == "lost-sequence-number-stalls" {
					p.messages = lose(slices.DeleteFunc(s.Messages, func(r recorded) bool { return r.Special != "" }))
				}
			}
			p.messages = append(p.messages, special(unload))
			dir := t.TempDir()
			p.start(t, dir)
			got := drbdsetup(t, dir, "", "events2")
			require.Equal(t, 121, got.exit)
			_, live, found := strings.Cut(got.stdout, "exists -\n")
			require.True(t, found)
			require.Equal(t, "change resource name:ev may_promote:no promotion_score:10102\n"+
				"change connection name:ev peer-node-id:1 conn-name:nodeb role:Primary\n"+
				"change resource name:ev may_promote:yes promotion_score:10102\n"+
				"change connection name:ev peer-node-id:1 conn-name:nodeb role:Secondary\n", live)
		})
	}
}

// The old stream of events has no differences: it tells the state again.
func TestLostEvents84(t *testing.T) {
	p := newPeer(t, 1)
	p.messages = append(sceneMessages(t, 1, "connected-primary"), special(overrun), special(next), special(unload))
	dir := t.TempDir()
	p.start(t, dir)
	got := drbdsetup(t, dir, "", "events")
	require.Equal(t, 0, got.exit, got.stderr)
	require.Empty(t, got.stderr)
	require.Equal(t, 2, strings.Count(got.stdout, " ST 100,alpha[0] { cs:Connected "), got.stdout)
}

func special(what string) recorded { return recorded{Phase: "event", Special: what} }

func event(r recorded) bool { return r.Phase == "event" }

// What a newer module tells beside is passed over.
func TestNewerModule(t *testing.T) {
	plain := node(t, 2, "two-node-primary")
	p := newPeer(t, 2)
	for _, r := range sceneMessages(t, 2, "two-node-primary") {
		if len(r.bytes()) > 0 {
			unknown := attribute(nil, 99, []byte("new\x00"))
			r.raw = attribute(slices.Clone(r.bytes()), 0x8000|60, unknown)
			binary.LittleEndian.PutUint32(r.raw, uint32(len(r.raw)))
		}
		p.messages = append(p.messages, r)
	}
	p.messages = append(p.messages, unheard(2), special(unload))
	dir := t.TempDir()
	p.start(t, dir)
	for _, line := range []string{"status", "status --verbose --statistics", "status --json", "show", "show --json", "events2 --now --full"} {
		want := drbdsetup(t, plain, "", strings.Fields(line)...)
		require.Equal(t, want, drbdsetup(t, dir, "", strings.Fields(line)...), line)
	}
	want := drbdsetup(t, plain, "", "events2", "--now").stdout
	require.Equal(t, result{121, want, "all: module unloaded\n"}, drbdsetup(t, dir, "", "events2"))
}

// A newer 8.4 does not exist; but another program could send to the group.
func TestUnknownNotificationOf84(t *testing.T) {
	p := newPeer(t, 1)
	p.messages = append(sceneMessages(t, 1, "connected-primary"), unheard(1), special(unload))
	dir := t.TempDir()
	p.start(t, dir)
	for _, command := range []string{"events2", "events"} {
		got := drbdsetup(t, dir, "", command)
		require.NotContains(t, got.stdout, "change")
		require.NotContains(t, got.stdout, "??")
		require.Zero(t, got.exit)
	}
}

// unheard returns a notification about a resource that nobody knows.
func unheard(version byte) recorded {
	m := append(genl(familyNumber, 77, version), 0xff, 0xff, 0xff, 0xff, 101, 0, 0, 0)
	m = attribute(m, 2, attribute(nil, 2, []byte("alpha\x00")))
	m = stamp(attribute(m, 23, attribute(nil, 1, []byte{2, 0, 0, 0})), 3, 0)
	binary.LittleEndian.PutUint32(m[12:], 0) // from the kernel
	return recorded{Phase: "event", raw: m}
}

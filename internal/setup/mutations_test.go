package setup_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"drbdutils/netlinkapi"
	"drbdutils/schema"

	"github.com/stretchr/testify/assert"
)

var mutationCount = flag.Int("mutations", 1, "how many random mutations of each recorded state to compare with the original")

// notMutated are states about which 9.22 knows less, crashes or prints what is not
// so; deviations_test.go tells what.
var notMutated = []string{"fail-io", "multi-path", "no-statistics-old-module", "tls-and-odd-names"}

// TestRandomStates changes recorded states at random, and lets the installed
// original and ours tell about them.
func TestRandomStates(t *testing.T) {
	for _, ref := range references {
		needReference(t, ref.path)
		t.Run(ref.name, func(t *testing.T) {
			o := startOriginal(t, ref.path, ref.driver)
			for i, name := range slices.Sorted(maps.Keys(states[ref.version]())) {
				if slices.Contains(notMutated, name) {
					continue
				}
				for n := range *mutationCount {
					m := newMutator(ref.version, n*1000+i)
					m.compare(t, o, ref.name, name, sceneMessages(t, ref.version, name), m.queries)
				}
			}
		})
	}
}

// notFollowed are sequences with gaps and duplicates, of which 9.22 makes nothing,
// where it judges failing devices otherwise, where ours follows a new name, and of
// states that do not exist.
var notFollowed = []string{"lost-sequence-number-stalls", "out-of-order", "duplicates-and-unknown", "suspend-quorum-failio", "promotion-matrix", "rename",
	"events2-stream", "state-zoo"}

// TestRandomEvents does the same with recorded sequences of events.
func TestRandomEvents(t *testing.T) {
	files := map[byte]string{1: "states84.jsonl.gz", 2: "events9.jsonl.gz"}
	for _, ref := range references {
		needReference(t, ref.path)
		t.Run(ref.name, func(t *testing.T) {
			o := startOriginal(t, ref.path, ref.driver)
			for i, s := range records[scene](t, files[ref.version]) {
				if slices.Contains(notFollowed, s.Name) || !slices.ContainsFunc(s.Messages, event) {
					continue
				}
				s.Messages = slices.DeleteFunc(s.Messages, func(r recorded) bool { return r.Special != "" })
				for n := range *mutationCount {
					m := newMutator(ref.version, n*1000+i)
					m.compare(t, o, ref.name, s.Name, s.Messages, m.watches)
				}
			}
		})
	}
}

// watches returns the ways to follow events.
func (m *mutator) watches() [][]string {
	name := m.objects[len(m.objects)-1].resource
	if m.version == 1 {
		return [][]string{{"events2"}, {"events2", "--statistics"}, {"events2", name}, {"events"}, {"events", name}}
	}
	return [][]string{{"events2"}, {"events2", "--statistics"}, {"events2", "--full"}, {"events2", "--diff"}, {"events2", "--statistics", "--diff", "--full", name}}
}

// A mutator changes states.
type mutator struct {
	*rand.Rand
	version byte
	objects []object
}

// An object is what a message was about.
type object struct {
	resource            string
	minor, peer, volume uint32
}

func newMutator(version byte, number int) *mutator {
	return &mutator{Rand: rand.New(rand.NewPCG(*lineSeed, uint64(number))), version: version, objects: []object{{"nosuch", 7, 7, 7}}}
}

// compare changes messages of a scene and runs command lines about them.
func (m *mutator) compare(t *testing.T, o *original, program, scene string, messages []recorded, lines func() [][]string) {
	p := newPeer(t, m.version)
	delete(p.ops, "DRBD_ADM_GET_PATHS") // 9.22 does not show them in status
	for _, r := range messages {
		p.messages = append(p.messages, m.mutate(t, r))
	}
	p.messages = append(p.messages, special(unload))
	dir := t.TempDir()
	p.start(t, dir)
	for _, line := range lines() {
		want, got := o.run(t, dir, line...), drbdsetupAs(t, program, dir, "", line...)
		if got.exit == 121 { // 9.22 does not tell that the module went
			got.exit = 0
		}
		assert.Equal(t, want.exit, got.exit, "%s %q: %s%s", scene, line, want.stderr, got.stderr)
		assert.Equal(t, m.normal(want.stdout), m.normal(got.stdout), "%s %q", scene, line)
	}
}

// queries returns some command lines about a state.
func (m *mutator) queries() [][]string {
	about := m.objects[len(m.objects)-1-m.IntN(max(1, len(m.objects)-1))]
	minor, peer, volume := fmt.Sprint(about.minor), fmt.Sprint(about.peer), fmt.Sprint(about.volume)
	lines := [][]string{
		{"status"}, {"status", "--verbose"}, {"status", "--verbose", "--statistics", about.resource}, {"status", "--statistics", "--color=always"},
		{"events2", "--now"}, {"events2", "--now", "--statistics"}, {"check-resize", minor}, {"dstate", minor},
	}
	if m.version == 1 {
		lines = append(lines, []string{"role", minor}, []string{"cstate", minor}, []string{"sh-status"}, []string{"show"}, []string{"show", minor},
			[]string{"show", "--show-defaults"}, []string{"get-gi", minor}, []string{"show-gi", minor}, []string{"state", minor})
	} else {
		lines = append(lines, []string{"role", about.resource}, []string{"cstate", about.resource, peer}, []string{"status", "--json"}, []string{"show"},
			[]string{"show", "--show-defaults"}, []string{"get-gi", about.resource, peer, volume}, []string{"show-gi", about.resource, peer, volume})
	}
	m.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return lines[:8]
}

func (m *mutator) generation() schema.Generation {
	return map[byte]schema.Generation{1: schema.V84, 2: schema.V9}[m.version]
}

// mutate changes some values of a message, and leaves some out.
func (m *mutator) mutate(t *testing.T, r recorded) recorded {
	return reshape(t, m.generation(), r, func(msg *netlinkapi.Message) {
		for _, v := range msg.Sets {
			if v.Set.ID == schema.CfgContext || v.Set.ID == schema.NotifyHeader {
				continue
			}
			for f, old := range v.All() {
				switch {
				case newerThan922(f):
					v.Unset(f.Key)
				case m.IntN(3) == 0:
					v.Put(f, m.value(f, old))
				}
			}
		}
		if c := msg.Get(schema.CfgContext); c != nil {
			about := object{resource: c.Str("ctx_resource_name"), minor: msg.Minor, volume: uint32(c.Uint("ctx_volume"))}
			if m.version == 2 {
				about.peer = uint32(c.Uint("ctx_peer_node_id"))
			}
			m.objects = append(m.objects, about)
		}
	})
}

// newerThan922 reports whether the installed original does not know a field.
func newerThan922(f *schema.Field) bool {
	return slices.Contains([]string{"9.2.14", "9.2.15", "9.3.0", "9.3.1", "9.3.3", "9.1.22, 9.2.11"}, f.Since) || strings.HasPrefix(f.Name, "tls") || strings.HasPrefix(f.Name, "rdma") || f.Name == "load-balance-paths"
}

// value returns another value for a field.
func (m *mutator) value(f *schema.Field, old schema.Value) schema.Value {
	switch {
	case strings.HasPrefix(f.Key, "peer_resync_susp"): // 0 or 1
		return schema.Value{Num: uint64(m.IntN(2))}
	case strings.HasSuffix(f.Key, "_ms"), f.Key == "dev_size": // what a double holds, and never 0
		return schema.Value{Num: 1 + uint64(m.Uint32())}
	}
	switch f.Key {
	case "node_id", "res_fail_io", "peer_dev_resync_failed": // always 0 here: 9.22 judges failing devices otherwise
		return schema.Value{}
	case "peer_dev_out_of_sync", "peer_dev_ov_left", "bits_oos", "bits_rs_failed": // never more than there is
		return old
	case "sib_reason":
		return old
	case "current_state", "prev_state", "new_state": // states and flags of DRBD 8.4 in one word
		n := m.IntN
		disk := min(1, old.Num>>9&15) * uint64(n(9)) // without a disk there are no identifiers either
		return schema.Value{Num: uint64(n(3)|n(3)<<2|n(24)<<4|n(9)<<13|n(64)<<17) | disk<<9}
	case "peer_dev_rs_total", "bits_rs_total":
		return schema.Value{Num: old.Num << m.IntN(5)}
	}
	switch f.Kind {
	case schema.Bool, schema.Flag:
		return schema.Value{Num: uint64(m.IntN(2))}
	case schema.Enum, schema.Symbol:
		return schema.Value{Num: uint64(f.Words.Words[m.IntN(len(f.Words.Words))].Num)}
	case schema.Uint32, schema.Int32:
		return schema.Value{Num: uint64(m.Uint32() >> m.IntN(32))}
	case schema.Uint64:
		return schema.Value{Num: m.Uint64() >> (2 + m.IntN(62))}
	}
	return old
}

// newer is what 9.22 does not print, or not there.
var newer = regexp.MustCompile(`(?s) open:[\w>-]+| quorum:UNKNOWN->\w+| tls:\w+|\s*"(open|tls)": \w+,|\s*"paths": \[[^\]]*\],` +
	`|\d+ # [^\n]*|\s*_unknown [^\n]*|\s*_cstate [^\n]*|\s*_is_standalone;|\s*(max-bio-size|diskless|block-size|discard-granularity) +\t[^\n]*`)

// empty is a section that has nothing else in it.
var empty = regexp.MustCompile(`\s*(disk|options|volume \d+) \{\s*\}`)

// requestTime is when 8.4's events were asked for the state, in the number of the answer.
var requestTime = regexp.MustCompile(`(?m)^-?\d{6,} (ST|R|\?\?) `)

// numbered are states that the original does not know, and shows as a question mark.
var numbered = regexp.MustCompile(`(^|/|(?:connection|replication|disk|role|_cstate)(?:-state)?(?:": "|:| )(?:\x1b\[[0-9;]*m)?)\d+\b`)

// normal returns output without what differs between releases, and where lines end.
func (m *mutator) normal(text string) string {
	text = newer.ReplaceAllString(requestTime.ReplaceAllString(text, "$1"), "")
	text = empty.ReplaceAllString(empty.ReplaceAllString(text, ""), "")
	return strings.ReplaceAll(numbered.ReplaceAllString(oneLine(text), "${1}?"), " ", "\n")
}

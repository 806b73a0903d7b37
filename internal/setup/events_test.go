package setup_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

var escapes = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// TestOptionsOfEvents2Combine runs events2 with every combination of its options:
// each of them does what it does alone, whatever the others are.
func TestOptionsOfEvents2Combine(t *testing.T) {
	for version, scene := range map[byte]string{1: "connected-primary", 2: "three-node-multi-volume"} {
		dir := node(t, version, scene)
		name := regexp.MustCompile(`name:(\S+)`).FindStringSubmatch(drbdsetup(t, dir, "", "events2", "--now").stdout)[1]
		for bits := range 1 << 3 {
			what := chosen(bits, "--statistics", "--full", "--diff")
			plain := drbdsetup(t, dir, "", append([]string{"events2", "--now"}, what...)...)
			require.Zero(t, plain.exit)
			require.Empty(t, plain.stderr)
			require.True(t, strings.HasSuffix(plain.stdout, "exists -\n"))
			for how := range 1 << 4 {
				argv := slices.Concat([]string{"events2"}, what, chosen(how, "--timestamps", "--color=always", "--poll", name))
				if how&4 == 0 || bits&1 == 0 {
					argv = append(argv, "--now")
				}
				times := 1
				stdin := ""
				if how&4 != 0 {
					stdin = "n\n"
					if slices.Contains(argv, "--now") {
						times = 2 // without it, only differences are told
					}
				}
				got := drbdsetup(t, dir, stdin, argv...)
				text := escapes.ReplaceAllString(timestamp.ReplaceAllString(got.stdout, ""), "")
				require.Equal(t, strings.Repeat(plain.stdout, times), text, argv)
				require.Equal(t, how&2 != 0, strings.Contains(got.stdout, "\x1b["), argv)
				require.Equal(t, how&1 != 0, timestamp.MatchString(got.stdout), argv)
				require.Zero(t, got.exit, argv)
				require.Empty(t, got.stderr, argv)
			}
		}
	}
}

// chosen returns the words whose bits are set.
func chosen(bits int, words ...string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return bits&(1<<slices.Index(words, w)) == 0 })
}

// What belongs to other resources is left out, in the initial state and later.
func TestEvents2OfOneResource(t *testing.T) {
	p := newPeer(t, 2)
	p.messages = sceneMessages(t, 2, "several-resources-sorted")
	seq := uint32(100)
	for _, r := range slices.Clone(p.messages) {
		if r.Phase != "initial" || decoded(t, schema.V9, r).Op != schema.ResourceState {
			continue
		}
		later := reshape(t, schema.V9, r, func(m *netlinkapi.Message) {
			m.Seq = seq
			m.Get(schema.NotifyHeader).SetUint("nh_type", uint64(schema.Destroy))
		})
		seq++
		later.Phase = "event"
		p.messages = append(p.messages, later)
	}
	p.messages = append(p.messages, special(unload))
	dir := t.TempDir()
	p.start(t, dir)
	all := drbdsetup(t, dir, "", "events2", "all").stdout
	require.Equal(t, all, drbdsetup(t, dir, "", "events2").stdout)
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^destroy resource name:(\S+)$`).FindAllStringSubmatch(all, -1) {
		names = append(names, m[1])
	}
	require.Greater(t, len(names), 2)
	for _, name := range names {
		want := ""
		for line := range strings.Lines(all) {
			if strings.Contains(line, " name:"+name+" ") || strings.HasSuffix(line, " name:"+name+"\n") || line == "exists -\n" {
				want += line
			}
		}
		got := drbdsetup(t, dir, "", "events2", name)
		require.Equal(t, result{121, want, name + ": module unloaded\n"}, got)
	}
}

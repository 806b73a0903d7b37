package setup_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// keys returns the paths of all keys in a JSON value, with the kind of value
// behind each: "connections.peer_devices.sent number".
func keys(t *testing.T, text string) map[string]bool {
	var v any
	require.NoError(t, json.Unmarshal([]byte(text), &v))
	found := map[string]bool{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(path, e)
			}
		case map[string]any:
			for key, e := range v {
				walk(path+"."+key, e)
			}
		case string:
			found[path+" string"] = true
		case float64:
			found[path+" number"] = true
		case bool:
			found[path+" bool"] = true
		}
	}
	walk("", v)
	return found
}

// DRBD 8.4 has the same JSON as 9, as far as its module knows the same things.
func TestJSON84(t *testing.T) {
	status9 := keys(t, drbdsetup(t, node(t, 2, "two-node-primary"), "", "status", "--json").stdout)
	show9 := keys(t, drbdsetup(t, node(t, 2, "all-options-set"), "", "show", "--json").stdout)
	dir := node(t, 1, "connected-primary")

	status84 := keys(t, drbdsetup(t, dir, "", "status", "--json").stdout)
	for key := range status9 {
		if !strings.Contains(key, "-in-flight") {
			require.Contains(t, status84, key)
		}
	}
	for key := range status84 {
		require.Contains(t, status9, key)
	}

	only84 := []string{"fencing", "resync-rate", "max-bio-bvecs", "unplug-watermark", "max-buffers", "c-plan-ahead", "c-delay-target", "c-fill-target", "c-max-rate", "c-min-rate"}
	show84 := keys(t, drbdsetup(t, dir, "", "show", "--json").stdout)
	for key := range show84 {
		name := strings.Fields(key[strings.LastIndexByte(key, '.')+1:])[0]
		if !slices.Contains(only84, name) {
			require.Contains(t, show9, key)
		}
	}
	for _, key := range []string{".resource string", "._this_host.volumes.backing-disk string", ".connections.net.protocol string", ".connections.paths.this_host.port number"} {
		require.Contains(t, show84, key)
	}
}

func TestJSONOfNothing(t *testing.T) {
	for _, version := range []byte{1, 2} {
		dir := t.TempDir()
		newPeer(t, version).start(t, dir)
		require.Equal(t, result{0, "[\n]\n\n", ""}, drbdsetup(t, dir, "", "status", "--json"))
		require.Equal(t, result{0, "[\n]\n", ""}, drbdsetup(t, dir, "", "show", "--json"))
	}
}

// Every command has a page of help that fits on a terminal and names all that
// xml-help knows.
func TestHelp(t *testing.T) {
	for _, d := range records[described](t, "options.jsonl.gz") {
		program := "drbdsetup"
		if strings.HasPrefix(d.Prog, "84") {
			program = "drbdsetup-84"
		}
		got := drbdsetupAs(t, program, t.TempDir(), "", "help", d.Command)
		require.Equal(t, 0, got.exit)
		require.True(t, strings.HasPrefix(got.stdout, program+" "+d.Command+" - "), got.stdout)
		for _, word := range d.words() {
			require.Contains(t, got.stdout, word)
		}
		for _, o := range d.Options {
			require.Contains(t, got.stdout, "[--"+o["name"].(string))
			require.Regexp(t, `\n    --`+o["name"].(string)+`(, -.)?\n        [A-Z]`, got.stdout, "says what it means")
		}
		_, options, _ := strings.Cut(got.stdout, "\n\n")
		requireNarrow(t, options)
	}
	all := drbdsetup(t, t.TempDir(), "")
	require.Equal(t, 20, all.exit)
	requireNarrow(t, all.stdout)
	for _, d := range records[described](t, "options.jsonl.gz") {
		if d.Prog == "9.34" {
			require.Contains(t, all.stdout, "    "+d.Command+" - ")
		}
	}
}

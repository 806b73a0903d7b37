package setup_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drbdutils/internal/cli"
	"drbdutils/internal/setup"

	"github.com/stretchr/testify/require"
)

// dataDir holds runs of drbd-utils 9.34, recorded while a stand-in for the kernel
// answered with the bytes that are recorded beside them.
const dataDir = "../../testdata/drbdsetup"

// A run is what drbdsetup did with a command line.
type run struct {
	Argv   []string
	Exit   json.Number
	Stdout string
	Stderr string
	TTY    bool
}

// A scene is a state of the module, and what drbdsetup made of it.
type scene struct {
	Name     string
	Messages []recorded
	Runs     []run
}

// records reads a file of JSON lines.
func records[T any](t testing.TB, name string) []T {
	f, err := os.Open(filepath.Join(dataDir, name))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var all []T
	for d := json.NewDecoder(z); ; {
		var v T
		err := d.Decode(&v)
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		all = append(all, v)
	}
}

// wireNames are the numbers of commands and attributes as they were when the
// runs were recorded.
type wireNames struct {
	Commands map[string]int
	Structs  map[string]struct {
		Name   string
		Fields map[string][2]string
	}
}

func names(t testing.TB, version byte) wireNames {
	file := map[byte]string{1: "schema-v84.json", 2: "schema-v9.json"}[version]
	text, err := os.ReadFile(filepath.Join(dataDir, file))
	require.NoError(t, err)
	var n wireNames
	require.NoError(t, json.Unmarshal(text, &n))
	return n
}

// A result is what our drbdsetup did.
type result struct {
	exit           int
	stdout, stderr string
}

// drbdsetup runs our drbdsetup against the node below dir.
func drbdsetup(t testing.TB, dir, stdin string, argv ...string) result {
	return drbdsetupAs(t, "drbdsetup", dir, stdin, argv...)
}

// drbdsetupAs runs it under another name.
func drbdsetupAs(t testing.TB, name, dir, stdin string, argv ...string) result {
	return drbdsetupReading(t, name, dir, strings.NewReader(stdin), argv...)
}

// drbdsetupReading runs it with a standard input that may take its time.
func drbdsetupReading(t testing.TB, name, dir string, stdin io.Reader, argv ...string) result {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var stdout, stderr bytes.Buffer
	exit := setup.Main(ctx, cli.Env{
		Name: name, Args: argv,
		Stdin: stdin, Stdout: &stdout, Stderr: &stderr,
		Getenv: func(name string) string {
			if name == cli.FakeVariable {
				return dir
			}
			return ""
		},
	})
	require.NoError(t, ctx.Err(), "%s hangs", argv)
	return result{exit, stdout.String(), stderr.String()}
}

func newPeer(t testing.TB, version byte) *peer {
	return &peer{version: version, header: 8, ops: names(t, version).Commands}
}

func TestRecordedStates84(t *testing.T) { testScenes(t, "states84.jsonl.gz", 1) }
func TestRecordedStates9(t *testing.T)  { testScenes(t, "states9.jsonl.gz", 2) }
func TestRecordedEvents9(t *testing.T)  { testScenes(t, "events9.jsonl.gz", 2) }

func testScenes(t *testing.T, file string, version byte) {
	for _, s := range records[scene](t, file) {
		t.Run(s.Name, func(t *testing.T) {
			p := newPeer(t, version)
			p.messages = s.Messages
			dir := t.TempDir()
			p.start(t, dir)
			for _, r := range s.Runs {
				if r.TTY || s.Name == "no-statistics-old-module" { // see TestOldModule
					continue
				}
				t.Run(cmp.Or(strings.Join(r.Argv, " "), "nothing"), func(t *testing.T) {
					compare(t, version, s.Name, r, drbdsetup(t, dir, "", r.Argv...))
				})
			}
		})
	}
}

func compare(t *testing.T, version byte, scene string, r run, got result) {
	if r.Argv[0] == "status" && !slices.Contains(r.Argv, "--json") {
		requireNarrow(t, got.stdout)
	}
	r, got = settle(t, version, scene, r, got)
	require.Equal(t, r.Stdout, got.stdout)
	require.Equal(t, r.Stderr, got.stderr)
	require.Equal(t, r.Exit.String(), json.Number(itoa(got.exit)).String())
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

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
	"strconv"
	"strings"
	"testing"
	"time"

	"drbdutils/internal/cli"
	"drbdutils/internal/setup"

	"github.com/stretchr/testify/require"
)

// dataDir holds runs of the original 9.34, recorded while a stand-in for the kernel
// answered with the bytes that are recorded beside them.
const dataDir = "../../testdata/drbdsetup"

// A run is what drbdsetup did with a command line.
type run struct {
	Argv   []string
	Exit   exitCode
	Stdout string
	Stderr string
	TTY    bool
}

// An exitCode is a number, negative for a signal, or TIMEOUT.
type exitCode string

func (e *exitCode) UnmarshalJSON(text []byte) error {
	*e = exitCode(strings.Trim(string(text), `"`))
	return nil
}

// A scene is a state of the module, and what drbdsetup made of it.
type scene struct {
	Name     string
	Messages []recorded
	Runs     []run
}

// records reads a file of JSON lines.
func records[T any](t testing.TB, name string) []T {
	all := readRecords[T](name)
	require.NotEmpty(t, all)
	return all
}

// readRecords panics if the file cannot be read.
func readRecords[T any](name string) []T {
	f, err := os.Open(filepath.Join(dataDir, name))
	if err != nil {
		panic(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		panic(err)
	}
	var all []T
	for d := json.NewDecoder(z); ; {
		var v T
		switch err := d.Decode(&v); err {
		case nil:
			all = append(all, v)
		case io.EOF:
			return all
		default:
			panic(err)
		}
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
	return drbdsetupIn(t, cli.Env{Name: name, Args: argv, Stdin: stdin}, map[string]string{cli.FakeVariable: dir})
}

// drbdsetupAlone runs a command line for a module without resources that says yes
// to everything.
func drbdsetupAlone(t testing.TB, version byte, line string) result {
	dir := t.TempDir()
	newPeer(t, version).start(t, dir)
	return drbdsetup(t, dir, "", strings.Fields(line)...)
}

// drbdsetupIn runs it with the environment variables given. Standard output goes
// into the result unless env has one.
func drbdsetupIn(t testing.TB, env cli.Env, variables map[string]string) result {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var stdout, stderr bytes.Buffer
	env.Stderr = &stderr
	if env.Stdout == nil {
		env.Stdout = &stdout
	}
	env.Getenv = func(name string) string { return variables[name] }
	exit := setup.Main(ctx, env)
	require.NoError(t, ctx.Err(), "%s hangs", env.Args)
	return result{exit, stdout.String(), stderr.String()}
}

func newPeer(t testing.TB, version byte) *peer {
	return &peer{version: version, header: 8, ops: names(t, version).Commands, timeoutTypes: []byte{0}}
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
				if r.TTY || s.Name == "no-statistics-old-module" && slices.Contains(untellable, strings.Join(r.Argv[:min(2, len(r.Argv))], " ")) {
					continue // see TestRecordedTerminal and TestOldModule
				}
				t.Run(cmp.Or(strings.Join(r.Argv, " "), "nothing"), func(t *testing.T) {
					compare(t, version, s.Name, r, drbdsetup(t, dir, "", r.Argv...))
				})
			}
		})
	}
}

// untellable are commands that make the original crash, or print ones, where the
// module tells nothing.
var untellable = []string{"get-gi old", "show-gi old", "status --json"}

func compare(t *testing.T, version byte, scene string, r run, got result) {
	if r.Argv[0] == "status" && !slices.Contains(r.Argv, "--json") {
		requireNarrow(t, got.stdout)
	}
	r, got = settle(t, version, scene, r, got)
	require.Equal(t, r.Stdout, got.stdout)
	require.Equal(t, r.Stderr, got.stderr)
	require.Equal(t, r.Exit, exitCode(strconv.Itoa(got.exit)))
}

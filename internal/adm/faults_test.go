package adm

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

// A faultRecord is a run of the reference whose backends did as rules say.
type faultRecord struct {
	record
	Rules    []rule
	Calls    []string          // command lines that the backends saw
	Registry map[string]string // links made
	Live     bool              // not recorded, but compared with the reference
}

// A rule says what a backend does if its command line contains Match.
type rule struct {
	Match, Stdout, Stderr string
	Exit, Kill            int
	Sleep                 float64
	Once                  bool
}

// stub is a backend that follows rules and remembers its calls.
type stub struct {
	rules []rule
	mu    sync.Mutex
	calls []string
}

func (s *stub) run(ctx context.Context, env cli.Env) int {
	line := strings.Join(append([]string{env.Name}, env.Args...), " ")
	r := s.match(line)
	if _, limited := ctx.Deadline(); limited && r.Sleep > 0 {
		<-ctx.Done()
		return exitBroken
	}
	fmt.Fprint(env.Stdout, r.Stdout)
	fmt.Fprint(env.Stderr, r.Stderr)
	if r.Kill != 0 {
		return exitBroken
	}
	return r.Exit
}

// seen returns the calls. A call that was given up may still be on its way.
func (s *stub) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *stub) match(line string) rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, line)
	for i, r := range s.rules {
		if strings.Contains(line, r.Match) {
			if r.Once {
				s.rules = slices.Delete(s.rules, i, i+1)
			}
			return r
		}
	}
	return rule{}
}

// faultRun is what came of a record.
type faultRun struct {
	stdout, stderr string
	exit           int
	calls          []string
	registry       map[string]string
}

// play runs drbdadm against stubs, with its system files in dir, and one resource
// at a time.
func (r faultRecord) play(t *testing.T, dir string) faultRun {
	t.Helper()
	return r.playWith(t, dir, 1)
}

func (r faultRecord) playWith(t *testing.T, dir string, workers int) faultRun {
	t.Helper()
	vars := r.vars(dir)
	if r.Live {
		delete(vars, cli.FakeVariable)
	}
	var out, errs bytes.Buffer
	args := r.Argv
	if r.Config != "" {
		args = append([]string{"-c", r.Config}, args...)
	}
	tl, err := newTool(t.Context(), cli.Env{
		Name: "drbdadm", Args: args,
		Stdin: strings.NewReader(r.Stdin), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return vars[name] },
	})
	require.NoError(t, err)
	s := &stub{rules: r.Rules}
	tl.backends = map[program]backend{drbdsetup: s.run, drbdmeta: s.run, proxyCtl: s.run}
	tl.workers = workers
	if !r.Live {
		tl.locals = map[netip.Addr]bool{}
		for _, a := range locals {
			tl.locals[netip.MustParseAddr(a)] = true
		}
	}
	if strings.HasPrefix(r.Case, "no-drbdsetup") {
		tl.backends = nil
		t.Setenv("PATH", dir)
	}
	exit := tl.main(t.Context())
	tl.flush()
	return faultRun{out.String(), errs.String(), exit, s.seen(), links(t, filepath.Join(dir, registry))}
}

// links returns the symbolic links of a directory.
func links(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		found[e.Name()] = normal(t, target)
	}
	return found
}

var (
	environmentNote = regexp.MustCompile(`   #env.*`)
	showCall        = regexp.MustCompile(`^drbdsetup(-84)? show( \S+)?$`)
	deviceID        = regexp.MustCompile(`write-dev-uuid [0-9A-F]{16}$`)
)

// normalCalls drops what the recording noted besides command lines, and random
// numbers. Calls of show are left out: without a module ours knows the answer.
func normalCalls(calls []string) []string {
	out := []string{}
	for _, c := range calls {
		c = expected(environmentNote.ReplaceAllString(c, ""))
		if showCall.MatchString(c) {
			continue
		}
		out = append(out, deviceID.ReplaceAllString(c, "write-dev-uuid @UUID@"))
	}
	return out
}

// killed are cases in which a backend is killed by a signal. The reference takes
// that for success.
var killed = map[string]int{
	"9 killed":                       exitBroken,
	"9 killed-up":                    exitUsage,
	"9 handler-pri-lost-he":          exitBroken,
	"8.4 killed":                     exitBroken,
	"8.4 killed-up":                  exitUsage,
	"8.4 handler-pri-lost-he/3":      exitBroken,
	"8.4 handler-pri-lost-minor-180": exitBroken,
}

func TestFaults(t *testing.T) {
	all := records[faultRecord](t, "faults.jsonl.gz")
	t.Chdir(filepath.Join(goldens, "configs"))
	for _, r := range all {
		t.Run(r.name(), func(t *testing.T) {
			for name, value := range r.Env {
				t.Setenv(name, value) // for handlers, which are real children
			}
			if code, ok := killed[r.Gen+" "+r.Case]; ok {
				r.Exit = code
			}
			var got faultRun
			synctest.Test(t, func(t *testing.T) { got = r.play(t, t.TempDir()) })
			require.Equal(t, expected(r.Stdout), normal(t, got.stdout), "%s", got.stderr)
			require.Equal(t, r.Exit, got.exit, "%s", got.stderr)
			require.Equal(t, normalCalls(r.Calls), normalCalls(got.calls), "%s", got.stderr)
			if r.Registry == nil {
				r.Registry = map[string]string{}
			}
			require.Equal(t, r.Registry, got.registry)
		})
	}
}

// TestSideBySide holds that nothing but the order of calls depends on how many
// resources are worked on at the same time.
func TestSideBySide(t *testing.T) {
	all := records[faultRecord](t, "faults.jsonl.gz")
	t.Chdir(filepath.Join(goldens, "configs"))
	for _, r := range all {
		if r.Gen != "9" || !slices.Contains(r.Argv, "all") || slices.Contains(r.Argv, "fence-peer") {
			continue
		}
		t.Run(r.name(), func(t *testing.T) {
			one := r.playWith(t, t.TempDir(), 1)
			many := r.playWith(t, t.TempDir(), defaultWorkers)
			require.Equal(t, one.exit, many.exit)
			require.Equal(t, one.stdout, many.stdout)
			require.Equal(t, one.stderr, many.stderr)
			require.ElementsMatch(t, normalCalls(one.calls), normalCalls(many.calls))
			require.Equal(t, one.registry, many.registry)
		})
	}
}

package vmtest

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

var toolset = flag.String("tools", "ours", "tools in the guests' /sbin: ours, or reference for the original drbd-utils")

// scratch is where the guests' root file system is built, once for all tests.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "vmtest")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		scratch = dir
		return m.Run()
	}())
}

var system = sync.OnceValues(func() (System, error) {
	ctx, tools := context.Background(), ""
	switch *toolset {
	case "ours":
		tools = filepath.Join(scratch, "tools")
		if err := Build(ctx, tools, "..", "./cmd/drbdadm", "./cmd/drbdsetup", "./cmd/drbdmeta"); err != nil {
			return System{}, err
		}
	case "reference":
	default:
		return System{}, fmt.Errorf("-tools=%s: ours or reference", *toolset)
	}
	return BuildSystem(ctx, scratch, tools)
})

// newLab returns two machines without power.
func newLab(t *testing.T) *Lab {
	system, err := system()
	require.NoError(t, err)
	lab, err := NewLab(t.TempDir(), system)
	require.NoError(t, err)
	for _, g := range lab.Guests {
		g.Console = filepath.Join(t.ArtifactDir(), g.Name+".console")
	}
	t.Cleanup(func() { lab.Close() })
	return lab
}

// TestStories plays every story on machines of its own.
func TestStories(t *testing.T) {
	t.Parallel()
	stories, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, stories)
	for _, file := range stories {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			lab := newLab(t)
			require.NoError(t, lab.Restart(t.Context()))
			testscript.Run(t, (&story{lab: lab, ctx: t.Context()}).params(file))
		})
	}
}

// A story holds what its commands share.
type story struct {
	lab  *Lab
	ctx  context.Context // of the test that plays it
	last Reply
	puts []put
}

type put struct {
	guest *Guest
	file  string
	data  []byte
}

func (s *story) params(file string) testscript.Params {
	return testscript.Params{
		Files:              []string{file},
		RequireUniqueNames: true,
		Condition: func(cond string) (bool, error) {
			if cond == "reference" {
				return *toolset == "reference", nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"on":        s.on,
			"exit":      s.exit,
			"await":     s.await,
			"put":       s.put,
			"power-cut": s.powerCut,
			"boot":      s.boot,
			"same":      s.same,
			"same-data": s.sameData,
		},
	}
}

func (s *story) guests(ts *testscript.TestScript, name string) []*Guest {
	all := s.lab.Guests[:]
	for i, g := range all {
		if g.Name == name {
			return all[i : i+1]
		}
	}
	if name != "both" {
		ts.Fatalf("no node %s: drbd01, drbd02 or both", name)
	}
	return all
}

func (s *story) on(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) >= 2, "on NODE COMMAND...")
	for _, g := range s.guests(ts, args[0]) {
		s.run(ts, g, strings.Join(args[1:], " "))
		ts.Stdout().Write(s.last.Stdout)
		ts.Stderr().Write(s.last.Stderr)
		if failed := s.last.Code != 0; failed != neg {
			ts.Fatalf("%s: exit code %d", g.Name, s.last.Code)
		}
		if noisy := strings.HasPrefix(args[1], "drbd") && len(s.last.Stderr) > 0; noisy && !neg && *toolset == "ours" {
			ts.Fatalf("%s: it succeeded, and yet there is something on standard error", g.Name)
		}
	}
}

func (s *story) run(ts *testscript.TestScript, g *Guest, command string) {
	reply, err := g.Run(command, nil)
	ts.Check(err)
	s.last = reply
}

func (s *story) exit(ts *testscript.TestScript, _ bool, args []string) {
	want(ts, len(args) == 1, "exit CODE")
	if got := fmt.Sprint(s.last.Code); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

func (s *story) await(ts *testscript.TestScript, _ bool, args []string) {
	want(ts, len(args) >= 3, "await NODE REGEXP COMMAND...")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	for _, g := range s.guests(ts, args[0]) {
		s.waitFor(ts, g, pattern, strings.Join(args[2:], " "))
		ts.Stdout().Write(s.last.Stdout)
	}
}

// patience is how long a story waits for a state. Emulated machines on a busy
// host are slow.
const patience = 10 * time.Minute

func (s *story) waitFor(ts *testscript.TestScript, g *Guest, pattern *regexp.Regexp, command string) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		s.run(ts, g, command)
		if pattern.Match(s.last.Stdout) {
			return
		}
	}
	ts.Fatalf("%s: no %q within %s, but:\n%s%s", g.Name, pattern, patience, s.last.Stdout, s.last.Stderr)
}

func (s *story) put(ts *testscript.TestScript, _ bool, args []string) {
	want(ts, len(args) == 3, "put NODE FILE PATH")
	for _, g := range s.guests(ts, args[0]) {
		p := put{g, args[2], []byte(ts.ReadFile(args[1]))}
		s.puts = append(s.puts, p)
		ts.Check(p.do())
	}
}

func (p put) do() error {
	reply, err := p.guest.Run("cat >'"+p.file+"'", p.data)
	if err == nil && reply.Code != 0 {
		err = fmt.Errorf("%s: write %s: %s", p.guest.Name, p.file, reply.Stderr)
	}
	return err
}

func (s *story) powerCut(ts *testscript.TestScript, _ bool, args []string) {
	want(ts, len(args) == 1, "power-cut NODE")
	for _, g := range s.guests(ts, args[0]) {
		ts.Check(g.PowerCut())
	}
}

func (s *story) boot(ts *testscript.TestScript, _ bool, args []string) {
	want(ts, len(args) == 1, "boot NODE")
	for _, g := range s.guests(ts, args[0]) {
		ts.Check(g.Boot(s.ctx))
		for _, p := range s.puts {
			if p.guest == g {
				ts.Check(p.do())
			}
		}
	}
}

// same runs a command with our tools and with the original's, on the same
// state of the kernel, and compares exit code and standard output.
func (s *story) same(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) >= 2, "same NODE COMMAND...")
	command := strings.Join(args[1:], " ")
	for _, g := range s.guests(ts, args[0]) {
		s.compare(ts, g, command)
		if failed := s.last.Code != 0; failed != neg {
			ts.Fatalf("%s: %s: both exit with code %d", g.Name, command, s.last.Code)
		}
		ts.Stdout().Write(s.last.Stdout)
	}
}

func (s *story) compare(ts *testscript.TestScript, g *Guest, command string) {
	var err error
	var difference string
	s.last, difference, err = sideBySide(g, command)
	ts.Check(err)
	if difference != "" {
		ts.Fatalf("%s: %s: not the same; ours says on standard error:\n%s%s", g.Name, command, s.last.Stderr, difference)
	}
}

// sideBySide runs a command with the original's tools, then with ours, and returns
// what ours did and, if exit code or standard output is not the same, the difference.
// Where the original differs from itself as well, the state moved meanwhile (a file
// system writes when it likes), and all is repeated.
func sideBySide(g *Guest, command string) (ours Reply, difference string, err error) {
	original := "PATH=/original:$PATH; " + command
	for range 20 {
		var texts [3]string
		for i, line := range []string{original, command, original} {
			reply, err := g.Run(line, nil)
			if err != nil {
				return reply, "", err
			}
			texts[i] = fmt.Sprintf("exit code %d\n%s", reply.Code, reply.Stdout)
			if i == 1 {
				ours = reply
			}
			if i == 1 && texts[0] == texts[1] {
				return ours, "", nil
			}
		}
		if texts[0] == texts[2] {
			return ours, string(diff.Diff("original", []byte(texts[0]), "ours", []byte(texts[1]))), nil
		}
	}
	return ours, "", fmt.Errorf("%s: %s: the state never stands still", g.Name, command)
}

// sameData compares the first KiB of both machines' /dev/sdb1 from outside.
func (s *story) sameData(ts *testscript.TestScript, _ bool, args []string) {
	want(ts, len(args) == 1, "same-data KIB")
	kib, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	var data [2]*bufio.Reader
	for i, g := range s.lab.Guests {
		disk, err := os.Open(g.Disk)
		ts.Check(err)
		defer disk.Close()
		data[i] = bufio.NewReader(io.NewSectionReader(disk, partitionStart, kib<<10))
	}
	for at := range kib << 10 {
		a, errA := data[0].ReadByte()
		b, errB := data[1].ReadByte()
		ts.Check(errors.Join(errA, errB))
		if a != b {
			ts.Fatalf("the disks differ at byte %d of /dev/sdb1", at)
		}
	}
}

func want(ts *testscript.TestScript, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"drbdutils/internal/testkit"
	"drbdutils/netlinkapi/fake"
)

type conn = net.Conn

// TestScenarios runs on fake nodes, with our tools, what was done with real
// modules and the original's, and compares with the recording: exit codes and
// output, the state of each node in every form, its events, and the calls of
// helpers and handlers. testdata/scenarios/README.md describes the recordings,
// normal_test.go what may differ, deviations_test.go what does.
func TestScenarios(t *testing.T) {
	keepSignals()
	bin := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./drbdadm").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for module, all := range map[string][]*testkit.Scenario{
		"8.4.11": append(testkit.Recordings(t, "../testdata/scenarios/8.4.11.txt.gz"), shared(t)...),
		"9.3.3":  testkit.Recordings(t, "../testdata/scenarios/9.3.3.txt.gz"),
	} {
		for _, sc := range all {
			t.Run(module+"/"+sc.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { newStage(t, bin, module, sc).play() })
			})
		}
	}
}

// shared returns the scenarios that vmtest plays on a real 8.4.11, and records.
func shared(t *testing.T) []*testkit.Scenario {
	files, err := filepath.Glob("../testdata/scenarios/shared/*.txt")
	require.NoError(t, err)
	var all []*testkit.Scenario
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all = append(all, testkit.ParseRecordings(string(text))...)
	}
	return all
}

// keepSignals starts the runtime's goroutine for signals outside of all bubbles,
// whose time would stand still for it.
func keepSignals() { signal.Notify(make(chan os.Signal, 1), os.Interrupt) }

// A stage is the hosts of a scenario.
type stage struct {
	t      *testing.T
	module string
	sc     *testkit.Scenario
	hosts  map[string]*host
	ids    testkit.Names
	put    map[string][]string     // events and calls that are compared later, by section
	behind map[string]chan outcome // commands in the background, by the number of their step
	unused map[string]bool         // deviations that did not occur yet

	scratch string
}

// An outcome is what a command printed and returned.
type outcome struct {
	exit     int
	out, err bytes.Buffer
}

func newStage(t *testing.T, bin, module string, sc *testkit.Scenario) *stage {
	s := &stage{
		t: t, module: module, sc: sc, hosts: map[string]*host{}, ids: testkit.Names{}, put: map[string][]string{},
		behind: map[string]chan outcome{}, unused: map[string]bool{}, scratch: t.TempDir(),
	}
	network := fake.NewMemoryNetwork()
	for i := range sc.Nodes {
		h := newHost(t, t.TempDir(), bin, module, sc.Watch, i+1, network)
		s.hosts[h.name] = h
	}
	for what := range deviations {
		s.unused[what] = strings.HasPrefix(what, module+" "+sc.Name+" ")
	}
	return s
}

func (s *stage) play() {
	for _, b := range s.sc.Blocks {
		if _, ok := stops[s.name(b)]; ok {
			break
		}
		s.block(b)
	}
	for _, h := range s.hosts {
		h.off()
	}
	for what, unused := range s.unused {
		if unused {
			s.t.Errorf("no deviation any more, take it off the list: %s", what)
		}
	}
}

var titlePattern = regexp.MustCompile(`^(step|end of step) (\d+): (node\d)(?:\$ (.*)| (loses power|boots again).*)$`)

// block does what a block says and compares what it recorded.
func (s *stage) block(b testkit.Block) {
	if rest, ok := strings.CutPrefix(b.Title, "config "); ok {
		nodes, file, _ := strings.Cut(rest, ": ")
		for name := range strings.FieldsSeq(nodes) {
			h := s.hosts[name]
			h.write(file, h.local(strings.Join(b.Sections[0].Lines, "\n")+"\n"))
		}
		return
	}
	m := titlePattern.FindStringSubmatch(b.Title)
	require.NotNil(s.t, m, b.Title)
	h := s.hosts[m[3]]
	h.near = near[s.name(b)]
	if pattern := slow[s.name(b)]; pattern != "" {
		for _, h := range s.hosts {
			h.slow = pattern
		}
	}
	var got outcome
	switch {
	case passed[s.name(b)] != "":
		s.settle(b)
		s.states(b)
		return
	case m[1] == "end of step":
		got = <-s.behind[m[2]]
	case m[5] == "loses power":
		h.off()
	case m[5] == "boots again":
		h.boot()
	default:
		done := s.start(h, m[4])
		if background(&b) {
			s.behind[m[2]] = done
			s.settle(b)
			s.states(b)
			return
		}
		got = <-done
	}
	if blocks := writes[s.name(b)]; blocks > 0 {
		require.NoError(s.t, h.store("/dev/drbd0", farAway, blocks))
	}
	s.settle(b)
	s.command(b, &got)
	s.states(b)
}

// background reports whether the next blocks began before the command ended.
func background(b *testkit.Block) bool {
	for _, sec := range b.Sections {
		if strings.HasPrefix(sec.Title, "runs in the background") {
			return true
		}
	}
	return false
}

// patience is how long a command may take.
const patience = 10 * time.Minute

func (s *stage) start(h *host, line string) chan outcome {
	done := make(chan outcome, 1)
	go func() {
		ctx, cancel := context.WithTimeout(s.t.Context(), patience)
		defer cancel()
		var got outcome
		got.exit = h.run(ctx, line, &got.out, &got.err)
		done <- got
	}()
	return done
}

// offBeat keeps the stage from looking at the very moment at which something happens.
const offBeat = 333 * time.Microsecond

// settle lets time pass until nothing has happened for a second and nothing is
// under way, unless the recording shows that it is.
func (s *stage) settle(b testkit.Block) {
	wait := late[s.name(b)]
	if b.Hasty && wait == 0 {
		return
	}
	time.Sleep(wait + offBeat)
	const tick, calm = 50 * time.Millisecond, 20
	shown := busy(&b)
	before, quiet := s.progress(), 0
	for range 5 * time.Minute / tick {
		time.Sleep(tick)
		quiet++
		if now := s.progress(); now != before {
			before, quiet = now, 0
		}
		if shown && quiet > 0 && s.busy() && !s.helps() {
			return
		}
		if quiet >= calm && !s.busy() && !s.helps() && !s.seeks(b) {
			return
		}
	}
}

func (s *stage) progress() (sum int) {
	for _, h := range s.hosts {
		sum += h.progress()
	}
	return sum
}

var underWay = regexp.MustCompile(`:(Sync(Source|Target)|Verify[ST]|Attaching|Detaching|Negotiating)\b`)

// busy reports whether anything is under way on a host.
func (s *stage) busy() bool {
	for _, h := range s.hosts {
		if underWay.MatchString(h.view("drbdsetup status --verbose")) {
			return true
		}
	}
	return false
}

// seeks reports whether a host looks for a peer that it has found in the recording.
func (s *stage) seeks(b testkit.Block) bool {
	const view, seeks = "drbdsetup status --verbose --statistics", "connection:Connecting"
	for name, h := range s.hosts {
		sec := b.Find(name + ": " + view)
		if sec != nil && !strings.Contains(strings.Join(sec.Lines, "\n"), seeks) && strings.Contains(h.view(view), seeks) {
			return true
		}
	}
	return false
}

// helps reports whether a helper runs on a host.
func (s *stage) helps() bool {
	for _, h := range s.hosts {
		if h.helps() {
			return true
		}
	}
	return false
}

func busy(b *testkit.Block) bool {
	for _, sec := range b.Sections {
		if !strings.Contains(sec.Title, "events2") && underWay.MatchString(strings.Join(sec.Lines, "\n")) {
			return true
		}
	}
	return false
}

// view returns what a command shows now.
func (h *host) view(command string) string {
	if command == "cat /proc/drbd" {
		return h.node.Module.Proc()
	}
	var out, errs bytes.Buffer
	h.looks = true
	code := h.run(h.t.Context(), command, &out, &errs)
	h.looks = false
	if code != 0 {
		return fmt.Sprintf("%s%sexit: %d\n", &out, &errs, code)
	}
	return h.recorded(out.String())
}

// command compares what a command printed and returned. Of what other programs
// print only some counts.
func (s *stage) command(b testkit.Block, got *outcome) {
	ours := func(title string) bool { return strings.Contains(title, "drbd") || strings.Contains(title, "echo") }
	for _, sec := range b.Sections {
		if code, ok := strings.CutPrefix(sec.Title, "exit "); ok {
			s.same(b, "exit", "exit", []string{code}, []string{fmt.Sprint(got.exit)})
		}
	}
	m := titlePattern.FindStringSubmatch(b.Title)
	h := s.hosts[m[3]]
	if !ours(b.Title) || h.wrapped() {
		return
	}
	lines := func(title string) []string {
		if sec := b.Find(title); sec != nil {
			return sec.Lines
		}
		return nil
	}
	out := strings.Split(strings.TrimSuffix(h.recorded(got.out.String()), "\n"), "\n")
	s.same(b, "stdout", m[4], lines("stdout"), out)
	s.same(b, "stderr", "stderr", lines("stderr"), strings.Split(got.err.String(), "\n"))
}

// states compares the sections about nodes.
func (s *stage) states(b testkit.Block) {
	for _, sec := range b.Sections {
		name, view, ok := strings.Cut(sec.Title, ": ")
		h := s.hosts[name]
		if !ok || h == nil || h.wrapped() && strings.HasPrefix(view, "drbdadm ") {
			continue
		}
		stream := view == "events2 stream" || view == "helper calls" || view == "handler calls"
		if _, ok := early[s.name(b)]; ok {
			if stream {
				s.put[sec.Title] = append(s.put[sec.Title], sec.Lines...)
			}
			continue
		}
		if stream {
			sec.Lines = append(s.put[sec.Title], sec.Lines...)
			delete(s.put, sec.Title)
		}
		switch view {
		case "events2 stream":
			s.same(b, sec.Title, view, sec.Lines, h.takeEvents())
		case "helper calls":
			s.same(b, sec.Title, view, sec.Lines, h.takeCalls())
		case "handler calls":
			s.same(b, sec.Title, view, sec.Lines, h.takeHandlers())
		default:
			s.same(b, sec.Title, view, sec.Lines, strings.Split(strings.TrimSuffix(h.view(view), "\n"), "\n"))
		}
	}
}

// same fails the test unless both are the same or known to differ.
func (s *stage) same(b testkit.Block, title, view string, recorded, ours []string) {
	what := s.name(b) + " " + title
	want, got := s.ids.Compare(view, recorded, ours)
	if coins[s.module+" "+s.sc.Name] {
		want, got = testkit.WithoutCoins(want), testkit.WithoutCoins(got)
	}
	if want == got {
		return
	}
	if chances[what] != "" || chances[s.name(b)] != "" {
		return
	}
	if _, ok := deviations[what]; ok {
		s.unused[what] = false
		return
	}
	s.t.Errorf("%s (%s):\n%s", what, b.Title, s.diff(want, got))
}

// diff shows how texts differ; what is marked with + is ours.
func (s *stage) diff(want, got string) []byte {
	var files [2]string
	for i, text := range []string{want, got} {
		files[i] = filepath.Join(s.scratch, fmt.Sprint(i))
		require.NoError(s.t, os.WriteFile(files[i], []byte(text+"\n"), 0o644))
	}
	out, _ := exec.Command("diff", "-U2", "--label=recorded", "--label=here", files[0], files[1]).Output()
	return out
}

// name is "MODULE SCENARIO step 7".
func (s *stage) name(b testkit.Block) string {
	step, _, _ := strings.Cut(b.Title, ":")
	return s.module + " " + s.sc.Name + " " + step
}

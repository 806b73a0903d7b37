package cmd_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
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
	for _, module := range []string{"8.4.11"} {
		for _, sc := range readScenarios(t, module) {
			t.Run(module+"/"+sc.name, func(t *testing.T) {
				if why, ok := unplayed[module+" "+sc.name]; ok {
					t.Skip(why)
				}
				synctest.Test(t, func(t *testing.T) { newStage(t, bin, module, sc).play() })
			})
		}
	}
}

// keepSignals starts the runtime's goroutine for signals outside of all bubbles,
// whose time would stand still for it.
func keepSignals() { signal.Notify(make(chan os.Signal, 1), os.Interrupt) }

// A scenario is a recording.
type scenario struct {
	name   string
	watch  string // command of the event stream
	nodes  int
	blocks []block
}

// A block is a command, or what else happens, and what followed.
type block struct {
	title    string
	sections []section
	hasty    bool // the next one followed at once
}

type section struct {
	title string
	lines []string // without their marks
}

func (b *block) find(title string) *section {
	for i := range b.sections {
		if b.sections[i].title == title {
			return &b.sections[i]
		}
	}
	return nil
}

func readScenarios(t *testing.T, module string) []*scenario {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "scenarios", module+".txt.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var all []*scenario
	var sc *scenario
	last := ""
	for lines := bufio.NewScanner(z); lines.Scan(); {
		line := lines.Text()
		follows := last != ""
		last = strings.TrimPrefix(line, "# "+strings.TrimPrefix(line, "# ")) // remarks are no blocks
		rest := line[min(len(line), 3):]
		switch {
		case strings.HasPrefix(line, "#### "):
			sc = &scenario{name: line[5:]}
			all = append(all, sc)
		case strings.HasPrefix(line, "nodes: "):
			sc.nodes = len(strings.Fields(line)) - 1
		case strings.HasPrefix(line, "events2 stream: "):
			_, sc.watch, _ = strings.Cut(line, ": ")
		case strings.HasPrefix(line, "## "):
			if n := len(sc.blocks); n > 0 {
				sc.blocks[n-1].hasty = follows
			}
			sc.blocks = append(sc.blocks, block{title: rest})
		case strings.HasPrefix(line, "-- "):
			b := &sc.blocks[len(sc.blocks)-1]
			b.sections = append(b.sections, section{title: rest})
		case strings.HasPrefix(line, "| "), strings.HasPrefix(line, "~ "):
			b := &sc.blocks[len(sc.blocks)-1]
			if len(b.sections) == 0 {
				b.sections = append(b.sections, section{title: "file"})
			}
			sec := &b.sections[len(b.sections)-1]
			sec.lines = append(sec.lines, line[2:])
		}
	}
	return all
}

// A stage is the hosts of a scenario.
type stage struct {
	t      *testing.T
	module string
	sc     *scenario
	hosts  map[string]*host
	ids    names
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

func newStage(t *testing.T, bin, module string, sc *scenario) *stage {
	s := &stage{
		t: t, module: module, sc: sc, hosts: map[string]*host{}, ids: names{}, put: map[string][]string{},
		behind: map[string]chan outcome{}, unused: map[string]bool{}, scratch: t.TempDir(),
	}
	network := fake.NewMemoryNetwork()
	for i := range sc.nodes {
		h := newHost(t, t.TempDir(), bin, module, sc.watch, i+1, network)
		s.hosts[h.name] = h
	}
	for what := range deviations {
		s.unused[what] = strings.HasPrefix(what, module+" "+sc.name+" ")
	}
	return s
}

func (s *stage) play() {
	for _, b := range s.sc.blocks {
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
func (s *stage) block(b block) {
	if rest, ok := strings.CutPrefix(b.title, "config "); ok {
		nodes, file, _ := strings.Cut(rest, ": ")
		for name := range strings.FieldsSeq(nodes) {
			h := s.hosts[name]
			h.write(file, h.local(strings.Join(b.sections[0].lines, "\n")+"\n"))
		}
		return
	}
	m := titlePattern.FindStringSubmatch(b.title)
	require.NotNil(s.t, m, b.title)
	h := s.hosts[m[3]]
	var got outcome
	switch {
	case m[1] == "end of step":
		got = <-s.behind[m[2]]
	case m[5] == "loses power":
		h.off()
	case m[5] == "boots again":
		h.boot()
	default:
		done := s.start(h, m[4])
		if b.background() {
			s.behind[m[2]] = done
			s.settle(b)
			s.states(b)
			return
		}
		got = <-done
	}
	s.settle(b)
	s.command(b, &got)
	s.states(b)
}

// background reports whether the next blocks began before the command ended.
func (b *block) background() bool {
	for _, sec := range b.sections {
		if strings.HasPrefix(sec.title, "runs in the background") {
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

// settle lets time pass until nothing has happened for a second and nothing is
// under way, unless the recording shows that it is.
func (s *stage) settle(b block) {
	if b.hasty {
		return
	}
	const tick, calm = 50 * time.Millisecond, 20
	shown := b.busy()
	before, quiet := s.progress(), 0
	for range 5 * time.Minute / tick {
		time.Sleep(tick)
		if shown && s.busy() {
			return
		}
		quiet++
		if now := s.progress(); now != before {
			before, quiet = now, 0
		}
		if quiet >= calm && !s.busy() {
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

func (s *stage) busy() bool {
	for _, h := range s.hosts {
		if underWay.MatchString(h.view("drbdsetup status --verbose")) {
			return true
		}
	}
	return false
}

func (b *block) busy() bool {
	for _, sec := range b.sections {
		if !strings.HasSuffix(sec.title, "stream") && underWay.MatchString(strings.Join(sec.lines, "\n")) {
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
	code := h.run(h.t.Context(), command, &out, &errs)
	if code != 0 {
		return fmt.Sprintf("%s%sexit: %d\n", &out, &errs, code)
	}
	return h.recorded(out.String())
}

// command compares what a command printed and returned. Of what other programs
// print only some counts.
func (s *stage) command(b block, got *outcome) {
	ours := func(title string) bool { return strings.Contains(title, "drbd") || strings.Contains(title, "echo") }
	for _, sec := range b.sections {
		if code, ok := strings.CutPrefix(sec.title, "exit "); ok {
			s.same(b, "exit", code, fmt.Sprint(got.exit))
		}
	}
	m := titlePattern.FindStringSubmatch(b.title)
	h := s.hosts[m[3]]
	if !ours(b.title) || h.wrapped() {
		return
	}
	lines := func(title string) []string {
		if sec := b.find(title); sec != nil {
			return sec.lines
		}
		return nil
	}
	out := strings.Split(strings.TrimSuffix(h.recorded(got.out.String()), "\n"), "\n")
	s.same(b, "stdout", settledText("", lines("stdout")), settledText("", out))
	s.same(b, "stderr", messages(lines("stderr")), messages(strings.Split(got.err.String(), "\n")))
}

// states compares the sections about nodes.
func (s *stage) states(b block) {
	for _, sec := range b.sections {
		name, view, ok := strings.Cut(sec.title, ": ")
		h := s.hosts[name]
		if !ok || h == nil || h.wrapped() && strings.HasPrefix(view, "drbdadm ") {
			continue
		}
		stream := view == "events2 stream" || view == "helper calls" || view == "handler calls"
		if _, ok := early[s.module+" "+s.sc.name+" "+stepName(b.title)]; ok {
			if stream {
				s.put[sec.title] = append(s.put[sec.title], sec.lines...)
			}
			continue
		}
		if stream {
			sec.lines = append(s.put[sec.title], sec.lines...)
			delete(s.put, sec.title)
		}
		switch view {
		case "events2 stream":
			s.same(b, sec.title, eventTexts(sec.lines), eventTexts(h.takeEvents()))
		case "helper calls":
			s.same(b, sec.title, callTexts(sec.lines), callTexts(h.takeCalls()))
		case "handler calls":
			s.same(b, sec.title, callTexts(sec.lines), callTexts(h.takeHandlers()))
		default:
			got := strings.Split(strings.TrimSuffix(h.view(view), "\n"), "\n")
			want, have := settledText(view, sec.lines), settledText(view, got)
			if coins[s.module+" "+s.sc.name] {
				want, have = withoutCoins(want), withoutCoins(have)
			}
			s.same(b, sec.title, want, have)
		}
	}
}

// same fails the test unless both are the same or known to differ.
func (s *stage) same(b block, title, want, got string) {
	what := s.module + " " + s.sc.name + " " + stepName(b.title) + " " + title
	want = s.ids.translate(want, got)
	if want == got {
		return
	}
	if _, ok := deviations[what]; ok {
		s.unused[what] = false
		return
	}
	s.t.Errorf("%s (%s):\n%s", what, b.title, s.diff(want, got))
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

// stepName is "step 7".
func stepName(title string) string {
	name, _, _ := strings.Cut(title, ":")
	return name
}

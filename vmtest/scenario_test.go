package vmtest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"drbdutils/internal/testkit"
)

var update = flag.Bool("update", false, "write down what the kernel does in shared scenarios; meant for -tools=reference")

// TestScenarios plays the shared scenarios, which cmd plays with fake nodes, and
// compares with the recording, as strictly as there.
func TestScenarios(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/scenarios/shared/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			sc := testkit.ParseRecordings(string(text))[0]
			newPlayers(t).play(t, sc)
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(sc.String()), 0o644))
			}
		})
	}
}

// A player is a machine of a scenario.
type player struct {
	*Guest
	name  string
	files map[string]string   // configuration
	state map[string][]string // what each view showed last, here
	then  map[string][]string // and in the recording
}

type players struct {
	all []*player
	ids testkit.Names
}

// newPlayers returns machines that have booted, with blank disks.
func newPlayers(t *testing.T) *players {
	lab := newLab(t)
	require.NoError(t, lab.Restart(t.Context()))
	p := &players{ids: testkit.Names{}}
	for i, g := range lab.Guests {
		p.all = append(p.all, &player{Guest: g, name: fmt.Sprintf("node%d", i+1), files: map[string]string{}})
	}
	p.each(t, func(m *player) {
		m.must(t, "mkfs.ext4 -q -E nodiscard /dev/sdb1")
		m.prepare(t)
		m.must(t, "truncate -s 32M /disks/vda /disks/vdb")
		m.start(t)
	})
	return p
}

func (p *players) each(t *testing.T, do func(*player)) {
	done := make(chan bool)
	for _, m := range p.all {
		go func() {
			defer func() { done <- true }()
			do(m)
		}()
	}
	for range p.all {
		<-done
	}
	if t.Failed() {
		t.FailNow()
	}
}

func (p *players) node(name string) *player { return p.all[name[len(name)-1]-'1'] }

// must runs a command that has to succeed.
func (m *player) must(t *testing.T, command string) string {
	reply, err := m.Run(command, nil)
	if err != nil || reply.Code != 0 {
		t.Errorf("%s: %s: exit code %d: %v\n%s", m.name, command, reply.Code, err, reply.Stderr)
	}
	return string(reply.Stdout)
}

// prepare makes a machine that has booted one of the recordings.
func (m *player) prepare(t *testing.T) {
	number := m.name[len("node"):]
	m.must(t, "hostname "+m.name+"; ip address add 10.0.0."+number+"/24 dev eth0; mkdir -p /disks /usr/local/sbin /mnt"+
		"; modprobe -a loop dm_mod drbd; mount /dev/sdb1 /disks; ln -s loop1 /dev/vda; ln -s loop2 /dev/vdb"+
		"; echo 'global { usage-count no; }' >/etc/drbd.d/global_common.conf")
	m.put(t, "/usr/local/sbin/h", handlerScript)
	m.must(t, "chmod +x /usr/local/sbin/h")
	m.state, m.then = map[string][]string{}, map[string][]string{}
}

// handlerScript notes its environment, and exits as it is told to.
const handlerScript = `#!/bin/sh
code=0
[ -e "/tmp/h.$1" ] && read code <"/tmp/h.$1"
{ echo "handler: /usr/local/sbin/h $* (exits $code)"; env | sort | sed 's/^/  env /'; } >>/handled
exit $code
`

func (m *player) put(t *testing.T, path, text string) {
	reply, err := m.Run("cat >"+path, []byte(text))
	require.NoError(t, err)
	require.Zero(t, reply.Code, "%s", reply.Stderr)
}

// start attaches the disks and begins to listen.
func (m *player) start(t *testing.T) {
	m.must(t, "losetup /dev/loop1 /disks/vda; losetup /dev/loop2 /disks/vdb; drbdsetup events2 >/events 2>/dev/null </dev/null & until grep -q '^exists -' /events; do sleep 0.1; done")
}

func (p *players) play(t *testing.T, sc *testkit.Scenario) {
	for i := range sc.Blocks {
		p.block(t, sc, &sc.Blocks[i])
	}
}

var titlePattern = regexp.MustCompile(`^(step \d+): (node\d)(?:\$ (.*)| (loses power|boots again).*)$`)

func (p *players) block(t *testing.T, sc *testkit.Scenario, b *testkit.Block) {
	began := time.Now()
	defer func() { t.Logf("%s: %s", b.Title, time.Since(began).Round(100*time.Millisecond)) }()
	if rest, ok := strings.CutPrefix(b.Title, "config "); ok {
		p.configure(t, rest, strings.Join(b.Sections[0].Lines, "\n")+"\n")
		return
	}
	got := p.step(t, b.Title)
	if !b.Hasty {
		p.settle(t)
		for _, m := range p.all {
			got = append(got, m.views(t)...)
		}
	}
	if *update {
		b.Sections = got
		return
	}
	what := sc.Name + " " + b.Title
	p.compare(t, what, b, got)
	if !b.Hasty && *toolset == "ours" {
		p.each(t, func(m *player) { m.ask(t, what) })
	}
}

// configure writes a file, as in "node1 node2: FILE".
func (p *players) configure(t *testing.T, title, text string) {
	nodes, file, _ := strings.Cut(title, ": ")
	for name := range strings.FieldsSeq(nodes) {
		m := p.node(name)
		m.files[file] = text
		m.put(t, file, text)
	}
}

// step does what a title says, and returns what came of it.
func (p *players) step(t *testing.T, title string) []testkit.Section {
	part := titlePattern.FindStringSubmatch(title)
	require.NotNil(t, part, title)
	m := p.node(part[2])
	switch part[4] {
	case "loses power":
		require.NoError(t, m.PowerCut())
		return nil
	case "boots again":
		require.NoError(t, m.Boot(t.Context()))
		m.prepare(t)
		m.start(t)
		for file, text := range m.files {
			m.put(t, file, text)
		}
		return nil
	}
	return m.command(t, part[3])
}

// questions are what both toolsets are asked in each state.
var questions = []string{
	"drbdsetup status", "drbdsetup status r0 --verbose --statistics", "drbdsetup show --show-defaults", "drbdsetup events2 --now --statistics",
	"drbdsetup role 0", "drbdsetup state 0", "drbdsetup cstate 0", "drbdsetup dstate 0", "drbdsetup get-gi 0", "drbdsetup show-gi 0 | grep '[:0-9A-F]\\{60\\}\\|^flags:'",
	"drbdsetup sh-status r0 | grep -v _version", "drbdadm -d adjust all",
}

// asked are the states in which both toolsets were asked, without their numbers.
var asked sync.Map

var digits = regexp.MustCompile(`[0-9]+`)

// ask compares what both toolsets answer, once in each state.
func (m *player) ask(t *testing.T, what string) {
	if m.cmd == nil {
		return
	}
	if _, done := asked.LoadOrStore(digits.ReplaceAllString(strings.Join(m.state[shown[0].view], " "), ""), true); done {
		return
	}
	var all strings.Builder
	for _, q := range questions {
		fmt.Fprintf(&all, "echo '%s:'; %s; echo \"exit code $?\"\n", strings.ReplaceAll(q, "'", ""), q)
	}
	_, difference, err := sideBySide(m.Guest, all.String())
	if err != nil || difference != "" {
		t.Errorf("%s: %s: %v\n%s", what, m.name, err, difference)
	}
}

// command runs a step's command and returns what it did.
func (m *player) command(t *testing.T, line string) []testkit.Section {
	reply, err := m.Run(line, nil)
	require.NoError(t, err)
	got := []testkit.Section{{Title: fmt.Sprint("exit ", reply.Code)}}
	for i, text := range [][]byte{reply.Stdout, reply.Stderr} {
		if len(text) > 0 {
			got = append(got, testkit.Section{Title: [...]string{"stdout", "stderr"}[i], Lines: splitLines(string(text))})
		}
	}
	return got
}

func splitLines(text string) []string {
	if text = strings.TrimSuffix(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// underWay matches states in /proc/drbd that do not last.
var underWay = regexp.MustCompile(`cs:(Sync|Verify|WFBitMap|WFSyncUUID|Starting|TearDown|Disconnecting|Unconnected)|ds:(Attaching|Negotiating|Failed)`)

// settle waits until neither state nor events change for a second.
func (p *players) settle(t *testing.T) {
	for before := ""; ; time.Sleep(time.Second) {
		now := make([]string, len(p.all))
		p.each(t, func(m *player) {
			if m.cmd != nil {
				now[m.name[len(m.name)-1]-'1'] = m.must(t, "cat /proc/drbd; wc -l /events")
			}
		})
		all := strings.Join(now, "")
		if all == before && !underWay.MatchString(all) {
			return
		}
		before = all
	}
}

// shown are the sections about a machine, and how they come about.
var shown = []struct{ view, command string }{
	{"drbdsetup status --verbose --statistics", "drbdsetup status --verbose --statistics"},
	{"drbdsetup show", "drbdsetup show"},
	{"events2 stream", "wc -l </events >/seen; tail -n +$(($(cat /told 2>/dev/null || echo 0) + 1)) /events | head -n $(($(cat /seen) - $(cat /told 2>/dev/null || echo 0))); mv /seen /told"},
	{"handler calls", "cat /handled 2>/dev/null; rm -f /handled"},
}

// views returns the sections that differ from those before.
func (m *player) views(t *testing.T) []testkit.Section {
	if m.cmd == nil {
		return nil
	}
	const mark = "=== a view ends ===\n"
	var commands []string
	for _, v := range shown {
		commands = append(commands, "{ "+v.command+"; } 2>&1; echo '"+strings.TrimSpace(mark)+"'")
	}
	texts := strings.Split(m.must(t, strings.Join(commands, "; ")), mark)
	var got []testkit.Section
	for i, v := range shown {
		lines := splitLines(texts[i])
		gained := !strings.HasPrefix(v.view, "drbdsetup ")
		if gained && len(lines) == 0 || !gained && strings.Join(lines, "\n") == strings.Join(m.state[v.view], "\n") {
			continue
		}
		m.state[v.view] = lines
		got = append(got, testkit.Section{Title: m.name + ": " + v.view, Lines: lines})
	}
	return got
}

// compare fails the test where a block did not do what was recorded.
func (p *players) compare(t *testing.T, what string, b *testkit.Block, got []testkit.Section) {
	recorded, here := byTitle(b.Sections), byTitle(got)
	same := func(title, view string, before, now []string) {
		want, have := p.ids.Compare(view, before, now)
		require.Equal(t, want, have, "%s: %s", what, title)
	}
	require.Equal(t, exitOf(b.Sections), exitOf(got), what)
	same("stdout", "stdout", recorded["stdout"], here["stdout"])
	same("stderr", "stderr", recorded["stderr"], here["stderr"])
	for _, m := range p.all {
		if b.Hasty || m.cmd == nil {
			continue
		}
		for _, v := range shown {
			title := m.name + ": " + v.view
			before, changed := recorded[title]
			now := here[title]
			if strings.HasPrefix(v.view, "drbdsetup ") {
				if changed {
					m.then[v.view] = before
				}
				before, now = m.then[v.view], m.state[v.view]
			}
			same(title, v.view, before, now)
		}
	}
}

func byTitle(sections []testkit.Section) map[string][]string {
	all := map[string][]string{}
	for _, s := range sections {
		all[s.Title] = s.Lines
	}
	return all
}

func exitOf(sections []testkit.Section) string {
	for _, s := range sections {
		if strings.HasPrefix(s.Title, "exit ") {
			return s.Title
		}
	}
	return ""
}

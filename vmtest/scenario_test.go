package vmtest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"drbdutils/internal/testkit"
)

var (
	scenarios = flag.Bool("scenarios", false, "play all shared scenarios, which takes some ten minutes")
	update    = flag.Bool("update", false, "and write down what the kernel does; meant for -tools=reference")
)

// always are the scenarios of every run.
var always = []string{"add-volume", "adjust"}

// TestScenarios plays the shared scenarios, which cmd plays with fake nodes, on two
// machines of one boot, and compares with the recording, as strictly as there.
func TestScenarios(t *testing.T) {
	names := always
	if *scenarios || *update {
		names = allScenarios(t)
	}
	lab := newLab(t)
	require.NoError(t, lab.Restart(t.Context()))
	p := &players{lab: lab}
	for i, g := range lab.Guests {
		p.all = append(p.all, &player{Guest: g, name: fmt.Sprintf("node%d", i+1), files: map[string]string{}})
	}
	p.each(t, func(m *player) { m.must(t, "mkfs.ext4 -q -E nodiscard /dev/sdb1"); m.prepare(t) })
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			file := filepath.Join(sharedDir, name+".txt")
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			sc := testkit.ParseRecordings(string(text))[0]
			p.play(t, sc)
			t.Logf("%s: %s", sc.Name, time.Since(began).Round(time.Second))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(sc.String()), 0o644))
			}
		})
	}
}

const sharedDir = "../testdata/scenarios/shared"

func allScenarios(t *testing.T) (names []string) {
	files, err := filepath.Glob(filepath.Join(sharedDir, "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".txt"))
	}
	return names
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
	lab *Lab
	all []*player
	ids testkit.Names
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

// reset gives the machine blank disks and a module without a past.
func (m *player) reset(t *testing.T) {
	m.must(t, "killall drbdsetup; umount /mnt; drbdsetup down all; dmsetup remove_all; losetup -d /dev/loop1; losetup -d /dev/loop2"+
		"; ip link set eth0 up; rm -f /disks/vd* /tmp/h.* /handled /events /etc/drbd.d/*.res /dev/mapper/backing; rmmod drbd; modprobe drbd"+
		"; truncate -s 32M /disks/vda /disks/vdb")
	m.files, m.state, m.then = map[string]string{}, map[string][]string{}, map[string][]string{}
	m.start(t)
}

// start attaches the disks and begins to listen.
func (m *player) start(t *testing.T) {
	m.must(t, "losetup /dev/loop1 /disks/vda; losetup /dev/loop2 /disks/vdb; rm -f /events /handled /told"+
		"; drbdsetup events2 >/events 2>/dev/null </dev/null & until grep -q '^exists -' /events; do sleep 0.1; done")
}

func (p *players) play(t *testing.T, sc *testkit.Scenario) {
	p.ids = testkit.Names{}
	p.each(t, func(m *player) { m.reset(t) })
	for i := range sc.Blocks {
		p.block(t, sc, &sc.Blocks[i])
	}
}

var titlePattern = regexp.MustCompile(`^(step \d+): (node\d)(?:\$ (.*)| (loses power|boots again).*)$`)

func (p *players) block(t *testing.T, sc *testkit.Scenario, b *testkit.Block) {
	if rest, ok := strings.CutPrefix(b.Title, "config "); ok {
		nodes, file, _ := strings.Cut(rest, ": ")
		for name := range strings.FieldsSeq(nodes) {
			m := p.node(name)
			m.files[file] = strings.Join(b.Sections[0].Lines, "\n") + "\n"
			m.put(t, file, m.files[file])
		}
		return
	}
	title := titlePattern.FindStringSubmatch(b.Title)
	require.NotNil(t, title, b.Title)
	m := p.node(title[2])
	var got []testkit.Section
	switch title[4] {
	case "loses power":
		require.NoError(t, m.PowerCut())
	case "boots again":
		require.NoError(t, m.Boot(t.Context()))
		m.prepare(t)
		m.start(t)
		for file, text := range m.files {
			m.put(t, file, text)
		}
	default:
		got = m.command(t, title[3])
	}
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
	p.compare(t, sc.Name+" "+b.Title, b, got)
}

// command runs a step's command and returns what it did.
func (m *player) command(t *testing.T, line string) []testkit.Section {
	reply, err := m.Run(line, nil)
	require.NoError(t, err)
	got := []testkit.Section{{Title: fmt.Sprint("exit ", reply.Code)}}
	for title, text := range map[string][]byte{"stdout": reply.Stdout, "stderr": reply.Stderr} {
		if len(text) > 0 {
			got = append(got, testkit.Section{Title: title, Lines: splitLines(string(text))})
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

// settle waits until neither state nor events change for a second.
func (p *players) settle(t *testing.T) {
	for before := ""; ; time.Sleep(time.Second) {
		now := make([]string, len(p.all))
		p.each(t, func(m *player) {
			if m.cmd != nil {
				now[m.name[len(m.name)-1]-'1'] = m.must(t, "cat /proc/drbd; wc -l /events")
			}
		})
		if all := strings.Join(now, ""); all == before {
			return
		} else {
			before = all
		}
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

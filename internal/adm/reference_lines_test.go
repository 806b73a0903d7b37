package adm

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"drbdutils/internal/cli"
	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

var (
	lineCount = flag.Int("lines", 300, "random command lines to compare with the installed drbdadm, per generation")
	lineSeed  = flag.Uint64("lineseed", 1, "the first of them")

	stateCount = flag.Int("states", 150, "random running states to adjust, compared with the installed drbdadm")
)

// TestRandomCommandLines runs random command lines, of all commands, options and
// forms of objects, on recorded and random configurations through the installed
// drbd-utils and through ours: dry runs, and runs in which backends fail.
func TestRandomCommandLines(t *testing.T) {
	if _, err := os.Stat(reference); err != nil && os.Getenv("CI") == "" {
		t.Skip("drbd-utils is not installed")
	}
	dir := t.TempDir()
	stubPrograms(t, filepath.Join(dir, "bin"))
	t.Setenv("PATH", filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	recorded, err := filepath.Abs(filepath.Join(goldens, "configs"))
	require.NoError(t, err)
	t.Chdir(dir)
	for _, g := range []schema.Generation{schema.V84, schema.V9} {
		for i := range *lineCount {
			seed := *lineSeed + uint64(i)
			l := &liner{Rand: rand.New(rand.NewPCG(seed, uint64(g))), gen: g, table: commands(g)}
			run := l.run(t, recorded, seed)
			if run == nil {
				continue
			}
			t.Run(fmt.Sprintf("%v %d %s %s", g, seed, filepath.Base(run.Config), strings.Join(run.Argv, " ")), func(t *testing.T) {
				run.compare(t)
			})
		}
	}
}

// stubPrograms makes programs that stand in for the backends: they note their command
// lines, and fail if a rule says so.
func stubPrograms(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.Mkdir(dir, 0o700))
	const script = `#!/bin/sh
line="${0##*/} $*"
echo "$line" >> calls
while read -r code match; do
	case "$line" in *"$match"*) exit $code ;; esac
done < rules
exit 0
`
	for _, name := range []string{"drbdsetup", "drbdsetup-84", "drbdmeta", "drbd-proxy-ctl"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700))
	}
}

// compare runs a record with both programs.
func (r faultRecord) compare(t *testing.T) {
	t.Helper()
	var rules strings.Builder
	for _, rule := range r.Rules {
		fmt.Fprintf(&rules, "%d %s\n", rule.Exit, rule.Match)
	}
	require.NoError(t, os.WriteFile("rules", []byte(rules.String()), 0o600))
	require.NoError(t, os.WriteFile("calls", nil, 0o600))
	for name, value := range r.Env {
		t.Setenv(name, value) // for handlers, which are real children
	}
	out, words, exit := r.runReference(t)
	if exit < 0 || r.Gen == "9" && strings.Contains(words, "requires a local disk") {
		return // it crashed, or it does not skip what later releases skip
	}
	calls, err := os.ReadFile("calls")
	require.NoError(t, err)
	ours := r.play(t, t.TempDir())
	config, _ := os.ReadFile(r.Config)
	text := fmt.Sprintf("the original:\n%s\nours:\n%s\nrules: %v\n%s", words, ours.stderr, r.Rules, config)
	require.Equal(t, r.comparable(out), r.comparable(ours.stdout), text)
	require.Equal(t, exit, ours.exit, text)
	require.Equal(t, r.comparable(normalised(string(calls))),
		r.comparable(normalised(strings.Join(ours.calls, "\n"))), text)
}

func normalised(calls string) string {
	return strings.Join(normalCalls(strings.Split(strings.TrimSpace(calls), "\n")), "\n") + "\n"
}

// comparable drops what the installed release, 9.22, does differently from 9.34:
// it does not repair metadata, and orders stages otherwise.
func (r record) comparable(out string) []string {
	var lines []string
	if strings.HasPrefix(out, "\nUSAGE: ") {
		return []string{"help"} // our words
	}
	for line := range strings.Lines(expected(floatingPeer.ReplaceAllString(out, "${1}_$2"))) {
		if !strings.Contains(line, " repair-md") {
			lines = append(lines, line)
		} else if n := len(lines); n > 0 && strings.HasPrefix(lines[n-1], "name=") {
			lines = lines[:n-1]
		}
	}
	if r.Gen == "9" && (slices.Contains(r.Argv, "up") || slices.Contains(r.Argv, "adjust")) {
		slices.Sort(lines)
	}
	return lines
}

// floatingPeer is the name of a peer that is known by its address, which had a colon.
var floatingPeer = regexp.MustCompile(`(--_name=[0-9.]+):(\d)`)

// A liner makes random command lines.
type liner struct {
	*rand.Rand
	gen   schema.Generation
	table []command
	dry   bool
}

// notCompared are commands that ask the module even in a dry run, whose output is
// compared elsewhere or differs between releases, or which the original does not
// have.
var notCompared = []string{
	"hidden-commands", "wait-con-int", "sh-status", "dump", "dump-xml", "lint", "plan", "explain", "sh-resources", "sh-dev", "sh-lr-of",
	"repair-md", "dump-superblock", "sh-list-adjustable", "sh-list-config-file", "peer-role",
}

// notRun are commands that leave something on this machine, or wait for it.
var notRun = []string{"attach", "create-md", "up", "adjust", "adjust-with-progress", "new-resource", "new-minor", "sh-new-minor", "resize", "sh-b-pri", "status"}

var lineConfigs = map[schema.Generation][]string{
	schema.V84: {
		"classic.conf", "multivol.conf", "several.conf", "proxy8.conf", "handlers.conf", "handler-env.conf",
		"bpo.conf", "extmd.conf", "two.conf", "stacked.conf",
	},
	schema.V9: {"classic.conf", "classic9.conf", "multivol.conf", "multivol9.conf", "mesh3.conf", "several.conf", "handlers.conf", "handlers9.conf", "handler-env.conf",
		"extmd.conf", "two.conf", "stacked.conf", "stacked9.conf", "template.conf"},
}

// run returns a command line to be run with both programs, nil if it would not be
// fair.
func (g *liner) run(t *testing.T, recorded string, seed uint64) *faultRecord {
	t.Helper()
	r := &faultRecord{Live: true, record: record{
		Gen: map[schema.Generation]string{schema.V84: "8.4", schema.V9: "9"}[g.gen],
		Env: map[string]string{showFile: os.DevNull},
	}}
	r.Node, r.Config = "oak", filepath.Join(recorded, lineConfigs[g.gen][g.IntN(len(lineConfigs[g.gen]))])
	if g.IntN(2) == 0 {
		r.Node, r.Config = "alpha", g.invent(t, seed)
	}
	text, err := os.ReadFile(r.Config)
	require.NoError(t, err)
	c := g.table[g.IntN(len(g.table))]
	g.dry = slices.Contains(notRun, c.name) || g.IntN(3) > 0
	objects := g.objects(string(text))
	if g.unfair(c, objects, string(text)) {
		return nil
	}
	if !g.dry {
		r.Rules = g.rules(c)
	}
	if c.group == handler {
		g.callout(r.Env)
	}
	r.Argv = g.arrange(g.options(c), slices.Concat([]string{c.name}, objects))
	return r
}

// invent writes a random configuration that the original takes.
func (g *liner) invent(t *testing.T, seed uint64) string {
	t.Helper()
	c := comparison{gen: g.gen, dir: "case"}
	for {
		c.write(t, newInventor(g.gen, seed).lines())
		if _, exit := c.reference(t, []string{"sh-dev", "all"}); exit == 0 {
			return "case/input.conf"
		}
		seed += 1 << 32
	}
}

// unfair reports whether the installed release does something else than later ones,
// or the two are known to differ.
func (g *liner) unfair(c command, objects []string, config string) bool {
	nine := g.gen == schema.V9
	proxies := nine && (c.flags.has(needsProxy) || c.stage != nil && strings.Contains(config, "proxy")) // they have other names now
	peerRole := c.name == "role" && strings.Contains(strings.Join(objects, " "), ":")                   // is newer
	senseless := c.group == handler && slices.Contains(objects, "all")                                  // no module says that
	return slices.Contains(notCompared, c.name) || proxies || peerRole || senseless
}

// callout adds variables with which the module calls a handler.
func (g *liner) callout(env map[string]string) {
	for _, v := range [][2]string{
		{"DRBD_PEER_ADDRESS", "10.20.0.2"}, {"DRBD_PEER_AF", "ipv4"}, {"DRBD_MY_NODE_ID", "7"}, {"DRBD_NODE_ID_5", "five"},
		{"DRBD_MINOR", "99"}, {"DRBD_VOLUME", "9"}, {"DRBD_PEER", "nobody"}, {"DRBD_PEER_NODE_ID", "1"},
	} {
		if g.IntN(3) == 0 {
			env[v[0]] = v[1]
		}
	}
}

// arrange puts options before or after the command and its objects.
func (g *liner) arrange(options, words []string) []string {
	var dry []string
	if g.dry {
		dry = []string{"-d"}
	}
	switch n := g.IntN(4); {
	case slices.Contains(options, "--") || n > 1:
		return slices.Concat(dry, options, words)
	case n == 1:
		return slices.Concat(options, words, dry)
	}
	return slices.Concat(words, dry, options)
}

// rules makes some calls of backends fail.
func (g *liner) rules(c command) []rule {
	var all []rule
	for range g.IntN(3) {
		match := []string{c.name, "drbdmeta", "drbdsetup", "1", "/", "apply-al", "attach"}[g.IntN(7)]
		all = append(all, rule{Match: match, Exit: []int{1, 5, 10, 11, 16, 17, 19, 20, 255}[g.IntN(9)]})
	}
	return all
}

// options returns some of drbdadm's options, some of the command, and some that may
// not be known to anybody.
func (g *liner) options(c command) []string {
	var out []string
	for _, o := range [][]string{
		{"-v"}, {"-P", "pine"}, {"-s", "/bin/true"}, {"-m", "/bin/false"}, {"-n", "name"},
		{"-W", "--bogus"}, {"-S"}, {"--bogus"}, {"-W--force"},
	} {
		if g.IntN(12) == 0 && !(g.gen == schema.V9 && o[0] == "-v" && c.name == "status") {
			out = append(out, o...)
		}
	}
	all := c.accepts()
	if g.IntN(6) == 0 {
		all = g.table[g.IntN(len(g.table))].accepts() // somebody else's
	}
	for range g.IntN(3) {
		if len(all) == 0 || g.IntN(2) == 0 {
			break
		}
		o := all[g.IntN(len(all))]
		word := "--" + o.Name
		if argOf(o) == cli.RequiredArg || g.IntN(2) == 0 {
			word += "=" + []string{"yes", "5", "10M", "1,2", "a b"}[g.IntN(5)]
		}
		if !slices.Contains(ourOptions, strings.SplitN(word[2:], "=", 2)[0]) {
			out = append(out, word)
		}
	}
	if g.IntN(10) == 0 {
		out = append(out, "--", []string{"--force", "--discard-my-data", "xyz", "--for", "--size=7"}[g.IntN(5)])
	}
	return out
}

// ourOptions are options that the installed release does not know.
var ourOptions = []string{
	"json", "watch", "explain", "statistics", "bdev-freeze", "effective-size", "bitmap-block-size", "diskful-peers",
	"initial-current-uuid", "consistent", "uptodate", "peers-outdated", "rotate-uuids", "load-balance-paths", "block-size", "max-bio-size",
	"discard-granularity", "peer-tiebreaker", "tls", "tls-keyring", "tls-privkey", "tls-certificate", "rdma-ctrl-rcvbuf-size", "rdma-ctrl-sndbuf-size",
	"resync-without-replication", "drbd8-api-compatibility", "quiet", "bitmap",
}

var (
	resourceName = regexp.MustCompile(`(?m)^\s*resource\s+(\S+)`)
	minorNumber  = regexp.MustCompile(`(?:minor\s+|drbd)(\d+)`)
)

// objects returns up to three objects in any form, right or wrong, or all.
func (g *liner) objects(config string) []string {
	pick := func(re *regexp.Regexp) string {
		found := re.FindAllStringSubmatch(config, -1)
		if len(found) == 0 {
			return "nosuch"
		}
		return strings.Trim(found[g.IntN(len(found))][1], `"`)
	}
	peer := func() string { return []string{"pine", "birch", "bravo", "charlie", "oak", "elm"}[g.IntN(6)] }
	name := pick(resourceName)
	forms := []string{
		"all", name, name, name + fmt.Sprintf("/%d", g.IntN(3)), name + "/0", "minor-" + pick(minorNumber),
		name + ":" + peer(), name + ":" + peer() + fmt.Sprintf("/%d", g.IntN(2)), "nosuch", "", "nosuch/0", "minor-999", name + "/x", name + "/",
	}
	n := g.IntN(len(forms) + 1)
	if n == len(forms) {
		return nil
	}
	one := forms[n]
	if n == 0 || n > 7 || g.IntN(4) > 0 {
		return []string{one}
	}
	more := g.objects(config)
	if slices.ContainsFunc(more, func(other string) bool { return early(other) || again(one, other) }) {
		return []string{one}
	}
	return append([]string{one}, more...)
}

// early reports whether a word is refused before anything is done to others; by the
// original's engine for 8.4 only when its turn comes.
func early(word string) bool {
	return word == "all" || word == "" || strings.HasSuffix(word, "/") || strings.HasSuffix(word, "/x")
}

// again reports whether two words may be about the same resource, which the installed
// release takes in ways of its own.
func again(one, other string) bool {
	name := func(word string) string { return word[:strings.IndexAny(word+":", ":/")] }
	return name(one) == name(other) || strings.HasPrefix(other, "nosuch") || strings.HasPrefix(one, "minor-") || strings.HasPrefix(other, "minor-")
}

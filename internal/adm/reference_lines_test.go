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
	lineCount = flag.Int("lines", 400, "random command lines to compare with the installed drbdadm, per generation")
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
	require.Equal(t, r.comparable(normalised(string(calls))), r.comparable(normalised(strings.Join(ours.calls, "\n"))), text)
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
	for line := range strings.Lines(expected(out)) {
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
	"hidden-commands", "wait-con-int", "sh-status", "dump", "dump-xml", "lint", "plan", "explain", "sh-resources", "sh-dev",
	"repair-md", "dump-superblock", "sh-list-adjustable", "sh-list-config-file", "peer-role",
}

// notRun are commands that leave something on this machine, or wait for it.
var notRun = []string{"attach", "create-md", "up", "adjust", "adjust-with-progress", "new-resource", "new-minor", "sh-new-minor", "resize", "sh-b-pri", "status"}

var lineConfigs = map[schema.Generation][]string{
	schema.V84: {"classic.conf", "multivol.conf", "several.conf", "proxy8.conf", "handlers.conf", "bpo.conf", "extmd.conf", "two.conf", "stacked.conf"},
	schema.V9: {"classic.conf", "classic9.conf", "multivol.conf", "multivol9.conf", "mesh3.conf", "several.conf", "handlers.conf", "handlers9.conf",
		"extmd.conf", "two.conf", "stacked.conf", "stacked9.conf", "template.conf"},
}

func (g *liner) run(t *testing.T, recorded string, seed uint64) *faultRecord {
	t.Helper()
	r := &faultRecord{Live: true, record: record{Gen: map[schema.Generation]string{schema.V84: "8.4", schema.V9: "9"}[g.gen], Node: "oak", Env: map[string]string{showFile: os.DevNull}}}
	if g.IntN(2) == 0 {
		r.Config = filepath.Join(recorded, lineConfigs[g.gen][g.IntN(len(lineConfigs[g.gen]))])
	} else {
		r.Node, r.Config = "alpha", "case/input.conf"
		c := comparison{gen: g.gen, dir: "case"}
		c.write(t, newInventor(g.gen, seed).lines())
		if _, exit := c.reference(t, []string{"sh-nop"}); exit != 0 {
			return nil
		}
	}
	text, err := os.ReadFile(r.Config)
	require.NoError(t, err)
	c := g.table[g.IntN(len(g.table))]
	for slices.Contains(notCompared, c.name) || g.gen == schema.V9 && c.flags.has(needsProxy) {
		c = g.table[g.IntN(len(g.table))]
	}
	g.dry = slices.Contains(notRun, c.name) || g.IntN(3) > 0
	if !g.dry {
		r.Rules = g.rules(c)
	}
	objects := g.objects(string(text), c)
	for c.group == handler && slices.Contains(objects, "all") {
		objects = g.objects(string(text), c) // no module says that
	}
	if c.name == "role" && strings.Contains(strings.Join(objects, " "), ":") {
		return nil // the role of a peer is newer
	}
	options := g.options(c)
	words := slices.Concat([]string{c.name}, objects)
	if g.dry {
		words = append(words, "-d")
		if g.IntN(4) > 0 {
			words = append([]string{"-d"}, words[:len(words)-1]...)
		}
	}
	if i := slices.Index(options, "--"); i >= 0 || g.IntN(4) > 0 {
		r.Argv = append(options, words...)
		if i >= 0 && g.dry && words[0] != "-d" {
			r.Argv = append([]string{"-d"}, append(options, words[:len(words)-1]...)...)
		} else if i >= 0 && g.dry {
			r.Argv = append([]string{"-d"}, append(options, words[1:]...)...)
		}
	} else {
		r.Argv = append(words, options...)
	}
	if g.handlerLike(c) {
		for _, v := range [][2]string{{"DRBD_PEER_ADDRESS", "10.20.0.2"}, {"DRBD_PEER_AF", "ipv4"}, {"DRBD_MY_NODE_ID", "7"}, {"DRBD_NODE_ID_5", "five"}, {"DRBD_MINOR", "99"}, {"DRBD_VOLUME", "9"}, {"DRBD_PEER", "nobody"}, {"DRBD_PEER_NODE_ID", "1"}} {
			if g.IntN(3) == 0 {
				r.Env[v[0]] = v[1]
			}
		}
	}
	return r
}

func (g *liner) handlerLike(c command) bool { return c.group == handler }

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
	for _, o := range [][]string{{"-v"}, {"-P", "pine"}, {"-s", "/bin/true"}, {"-m", "/bin/false"}, {"-n", "name"}, {"-W", "--bogus"}, {"-S"}, {"--bogus"}, {"-W--force"}} {
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
func (g *liner) objects(config string, c command) []string {
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
	switch {
	case n == len(forms):
		return nil
	case n > 0 && n < 8 && g.IntN(4) == 0:
		more := g.objects(config, c)
		if slices.ContainsFunc(more, func(w string) bool {
			return g.early(w) || (g.gen == schema.V9 || c.stage != nil) && g.again(forms[n], w)
		}) {
			more = nil
		}
		return append([]string{forms[n]}, more...)
	}
	return forms[n : n+1]
}

// early reports whether a word is refused before anything is done to others; by the
// original's engine for 8.4 only when its turn comes.
func (g *liner) early(word string) bool {
	return word == "all" || word == "" || strings.HasSuffix(word, "/") || strings.HasSuffix(word, "/x")
}

// again reports whether two words may be about the same resource, which the installed
// release takes in ways of its own.
func (g *liner) again(one, other string) bool {
	name := func(word string) string { return word[:strings.IndexAny(word+":", ":/")] }
	return name(one) == name(other) || !g.dry && strings.HasPrefix(other, "nosuch") || strings.HasPrefix(one, "minor-") || strings.HasPrefix(other, "minor-")
}

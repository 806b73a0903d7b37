package adm

import (
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

// TestRandomCommandLines84 runs random command lines for DRBD 8.4, of all commands,
// options and forms of objects, through the installed drbd-utils and through ours.
// Its engine for 8.4 is the same in all releases of the original.
func TestRandomCommandLines84(t *testing.T) {
	if _, err := os.Stat(reference); err != nil && os.Getenv("CI") == "" {
		t.Skip("drbd-utils is not installed")
	}
	t.Chdir(filepath.Join(goldens, "configs"))
	dir := t.TempDir()
	for seed := range uint64(400) {
		g := &liner{Rand: rand.New(rand.NewPCG(seed, 1)), table: commands(schema.V84)}
		config, args := g.line(t)
		t.Run(fmt.Sprintf("%d %s %s", seed, config, strings.Join(args, " ")), func(t *testing.T) {
			r := record{Gen: "8.4", Node: "oak", Config: config, Argv: args, Env: map[string]string{showFile: os.DevNull}}
			out, exit := r.runReference(t)
			stdout, stderr, ours := r.run(t, dir)
			require.Equal(t, withoutVersion(expected(out)), withoutVersion(expected(stdout)), "%s", stderr)
			require.Equal(t, exit, ours, "%s", stderr)
		})
	}
}

var versionLines = regexp.MustCompile(`(?m)^(Version: |GIT-hash: ).*$`)

func withoutVersion(text string) string { return versionLines.ReplaceAllString(text, "") }

// A liner makes random command lines.
type liner struct {
	*rand.Rand
	table []command
}

// notCompared are commands that ask the module even in a dry run, whose output is
// compared elsewhere or differs between releases, or which the original does not
// have.
var notCompared = []string{"hidden-commands", "wait-con-int", "sh-status", "dump", "dump-xml", "lint", "plan", "explain", "sh-resources", "sh-dev"}

// line returns a configuration and a command line for it.
func (g *liner) line(t *testing.T) (config string, args []string) {
	t.Helper()
	configs := []string{"classic.conf", "multivol.conf", "several.conf", "proxy8.conf", "handlers.conf", "bpo.conf", "extmd.conf", "two.conf"}
	config = configs[g.IntN(len(configs))]
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	c := g.table[g.IntN(len(g.table))]
	for slices.Contains(notCompared, c.name) {
		c = g.table[g.IntN(len(g.table))]
	}
	objects := g.objects(string(text))
	for c.group == handler && slices.Contains(objects, "all") {
		objects = g.objects(string(text)) // no module says that
	}
	args = append([]string{"-d"}, g.options(c)...)
	return config, slices.Concat(args, []string{c.name}, objects)
}

// options returns some of drbdadm's options, some of the command, and some that may
// not be known to anybody.
func (g *liner) options(c command) []string {
	var out []string
	for _, o := range [][]string{{"-v"}, {"-P", "pine"}, {"-s", "/bin/true"}, {"-m", "/bin/true"}, {"-n", "name"}, {"-W", "--bogus"}} {
		if g.IntN(12) == 0 {
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
			word += "=" + []string{"yes", "5", "10M", "1,2"}[g.IntN(4)]
		}
		if !slices.Contains([]string{"--json", "--watch", "--explain"}, strings.SplitN(word, "=", 2)[0]) {
			out = append(out, word)
		}
	}
	if g.IntN(10) == 0 {
		out = append(out, "--", []string{"--force", "--discard-my-data", "--overwrite-data-of-peer", "odd"}[g.IntN(4)])
	}
	return out
}

var (
	resourceName = regexp.MustCompile(`(?m)^\s*resource\s+(\S+)`)
	minorNumber  = regexp.MustCompile(`(?:minor\s+|drbd)(\d+)`)
)

// objects returns up to one object in any form, right or wrong, or all.
func (g *liner) objects(config string) []string {
	pick := func(re *regexp.Regexp) string {
		found := re.FindAllStringSubmatch(config, -1)
		return found[g.IntN(len(found))][1]
	}
	name := pick(resourceName)
	forms := []string{
		"all", name, name, name + fmt.Sprintf("/%d", g.IntN(3)), name + "/0", "minor-" + pick(minorNumber),
		name + ":pine", "nosuch", "", "nosuch/0", "minor-999", name + "/x", name + "/",
	}
	if n := g.IntN(len(forms) + 1); n < len(forms) {
		return forms[n : n+1]
	}
	return nil
}

package adm

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"drbdutils/internal/cli"
	"drbdutils/internal/render"

	"github.com/stretchr/testify/require"
)

// goldens is where the runs of the reference were recorded: its output and exit
// code for thousands of command lines.
const goldens = "../../testdata/drbdadm"

// A record is one run of the reference.
type record struct {
	Case   string
	Gen    string
	Node   string
	Config string
	Argv   []string
	Env    map[string]string
	Stdin  string

	Stdout string
	Exit   int
}

// name is unique and readable.
func (r record) name() string {
	return strings.Join(slices.Concat([]string{r.Gen, r.Case, r.Config}, r.Argv), " ")
}

// records reads a file of goldens.
func records[T any](t *testing.T, name string) []T {
	t.Helper()
	f, err := os.Open(filepath.Join(goldens, name))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var all []T
	for d := json.NewDecoder(z); ; {
		var r T
		err := d.Decode(&r)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, r)
	}
}

// run runs drbdadm as the record says, against backends that do nothing, with its
// system files in dir. The working directory is the one with the configuration
// files.
func (r record) run(t *testing.T, dir string) (stdout, stderr string, exit int) {
	t.Helper()
	got := faultRecord{record: r}.play(t, dir)
	return got.stdout, got.stderr, got.exit
}

// locals are the addresses of the host on which the recordings were made.
var locals = []string{
	"10.20.0.1", "10.30.0.9", "10.30.0.3", "10.40.0.1", "10.50.0.1", "10.60.0.1", "10.60.0.10", "fd00::a", "fd01::1",
}

// vars returns the environment of a run whose system files lie in dir.
func (r record) vars(dir string) map[string]string {
	vars := map[string]string{
		"__DRBD_NODE__":                r.Node,
		"DRBD_DRIVER_VERSION_OVERRIDE": map[string]string{"9": "9.2.0", "8.4": "8.4.11"}[r.Gen],
		cli.FakeVariable:               dir,
	}
	maps.Copy(vars, r.Env)
	if show := r.Env["FAKE_SHOW_84"]; show != "" {
		vars[showFile] = show
	}
	return vars
}

var token = regexp.MustCompile(`\[(@PTR@|\d+)\]`)

// normal replaces what differs between places and builds, as the recording did.
func normal(t *testing.T, text string) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	text = strings.ReplaceAll(text, dir+"/", "@CONF@/")
	text = strings.ReplaceAll(text, cli.BuildTag(), "@BUILDTAG@")
	text = strings.ReplaceAll(text, render.ShellWord(cli.BuildTag()), "@BUILDTAG@")
	text = usageHead.ReplaceAllString(text, usageCommand)
	return token.ReplaceAllString(text, "[*]")
}

// usageHead is where ours says how objects are named, and what a command is for.
var usageHead = regexp.MustCompile(`(?s)^\nUSAGE: drbdadm (\S+) \[OPTION\.\.\.\].*?\n\nGENERAL`)

const usageCommand = "\nUSAGE: drbdadm $1\n\nGENERAL"

// corrections are what the reference does and ours does right, with the reason.
var corrections = []struct {
	from *regexp.Regexp
	to   string
}{
	{usageHead, usageCommand},
	// drbdsetup refuses a resource name here, so the module was never asked.
	{regexp.MustCompile(`(?m)^(\S+) outdate \S+ (\d+)$`), "$1 outdate $2"},
	// The label of the last stage was read from beyond its table, and rounds
	// over the stages in which nothing runs repeated all labels.
	{regexp.MustCompile(`(?m)^    forget-peer:\n(?: *[a-z _]+:(?: \[skipped:\w+\])?\n)*`), ""},
	// It is refused: the option holds for the life of a connection.
	{regexp.MustCompile(`(?m)^(drbdsetup net-options (?:.*)) --load-balance-paths=yes`), "$1"},
	// apply-al knows no such options.
	{regexp.MustCompile(`(?m)^(\S+ \d+ v08 .* apply-al) --.*$`), "$1"},
	// XML of hosts without addresses, and an element that is not closed.
	{regexp.MustCompile(`(?m)^ *<address family="\(null\)" port="\(null\)">\(null\)</address>\n`), ""},
	{regexp.MustCompile(`(?m)^( *<template file="[^"]*")>$`), "$1/>"},
	{regexp.MustCompile(`\[(@PTR@|\d+)\]`), "[*]"},
	// A semicolon in a line of its own, which cannot be read again.
	{regexp.MustCompile(`(?m)^( *address .*; # on \S+)\n;$`), "$1"},
	// The language of 8.4 counts the lines of a file to test on from those of the
	// main file.
	{regexp.MustCompile(`(?m)^(# defined at .*/extra-test.conf):10$`), "$1:1"},
}

// stackedDevice is a line that ours dumps in stacked sections, since the dump
// cannot be read again without it.
var stackedDevice = regexp.MustCompile(`(?m)^(    stacked-on-top-of .*\n        # on .*\n        node-id .*\n)        device .*\n`)

// resolved reports whether a run only fails in the reference because that
// compares the names of resources as numbers: resync-after one, and one/0.
func (r record) resolved() bool {
	return r.Config == "resync-two-levels.conf" && (r.Exit == 20 || r.Gen == "8.4" && slices.Contains(r.Argv, "dump"))
}

// expected returns recorded output with the corrections.
func expected(text string) string {
	for _, c := range corrections {
		text = c.from.ReplaceAllString(text, c.to)
	}
	return text
}

func TestDryRun(t *testing.T) {
	all := records[record](t, "dryrun.jsonl.gz")
	t.Chdir(filepath.Join(goldens, "configs"))
	dir := t.TempDir() // these runs leave nothing behind
	for _, r := range all {
		t.Run(r.name(), func(t *testing.T) {
			stdout, stderr, exit := r.run(t, dir)
			if r.Gen == "9" && slices.Contains(r.Argv, overwriteDataOfPeer) {
				r.Stdout = "drbdsetup primary bank --force\n" // the reference drops it
			}
			if slices.Contains(r.Argv, hiddenCommandsName) {
				r.Stdout, stdout = commandNames(r.Stdout), commandNames(stdout)
			}
			if r.resolved() {
				require.Less(t, exit, exitConfig, "%s", stderr)
				return
			}
			stdout, r.Stdout = stackedDevice.ReplaceAllString(stdout, "$1"), stackedDevice.ReplaceAllString(r.Stdout, "$1")
			require.Equal(t, expected(r.Stdout), normal(t, stdout), "%s", stderr)
			require.Equal(t, r.Exit, exit, "%s", stderr)
		})
	}
}

// commandNames returns the lines of hidden-commands that list commands of the
// reference. The headings are ours, and so is the last group.
func commandNames(text string) string {
	text, _, _ = strings.Cut(text, "\nNot known to drbd-utils:")
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, " ") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// betterAdjust are cases in which the reference goes wrong, with what ours does.
var betterAdjust = map[string]string{
	// The module refuses a second minor for a volume, so the old one goes first.
	"minor-changed": `drbdsetup detach --diskless 30
drbdsetup del-minor 30
drbdsetup new-minor bank 20 0
drbdmeta 20 v09 /dev/vg0/bank0 internal repair-md
drbdmeta 20 v09 /dev/vg0/bank0 internal apply-al
drbdsetup attach 20 /dev/vg0/bank0 /dev/vg0/bank0 internal
`,
	// An option that the module does not know is not sent to it.
	"unknown-plus-diff": "drbdsetup disk-options 21 --set-defaults\n",
}

func TestAdjust(t *testing.T) {
	all := records[record](t, "adjust.jsonl.gz")
	t.Chdir(filepath.Join(goldens, "configs"))
	dir := t.TempDir() // these runs leave nothing behind
	for _, r := range all {
		t.Run(r.name(), func(t *testing.T) {
			stdout, stderr, exit := r.run(t, dir)
			if better, ok := betterAdjust[r.Case]; ok {
				r.Stdout = better
			}
			if r.resolved() {
				require.Less(t, exit, exitConfig, "%s", stderr)
				return
			}
			stdout, r.Stdout = stackedDevice.ReplaceAllString(stdout, "$1"), stackedDevice.ReplaceAllString(r.Stdout, "$1")
			require.Equal(t, expected(r.Stdout), normal(t, stdout), "%s", stderr)
			require.Equal(t, r.Exit, exit, "%s", stderr)
		})
	}
}

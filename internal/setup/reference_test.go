package setup_test

import (
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// references are the programs of drbd-utils, if they are installed: by the name
// under which ours does the same.
var references = []struct {
	name, path, driver string
	version            byte
}{
	{"drbdsetup", "/usr/sbin/drbdsetup", "9.2.14", 2},
	{"drbdsetup-84", "/lib/drbd/drbdsetup-84", "8.4.11", 1},
}

// since922 are options that came after 9.22, and limits that changed.
var since922 = map[string][]string{
	"attach": {"bitmap"}, "disk-options": {"bitmap"},
	"new-peer":             {"load-balance-paths", "tls", "tls-keyring", "tls-privkey", "tls-certificate", "rdma-ctrl-rcvbuf-size", "rdma-ctrl-sndbuf-size", "sndbuf-size", "rcvbuf-size"},
	"net-options":          {"tls", "tls-keyring", "tls-privkey", "tls-certificate", "rdma-ctrl-rcvbuf-size", "rdma-ctrl-sndbuf-size", "sndbuf-size", "rcvbuf-size"},
	"resource-options":     {"drbd8-api-compatibility"},
	"new-resource":         {"drbd8-api-compatibility"},
	"peer-device-options":  {"resync-without-replication", "peer-tiebreaker"},
	"suspend-io":           {"bdev-freeze"},
	"new-minor":            {"block-size", "discard-granularity"},
	"events2":              {"rcvbuf"},
	"drbdsetup-84 show":    {"json"},
	"drbdsetup-84 status":  {"json"},
	"drbdsetup-84 events2": {"poll", "full", "color", "diff", "rcvbuf"},
}

// newSince922 reports whether a command's option is one that 9.22 lacks.
func newSince922(program, command, option string) bool {
	if program == "drbdsetup" {
		return slices.Contains(since922[command], option)
	}
	return slices.Contains(since922[program+" "+command], option)
}

// xmlHelp returns what a program says about a command.
func xmlHelp(t *testing.T, path, driver, command string) xmlCommand {
	cmd := exec.CommandContext(t.Context(), path, "xml-help", command)
	cmd.Env = append(os.Environ(), "DRBD_DRIVER_VERSION_OVERRIDE="+driver)
	text, err := cmd.Output()
	require.NoError(t, err)
	var c xmlCommand
	require.NoError(t, xml.Unmarshal(text, &c))
	return c
}

func ourXMLHelp(t *testing.T, program, command string) xmlCommand {
	got := drbdsetupAs(t, program, t.TempDir(), "", "xml-help", command)
	require.Zero(t, got.exit)
	var c xmlCommand
	require.NoError(t, xml.Unmarshal([]byte(got.stdout), &c))
	return c
}

// commandNames returns the commands that the installed reference knows.
func commandNames(t *testing.T, program string) []string {
	origin := map[string]string{"drbdsetup": "9.34", "drbdsetup-84": "84@9.34"}[program]
	var names []string
	for _, d := range records[described](t, "options.jsonl.gz") {
		if d.Prog == origin && d.Command != "peer-role" && d.Command != "udev" { // new, too
			names = append(names, d.Command)
		}
	}
	return names
}

func needReference(t *testing.T, path string) {
	if _, err := os.Stat(path); err != nil && os.Getenv("CI") == "" {
		t.Skip("drbd-utils is not installed")
	}
}

func TestReferenceHelp(t *testing.T) {
	for _, ref := range references {
		needReference(t, ref.path)
		for _, command := range commandNames(t, ref.name) {
			t.Run(ref.name+" "+command, func(t *testing.T) {
				want, got := xmlHelp(t, ref.path, ref.driver, command), ourXMLHelp(t, ref.name, command)
				for _, c := range []*xmlCommand{&want, &got} {
					c.Options = slices.DeleteFunc(append([]xmlOption{}, c.Options...), func(o xmlOption) bool {
						return newSince922(ref.name, command, o.Name)
					})
				}
				require.Equal(t, want, got)
			})
		}
	}
}

// TestReferenceOptions gives the installed reference and ours command lines with
// correct words and options in all shapes, while there is a module but no netlink
// family: a program that goes as far as to miss it has taken the options. (The one
// for DRBD 8.4 looks for the family first.)
func TestReferenceOptions(t *testing.T) {
	ref := references[0]
	needReference(t, ref.path)
	dir := t.TempDir()
	p := newPeer(t, ref.version)
	p.hidden = true
	p.start(t, dir)
	disk := filepath.Join(dir, "disk")
	require.NoError(t, os.WriteFile(disk, nil, 0o600))
	var lines [][]string
	random := rand.New(rand.NewPCG(9, 34))
	for _, command := range commandNames(t, ref.name) {
		lines = append(lines, commandLines(t, command, disk, random)...)
	}
	want := takenByReference(t, ref.path, ref.driver, lines)
	for i, line := range lines {
		got := drbdsetup(t, dir, "", line...)
		require.Equal(t, want[i], strings.Contains(got.stderr, noFamily), "%q: ours says %s", line, got.stderr)
		require.Equal(t, 20, got.exit)
	}
}

const noFamily = "Could not connect to 'drbd' generic netlink family"

// takenByReference tells which command lines the reference takes. It runs in a
// mount namespace of its own, where /proc has nothing but drbd.
func takenByReference(t *testing.T, path, driver string, lines [][]string) []bool {
	var script strings.Builder
	script.WriteString("mount -t tmpfs none /proc && echo 'version: " + driver + " (api:1/proto:86-101)' >/proc/drbd || exit 9\n")
	for _, line := range lines {
		script.WriteString("'" + path + "'")
		for _, word := range line {
			script.WriteString(" '" + word + "'")
		}
		script.WriteString(" </dev/null 2>&1 | grep -c \"" + noFamily + "\"\n")
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh")
	cmd.Stdin = strings.NewReader(script.String())
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() == 9 || len(out) == 0) {
		t.Skip("no mount namespaces here:", err)
	}
	var taken []bool
	for line := range strings.Lines(string(out)) {
		taken = append(taken, line == "1\n")
	}
	require.Len(t, taken, len(lines))
	return taken
}

// commandLines returns command lines with one or two options of a command.
func commandLines(t *testing.T, command, disk string, random *rand.Rand) [][]string {
	c := xmlHelp(t, references[0].path, references[0].driver, command)
	words := map[string]string{
		"resource": "r0", "peer_node_id": "1", "volume": "0", "minor": "3", "node_id": "0", "lower_dev": disk,
		"meta_data_dev": disk, "meta_data_index": "internal", "local-addr": "ipv4:127.0.0.1:7000", "remote-addr": "ipv4:127.0.0.1:7001",
		"new_name": "r1",
	}
	var right []string
	for _, a := range c.Arguments {
		require.Contains(t, words, a)
		right = append(right, words[a])
	}
	if len(c.Group) > 0 {
		right = append(right, "r0")
	}
	lines := [][]string{append([]string{command}, right...)}
	for _, o := range c.Options {
		for _, option := range shapes(&o, c.Options, random) {
			if abbreviatesNewer(command, option) {
				continue
			}
			line := append([]string{command}, right...)
			at := len(line) // where no word is taken for its value
			if len(option) == 2 || strings.Contains(option[0], "=") {
				at = 1 + random.IntN(len(line))
			}
			lines = append(lines, slices.Insert(line, at, option...))
		}
	}
	return append(lines, append([]string{command, "--no-such-option"}, right...), append([]string{command, "-Z"}, right...),
		append([]string{command, "--"}, right...))
}

// shapes returns ways to give an option: whole, shortened, with and without a
// value. What is too short stands for the first option that fits.
func shapes(o *xmlOption, all []xmlOption, random *rand.Rand) [][]string {
	short := o.Name[:1+random.IntN(len(o.Name))]
	first := slices.IndexFunc(all, func(o xmlOption) bool { return strings.HasPrefix(o.Name, short) })
	if exact := slices.IndexFunc(all, func(o xmlOption) bool { return o.Name == short }); exact >= 0 {
		first = exact
	}
	short = "--" + short
	shapes := [][]string{
		{"--" + o.Name}, {short}, {short + "=" + all[first].value()}, {"--" + o.Name + "=" + o.value()}, {"--" + o.Name + "x"},
	}
	optional := []string{"color", "diff", "wait-after-sb"}
	if o.Type != "flag" && o.Type != "boolean" && !slices.Contains(optional, o.Name) {
		shapes = append(shapes, []string{"--" + o.Name, o.value()}, []string{short, all[first].value()})
	}
	return shapes
}

// value returns a correct value.
func (o *xmlOption) value() string {
	switch {
	case o.Type == "handler":
		return o.Handlers[0]
	case o.Name == "color":
		return "never"
	case o.Name == "wait-after-sb":
		return "no"
	case strings.HasSuffix(o.Name, "-timeout"):
		return "5"
	}
	return map[string]string{"boolean": "yes", "string": "x", "numeric": "1", "numeric-or-symbol": "off"}[o.Type]
}

// abbreviatesNewer reports whether an option may also stand for one that the
// installed reference does not know.
func abbreviatesNewer(command string, option []string) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(option[0], "--"), "=")
	return slices.ContainsFunc(since922[command], func(newer string) bool { return strings.HasPrefix(newer, name) })
}

// Without a module, what takes something away is done, and everything else fails.
func TestReferenceWithoutModule(t *testing.T) {
	for _, ref := range references {
		needReference(t, ref.path)
		if _, err := os.Stat("/proc/drbd"); err == nil {
			t.Skip("there is a module here")
		}
		for _, command := range commandNames(t, ref.name) {
			cmd := exec.CommandContext(t.Context(), ref.path, command, "r0")
			cmd.Env = append(os.Environ(), "DRBD_DRIVER_VERSION_OVERRIDE="+ref.driver)
			_ = cmd.Run()
			want := cmd.ProcessState.ExitCode()
			if ref.version == 1 && (removes[command] || command == "disconnect") {
				want = 0 // the reference means that, too
			}
			got := drbdsetupAs(t, ref.name, t.TempDir(), "", command, "r0")
			require.Equal(t, want, got.exit, fmt.Sprint(ref.name, " ", command))
		}
	}
}

package adm

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"drbdutils/confparse"
	"drbdutils/internal/cli"
	"drbdutils/internal/testkit"

	"github.com/stretchr/testify/require"
)

// An improvement is a case in which the reference is defective.
type improvement struct {
	gen, name string
	commands  string // separated by commas; all if empty
	exit      int
	why       string
}

var improved = []improvement{
	{"8", "disk-all-84", "dump,-v dump,dump-xml,-d up all", 0, "use-bmbv is forgotten: no module takes it"},
	{"9", "connections-explicit", "dump-xml", 0, "a host without address has no address element"},
	{"9", "show-format-as-config", "dump,-v dump,dump-xml", 0, "what drbdsetup show printed is dumped so that it can be read again"},
	{"9", "connection-by-address", "dump,-v dump", 0, "no stray semicolon after an address"},
	{"9", "stacked", "dump,-v dump", 0, "stacked sections are dumped with their devices"},
	{"9", "stacked-remote-side", "dump,-v dump", 0, "stacked sections are dumped with their devices"},
	{"9", "stacked-volumes-same-set", "dump,-v dump", 0, "stacked sections are dumped with their devices"},
	{"9", "stacked-both-sides-v9", "dump,-v dump", 0, "stacked sections are dumped with their devices"},
	{"9", "host-disk-section", "dump", 0, "an inherited disk is not dumped beside a disk section"},
	{"9", "connection-implicit-then-path", "dump,dump-xml", 0, "the second path is dumped, too"},
	{"9", "template-file", "dump-xml", 0, "the template element is closed"},
	{"9", "keyword-quoted-as-host", "dump,-v dump", 0, "names that are keywords are quoted"},
	{"8", "keyword-quoted-as-host", "dump,-v dump", 0, "names that are keywords are quoted"},
	{"8", "resync-after-unknown", "dump,-v dump,dump-xml", 0, "a dump shows what is written"},
	{"9", "show-format-as-config", "-d up all", 0, "options of the peer device are passed on"},
	{"9", "require-module-version-gt-bug", "", 10, "versions are compared"},
	{"9", "err-require-module-version-lt-bug", "", 0, "versions are compared"},
	{"9", "crash-host-without-address", "sh-nop,dump,-v dump,dump-xml,-d up all,-d adjust all", 10, "an error, no abort"},
	{"9", "crash-host-without-address", "sh-resources,sh-mod-parms", 0, "no abort"},
	{"9", "hang-plugin-eof", "", 10, "an error, no endless loop"},
	{"9", "hang-become-primary-eof", "", 10, "an error, no endless loop"},
}

// improvementOf returns the improvement that an outcome falls under, or nil.
func improvementOf(gen, name, command string) *improvement {
	for i := range improved {
		m := &improved[i]
		if m.gen == gen && m.name == name && (m.commands == "" || slices.Contains(strings.Split(m.commands, ","), command)) {
			return m
		}
	}
	return nil
}

func TestConfigurationsAsTheReference(t *testing.T) {
	for _, c := range testkit.ConfigCases(t, "../..") {
		dir := c.Unpack(t)
		for gen, result := range map[string]*testkit.ConfigResult{"9.2.12": c.V9, "8.4.11": c.V84} {
			if result == nil {
				continue
			}
			for command, exit := range result.Exit {
				t.Run(gen[:1]+" "+c.Case+": "+command, func(t *testing.T) {
					stdout, stderr, code := runConfig(t, c, dir, gen, strings.Fields(command))
					stdout = strings.ToValidUTF8(strings.ReplaceAll(stdout, dir, "@DIR@"), "\ufffd")
					if m := improvementOf(gen[:1], c.Case, command); m != nil {
						require.Equal(t, m.exit, code, "exit code; %s\n%s", m.why, stderr)
						require.False(t, code == exit && stdout == result.Out[command], "as the reference, but should be better: %s", m.why)
						return
					}
					require.Equal(t, exit, code, "exit code; %s\n%s", c.Note, stderr)
					if recorded := outputsOf(result, command); recorded != nil && !strings.Contains(stdout, "\ufffd") {
						require.Contains(t, recorded, stdout, c.Note)
					}
				})
			}
		}
	}
}

// outputsOf returns what a command may print. Where that is usual the record leaves
// it out: the one resource, 32 minors, and an adjust that is an up or nothing.
func outputsOf(r *testkit.ConfigResult, command string) []string {
	out, ok := r.Out[command]
	switch {
	case ok || r.Exit[command] != 0:
		return []string{out}
	case command == "sh-mod-parms":
		return []string{"minor_count=32\n"}
	case command == "sh-resources" && r.Out["dump"] == "":
		return nil
	case command == "sh-resources":
		return []string{strings.Join(namesOf(r), "\n") + "\n", confparse.Quote(strings.Join(namesOf(r), "\n")) + "\n", strings.Join(namesOf(r), " ") + "\n", ""}
	case command == "-d adjust all":
		return []string{"", r.Out["-d up all"]}
	}
	return []string{""}
}

// namesOf returns the resources of this host that the recorded dump shows.
func namesOf(r *testkit.ConfigResult) []string {
	var names []string
	for _, m := range dumped.FindAllStringSubmatch(r.Out["dump"], -1) {
		names = append(names, m[1])
	}
	return names
}

var dumped = regexp.MustCompile(`(?m)^# resource "?(.*?)"? on .*: not ignored, not stacked$`)

// runConfig runs drbdadm on a case. The host has the case's addresses and no others.
func runConfig(t *testing.T, c testkit.ConfigCase, dir, version string, args []string) (stdout, stderr string, exit int) {
	t.Helper()
	t.Chdir(dir)
	show := filepath.Join(t.TempDir(), "show")
	require.NoError(t, os.WriteFile(show, []byte(c.Show), 0o644))
	vars := map[string]string{
		"__DRBD_NODE__": c.Node, "DRBD_DRIVER_VERSION_OVERRIDE": version, "FAKE_DRBDSETUP_SHOW": show,
	}
	var out, errs bytes.Buffer
	tool, err := newTool(t.Context(), cli.Env{
		Name: "drbdadm", Args: append([]string{"-c", "input.conf"}, args...),
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return vars[name] },
	})
	require.NoError(t, err)
	tool.locals = map[netip.Addr]bool{netip.MustParseAddr("127.0.0.1"): true, netip.MustParseAddr("::1"): true}
	for _, ip := range c.IPs {
		tool.locals[netip.MustParseAddr(ip).Unmap()] = true
	}
	exit = tool.main(t.Context())
	tool.flush()
	return out.String(), errs.String(), exit
}

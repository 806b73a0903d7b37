package setup_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// references are the programs of the original, if they are installed: by the name
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
		t.Skip("the original is not installed")
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

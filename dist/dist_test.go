// Package dist_test installs into an empty directory and looks at the result with
// the programs that will read it.
package dist_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// install installs into root, with programs that only say their name as tools.
func install(t *testing.T, root string) {
	bin := t.TempDir()
	for _, tool := range []string{"drbdadm", "drbdsetup", "drbdmeta"} {
		require.NoError(t, os.WriteFile(filepath.Join(bin, tool), []byte("#!/bin/sh\necho "+tool+"\n"), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(bin, "drbd.conf.5"), []byte(".TH DRBD.CONF 5\n"), 0o644))
	cmd := exec.Command("sh", "./install")
	cmd.Env = append(os.Environ(), "DESTDIR="+root, "BINDIR="+bin)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Empty(t, out)
}

func files(t *testing.T, root string) map[string]fs.FileMode {
	found := map[string]fs.FileMode{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		name, _ := filepath.Rel(root, path)
		found[name] = info.Mode()
		return err
	}))
	return found
}

func TestInstallOnAnEmptySystem(t *testing.T) {
	root := t.TempDir()
	install(t, root)
	all := files(t, root)
	for name, mode := range map[string]fs.FileMode{
		"usr/sbin/drbdadm":                                0o755,
		"usr/sbin/drbdsetup":                              0o755,
		"usr/sbin/drbdmeta":                               0o755,
		"etc/init.d/drbd":                                 0o755,
		"etc/drbd.conf":                                   0o644,
		"etc/drbd.d/global_common.conf":                   0o644,
		"usr/lib/drbd/scripts/drbd":                       0o755,
		"usr/lib/drbd/scripts/drbd-service-shim.sh":       0o755,
		"usr/lib/systemd/system/drbd.service":             0o644,
		"usr/lib/systemd/system/drbd@.target":             0o644,
		"usr/lib/udev/rules.d/65-drbd.rules":              0o644,
		"usr/lib/tmpfiles.d/drbd.conf":                    0o644,
		"usr/share/bash-completion/completions/drbdadm":   0o644,
		"usr/share/man/man8/drbdadm.8":                    0o644,
		"usr/share/man/man5/drbd.conf.5":                  0o644,
		"usr/share/bash-completion/completions/drbdsetup": fs.ModeSymlink | 0o777,
	} {
		require.Equal(t, mode.String(), all[name].String(), name)
	}
	require.DirExists(t, filepath.Join(root, "var/lib/drbd"))
	require.NoDirExists(t, filepath.Join(root, "sbin"))
}

func TestInstallAgainKeepsTheConfiguration(t *testing.T) {
	root := t.TempDir()
	install(t, root)
	for _, name := range []string{"etc/drbd.conf", "etc/init.d/drbd", "usr/sbin/drbdadm"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte("mine\n"), 0o755))
	}
	install(t, root)
	for name, want := range map[string]string{
		"etc/drbd.conf": "mine\n", "etc/init.d/drbd": "mine\n", "usr/sbin/drbdadm": "#!/bin/sh\necho drbdadm\n",
	} {
		got, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		require.Equal(t, want, string(got), name)
	}
}

func TestInstallBesideThePackage(t *testing.T) {
	root := t.TempDir()
	list := filepath.Join(root, "var/lib/dpkg/info/drbd-utils.list")
	require.NoError(t, os.MkdirAll(filepath.Dir(list), 0o755))
	require.NoError(t, os.WriteFile(list, nil, 0o644))
	install(t, root)
	require.Len(t, files(t, root), 4) // the three tools and the list
}

// The kernel's usermode helper is /sbin/drbdadm.
func TestInstallWhereSbinIsADirectoryOfItsOwn(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "sbin"), 0o755))
	install(t, root)
	target, err := os.Readlink(filepath.Join(root, "sbin/drbdadm"))
	require.NoError(t, err)
	require.Equal(t, "/usr/sbin/drbdadm", target)

	merged := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(merged, "usr/sbin"), 0o755))
	require.NoError(t, os.Symlink("usr/sbin", filepath.Join(merged, "sbin")))
	install(t, merged)
	info, err := os.Lstat(filepath.Join(merged, "sbin/drbdadm"))
	require.NoError(t, err)
	require.True(t, info.Mode().IsRegular())
}

// systemd itself reads the units, with one resource for the templates.
func TestUnits(t *testing.T) {
	root := t.TempDir()
	install(t, root)
	// Units of others that ours are about, and programs that theirs start.
	for _, unit := range []string{"sysinit.target", "basic.target", "shutdown.target", "multi-user.target", "network-online.target", "nss-lookup.target", "sockets.target", "timers.target", "paths.target"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, "usr/lib/systemd/system", unit), []byte("[Unit]\nDescription="+unit+"\n"), 0o644))
	}
	for _, program := range []string{"bin/sh", "bin/true"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(program)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, program), nil, 0o755))
	}
	units, err := filepath.Glob("systemd/*")
	require.NoError(t, err)
	require.NotEmpty(t, units)
	for _, unit := range units {
		name := strings.Replace(filepath.Base(unit), "@", "@r0", 1)
		out, err := exec.Command("systemd-analyze", "verify", "--man=no", "--root="+root, name).CombinedOutput()
		require.NoError(t, err, "%s: %s", unit, out)
		require.Empty(t, string(out), unit)
	}
}

// bash asks our completion what could come next.
func TestCompletion(t *testing.T) {
	bin, node := t.TempDir(), t.TempDir()
	out, err := exec.Command("go", "build", "-o", bin+"/", "../cmd/drbdadm", "../cmd/drbdsetup").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Mkdir(filepath.Join(node, "etc"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(node, "etc/drbd.conf"), []byte(
		"resource r0 { on n1 { device minor 0; disk /dev/sda; meta-disk internal; address 1.1.1.1:7788; } }\n"), 0o644))
	for line, want := range map[string]string{
		"drbdadm disk-o":            "disk-options",
		"drbdadm adjust r":          "r0",
		"drbdadm -d adjust a":       "all",
		"drbdadm primary --fo":      "--force",
		"drbdadm --dry":             "--dry-run",
		"drbdadm help wait-connect": "wait-connect",
		"drbdsetup status --verb":   "--verbose",
		"drbdsetup new-res":         "new-resource",
	} {
		cmd := exec.Command("bash", "-c", `. completion/drbdadm
			COMP_WORDS=($1) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
			_drbd "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}"
			echo "${COMPREPLY[@]}"`, "bash", line)
		cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin", "DRBD_FAKE=" + node, "__DRBD_NODE__=n1", "DRBD_DRIVER_VERSION_OVERRIDE=8.4.11"}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err)
		require.Equal(t, want+"\n", string(out), line)
	}
}

// What the units call, with a drbdsetup that knows a resource r0, and goes on
// listening until nobody reads it.
func TestScripts(t *testing.T) {
	bin := t.TempDir()
	tool := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text), 0o755))
	}
	run := func(script string, args ...string) (string, int) {
		cmd := exec.Command("sh", append([]string{"scripts/" + script}, args...)...)
		cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin"}
		out, _ := cmd.Output()
		return string(out), cmd.ProcessState.ExitCode()
	}
	tool("drbdadm", "echo drbdadm $*\n[ $1 != secondary ]\n")
	tool("drbdsetup", `case $* in
		'events2 --now r0') echo exists resource name:r0 ;;
		'events2 --now '*) echo exists - ;;
		'events2 nine') echo exists device name:nine disk:UpToDate may_promote:no; echo change resource name:nine may_promote:yes; while echo change; do :; done ;;
		'events2 eight') echo exists device name:eight disk:UpToDate; while echo change; do :; done ;;
		*) echo drbdsetup $* ;;
		esac`)
	for _, c := range []struct {
		verb, resource, output string
		code                   int
	}{
		{"adjust", "r0", "drbdadm adjust r0\n", 0},
		{"primary", "r0", "drbdadm primary r0\n", 0},
		{"down", "r0", "drbdsetup down r0\n", 0},
		{"down", "all", "drbdadm down all\n", 0},
		{"secondary", "r0", "drbdadm secondary r0\n", 1},
		{"secondary", "gone", "drbdadm secondary gone\n", 0},
		{"secondary-or-escalate", "r0", "drbdadm secondary r0\n", 1},
		{"secondary-force", "r0", "drbdsetup secondary --force r0\n", 0},
		{"secondary-secondary-force-or-escalate", "r0", "drbdadm secondary r0\ndrbdsetup secondary --force r0\n", 0},
		{"nonsense", "r0", "", 2},
	} {
		out, code := run("drbd-service-shim.sh", c.verb, c.resource)
		require.Equal(t, c.output, out, c.verb)
		require.Equal(t, c.code, code, c.verb)
	}
	for _, resource := range []string{"nine", "eight"} {
		_, code := run("drbd-wait-promotable.sh", resource)
		require.Zero(t, code)
	}
}

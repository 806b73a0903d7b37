// Package init_test runs the init script without a kernel: what it reads and
// calls is replaced through the variables that it takes from its environment.
package init_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
)

// machine is a directory with everything that the script touches.
type machine string

// write adds a file, executable so that it may be a program.
func (m machine) write(t *testing.T, name, text string) string {
	path := filepath.Join(string(m), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o755))
	return path
}

// run calls the script and returns its output and exit code. Each call of a
// tool is answered by the program of that name in the machine's directory.
func (m machine) run(t *testing.T, verb string) (stdout, stderr string, code int) {
	cmd := exec.Command("./drbd", verb)
	dir := string(m)
	cmd.Env = []string{
		"PATH=" + dir + ":/usr/bin:/bin", "PROC_DRBD=" + dir + "/proc", "PROC_MOUNTS=" + dir + "/mounts",
		"DRBDADM=" + dir + "/drbdadm", "DRBDSETUP=" + dir + "/drbdsetup",
		"MODPROBE=" + dir + "/modprobe", "RMMOD=" + dir + "/rmmod", "UDEV_TIMEOUT=0",
	}
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		stderr = string(exit.Stderr)
	}
	return string(out), stderr, cmd.ProcessState.ExitCode()
}

func TestStatus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			require.NoError(t, err)
			m := machine(t.TempDir())
			for _, f := range archive.Files {
				m.write(t, f.Name, string(f.Data))
			}
			m.write(t, "drbdsetup", "#!/bin/sh\n[ \"$*\" = show ] && cat \"${0%/*}/show\"\n")
			stdout, stderr, code := m.run(t, "status")
			require.Empty(t, stderr)
			require.Zero(t, code)
			want, err := os.ReadFile(filepath.Join(string(m), "status"))
			require.NoError(t, err)
			require.Equal(t, string(want), stdout)
		})
	}
}

// recorder writes down its name and arguments and answers with a case.
const recorder = "#!/bin/sh\necho \"${0##*/} $*\" >>\"${0%/*}/calls\"\ncase ${0##*/},$* in\n"

func TestVerbs(t *testing.T) {
	const adm = "drbdadm,sh-dev\\ all) echo /dev/drbd0 ;;\n"
	for _, c := range []struct {
		name   string
		verb   string
		loaded bool
		answer string // branches of the recorder
		code   int
		stderr string
		calls  string
	}{
		{
			name: "start-loads-module-and-adjusts", verb: "start",
			answer: "modprobe,*) echo ro:Primary >\"${0%/*}/proc\" ;;\n" + adm,
			calls: "drbdadm sh-mod-parms\nmodprobe -s drbd\ndrbdadm sh-nop\ndrbdadm adjust-with-progress all\n" +
				"drbdadm sh-dev all\ndrbdadm wait-con-int\ndrbdadm help sh-b-pri\ndrbdadm sh-b-pri all\ndrbdadm -S sh-resources\n",
		},
		{
			name: "start-brings-up-stacked-resources-last", verb: "start", loaded: true,
			answer: "drbdadm,help*) exit 20 ;;\ndrbdadm,-S\\ sh-resources) echo up ;;\n" + adm,
			calls: "drbdadm sh-nop\ndrbdadm adjust-with-progress all\ndrbdadm sh-dev all\ndrbdadm wait-con-int\n" +
				"drbdadm help sh-b-pri\ndrbdadm -S sh-resources\ndrbdadm -S adjust-with-progress all\n" +
				"drbdadm -S wait-con-int\ndrbdadm help sh-b-pri\n",
		},
		{
			name: "start-without-module", verb: "start", answer: "modprobe,*) exit 1 ;;\n", code: 5,
			stderr: "cannot load the module drbd", calls: "drbdadm sh-mod-parms\nmodprobe -s drbd\n",
		},
		{
			name: "start-with-invalid-configuration", verb: "start", loaded: true,
			answer: "drbdadm,sh-nop) exit 10 ;;\n", code: 6,
			stderr: "the configuration is not valid", calls: "drbdadm sh-nop\n",
		},
		{
			name: "start-without-drbdadm", verb: "start", loaded: true,
			answer: "drbdadm,sh-nop) exit 127 ;;\n", code: 5,
			stderr: "drbdadm: not installed", calls: "drbdadm sh-nop\n",
		},
		{
			name: "start-that-fails", verb: "start", loaded: true,
			answer: "drbdadm,adjust*) exit 20 ;;\n", code: 20,
			stderr: "cannot start all resources", calls: "drbdadm sh-nop\ndrbdadm adjust-with-progress all\n",
		},
		{
			name: "stop-takes-stacked-resources-down-first", verb: "stop", loaded: true,
			answer: "drbdadm,-S*) echo up ;;\ndrbdadm,sh-resources) echo r0 r1 ;;\n",
			calls: "drbdadm sh-nop\ndrbdadm -S sh-resources\ndrbdadm sh-resources\n" +
				"drbdsetup down up\ndrbdsetup down r0\ndrbdsetup down r1\nrmmod drbd\n",
		},
		{
			name: "stop-of-a-resource-in-use", verb: "stop", loaded: true,
			answer: "drbdadm,sh-resources) echo r0 ;;\ndrbdsetup,down\\ r0) exit 11 ;;\n", code: 1,
			stderr: "a resource is still in use",
			calls: "drbdadm sh-nop\ndrbdadm -S sh-resources\ndrbdadm sh-resources\ndrbdsetup down r0\n" +
				"drbdadm -S sh-resources\ndrbdadm sh-resources\ndrbdsetup down r0\n",
		},
		{name: "stop-without-module", verb: "stop"},
		{name: "reload", verb: "reload", loaded: true, calls: "drbdadm sh-nop\ndrbdadm adjust all\n"},
		{name: "status-without-module", verb: "status", code: 3, stderr: "drbd not loaded"},
		{name: "unknown-verb", verb: "condrestart", code: 1, stderr: "Usage: ./drbd {start|stop|restart|reload|force-reload|status}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := machine(t.TempDir())
			m.write(t, "mounts", "")
			calls := m.write(t, "calls", "")
			for _, tool := range []string{"drbdadm", "drbdsetup", "modprobe", "rmmod"} {
				m.write(t, tool, recorder+c.answer+"esac\n")
			}
			m.write(t, "udevadm", "#!/bin/sh\n")
			if c.loaded {
				m.write(t, "proc", " 0: cs:Connected ro:Primary/Secondary\n")
			}
			_, stderr, code := m.run(t, c.verb)
			require.Equal(t, c.code, code, stderr)
			if c.code != 0 {
				require.Contains(t, stderr, c.stderr)
			}
			got, err := os.ReadFile(calls)
			require.NoError(t, err)
			require.Equal(t, c.calls, string(got))
		})
	}
}

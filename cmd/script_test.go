// Package cmd_test runs the tools as users do: each script below
// testdata/script is a session at a shell, on nodes whose DRBD module has no
// kernel.
package cmd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	// What the scripts run is built by the test itself. These make its result
	// stale when that changes.
	_ "drbdutils/internal/adm"
	_ "drbdutils/netlinkapi/fake"
)

func TestScripts(t *testing.T) {
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./...")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	dirs, err := filepath.Glob("../testdata/script/*")
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir:                 dir,
				RequireExplicitExec: true,
				Setup: func(env *testscript.Env) error {
					env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
					return expandWork(env.WorkDir)
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"node":       node,
					"eventually": eventually,
				},
			})
		})
	}
}

// expandWork puts the script's directory in place of $WORK in its configuration
// files, which cannot name disks by relative paths.
func expandWork(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.conf"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		text = bytes.ReplaceAll(text, []byte("$WORK"), []byte(dir))
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// node makes the following commands run on the node of that name, and starts
// its module first if it does not run: node NAME [MODULE-VERSION].
func node(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: node NAME [MODULE-VERSION]")
	}
	name := args[0]
	dir := filepath.Join(ts.Getenv("WORK"), "nodes", name)
	if _, err := os.Stat(filepath.Join(dir, "netlink.sock")); err != nil {
		start := []string{"start", dir, "--node", name}
		if len(args) > 1 {
			start = append(start, "--module", args[1])
		}
		startModule(ts, start)
	}
	ts.Setenv("DRBD_FAKE", dir)
	ts.Setenv("__DRBD_NODE__", name)
}

// startModule runs drbdfake until the script ends. It is ready once it has
// printed its first line.
func startModule(ts *testscript.TestScript, args []string) {
	program := filepath.Join(strings.SplitN(ts.Getenv("PATH"), ":", 2)[0], "drbdfake")
	fake := exec.Command(program, args...)
	fake.Stderr = os.Stderr
	ready, err := fake.StdoutPipe()
	ts.Check(err)
	ts.Check(fake.Start())
	ts.Defer(func() {
		fake.Process.Signal(os.Interrupt)
		fake.Wait()
	})
	if _, err := ready.Read(make([]byte, 256)); err != nil {
		ts.Fatalf("drbdfake %s: %v", strings.Join(args, " "), err)
	}
}

// eventually repeats a command until its output matches: eventually REGEXP
// COMMAND [ARG...].
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually REGEXP COMMAND [ARG...]")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	deadline := time.Now().Add(30 * time.Second)
	for {
		ts.Exec(args[1], args[2:]...)
		got := ts.ReadFile("stdout")
		if want.MatchString(got) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s never printed %q, the last time:\n%s", args[1], args[0], got)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

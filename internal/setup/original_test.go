package setup_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An original is the installed drbdsetup of the original, reaching a peer over a
// bridge: see testdata/bridge.c. It runs in a mount namespace of its own, where
// /proc has nothing but drbd, and the directories that it writes to are empty.
type original struct {
	program string
	driver  string
	dir     string // its output; and the disk that it takes for a device
	shell   io.Writer
	exits   *bufio.Reader
}

// startOriginal starts what runs command lines of one of the references.
func startOriginal(t *testing.T, path, driver string) *original {
	o := &original{program: path, driver: driver, dir: t.TempDir()}
	cc := exec.CommandContext(t.Context(), "cc", "-shared", "-fPIC", "-o", o.bridge(), "testdata/bridge.c", "-ldl")
	text, err := cc.CombinedOutput()
	require.NoError(t, err, "%s", text)
	require.NoError(t, os.WriteFile(o.disk(), nil, 0o600))
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh")
	shell, err := cmd.StdinPipe()
	require.NoError(t, err)
	exits, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	o.shell, o.exits = shell, bufio.NewReader(exits)
	t.Cleanup(func() {
		shell.Close()
		_ = cmd.Wait()
	})
	fmt.Fprintf(o.shell, "for d in /proc /run /var/lib/drbd; do mount -t tmpfs none $d || exit; done\n"+
		"mkdir /run/lock /run/drbd; echo 'version: %s (api:1/proto:86-101)' >/proc/drbd; echo ready\n", driver)
	if ready, _ := o.exits.ReadString('\n'); ready != "ready\n" {
		t.Skip("no mount namespaces here")
	}
	return o
}

func (o *original) bridge() string { return filepath.Join(o.dir, "bridge.so") }
func (o *original) disk() string   { return filepath.Join(o.dir, "disk") }

// run runs a command line against the peer below dir.
func (o *original) run(t *testing.T, dir string, argv ...string) result {
	out, errs := filepath.Join(o.dir, "stdout"), filepath.Join(o.dir, "stderr")
	line := fmt.Sprintf("BRIDGE=%s/netlink.sock BRIDGE_PID=%d BRIDGE_DISK=%s LD_PRELOAD=%s DRBD_DRIVER_VERSION_OVERRIDE=%s TZ=UTC timeout 10 '%s'",
		dir, os.Getpid(), o.disk(), o.bridge(), o.driver, o.program)
	for _, arg := range argv {
		line += " '" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	_, err := fmt.Fprintf(o.shell, "%s </dev/null >%s 2>%s; echo $?\n", line, out, errs)
	require.NoError(t, err)
	exit, err := o.exits.ReadString('\n')
	require.NoError(t, err)
	code, err := strconv.Atoi(strings.TrimSuffix(exit, "\n"))
	require.NoError(t, err)
	stdout, err := os.ReadFile(out)
	require.NoError(t, err)
	stderr, err := os.ReadFile(errs)
	require.NoError(t, err)
	return result{code, string(stdout), string(stderr)}
}

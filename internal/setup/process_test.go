package setup_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/internal/cli"
	"drbdutils/internal/setup"
	"drbdutils/netlinkapi"
	"drbdutils/netlinkapi/fake"
)

// dialled runs a module in this process and returns its directory, and how often
// tools have connected.
func dialled(t *testing.T) (dir string, count func() int) {
	dir = t.TempDir()
	node, err := fake.NewNode(dir, fake.Config{Node: "n1", Version: "8.4.11"})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error)
	go func() { ended <- node.Serve(ctx, func() { close(ready) }) }()
	<-ready
	var mu sync.Mutex
	n := 0
	remove := netlinkapi.InProcess(filepath.Join(dir, "netlink.sock"), func() (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		return node.Connect(ctx)
	})
	t.Cleanup(func() {
		remove()
		stop()
		require.NoError(t, <-ended)
	})
	return dir, func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

// command runs one command line and returns its output.
func command(t *testing.T, p *setup.Process, dir, line string) string {
	var out, errs bytes.Buffer
	code := p.Main(t.Context(), cli.Env{
		Name: "drbdsetup", Args: strings.Fields(line), Stdin: &bytes.Buffer{}, Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return map[string]string{cli.FakeVariable: dir}[name] },
	})
	require.Zero(t, code, "%s: %s", line, &errs)
	return out.String()
}

func TestProcessSharesConnections(t *testing.T) {
	dir, connections := dialled(t)
	var p setup.Process
	for _, line := range []string{"new-resource r0", "new-minor r0 0 0", "new-resource r1", "status r0", "role 0"} {
		command(t, &p, dir, line)
	}
	require.Equal(t, 1, connections())
	// Side by side each run has its own; no more than these are opened.
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() { command(t, &p, dir, "status r1") })
	}
	running.Wait()
	require.LessOrEqual(t, connections(), 4)
	p.Close()
}

func TestProcessHold(t *testing.T) {
	dir, _ := dialled(t)
	env := cli.Env{Name: "drbdadm", Stdout: io.Discard, Stderr: io.Discard,
		Getenv: func(name string) string { return map[string]string{cli.FakeVariable: dir}[name] }}
	var p setup.Process
	defer p.Close()
	command(t, &p, dir, "new-resource r0")
	before := command(t, &p, dir, "status r0")
	release := p.Hold(t.Context(), env)
	command(t, &p, dir, "new-minor r0 0 0")
	require.Equal(t, before, command(t, &p, dir, "status r0"))
	release()
	require.NotEqual(t, before, command(t, &p, dir, "status r0"))
}

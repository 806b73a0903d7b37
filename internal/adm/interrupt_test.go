package adm

import (
	"context"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

// twoResources is a configuration.
func twoResources() string {
	second := strings.TrimPrefix(twoHosts(oneDisk), "global { usage-count no; }\n")
	return twoHosts(oneDisk) + strings.NewReplacer("r0", "r1", "minor 0", "minor 2", "minor 1", "minor 3",
		"/dev/d0", "/dev/d2", "/dev/d1", "/dev/d3", ":7000", ":7001").Replace(second)
}

// interruptible returns a drbdadm that works on one resource at a time.
func interruptible(t *testing.T, ctx context.Context, file string, args ...string) *tool {
	vars := record{Gen: "9", Node: "oak"}.vars("/nonexistent")
	tl, err := newTool(ctx, cli.Env{
		Name: "drbdadm", Args: append([]string{"-c", file}, args...),
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard,
		Getenv: func(name string) string { return vars[name] },
	})
	require.NoError(t, err)
	tl.workers = 1
	tl.locals = map[netip.Addr]bool{netip.MustParseAddr("10.20.0.1"): true}
	return tl
}

// After an interrupt nothing is begun any more: neither what follows nor what
// would be tried instead.
func TestInterruptBeginsNothingNew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "drbd.conf")
	require.NoError(t, os.WriteFile(file, []byte(twoResources()), 0o600))
	for _, line := range []string{"invalidate --force r0/0", "outdate r0", "dstate r0", "resize all", "up all", "adjust all", "adjust-with-progress all"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			var errs strings.Builder
			tl := interruptible(t, ctx, file, strings.Fields(line)...)
			tl.env.Stderr = &errs
			var late atomic.Int32
			hang := func(ctx context.Context, _ cli.Env) int {
				if ctx.Err() != nil {
					late.Add(1)
					return 0
				}
				interrupt()
				return exitBroken
			}
			tl.backends = map[program]backend{drbdsetup: hang, drbdmeta: hang}
			require.NotZero(t, tl.main(ctx), line)
			synctest.Wait()
			require.Zero(t, late.Load(), "%s: %s", line, errs.String())
			require.Contains(t, errs.String(), "was interrupted", line)
		})
	}
}

// Waits that somebody ends are not reported one by one, and leave the output alone.
func TestWaitConIntIsEndedQuietly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "drbd.conf")
	require.NoError(t, os.WriteFile(file, []byte(twoResources()), 0o600))
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer interrupt()
		var out, errs strings.Builder
		tl := interruptible(t, ctx, file, "wait-con-int")
		tl.env.Stdout, tl.env.Stderr, tl.out = &out, &errs, &out
		tl.backends = map[program]backend{drbdsetup: func(ctx context.Context, _ cli.Env) int {
			<-ctx.Done()
			return exitBroken
		}}
		require.Zero(t, tl.main(ctx))
		require.Empty(t, errs.String())
		require.Empty(t, out.String(), "nobody sits there")
	})
}

// TestMain starts what receives signals outside of any bubble: it lives as long as the process.
func TestMain(m *testing.M) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR2)
	os.Exit(m.Run())
}

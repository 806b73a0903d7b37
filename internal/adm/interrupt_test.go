package adm

import (
	"context"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

// After an interrupt nothing is begun any more: neither what follows nor what
// would be tried instead.
func TestInterruptBeginsNothingNew(t *testing.T) {
	second := strings.TrimPrefix(twoHosts(oneDisk), "global { usage-count no; }\n")
	second = strings.NewReplacer("r0", "r1", "minor 0", "minor 2", "minor 1", "minor 3",
		"/dev/d0", "/dev/d2", "/dev/d1", "/dev/d3", ":7000", ":7001").Replace(second)
	file := filepath.Join(t.TempDir(), "drbd.conf")
	require.NoError(t, os.WriteFile(file, []byte(twoHosts(oneDisk)+second), 0o600))
	for _, line := range []string{"invalidate --force r0/0", "outdate r0", "dstate r0", "resize all", "up all", "adjust all", "adjust-with-progress all"} {
		synctest.Test(t, func(t *testing.T) {
			vars := record{Gen: "9", Node: "oak"}.vars("/nonexistent")
			ctx, interrupt := context.WithCancel(t.Context())
			var errs strings.Builder
			tl, err := newTool(ctx, cli.Env{
				Name: "drbdadm", Args: append([]string{"-c", file}, strings.Fields(line)...),
				Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &errs,
				Getenv: func(name string) string { return vars[name] },
			})
			require.NoError(t, err)
			tl.workers = 1
			tl.locals = map[netip.Addr]bool{netip.MustParseAddr("10.20.0.1"): true}
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

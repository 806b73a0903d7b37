package adm

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

// TestResizeWaitsForTheNewSize holds that resize ends when the device has its new size,
// be that at once or a little later; and without one after three seconds.
func TestResizeWaitsForTheNewSize(t *testing.T) {
	for _, tt := range []struct {
		name         string
		after, takes time.Duration // -1: it never changes
	}{
		{"at once", 0, 0},
		{"later", time.Second, time.Second},
		{"never", -1, 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			config, size := filepath.Join(dir, "drbd.conf"), filepath.Join(dir, "sys/block/drbd0/size")
			require.NoError(t, os.WriteFile(config, []byte(twoHosts(oneDisk)), 0o600))
			require.NoError(t, os.MkdirAll(filepath.Dir(size), 0o700))
			require.NoError(t, os.WriteFile(size, []byte("1000\n"), 0o600))
			synctest.Test(t, func(t *testing.T) {
				vars := record{Gen: "9", Node: "oak"}.vars(dir)
				tool, err := newTool(t.Context(), cli.Env{
					Name: "drbdadm", Args: []string{"-c", config, "resize", "r0/0"}, Stdout: t.Output(), Stderr: t.Output(),
					Getenv: func(name string) string { return vars[name] },
				})
				require.NoError(t, err)
				grow := func() { os.WriteFile(size, []byte("2000\n"), 0o600) }
				tool.backends[drbdsetup] = func(_ context.Context, env cli.Env) int {
					switch {
					case env.Args[0] != "resize":
					case tt.after == 0:
						grow()
					case tt.after > 0:
						time.AfterFunc(tt.after, grow)
					}
					return 0
				}
				began := time.Now()
				require.Zero(t, tool.main(t.Context()))
				require.InDelta(t, tt.takes.Seconds(), time.Since(began).Seconds(), 0.2)
			})
		})
	}
}

package adm

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A handler that looks while drbdadm registers another file finds one of the two.
func TestRegistryIsNeverWithoutTheLink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drbd-minor-0.conf")
	require.NoError(t, replaceLink("old", path))
	end := make(chan struct{})
	missing := make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-end:
				missing <- n
				return
			default:
				if _, err := os.Readlink(path); err != nil {
					n++
				}
			}
		}
	}()
	for range 2000 {
		require.NoError(t, replaceLink("new", path))
	}
	close(end)
	require.Zero(t, <-missing)
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

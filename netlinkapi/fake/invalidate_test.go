package fake

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

func TestInvalidate(t *testing.T) {
	for _, tc := range []struct {
		name string
		op   schema.Op
		wins string
	}{
		{"here", schema.Invalidate, "peer"},
		{"remote", schema.InvalidateRemote, "here"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := synced(t)
				for n, text := range map[*machine]string{a: "here", b: "peer"} {
					require.NoError(t, n.m.minors[0].disk.writeAt([]byte(text), 8192))
				}
				a.ok(tc.op, 0)
				time.Sleep(time.Minute)
				require.Equal(t, "Connected Secondary/Secondary UpToDate/UpToDate", a.state())
				require.Equal(t, "Connected Secondary/Secondary UpToDate/UpToDate", b.state())
				require.Equal(t, tc.wins, a.onDisk(8192, 4))
				require.Equal(t, tc.wins, b.onDisk(8192, 4))
			})
		})
	}
}

func TestInvalidateInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := synced(t)
		a.m.cfg.ResyncRate = 8 << 20
		a.ok(schema.Invalidate, 0)
		time.Sleep(time.Second)
		a.ok(schema.PauseSync, 0)
		time.Sleep(time.Second)
		require.Equal(t, "PausedSyncT Secondary/Secondary Inconsistent/UpToDate", a.state())
		a.ok(schema.Promote, 0)
		time.Sleep(time.Second)
		a.ok(schema.Demote, 0)
		time.Sleep(time.Second)
		a.ok(schema.ResumeSync, 0)
		time.Sleep(time.Minute)
		require.Equal(t, "Connected Secondary/Secondary UpToDate/UpToDate", a.state())
		require.Equal(t, "Connected Secondary/Secondary UpToDate/UpToDate", b.state())
	})
}

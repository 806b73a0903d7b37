package fake

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// slow makes resyncs take minutes.
func (n *machine) slow() *schema.Values { return n.set(schema.DiskConf).SetUint("c_max_rate", 250) }

func TestPauseAndResumeSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t)
		a.up()
		b.up()
		settle()
		for _, n := range []*machine{a, b} {
			n.ok(schema.ChgDiskOpts, 0, n.slow())
		}
		a.ok(schema.Promote, 0, a.force())
		settle()
		require.Equal(t, "SyncSource Primary/Secondary UpToDate/Inconsistent", a.state())
		left := b.m.minors[0].only().outOfSync()
		require.Less(t, left, uint64(8182))
		require.Greater(t, left, uint64(7000), "250 KiB/s for four seconds")

		b.ok(schema.PauseSync, 0)
		settle()
		require.Equal(t, "PausedSyncT Secondary/Primary Inconsistent/UpToDate", b.state())
		require.Equal(t, "PausedSyncS Primary/Secondary UpToDate/Inconsistent", a.state())
		left = b.m.minors[0].only().outOfSync()
		time.Sleep(time.Minute)
		require.Equal(t, left, b.m.minors[0].only().outOfSync())
		code, _ := b.do(schema.PauseSync, 0, 0)
		require.Equal(t, schema.ErrPauseIsSet, code)
		code, _ = a.do(schema.ResumeSync, 0, 0)
		require.Equal(t, schema.ErrPausedByPeer, code)

		b.ok(schema.ResumeSync, 0)
		time.Sleep(5 * time.Minute)
		require.Equal(t, "Connected Secondary/Primary UpToDate/UpToDate", b.state())
		require.Equal(t, "Connected Primary/Secondary UpToDate/UpToDate", a.state())
	})
}

func TestSuspendWithoutData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := synced(t)
		a.ok(schema.ChgResourceOpts, schema.NoMinor, a.named(), a.set(schema.ResourceOpts).SetUint("on_no_data", onNoDataSuspend))
		a.ok(schema.Promote, 0)
		a.ok(schema.Detach, 0)
		require.Equal(t, "Connected Primary/Secondary Diskless/UpToDate", a.state())
		b.powerCut()
		settle()
		require.ErrorIs(t, a.m.Write(0, 0, make([]byte, 512)), ErrSuspended)
		require.Contains(t, a.m.Proc(), " s-----\n")
		b.up()
		settle()
		require.NoError(t, a.m.Write(0, 0, make([]byte, 512)))
	})
}

func TestSuspendIO(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := synced(t)
		a.ok(schema.Promote, 0)
		a.ok(schema.SuspendIO, 0)
		require.ErrorIs(t, a.m.Write(0, 0, make([]byte, 512)), ErrSuspended)
		code, _ := a.do(schema.SuspendIO, 0, 0)
		require.Equal(t, schema.StateNothingToDo, code)
		a.ok(schema.ResumeIO, 0)
		require.NoError(t, a.m.Write(0, 0, make([]byte, 512)))
	})
}

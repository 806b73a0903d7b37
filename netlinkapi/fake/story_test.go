package fake

import (
	"bytes"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"drbdutils/meta"
	"drbdutils/schema"
)

func write(t *testing.T, n *machine, off int64, text string) {
	t.Helper()
	data := bytes.Repeat([]byte(text), 4096/len(text))
	require.NoError(t, n.m.Write(0, off, data))
}

// onDisk returns what a machine's disk has at an offset.
func (n *machine) onDisk(off int64, size int) string {
	n.m.mu.Lock()
	defer n.m.mu.Unlock()
	data := make([]byte, size)
	require.NoError(n.t, n.m.minors[0].disk.readAt(data, off))
	return string(data)
}

func TestFirstUpAndFullSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t)
		a.up()
		settle()
		require.Equal(t, "WFConnection Secondary/Unknown Inconsistent/DUnknown", a.state())
		b.up()
		settle()
		require.Equal(t, "Connected Secondary/Secondary Inconsistent/Inconsistent", a.state())

		code, _ := a.do(schema.Promote, 0, 0)
		require.Equal(t, schema.StateNoUpToDateDisk, code)
		a.ok(schema.Promote, 0, a.force())
		write(t, a, 4096, "data")
		settle()
		require.Equal(t, "Connected Primary/Secondary UpToDate/UpToDate", a.state())
		require.Equal(t, "Connected Secondary/Primary UpToDate/UpToDate", b.state())
		require.Equal(t, a.onDisk(0, 65536), b.onDisk(0, 65536))

		ua, ub := a.uuids(), b.uuids()
		require.EqualValues(t, 1, ua[uuidCurrent]&1, "a Primary marks its current UUID")
		require.Zero(t, ua[uuidBitmap])
		for i := range uuidCount {
			require.Equal(t, ua.at(i), ub.at(i), "UUID %d", i)
		}

		code, _ = b.do(schema.Promote, 0, 0)
		require.Equal(t, schema.StateTwoPrimaries, code)
		a.ok(schema.Demote, 0)
		settle()
		b.ok(schema.Promote, 0)
		got, err := b.m.Read(0, 4096, 8)
		require.NoError(t, err)
		require.Equal(t, "datadata", string(got))
	})
}

func TestSkipInitialSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := synced(t)
		require.Equal(t, a.uuids(), b.uuids())
		require.Equal(t, uuids{a.uuids()[uuidCurrent]}, a.uuids(), "no bitmap and no history")
	})
}

// apart makes both machines Primary without each other and lets them write.
func apart(t *testing.T, a, b *machine) {
	t.Helper()
	require.NoError(t, a.m.Cut(addressText(a.peer)))
	settle()
	require.Equal(t, "WFConnection Secondary/Unknown UpToDate/DUnknown", a.state())
	require.Equal(t, "WFConnection Secondary/Unknown UpToDate/DUnknown", b.state())
	a.ok(schema.Promote, 0)
	b.ok(schema.Promote, 0)
	write(t, a, 0, "aaaa")
	write(t, b, 8192, "bbbb")
}

func TestSplitBrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := synced(t)
		apart(t, a, b)
		require.NoError(t, a.m.Heal(addressText(a.peer)))
		settle()
		require.Equal(t, "StandAlone Primary/Unknown UpToDate/DUnknown", a.state())
		require.Equal(t, "StandAlone Primary/Unknown UpToDate/DUnknown", b.state())
		require.Contains(t, a.log, "call helper split-brain")
		require.Contains(t, b.log, "response helper split-brain")

		discard := b.set(schema.NetConf).SetBool("discard_my_data", true)
		ctx := b.ends().SetStr("ctx_resource_name", "r0")
		code, _ := b.do(schema.Connect, schema.NoMinor, 0, ctx, discard)
		require.Equal(t, schema.ErrDiscardImpossible, code)
		b.ok(schema.Demote, 0)
		b.connect(discard)
		a.connect()
		settle()
		require.Equal(t, "Connected Primary/Secondary UpToDate/UpToDate", a.state())
		require.Equal(t, "Connected Secondary/Primary UpToDate/UpToDate", b.state())
		require.Equal(t, "aaaa", b.onDisk(0, 4))
		require.Equal(t, a.onDisk(8192, 4), b.onDisk(8192, 4), "the victim's change is gone")
		require.Equal(t, a.uuids().at(uuidCurrent), b.uuids().at(uuidCurrent))
	})
}

func TestAfterSplitBrainPolicies(t *testing.T) {
	for _, tc := range []struct {
		name   string
		policy string
		value  uint64
		demote bool // both are Secondary again when they meet
		wins   string
	}{
		{"discard-zero-changes", "after_sb_0p", policyZeroChanges, true, "a"},
		{"discard-least-changes", "after_sb_0p", policyLeastChanges, true, "a"},
		{"discard-secondary", "after_sb_1p", policyDiscardSecondary, false, "b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := synced(t)
				for _, n := range []*machine{a, b} {
					n.ok(schema.Disconnect, schema.NoMinor, n.ends())
					settle()
				}
				if code, _ := b.do(schema.Disconnect, schema.NoMinor, 0, b.ends()); code.OK() {
					settle()
				}
				a.ok(schema.Promote, 0)
				b.ok(schema.Promote, 0)
				if tc.demote {
					write(t, a, 0, "aaaa")
					b.ok(schema.Demote, 0)
				} else {
					write(t, a, 0, "aaaa")
					write(t, b, 0, "bbbb")
				}
				a.ok(schema.Demote, 0)
				for _, n := range []*machine{a, b} {
					n.connect(n.set(schema.NetConf).SetUint(tc.policy, tc.value))
				}
				settle()
				require.Regexp(t, "^Connected .* UpToDate/UpToDate$", a.state())
				require.Equal(t, a.onDisk(0, 4096), b.onDisk(0, 4096))
				require.Equal(t, tc.wins, a.onDisk(0, 1))
			})
		})
	}
}

func TestUnrelatedDataRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t)
		for _, n := range []*machine{a, b} {
			n.configure()
			n.ok(schema.Promote, 0, n.force())
			n.ok(schema.NewCurrentUUID, 0)
			n.ok(schema.NewCurrentUUID, 0)
			n.ok(schema.NewCurrentUUID, 0)
			n.ok(schema.Demote, 0)
			n.connect()
		}
		settle()
		require.Equal(t, "StandAlone Secondary/Unknown UpToDate/DUnknown", a.state())
		require.Equal(t, "StandAlone Secondary/Unknown UpToDate/DUnknown", b.state())
	})
}

func TestPowerCutOfPrimary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := synced(t)
		a.ok(schema.Promote, 0)
		write(t, a, 5<<20, "old.")
		settle()
		a.powerCut()
		settle()
		require.Equal(t, "WFConnection Secondary/Unknown UpToDate/DUnknown", b.state())
		b.ok(schema.Promote, 0)
		write(t, b, 5<<20, "new.")

		a.ok(schema.NewResource, schema.NoMinor, a.named())
		a.ok(schema.NewMinor, 0, a.named())
		code, _ := a.do(schema.Attach, 0, 0, a.diskConf())
		require.Equal(t, schema.ErrMetaUnclean, code, "the activity log has to be applied first")
		a.applyAL()
		a.ok(schema.Attach, 0, a.diskConf())
		require.EqualValues(t, 1024, a.m.minors[0].only().outOfSync(), "one extent was active")
		a.connect()
		settle()
		require.Equal(t, "Connected Secondary/Primary UpToDate/UpToDate", a.state())
		require.Equal(t, "new.", a.onDisk(5<<20, 4))
		require.True(t, a.m.minors[0].disk.flags.Has(meta.CrashedPrimary), "as in DRBD 8.4.11")
	})
}

func TestPrimaryThatReturnsAfterPeerStayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := synced(t)
		a.ok(schema.Promote, 0)
		b.powerCut()
		settle()
		write(t, a, 1<<20, "mine")
		b.up()
		settle()
		require.Equal(t, "Connected Primary/Secondary UpToDate/UpToDate", a.state())
		require.Equal(t, "mine", b.onDisk(1<<20, 4))
	})
}

func TestDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := synced(t)
		a.log = nil
		a.ok(schema.Down, schema.NoMinor, a.named())
		require.Equal(t, "none", a.state())
		require.Equal(t, "destroy", a.log[len(a.log)-1])
		settle()
		require.Equal(t, "WFConnection Secondary/Unknown UpToDate/DUnknown", b.state())
		a.up()
		settle()
		require.Equal(t, "Connected Secondary/Secondary UpToDate/UpToDate", b.state())
	})
}

func TestEventsOfConnectAndSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := synced(t)
		a.ok(schema.Disconnect, schema.NoMinor, a.ends())
		settle()
		a.ok(schema.Promote, 0)
		write(t, a, 0, "aaaa")
		a.log, b.log = nil, nil
		a.connect()
		settle()
		require.Equal(t, []string{
			"create connection StandAlone role:Unknown",
			"create peer-device Off DUnknown",
			"change connection Unconnected role:Unknown",
			"change connection Connecting role:Unknown",
			"change connection Connected role:Unknown",
			"change connection Connected role:Secondary",
			"change peer-device WFBitMapS Consistent",
			"call helper before-resync-source",
			"response helper before-resync-source",
			"change peer-device SyncSource Inconsistent",
			"change peer-device Established UpToDate",
		}, withoutEvents(a.log))
		require.Equal(t, []string{
			"change connection Connected role:Unknown",
			"change connection Connected role:Primary",
			"change device Outdated",
			"change peer-device WFBitMapT UpToDate",
			"change peer-device WFSyncUUID UpToDate",
			"call helper before-resync-target",
			"response helper before-resync-target",
			"change device Inconsistent",
			"change peer-device SyncTarget UpToDate",
			"call helper after-resync-target",
			"response helper after-resync-target",
			"change device UpToDate",
			"change peer-device Established UpToDate",
		}, withoutEvents(b.log))
	})
}

func withoutEvents(log []string) []string {
	var list []string
	for _, line := range log {
		if line != "event" {
			list = append(list, line)
		}
	}
	return list
}

func TestSecrets(t *testing.T) {
	for _, tc := range []struct {
		name, mine, theirs string
		a, b               string
	}{
		{"same", "x", "x", "Connected", "Connected"},
		{"different", "x", "y", "StandAlone", "StandAlone"},
		{"only-one-asks", "x", "", "StandAlone", "WFConnection"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pair(t)
				for n, secret := range map[*machine]string{a: tc.mine, b: tc.theirs} {
					net := n.set(schema.NetConf)
					if secret != "" {
						net.SetStr("cram_hmac_alg", "sha1").SetStr("shared_secret", secret)
					}
					n.up(net)
				}
				settle()
				require.Regexp(t, "^"+tc.a, a.state())
				require.Regexp(t, "^"+tc.b, b.state())
			})
		})
	}
}

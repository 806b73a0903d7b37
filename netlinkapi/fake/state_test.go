package fake

import (
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// allStates yields every combination of what a state consists of.
func allStates() iter.Seq[state] {
	return func(yield func(state) bool) {
		for n := range 2 * 3 * 24 * 9 * 9 * 8 {
			s := state{}
			pick := func(count int) int { v := n % count; n /= count; return v }
			s.role = []schema.Role{schema.Primary, schema.Secondary}[pick(2)]
			s.peer = schema.Role(pick(3))
			s.conn = conn(pick(24))
			s.disk = schema.DiskState(schema.DiskStates84.FromWire(uint32(pick(9))))
			s.pdsk = schema.DiskState(schema.DiskStates84.FromWire(uint32(pick(9))))
			s.aftrISP, s.peerISP, s.userISP = pick(2) == 1, pick(2) == 1, pick(2) == 1
			if !yield(s) {
				return
			}
		}
	}
}

// TestSaneStates holds laws of what follows from a state, for every state.
func TestSaneStates(t *testing.T) {
	for s := range allStates() {
		sane := s.sane()
		if again := sane.sane(); again != sane {
			t.Fatalf("%+v becomes %+v, and that becomes %+v", s, sane, again)
		}
		if sane.role != s.role {
			t.Fatalf("%+v changes its role", s)
		}
		if r, ok := fitting[sane.conn]; ok && (sane.disk < r.min || sane.disk > r.max || sane.pdsk < r.peerMin || sane.pdsk > r.peerMax) {
			t.Fatalf("%+v does not fit %v", sane, sane.conn)
		}
		if sane.conn < connected && sane.peer != schema.RoleUnknown {
			t.Fatalf("%+v knows the role of a peer that is not connected", sane)
		}
		if (sane.conn == syncSource || sane.conn == syncTarget) && sane.paused() {
			t.Fatalf("%+v syncs in a pause", sane)
		}
	}
}

// TestWord compares packed states with those of a real module.
func TestWord(t *testing.T) {
	for word, s := range map[uint32]state{
		49666:   {role: schema.Secondary, disk: schema.Attaching, pdsk: schema.DUnknown},
		51202:   {role: schema.Secondary, disk: schema.Inconsistent, pdsk: schema.DUnknown},
		53394:   {role: schema.Secondary, conn: wfReportParams, disk: schema.UpToDate, pdsk: schema.DUnknown},
		37130:   {role: schema.Secondary, peer: schema.Secondary, conn: syncSource, disk: schema.UpToDate, pdsk: schema.Inconsistent},
		1099906: {role: schema.Secondary, conn: wfConnection, disk: schema.Inconsistent, pdsk: schema.DUnknown, userISP: true},
	} {
		require.Equal(t, word, s.word(suspension{}))
	}
}

func TestMirror(t *testing.T) {
	c := change{Role: new(schema.Primary), Disk: new(schema.Failed), Conn: new(disconnecting)}
	m := c.mirror()
	require.Equal(t, schema.Primary, *m.Peer)
	require.Equal(t, schema.Failed, *m.PDsk)
	require.Equal(t, tearDown, *m.Conn)
	require.Nil(t, m.Role)
	require.Equal(t, verifyT, *change{Conn: new(verifyS)}.mirror().Conn)
}

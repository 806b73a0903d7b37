package fake

import (
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

func TestCompare(t *testing.T) {
	const a, b, c, d = 0xa0, 0xb0, 0xc0, 0xd0
	for _, tc := range []struct {
		name       string
		self, peer side
		want       verdict
	}{
		{"both-fresh", side{uuids: uuids{4}}, side{uuids: uuids{4}}, inSync},
		{"self-fresh", side{uuids: uuids{4}}, side{uuids: uuids{a}}, fullTarget},
		{"same", side{uuids: uuids{a}}, side{uuids: uuids{a | 1}}, inSync},
		{"same-self-crashed", side{uuids: uuids{a}, crashed: true}, side{uuids: uuids{a}}, source},
		{"same-both-crashed", side{uuids: uuids{a}, crashed: true, resolves: true}, side{uuids: uuids{a}, crashed: true}, target},
		{"self-missed-end-of-resync", side{uuids: uuids{a, b}}, side{uuids: uuids{a, 0, b}}, source},
		{"peer-went-on", side{uuids: uuids{a}}, side{uuids: uuids{b, a}}, target},
		{"peer-went-on-as-primary", side{uuids: uuids{a | 1}}, side{uuids: uuids{b | 1, a}}, target},
		{"peer-far-ahead", side{uuids: uuids{a}}, side{uuids: uuids{c, b, a}}, fullTarget},
		{"start-of-resync-lost", side{uuids: uuids{a}}, side{uuids: uuids{c, a + uuidSyncOffset, a}}, target},
		{"both-went-on", side{uuids: uuids{b, a}}, side{uuids: uuids{c, a}}, splitBrainMap},
		{"both-went-far", side{uuids: uuids{c, b, a}}, side{uuids: uuids{d, 0, a}}, splitBrain},
		{"strangers", side{uuids: uuids{a, b}}, side{uuids: uuids{c, d}}, unrelated},
	} {
		t.Run(tc.name, func(t *testing.T) {
			self, peer := tc.self, tc.peer
			require.Equal(t, tc.want, compare(&self, &peer))
			self, peer = tc.self, tc.peer
			self.resolves, peer.resolves = tc.peer.resolves, tc.self.resolves
			if tc.self.crashed && tc.peer.crashed {
				self, peer = tc.self, tc.peer
			}
			back := compare(&peer, &self)
			if tc.want.split() || tc.want == unrelated {
				require.Equal(t, tc.want, back, "both sides see the same")
				return
			}
			require.Equal(t, -tc.want, back, "the sides agree on the direction")
		})
	}
}

func TestCompareCorrectsHistory(t *testing.T) {
	self := side{uuids: uuids{0xa0, 0xb0, 0xc0}}
	peer := side{uuids: uuids{0xa0, 0, 0xb0, 0xc0}}
	require.Equal(t, source, compare(&self, &peer))
	require.Equal(t, uuids{0xa0, 0, 0xb0, 0xc0}, self.uuids, "the end of the resync is made up for")
}

func TestPolicies(t *testing.T) {
	const younger, older = 1, 0
	mark := func(bit uint64, changed uint64) side { return side{uuids: uuids{0xc0, 0xa0 | bit}, changed: changed} }
	primary := side{role: schema.Primary, changed: 5}
	for _, tc := range []struct {
		name       string
		by         [3]uint64
		self, peer side
		want       verdict
	}{
		{"disconnect", [3]uint64{}, mark(0, 1), mark(0, 2), splitBrain},
		{"younger-primary", [3]uint64{policyYoungerPrimary}, mark(younger, 0), mark(older, 0), source},
		{"older-primary", [3]uint64{policyOlderPrimary}, mark(younger, 0), mark(older, 0), target},
		{"least-changes", [3]uint64{policyLeastChanges}, mark(0, 1), mark(0, 2), target},
		{"zero-changes-of-peer", [3]uint64{policyZeroChanges}, mark(0, 1), mark(0, 0), source},
		{"zero-changes-of-nobody", [3]uint64{policyZeroChanges}, mark(0, 1), mark(0, 2), splitBrain},
		{"discard-local", [3]uint64{policyLocal}, mark(0, 1), mark(0, 2), target},
		{"discard-remote", [3]uint64{policyRemote}, mark(0, 1), mark(0, 2), source},
		{"discard-secondary", [3]uint64{0, policyDiscardSecondary}, primary, side{}, source},
		{"consensus-for-primary", [3]uint64{policyLeastChanges, policyConsensus}, primary, side{changed: 1}, source},
		{"consensus-against-primary", [3]uint64{policyLeastChanges, policyConsensus}, primary, side{changed: 9}, splitBrain},
		{"violently", [3]uint64{policyLocal, 0, policyViolently}, primary, primary, target},
		{"manual-discard", [3]uint64{}, side{discard: true}, side{}, target},
		{"both-discard", [3]uint64{}, side{discard: true}, side{discard: true}, splitBrain},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := policies{byPrimaries: tc.by, lose: func() bool { return false }}
			require.Equal(t, tc.want, p.resolve(splitBrainMap, &tc.self, &tc.peer))
		})
	}
}

package fake

import "drbdutils/schema"

// The words of after-sb-0pri, after-sb-1pri, after-sb-2pri and rr-conflict have
// numbers in common.
const (
	policyDisconnect       = 0
	policyYoungerPrimary   = 1
	policyOlderPrimary     = 2
	policyZeroChanges      = 3
	policyLeastChanges     = 4
	policyLocal            = 5
	policyRemote           = 6
	policyConsensus        = 7
	policyDiscardSecondary = 8
	policyCallHelper       = 9
	policyViolently        = 10
)

// policies say what to do about a split brain with no, one or two primaries.
type policies struct {
	byPrimaries [3]uint64
	always      bool        // also without a common bitmap
	lose        func() bool // calls pri-lost-after-sb; true if the node gave up its role
}

func (pd *peerDevice) policies() policies {
	net := pd.conn.net
	return policies{
		byPrimaries: [3]uint64{net.Uint("after_sb_0p"), net.Uint("after_sb_1p"), net.Uint("after_sb_2p")},
		always:      net.Bool("always_asbp"),
		lose: func() bool {
			pd.helper("pri-lost-after-sb")
			return pd.own.role != schema.Primary
		},
	}
}

// resolve returns who gives way: target or source, or the verdict unchanged in
// kind if nobody does.
func (p policies) resolve(v verdict, self, peer *side) verdict {
	if v == splitBrainMap || p.always {
		primaries := 0
		for _, s := range []*side{self, peer} {
			if s.role == schema.Primary {
				primaries++
			}
		}
		if r := p.automatic(primaries, self, peer); !r.split() {
			if v == splitBrain {
				r *= 2
			}
			return r
		}
		v = splitBrain
	}
	switch {
	case self.discard && !peer.discard:
		return target
	case !self.discard && peer.discard:
		return source
	}
	return v
}

// automatic applies the policy for so many primaries.
func (p policies) automatic(primaries int, self, peer *side) verdict {
	policy := p.byPrimaries[primaries]
	switch primaries {
	case 0:
		return byChanges(policy, self, peer)
	case 1:
		return p.onePrimary(policy, self, peer)
	}
	return p.twoPrimaries(policy, self, peer)
}

func (p policies) onePrimary(policy uint64, self, peer *side) verdict {
	primary := self.role == schema.Primary
	switch policy {
	case policyConsensus:
		v := byChanges(p.byPrimaries[0], self, peer)
		if v == target && !primary || v == source && primary {
			return v
		}
	case policyViolently:
		return byChanges(p.byPrimaries[0], self, peer)
	case policyDiscardSecondary:
		if primary {
			return source
		}
		return target
	case policyCallHelper:
		return p.helped(primary, self, peer)
	}
	return splitBrain
}

func (p policies) twoPrimaries(policy uint64, self, peer *side) verdict {
	switch policy {
	case policyViolently:
		return byChanges(p.byPrimaries[0], self, peer)
	case policyCallHelper:
		return p.helped(true, self, peer)
	}
	return splitBrain
}

// helped lets a primary that loses give up its role before it becomes a target.
func (p policies) helped(primary bool, self, peer *side) verdict {
	v := byChanges(p.byPrimaries[0], self, peer)
	if v == target && primary && !p.lose() {
		return splitBrain
	}
	return v
}

// byChanges applies an after-sb-0pri policy.
func byChanges(policy uint64, self, peer *side) verdict {
	mine, theirs := self.uuids[uuidBitmap]&uuidPrimary, peer.uuids[uuidBitmap]&uuidPrimary
	switch policy {
	case policyYoungerPrimary:
		if mine != theirs {
			return either(mine > theirs)
		}
		return leastChanges(self, peer)
	case policyOlderPrimary:
		if mine != theirs {
			return either(mine < theirs)
		}
		return leastChanges(self, peer)
	case policyZeroChanges:
		switch {
		case self.changed == 0 && peer.changed == 0:
			return either(!self.resolves)
		case peer.changed == 0:
			return source
		case self.changed == 0:
			return target
		}
	case policyLeastChanges:
		return leastChanges(self, peer)
	case policyLocal:
		return target
	case policyRemote:
		return source
	}
	return splitBrain
}

func leastChanges(self, peer *side) verdict {
	if self.changed == peer.changed {
		return either(!self.resolves)
	}
	return either(self.changed > peer.changed)
}

func either(wins bool) verdict {
	if wins {
		return source
	}
	return target
}

package schema

// Words of options, with the numbers of the wire.
var (
	protocols = Enumeration{Words: []Word{{1, "A"}, {2, "B"}, {3, "C"}}}
	ioErrors  = Enumeration{Words: []Word{{0, "pass_on"}, {1, "call-local-io-error"}, {2, "detach"}}}
	fencings  = Enumeration{Words: []Word{{0, "dont-care"}, {1, "resource-only"}, {2, "resource-and-stonith"}}}

	// The policies after a split brain and on a conflict share one range of numbers.
	afterSB0 = Enumeration{Words: []Word{
		{0, "disconnect"}, {1, "discard-younger-primary"}, {2, "discard-older-primary"}, {3, "discard-zero-changes"},
		{4, "discard-least-changes"}, {5, "discard-local"}, {6, "discard-remote"},
	}}
	afterSB1 = Enumeration{Words: []Word{
		{0, "disconnect"}, {7, "consensus"}, {8, "discard-secondary"}, {9, "call-pri-lost-after-sb"}, {10, "violently-as0p"},
	}}
	afterSB2 = Enumeration{Words: []Word{
		{0, "disconnect"}, {9, "call-pri-lost-after-sb"}, {10, "violently-as0p"},
	}}
	rrConflicts84 = Enumeration{Words: []Word{{0, "disconnect"}, {9, "call-pri-lost"}, {10, "violently"}}}
	rrConflicts   = Enumeration{Words: []Word{
		{0, "disconnect"}, {9, "call-pri-lost"}, {10, "violently"}, {11, "retry-connect"}, {12, "auto-discard"},
	}}

	onNoData      = Enumeration{Words: []Word{{0, "io-error"}, {1, "suspend-io"}}}
	onSuspended   = Enumeration{Words: []Word{{0, "disconnect"}, {1, "force-secondary"}}}
	onCongestion  = Enumeration{Words: []Word{{0, "block"}, {1, "pull-ahead"}, {2, "disconnect"}}}
	readBalancing = Enumeration{Words: []Word{
		{0, "prefer-local"}, {1, "prefer-remote"}, {2, "round-robin"}, {3, "least-pending"}, {4, "when-congested-remote"},
		{5, "32K-striping"}, {6, "64K-striping"}, {7, "128K-striping"}, {8, "256K-striping"}, {9, "512K-striping"},
		{10, "1M-striping"},
	}}
	quorums = Enumeration{Words: []Word{{0, "off"}, {1024, "majority"}, {1025, "all"}}}
)

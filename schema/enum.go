package schema

import "strconv"

// Word is one value of an enumeration.
type Word struct {
	Num  uint32
	Text string
}

// Enumeration is a list of words, in the order in which users are shown them.
type Enumeration struct {
	Words []Word
	wire  []uint32 // if the wire numbers values otherwise: wire[n] is the value of wire number n
}

// Text returns the word for a number.
func (e *Enumeration) Text(n uint64) (string, bool) {
	for i := range e.Words {
		if uint64(e.Words[i].Num) == n {
			return e.Words[i].Text, true
		}
	}
	return "", false
}

// Format returns the word for a number, or the number in digits if a newer
// module sent one that the table does not know.
func (e *Enumeration) Format(n uint64) string {
	if word, ok := e.Text(n); ok {
		return word
	}
	return strconv.FormatUint(n, 10)
}

// Num returns the number of a word.
func (e *Enumeration) Num(word string) (uint64, bool) {
	for i := range e.Words {
		if e.Words[i].Text == word {
			return uint64(e.Words[i].Num), true
		}
	}
	return 0, false
}

// FromWire returns the value that a number of the wire stands for.
func (e *Enumeration) FromWire(n uint32) uint32 {
	switch last := uint32(len(e.wire)); {
	case last == 0:
		return n
	case n < last:
		return e.wire[n]
	default:
		return n - last + e.wire[last-1] + 1
	}
}

// ToWire returns the number of the wire that stands for a value. A value that
// this generation lacks becomes the next lower one it has.
func (e *Enumeration) ToWire(n uint32) uint32 {
	if len(e.wire) == 0 {
		return n
	}
	for i := len(e.wire) - 1; i >= 0; i-- {
		if e.wire[i] <= n {
			return uint32(i) + max(n, e.wire[len(e.wire)-1]) - e.wire[len(e.wire)-1]
		}
	}
	return 0
}

// Role is the role of a node for a resource.
type Role uint32

// The roles.
const (
	RoleUnknown Role = iota
	Primary
	Secondary
)

func (r Role) String() string { return Roles.Format(uint64(r)) }

// Roles are the words for Role.
var Roles = Enumeration{Words: []Word{{0, "Unknown"}, {1, "Primary"}, {2, "Secondary"}}}

// DiskState is the state of a disk, here or at a peer. The numbers are those of
// DRBD 9; the codec translates those of 8.4, which lacks Detaching.
type DiskState uint32

// The disk states.
const (
	Diskless DiskState = iota
	Attaching
	Detaching
	Failed
	Negotiating
	Inconsistent
	Outdated
	DUnknown
	Consistent
	UpToDate
)

func (d DiskState) String() string { return DiskStates.Format(uint64(d)) }

// DiskStates are the words for DiskState, DiskStates84 those of DRBD 8.4.
var (
	DiskStates = Enumeration{Words: []Word{
		{0, "Diskless"}, {1, "Attaching"}, {2, "Detaching"}, {3, "Failed"}, {4, "Negotiating"},
		{5, "Inconsistent"}, {6, "Outdated"}, {7, "DUnknown"}, {8, "Consistent"}, {9, "UpToDate"},
	}}
	DiskStates84 = Enumeration{
		Words: []Word{
			{0, "Diskless"}, {1, "Attaching"}, {3, "Failed"}, {4, "Negotiating"}, {5, "Inconsistent"},
			{6, "Outdated"}, {7, "DUnknown"}, {8, "Consistent"}, {9, "UpToDate"},
		},
		wire: []uint32{0, 1, 3, 4, 5, 6, 7, 8, 9},
	}
)

// ConnState is the state of a connection.
type ConnState uint32

// The connection states.
const (
	StandAlone ConnState = iota
	Disconnecting
	Unconnected
	Timeout
	BrokenPipe
	NetworkFailure
	ProtocolError
	TearDown
	Connecting
	Connected
)

func (c ConnState) String() string { return ConnStates.Format(uint64(c)) }

// ConnStates are the words for ConnState.
var ConnStates = Enumeration{Words: []Word{
	{0, "StandAlone"}, {1, "Disconnecting"}, {2, "Unconnected"}, {3, "Timeout"}, {4, "BrokenPipe"},
	{5, "NetworkFailure"}, {6, "ProtocolError"}, {7, "TearDown"}, {8, "Connecting"}, {9, "Connected"},
}}

// ReplState is the replication state of a peer device.
type ReplState uint32

// The replication states. Numbers below ReplOff are connection states.
const (
	ReplOff ReplState = iota + 9
	Established
	StartingSyncS
	StartingSyncT
	WFBitMapS
	WFBitMapT
	WFSyncUUID
	SyncSource
	SyncTarget
	VerifyS
	VerifyT
	PausedSyncS
	PausedSyncT
	Ahead
	Behind
)

func (r ReplState) String() string { return ReplStates.Format(uint64(r)) }

// ReplStates are the words for ReplState.
var ReplStates = Enumeration{Words: []Word{
	{9, "Off"}, {10, "Established"}, {11, "StartingSyncS"}, {12, "StartingSyncT"}, {13, "WFBitMapS"},
	{14, "WFBitMapT"}, {15, "WFSyncUUID"}, {16, "SyncSource"}, {17, "SyncTarget"}, {18, "VerifyS"},
	{19, "VerifyT"}, {20, "PausedSyncS"}, {21, "PausedSyncT"}, {22, "Ahead"}, {23, "Behind"},
}}

// MergedStates are the words for the one state that DRBD 8.4 keeps for
// connection and replication together, in StateInfo and /proc/drbd: the numbers
// of ConnState up to 9 and of ReplState from 10 on, with words of their own for
// 8, 9 and 10.
var MergedStates = Enumeration{Words: []Word{
	{0, "StandAlone"}, {1, "Disconnecting"}, {2, "Unconnected"}, {3, "Timeout"}, {4, "BrokenPipe"},
	{5, "NetworkFailure"}, {6, "ProtocolError"}, {7, "TearDown"}, {8, "WFConnection"}, {9, "WFReportParams"},
	{10, "Connected"}, {11, "StartingSyncS"}, {12, "StartingSyncT"}, {13, "WFBitMapS"}, {14, "WFBitMapT"},
	{15, "WFSyncUUID"}, {16, "SyncSource"}, {17, "SyncTarget"}, {18, "VerifyS"}, {19, "VerifyT"},
	{20, "PausedSyncS"}, {21, "PausedSyncT"}, {22, "Ahead"}, {23, "Behind"},
}}

// WriteOrderings are the words for the method that keeps writes in order.
var WriteOrderings = Enumeration{Words: []Word{{0, "none"}, {1, "drain"}, {2, "flush"}, {3, "barrier"}}}

// Action says what a notification tells about its object.
type Action uint32

// The kinds of notifications. Continues is a bit: more messages of the same
// state change follow.
const (
	Exists Action = iota
	Create
	Change
	Destroy
	Call
	Response
	Rename

	Continues Action = 0x8000
)

func (a Action) String() string { return Actions.Format(uint64(a &^ Continues)) }

// Actions are the words for Action.
var Actions = Enumeration{Words: []Word{
	{0, "exists"}, {1, "create"}, {2, "change"}, {3, "destroy"}, {4, "call"}, {5, "response"}, {6, "rename"},
}}

// Flags of a device's metadata, as in dev_disk_flags and disk_flags.
const (
	MDConsistent        = 0x1
	MDPrimary           = 0x2
	MDConnected         = 0x4 // 8.4
	MDFullSync          = 0x8 // 8.4
	MDWasUpToDate       = 0x10
	MDPeerOutdated      = 0x20 // 8.4
	MDCrashedPrimary    = 0x40
	MDALClean           = 0x80
	MDALDisabled        = 0x100
	MDPrimaryLostQuorum = 0x200 // 9
	MDHaveQuorum        = 0x400 // 9
)

// Flags of a peer's slot in the metadata, as in peer_dev_flags.
const (
	MDPeerConnected   = 0x1
	MDPeerIsOutdated  = 0x2
	MDPeerFencing     = 0x4
	MDPeerFullSync    = 0x8
	MDPeerDeviceSeen  = 0x10
	MDPeerNodeExists  = 0x10000
	MDPeerHaveBitmap  = 0x80000000
	NoNodeID          = 0xffffffff // in node_id: the module is to act as DRBD 8.4
	MetaIndexInternal = -1         // meta_dev_idx: internal, of fixed size
	MetaIndexFlexible = -2         // meta_dev_idx: the whole meta-data device
	MetaIndexFlexInt  = -3         // meta_dev_idx: internal
)

// SetDefaults is the flag of a request that asks to start from the built-in
// defaults instead of the current options.
const SetDefaults = 1

// NoMinor in a message's header says that it is about no minor.
const NoMinor = 0xffffffff

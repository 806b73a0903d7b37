package meta

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// MaxPeers is the number of peer entries in a v09 superblock. Node ids are
// smaller than it, and at most MaxPeers-1 peers have a bitmap.
const MaxPeers = 32

// A UUID names a generation of data. Bit 0 belongs to the kernel, which sets it
// while the node is primary.
type UUID uint64

// JustCreated is the current UUID of metadata that has never been used.
const JustCreated UUID = 4

// String returns 16 upper case hexadecimal digits.
func (u UUID) String() string { return fmt.Sprintf("%016X", uint64(u)) }

// ParseUUID reads up to 16 hexadecimal digits, with or without a leading "0x".
func ParseUUID(s string) (UUID, error) {
	digits := s
	if len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X") {
		digits = s[2:]
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a UUID of up to 16 hexadecimal digits", s)
	}
	return UUID(n), nil
}

// RandomUUID returns a new generation UUID: bit 0 clear, neither 0 nor
// JustCreated.
func RandomUUID() UUID {
	for {
		if u := UUID(rand.Uint64()) &^ 1; u != 0 && u != JustCreated {
			return u
		}
	}
}

// Flags are the flags of a device. Some exist only in some formats.
type Flags uint32

// Device flags.
const (
	Consistent        Flags = 1 << iota
	PrimaryInd              // the node was primary: the activity log counts
	ConnectedInd            // up to v08; a peer flag in v09
	FullSync                // up to v08; a peer flag in v09
	WasUpToDate             // since v08
	PeerOutdated            // v08; a peer flag in v09
	CrashedPrimary          // since v08
	ALClean                 // since v08: the activity log needs no replay
	ALDisabled              // since v08
	PrimaryLostQuorum       // v09
	HaveQuorum              // v09
)

// Has reports whether all flags of x are set.
func (f Flags) Has(x Flags) bool { return f&x == x }

// PeerFlags are the flags a v09 superblock keeps for each peer.
type PeerFlags uint32

// Peer flags.
const (
	PeerConnected    PeerFlags = 0x1
	PeerIsOutdated   PeerFlags = 0x2
	PeerFencing      PeerFlags = 0x4
	PeerFullSync     PeerFlags = 0x8
	PeerDeviceSeen   PeerFlags = 0x10
	PeerNodeExists   PeerFlags = 0x10000
	peerFlagsOnDisk  PeerFlags = 0x7FFFFFFF
	NoBitmapSlot               = -1
	NoNodeID                   = -1
	defaultALExtents           = 257
)

// Has reports whether all flags of x are set.
func (f PeerFlags) Has(x PeerFlags) bool { return f&x == x }

// A Peer is what the superblock says about one node id.
type Peer struct {
	BitmapUUID   UUID
	BitmapDagtag uint64
	Flags        PeerFlags
	BitmapIndex  int32 // slot in the bitmap, NoBitmapSlot if it has none
}

// A Superblock is the content of a superblock of any format. Fields that a
// format does not have are zero, or what the format implies.
type Superblock struct {
	Version       Version
	EffectiveSize uint64 // size last agreed on with the peers, in sectors; 0 before the first attach
	Current       UUID
	Members       uint64 // v09: mask of node ids
	DeviceUUID    UUID   // v08, v09: names this metadata, made up by drbdadm
	Flags         Flags
	Unclean84     bool // v08: carries the magic number of an attached 8.4 device

	MDSizeSect uint32 // size of the metadata area
	ALOffset   int32  // activity log, in sectors from the superblock
	BMOffset   int32  // bitmap, in sectors from the superblock
	ALExtents  uint32 // informational

	BytesPerBit    uint32 // data bytes covered by a bit
	PeerMaxBioSize uint32 // bytes
	MaxPeers       uint32 // bitmap slots
	NodeID         int32  // v09: own node id, NoNodeID before the first attach
	ALStripes      uint32
	ALStripeBlocks uint32 // blocks of 4 KiB per stripe

	Peers    [MaxPeers]Peer // by node id; before v09 only the first counts
	History  [MaxPeers]UUID // youngest first; v08 has two
	Counters [4]uint32      // v06, v07: human, timeout, connected, arbitrary

	raw []byte // the block it was decoded from: reserved fields live on
}

// Geometry returns what decides where the parts of the metadata lie.
func (sb *Superblock) Geometry() Geometry {
	return Geometry{
		MaxPeers:       sb.MaxPeers,
		BytesPerBit:    sb.BytesPerBit,
		ALStripes:      sb.ALStripes,
		ALStripeBlocks: sb.ALStripeBlocks,
	}
}

// Clean reports whether the activity log needs no replay. Formats before v08
// have no way to say so and are never clean.
func (sb *Superblock) Clean() bool {
	return sb.Version >= V08 && sb.Flags.Has(ALClean) && !sb.Unclean84
}

// fresh returns a superblock as it is before its first use.
func fresh(v Version, g Geometry) *Superblock {
	sb := &Superblock{Version: v, ALExtents: defaultALExtents, NodeID: NoNodeID}
	sb.setGeometry(g)
	for i := range sb.Peers {
		sb.Peers[i].BitmapIndex = NoBitmapSlot
	}
	switch v {
	case V06, V07:
		sb.Counters = [4]uint32{1, 1, 1, 1}
	default:
		sb.Current = JustCreated
		sb.Flags = ALClean
	}
	return sb
}

func (sb *Superblock) setGeometry(g Geometry) {
	sb.MaxPeers, sb.BytesPerBit = g.MaxPeers, g.BytesPerBit
	sb.ALStripes, sb.ALStripeBlocks = g.ALStripes, g.ALStripeBlocks
}

// block returns the block sb was decoded from, or zeros.
func (sb *Superblock) block() []byte {
	b := make([]byte, BlockSize)
	copy(b, sb.raw)
	return b
}

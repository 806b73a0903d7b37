package render

import (
	"encoding/binary"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// Volume84 is what DRBD 8.4 answers to GetStatus about one volume, or about a
// resource without volumes.
type Volume84 struct {
	*netlinkapi.Message
}

// Resource returns the resource's name.
func (v Volume84) Resource() string { return v.Get(schema.CfgContext).Str("ctx_resource_name") }

// Number returns the volume's number, and false for a resource without volumes.
func (v Volume84) Number() (uint64, bool) {
	n, ok := v.Get(schema.CfgContext).Get("ctx_volume")
	return n.Num, ok
}

// info returns the answer's state information.
func (v Volume84) info() *schema.Values { return v.Get(schema.StateInfo) }

// State returns the volume's state, and false if the module did not tell it.
func (v Volume84) State() (State84, bool) {
	n, ok := v.info().Get("current_state")
	return State84(n.Num), ok
}

// State84 is the state of a volume of DRBD 8.4, packed into one word.
type State84 uint32

// bits returns the n bits from bit first on.
func (s State84) bits(first, n uint) uint64 { return uint64(s) >> first & (1<<n - 1) }

// Role returns this node's role.
func (s State84) Role() string { return schema.Roles.Format(s.bits(0, 2)) }

// Peer returns the peer's role.
func (s State84) Peer() string { return schema.Roles.Format(s.bits(2, 2)) }

// Conn returns the number of the connection state in schema.MergedStates.
func (s State84) Conn() uint64 { return s.bits(4, 5) }

// ConnText returns the connection state.
func (s State84) ConnText() string { return schema.MergedStates.Format(s.Conn()) }

// Disk returns the state of the disk here.
func (s State84) Disk() schema.DiskState { return disk84(s.bits(9, 4)) }

// PeerDisk returns the state of the peer's disk.
func (s State84) PeerDisk() schema.DiskState { return disk84(s.bits(13, 4)) }

// disk84 translates the number of a disk state as DRBD 8.4 packs it.
func disk84(n uint64) schema.DiskState {
	return schema.DiskState(schema.DiskStates84.FromWire(uint32(n)))
}

// Suspended reports whether I/O is suspended by the user.
func (s State84) Suspended() bool { return s.bits(17, 1) != 0 }

// AfterPaused reports whether a resync waits for another device's.
func (s State84) AfterPaused() bool { return s.bits(18, 1) != 0 }

// PeerPaused reports whether the peer paused resync.
func (s State84) PeerPaused() bool { return s.bits(19, 1) != 0 }

// UserPaused reports whether resync was paused here.
func (s State84) UserPaused() bool { return s.bits(20, 1) != 0 }

// Unconfigured reports whether the volume has neither connection nor disk.
func (s State84) Unconfigured() bool { return s.Conn() == 0 && s.Disk() == schema.Diskless }

// uuids84 returns the generation identifiers: current, bitmap, two of history.
func uuids84(info *schema.Values) [4]uint64 { return [4]uint64(nativeWords(info, "uuids", 4)) }

// nativeWords returns the first n 64-bit words of a field, in the byte order of
// this host; those that are not there are 0.
func nativeWords(v *schema.Values, key string, n int) []uint64 {
	words := make([]uint64, n)
	raw := []byte(text(v, key))
	for i := range words {
		if len(raw) >= 8*(i+1) {
			words[i] = binary.NativeEndian.Uint64(raw[8*i:])
		}
	}
	return words
}

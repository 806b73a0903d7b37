package meta

import (
	"errors"
	"fmt"
)

// ErrCannotConvert is what errors.Is finds when metadata cannot be converted
// without losing something. Dumping and restoring it may be a way.
var ErrCannotConvert = errors.New("the meta data cannot be converted in place")

// Convert turns the metadata into another format, and moves it where the other
// format wants it. The activity log stays as it is unless it has to be applied
// first.
func (m *Image) Convert(v Version, idx Index) (*Image, error) {
	sb, err := m.Super.convert(v)
	if err != nil {
		return nil, err
	}
	place, err := NewPlace(idx, m.Place.DiskSize, sb.Geometry())
	if err != nil {
		return nil, err
	}
	place.fill(sb)
	n := &Image{Super: sb, Place: place, disk: m.disk}
	moved := place.Superblock != m.Place.Superblock || place.Bitmap != m.Place.Bitmap
	if moved {
		err = n.checkRoom(m)
	}
	if err != nil {
		return nil, err
	}
	if err := m.applyBefore(n, moved); err != nil {
		return nil, err
	}
	if moved {
		if err := n.copyParts(m); err != nil {
			return nil, err
		}
	}
	if err := n.WriteSuperblock(); err != nil {
		return nil, err
	}
	if place.Superblock != m.Place.Superblock {
		return n, eraseSuperblock(m.disk, m.Place.Superblock)
	}
	return n, nil
}

// applyBefore applies an activity log that the new format could not read, or
// that does not come along.
func (m *Image) applyBefore(n *Image, moved bool) error {
	log, err := m.ReadAL()
	if log == nil {
		return err
	}
	if !log.Updates || !m.Super.Flags.Has(PrimaryInd) || !moved && (log.Format == AL4k || n.Super.Version <= V08) {
		return nil
	}
	if m.Super.Version == V07 { // the log of v07 stays until DRBD empties it
		return m.markExtents(&Applied{Log: log})
	}
	_, err = m.ApplyAL()
	n.Super.Flags |= ALClean
	n.Super.Unclean84 = false
	return err
}

// checkRoom makes sure that nothing of value lies where the metadata moves to.
func (n *Image) checkRoom(old *Image) error {
	if n.Super.EffectiveSize > n.Place.UsableSectors(n.Super.Geometry()) {
		return fmt.Errorf("%w: it would overwrite the end of the %d sectors of data", ErrCannotConvert, n.Super.EffectiveSize)
	}
	used := n.Super.Geometry().BitmapBytes(n.Super.EffectiveSize)
	if overlap(n.Place.Start, n.Place.End, old.Place.Bitmap, old.Place.Bitmap+used) && n.Place.Index == FlexInternal ||
		overlap(n.Place.Bitmap, n.Place.Bitmap+used, old.Place.Start, old.Place.End) && old.Place.Index == FlexInternal {
		return fmt.Errorf("%w: the old bitmap lies where the new one belongs", ErrCannotConvert)
	}
	return nil
}

func overlap(a, aEnd, b, bEnd int64) bool { return a < bEnd && b < aEnd }

// copyParts copies the bitmap and writes an empty activity log.
func (n *Image) copyParts(old *Image) error {
	used := n.Super.Geometry().BitmapBytes(n.Super.EffectiveSize)
	if err := copyRange(n.disk, n.Place.Bitmap, old.disk, old.Place.Bitmap, used, nil); err != nil {
		return fmt.Errorf("copy bitmap: %w", err)
	}
	return n.ResetAL()
}

// convert returns the superblock in another format, without places.
func (sb *Superblock) convert(v Version) (*Superblock, error) {
	switch {
	case sb.Version == V07 && v == V09:
		step, err := sb.convert(V08)
		if err != nil {
			return nil, err
		}
		return step.convert(V09)
	case sb.Version == V09 && v == V07:
		step, err := sb.convert(V08)
		if err != nil {
			return nil, err
		}
		return step.convert(V07)
	case sb.MaxPeers != 1 && sb.EffectiveSize != 0:
		return nil, fmt.Errorf("%w: it has %d bitmap slots, %s has one", ErrCannotConvert, sb.MaxPeers, v)
	case v < V09 && sb.BytesPerBit != DefaultGeometry.BytesPerBit && sb.EffectiveSize != 0:
		return nil, fmt.Errorf("%w: it has %d bytes per bit, %s has 4096", ErrCannotConvert, sb.BytesPerBit, v)
	case v < V08 && (sb.ALStripes != 1 || sb.ALStripeBlocks != 8):
		return nil, fmt.Errorf("%w: %s has no striped activity log", ErrCannotConvert, v)
	}
	n := *sb
	n.Version, n.raw, n.ALExtents = v, nil, defaultALExtents
	n.MaxPeers = 1
	if v < V09 {
		n.BytesPerBit = DefaultGeometry.BytesPerBit
	}
	switch v {
	case V09:
		n.to09()
	case V08:
		n.to08(sb.Version)
	case V07:
		n.Flags, n.Counters = 0, [4]uint32{}
	}
	return &n, nil
}

// movedFlags lists what is a flag of the device in v08 and of the peer in v09.
var movedFlags = []struct {
	device Flags
	peer   PeerFlags
}{
	{ConnectedInd, PeerConnected}, {FullSync, PeerFullSync}, {PeerOutdated, PeerIsOutdated},
}

// to09 drops the bitmap UUID: which node id the peer has is not known.
func (sb *Superblock) to09() {
	for id := range sb.Peers {
		sb.Peers[id] = Peer{BitmapIndex: NoBitmapSlot}
	}
	for _, f := range movedFlags {
		if sb.Flags.Has(f.device) {
			sb.Flags &^= f.device
			sb.Peers[0].Flags |= f.peer
		}
	}
	sb.NodeID, sb.Members, sb.Unclean84 = NoNodeID, 0, false
}

func (sb *Superblock) to08(from Version) {
	sb.NodeID, sb.Members = NoNodeID, 0
	if from == V07 {
		sb.uuidsFromCounters()
		return
	}
	sb.Flags &^= PrimaryLostQuorum | HaveQuorum
	for _, f := range movedFlags {
		if sb.Peers[0].Flags.Has(f.peer) {
			sb.Flags |= f.device
		}
	}
	sb.Peers[0] = Peer{BitmapUUID: sb.Peers[0].BitmapUUID}
	for id := range sb.Peers[1:] {
		sb.Peers[id+1] = Peer{}
	}
}

// uuidsFromCounters makes up UUIDs the way drbd-utils does, so that nodes that
// agreed on the counters agree on the UUIDs.
func (sb *Superblock) uuidsFromCounters() {
	c := sb.Counters
	sb.Current = UUID(uint64(c[0]&0xFFFF)<<48 | uint64(c[1]&0xFFFF)<<32 | uint64((c[2]+c[3])&0xFFFF)<<16 | 0xBABE)
	sb.Peers[0] = Peer{}
	sb.History = [MaxPeers]UUID{sb.Current - 0x10000, sb.Current - 0x20000}
	sb.Counters = [4]uint32{}
}

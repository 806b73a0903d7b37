package meta

import "fmt"

// v09 is the format of DRBD 9: up to 31 peers with a bitmap each.
type v09 struct{}

type disk09 struct {
	EffectiveSize  uint64
	Current        UUID
	Members        uint64
	Reserved       [3]uint64
	DeviceUUID     UUID
	Flags          uint32
	Magic          uint32
	MDSizeSect     uint32
	ALOffset       int32
	ALExtents      uint32
	BMOffset       int32
	BytesPerBit    uint32
	PeerMaxBioSize uint32
	MaxPeers       uint32
	NodeID         int32
	ALStripes      uint32
	ALStripeBlocks uint32
	Reserved2      [2]uint32
	Peers          [MaxPeers]disk09Peer
	History        [MaxPeers]UUID
	Padding        [2704]byte
}

type disk09Peer struct {
	BitmapUUID   UUID
	BitmapDagtag uint64
	Flags        uint32
	BitmapIndex  int32
	Reserved     [2]uint32
}

func (v09) Version() Version { return V09 }

func (v09) Decode(block []byte) (*Superblock, error) {
	var d disk09
	if err := decodeFixed(block, &d); err != nil {
		return nil, err
	}
	if d.Magic != magic09 {
		return nil, wrongMagic(d.Magic)
	}
	sb := &Superblock{
		Version: V09, EffectiveSize: d.EffectiveSize, Current: d.Current, Members: d.Members,
		DeviceUUID: d.DeviceUUID, Flags: Flags(d.Flags), NodeID: d.NodeID,
		MDSizeSect: d.MDSizeSect, ALOffset: d.ALOffset, BMOffset: d.BMOffset, ALExtents: d.ALExtents,
		PeerMaxBioSize: d.PeerMaxBioSize, History: d.History,
		raw: block,
	}
	// compat: a number of slots above the possible is taken as the largest possible.
	sb.setGeometry(Geometry{MaxPeers: min(d.MaxPeers, MaxPeers-1), BytesPerBit: d.BytesPerBit, ALStripes: d.ALStripes, ALStripeBlocks: d.ALStripeBlocks})
	for i, p := range d.Peers {
		sb.Peers[i] = Peer{p.BitmapUUID, p.BitmapDagtag, PeerFlags(p.Flags), p.BitmapIndex}
	}
	return sb, sb.check09()
}

// check09 checks the fields that only v09 has.
func (sb *Superblock) check09() error {
	if sb.MaxPeers < 1 {
		return fmt.Errorf("%w: no bitmap slots", ErrNoMetadata)
	}
	if sb.NodeID < NoNodeID || sb.NodeID >= MaxPeers {
		return fmt.Errorf("%w: node id %d", ErrNoMetadata, sb.NodeID)
	}
	for id, p := range sb.Peers[:sb.MaxPeers] {
		if p.BitmapIndex < NoBitmapSlot || p.BitmapIndex >= MaxPeers {
			return fmt.Errorf("%w: bitmap slot %d of peer %d", ErrNoMetadata, p.BitmapIndex, id)
		}
	}
	return sb.checkBytesPerBit()
}

func (v09) Encode(sb *Superblock) []byte {
	var d disk09
	_ = decodeFixed(sb.block(), &d)
	d.EffectiveSize, d.Current, d.Members, d.DeviceUUID = sb.EffectiveSize, sb.Current, sb.Members, sb.DeviceUUID
	d.Flags, d.Magic, d.NodeID = uint32(sb.Flags), magic09, sb.NodeID
	d.MDSizeSect, d.ALOffset, d.BMOffset, d.ALExtents = sb.MDSizeSect, sb.ALOffset, sb.BMOffset, sb.ALExtents
	d.BytesPerBit, d.PeerMaxBioSize, d.MaxPeers = sb.BytesPerBit, sb.PeerMaxBioSize, sb.MaxPeers
	d.ALStripes, d.ALStripeBlocks, d.History = sb.ALStripes, sb.ALStripeBlocks, sb.History
	for i, p := range sb.Peers {
		q := &d.Peers[i]
		q.BitmapUUID, q.BitmapDagtag, q.Flags, q.BitmapIndex = p.BitmapUUID, p.BitmapDagtag, uint32(p.Flags), p.BitmapIndex
	}
	return encodeFixed(d)
}

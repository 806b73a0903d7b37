package meta

// v08 is the format of DRBD 8.0 to 8.4: one peer.
type v08 struct{}

type disk08 struct {
	EffectiveSize  uint64
	Current        UUID
	Bitmap         UUID
	History        [2]UUID
	DeviceUUID     UUID
	Reserved       uint64
	Flags          uint32
	Magic          uint32
	MDSizeSect     uint32
	ALOffset       int32
	ALExtents      uint32
	BMOffset       int32
	BytesPerBit    uint32
	PeerMaxBioSize uint32
	ALStripes      uint32
	ALStripeBlocks uint32
	Reserved2      uint32
	Padding        [3996]byte
}

func (v08) Version() Version { return V08 }

func (v08) Decode(block []byte) (*Superblock, error) {
	var d disk08
	if err := decodeFixed(block, &d); err != nil {
		return nil, err
	}
	if d.Magic != magic08 && d.Magic != magic84Unclean {
		return nil, wrongMagic(d.Magic)
	}
	sb := &Superblock{
		Version: V08, EffectiveSize: d.EffectiveSize, Current: d.Current, DeviceUUID: d.DeviceUUID,
		Flags: Flags(d.Flags), Unclean84: d.Magic == magic84Unclean, NodeID: NoNodeID,
		MDSizeSect: d.MDSizeSect, ALOffset: d.ALOffset, BMOffset: d.BMOffset, ALExtents: d.ALExtents,
		PeerMaxBioSize: d.PeerMaxBioSize,
		raw:            block,
	}
	sb.setGeometry(Geometry{MaxPeers: 1, BytesPerBit: d.BytesPerBit, ALStripes: d.ALStripes, ALStripeBlocks: d.ALStripeBlocks})
	if d.ALStripes == 0 && d.ALStripeBlocks == 0 { // before 8.4
		sb.ALStripes, sb.ALStripeBlocks = DefaultGeometry.ALStripes, DefaultGeometry.ALStripeBlocks
	}
	sb.Peers[0].BitmapUUID = d.Bitmap
	copy(sb.History[:], d.History[:])
	return sb, sb.checkBytesPerBit()
}

func (v08) Encode(sb *Superblock) []byte {
	var d disk08
	_ = decodeFixed(sb.block(), &d)
	d.EffectiveSize, d.Current, d.Bitmap, d.DeviceUUID = sb.EffectiveSize, sb.Current, sb.Peers[0].BitmapUUID, sb.DeviceUUID
	copy(d.History[:], sb.History[:])
	d.Flags, d.Magic = uint32(sb.Flags), magic08
	if sb.Unclean84 {
		d.Magic = magic84Unclean
	}
	d.MDSizeSect, d.ALOffset, d.BMOffset, d.ALExtents = sb.MDSizeSect, sb.ALOffset, sb.BMOffset, sb.ALExtents
	d.BytesPerBit, d.PeerMaxBioSize = sb.BytesPerBit, sb.PeerMaxBioSize
	d.ALStripes, d.ALStripeBlocks = sb.ALStripes, sb.ALStripeBlocks
	return encodeFixed(d)
}

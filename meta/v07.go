package meta

import (
	"fmt"
	"math"
)

// v07 is the format of DRBD 0.7. It counts sizes in KiB.
type v07 struct{}

type disk07 struct {
	SizeKiB   uint64
	Flags     uint32
	Counters  [4]uint32
	Magic     uint32
	MDSizeKiB uint32
	ALOffset  int32
	ALExtents uint32
	BMOffset  int32
	Padding   [4048]byte
}

func (v07) Version() Version { return V07 }

func (v07) Decode(block []byte) (*Superblock, error) {
	var d disk07
	if err := decodeFixed(block, &d); err != nil {
		return nil, err
	}
	if d.Magic != magic07 {
		return nil, wrongMagic(d.Magic)
	}
	if d.SizeKiB > math.MaxUint64/2 || d.MDSizeKiB > math.MaxUint32/2 {
		return nil, fmt.Errorf("%w: sizes of %d and %d KiB are impossible", ErrNoMetadata, d.SizeKiB, d.MDSizeKiB)
	}
	sb := &Superblock{
		Version: V07, EffectiveSize: d.SizeKiB * 2,
		Flags: Flags(d.Flags), Counters: d.Counters, NodeID: NoNodeID,
		MDSizeSect: d.MDSizeKiB * 2, ALOffset: d.ALOffset, BMOffset: d.BMOffset, ALExtents: d.ALExtents,
		raw: block,
	}
	sb.setGeometry(DefaultGeometry)
	return sb, nil
}

func (v07) Encode(sb *Superblock) []byte {
	var d disk07
	_ = decodeFixed(sb.block(), &d)
	d.SizeKiB, d.Magic = sb.EffectiveSize/2, magic07
	d.Flags, d.Counters = uint32(sb.Flags), sb.Counters
	d.MDSizeKiB, d.ALOffset, d.BMOffset, d.ALExtents = sb.MDSizeSect/2, sb.ALOffset, sb.BMOffset, sb.ALExtents
	return encodeFixed(d)
}

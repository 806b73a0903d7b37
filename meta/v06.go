package meta

// v06 is the file that DRBD 0.6 kept in place of a superblock, 24 bytes.
type v06 struct{}

type disk06 struct {
	Flags    uint32
	Counters [4]uint32
	Magic    uint32
}

const (
	magic06 = 0x83740269
	size06  = 24
)

func (v06) Version() Version { return V06 }

func (v06) Decode(block []byte) (*Superblock, error) {
	var d disk06
	if err := decodeFixed(block, &d); err != nil {
		return nil, err
	}
	if d.Magic != magic06 {
		return nil, wrongMagic(d.Magic)
	}
	sb := &Superblock{Version: V06, Flags: Flags(d.Flags), Counters: d.Counters, NodeID: NoNodeID}
	sb.setGeometry(DefaultGeometry)
	return sb, nil
}

func (v06) Encode(sb *Superblock) []byte {
	return encodeFixed(disk06{Flags: uint32(sb.Flags), Counters: sb.Counters, Magic: magic06})
}

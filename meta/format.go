package meta

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrNoMetadata is what errors.Is finds when a disk carries no metadata of the
// format asked for. The error's text says what was found wrong.
var ErrNoMetadata = errors.New("no valid meta data found")

// BlockSize is the size and alignment of a superblock and of an activity log
// block, in bytes.
const BlockSize = 4096

// SectorSize is the unit of all sector counts, in bytes, whatever the disk says.
const SectorSize = 512

// Magic numbers of superblocks. DRBD 8.4 writes magic84Unclean while attached.
const (
	magic07        = 0x8374026A
	magic08        = 0x8374026B
	magic84Unclean = 0x8374026C
	magic09        = 0x8374026D
)

// A Version names a metadata format: V09 is the format of DRBD 9.
type Version int

// The formats, by the DRBD version that introduced them.
const (
	V06 Version = 6
	V07 Version = 7
	V08 Version = 8
	V09 Version = 9
)

// String returns the name used on the command line: "v09".
func (v Version) String() string { return fmt.Sprintf("v%02d", int(v)) }

// ParseVersion is the inverse of Version.String.
func ParseVersion(s string) (Version, error) {
	for _, f := range formats {
		if f.Version().String() == s {
			return f.Version(), nil
		}
	}
	return 0, fmt.Errorf("unknown format %q: it is one of v06, v07, v08, v09", s)
}

// Format returns the code for the superblock of this version.
func (v Version) Format() Format {
	for _, f := range formats {
		if f.Version() == v {
			return f
		}
	}
	return nil
}

// Format knows the superblock of one version.
type Format interface {
	Version() Version
	// Decode reads a superblock. Its error is ErrNoMetadata if the magic number
	// is not there or a field has a value that no tool could have written.
	Decode(block []byte) (*Superblock, error)
	// Encode returns the block for sb. What the format reserves is as it was
	// when sb was decoded, or zero.
	Encode(sb *Superblock) []byte
}

// formats lists all formats, oldest first.
var formats = []Format{v06{}, v07{}, v08{}, v09{}}

// decodeFixed reads the fixed-size struct v from the start of block.
func decodeFixed(block []byte, v any) error {
	if _, err := binary.Decode(block, binary.BigEndian, v); err != nil {
		return fmt.Errorf("%w: %d bytes are too few for a superblock", ErrNoMetadata, len(block))
	}
	return nil
}

// encodeFixed returns v as it stands on disk. v is a fixed-size struct.
func encodeFixed(v any) []byte {
	b, err := binary.Append(nil, binary.BigEndian, v)
	if err != nil {
		panic(err) // only for a struct that has no fixed size, which a test would see
	}
	return b
}

// wrongMagic says that a superblock of another kind, or none, is there.
func wrongMagic(got uint32) error {
	return fmt.Errorf("%w: magic number is 0x%08X", ErrNoMetadata, got)
}

package meta

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
)

// An Index says where on its disk metadata lies. Numbers from 0 to 255 are
// slots of 128 MiB on a disk of their own.
type Index int

// The layouts that have names.
const (
	FixedInternal Index = -1 // v07: the last 128 MiB of the data disk
	FlexExternal  Index = -2 // a whole disk of its own
	FlexInternal  Index = -3 // the end of the data disk, as large as needed
)

// Internal reports whether data lies on the same disk.
func (i Index) Internal() bool { return i == FixedInternal || i == FlexInternal }

// ParseIndex reads the index word of a command line. What "internal" means
// depends on the format. Numbers may be written in octal or hexadecimal, as in C.
func ParseIndex(v Version, word string) (Index, error) {
	switch word {
	case "internal":
		if v == V07 {
			return FixedInternal, nil
		}
		return FlexInternal, nil
	case "flex-internal":
		return FlexInternal, nil
	case "flex-external":
		return FlexExternal, nil
	}
	n, err := strconv.ParseUint(word, 0, 8)
	if err != nil {
		return 0, fmt.Errorf("%q is no index: it is internal, flex-internal, flex-external or a number from 0 to 255", word)
	}
	return Index(n), nil
}

// Limits of sizes.
const (
	slotSectors    = 262144    // an indexed or fixed internal area, 128 MiB
	alBlockSectors = 8         // sectors in an activity log block
	MinDeviceSize  = 68 * 1024 // bytes
	maxALBlocks    = 8192      // 32 MiB of activity log
	minALBlocks    = 8
	maxDataSectors = 1 << 41 // 1 PiB
)

// ErrTooSmall is what errors.Is finds when a disk has no room for metadata.
var ErrTooSmall = errors.New("the device is too small for meta data")

// Geometry is what, besides the size of the disk, decides where the parts of the
// metadata lie.
type Geometry struct {
	MaxPeers       uint32 // bitmap slots
	BytesPerBit    uint32 // data bytes covered by a bit: a power of two from 4096 to 1048576
	ALStripes      uint32
	ALStripeBlocks uint32 // blocks of 4 KiB per stripe
}

// DefaultGeometry is that of every format before v09 unless options say otherwise.
var DefaultGeometry = Geometry{MaxPeers: 1, BytesPerBit: 4096, ALStripes: 1, ALStripeBlocks: 8}

// alBlocks returns the number of activity log blocks.
func (g Geometry) alBlocks() uint64 { return uint64(g.ALStripes) * uint64(g.ALStripeBlocks) }

// Check says what is wrong with g.
func (g Geometry) Check() error {
	if g.MaxPeers < 1 || g.MaxPeers >= MaxPeers {
		return fmt.Errorf("%d bitmap slots: possible are 1 to %d", g.MaxPeers, MaxPeers-1)
	}
	if !validBytesPerBit(g.BytesPerBit) {
		return fmt.Errorf("%d bytes per bit: possible are powers of two from 4096 to 1048576", g.BytesPerBit)
	}
	if n := g.alBlocks(); n < minALBlocks || n > maxALBlocks {
		return fmt.Errorf("activity log of %d stripes of %d kB: possible are 32 kB to 32768 kB in all",
			g.ALStripes, uint64(g.ALStripeBlocks)*4)
	}
	return nil
}

func validBytesPerBit(n uint32) bool {
	return n >= 4096 && n <= 1<<20 && bits.OnesCount32(n) == 1
}

func (sb *Superblock) checkBytesPerBit() error {
	if !validBytesPerBit(sb.BytesPerBit) {
		return fmt.Errorf("%w: %d bytes per bit", ErrNoMetadata, sb.BytesPerBit)
	}
	return nil
}

// BitmapBytes returns the size of the bitmap for so many sectors of data, in
// bytes: every slot is rounded up to 64 bits, all together to 4096 bytes.
func (g Geometry) BitmapBytes(sectors uint64) int64 {
	perBit := uint64(g.BytesPerBit / SectorSize)
	words := divUp(divUp(sectors, perBit), 64)
	return int64(divUp(words*8*uint64(g.MaxPeers), BlockSize) * BlockSize)
}

func divUp(n, d uint64) uint64 { return (n + d - 1) / d }

// A Place says where the parts of the metadata lie, in bytes from the start of
// the disk.
type Place struct {
	Index       Index
	DiskSize    int64
	Superblock  int64
	AL          int64
	ALBytes     int64
	Bitmap      int64
	BitmapBytes int64 // room for the bitmap
	Start       int64 // first byte of the metadata area
	End         int64 // first byte after it
}

// SuperblockOffset returns where the superblock lies on a disk of the given
// size. Its error is ErrTooSmall.
func SuperblockOffset(idx Index, size int64) (int64, error) {
	if size < MinDeviceSize {
		return 0, fmt.Errorf("%w: it has %d bytes, at least %d are needed", ErrTooSmall, size, MinDeviceSize)
	}
	var off int64
	switch idx {
	case FlexInternal:
		off = (size - BlockSize) &^ (BlockSize - 1)
	case FixedInternal:
		off = size&^(BlockSize-1) - slotSectors*SectorSize
	case FlexExternal:
	default:
		off = int64(idx) * slotSectors * SectorSize
	}
	if off < 0 || off > size-BlockSize {
		return 0, fmt.Errorf("%w: it has %d bytes, the superblock of index %d would lie at %d", ErrTooSmall, size, idx, off)
	}
	return off, nil
}

// NewPlace lays out new metadata on a disk of the given size in bytes. Its error
// is ErrTooSmall or says what cannot be represented.
func NewPlace(idx Index, size int64, g Geometry) (Place, error) {
	if err := g.Check(); err != nil {
		return Place{}, err
	}
	sb, err := SuperblockOffset(idx, size)
	if err != nil {
		return Place{}, err
	}
	p := Place{Index: idx, DiskSize: size, Superblock: sb, ALBytes: int64(g.alBlocks()) * BlockSize}
	if idx == FlexInternal {
		return p, p.placeBefore(g.BitmapBytes(uint64(size / SectorSize)))
	}
	sectors := size / SectorSize
	if idx != FlexExternal {
		sectors = slotSectors
	}
	return p, p.placeAfter(sectors)
}

// placeBefore puts bitmap and activity log, in this order, before the superblock.
func (p *Place) placeBefore(bitmapBytes int64) error {
	p.AL = p.Superblock - p.ALBytes
	p.BitmapBytes = bitmapBytes
	p.Bitmap = p.AL - bitmapBytes
	p.Start, p.End = p.Bitmap, p.Superblock+BlockSize
	if p.Bitmap < 0 {
		return fmt.Errorf("%w: it has %d bytes, the meta data alone would take %d", ErrTooSmall, p.DiskSize, p.End-p.Start)
	}
	if p.Superblock-p.Bitmap > -math.MinInt32*SectorSize {
		return fmt.Errorf("meta data of %d bytes cannot be addressed: use fewer bitmap slots or a larger bitmap block size", p.End-p.Start)
	}
	return nil
}

// placeAfter puts activity log and bitmap after the superblock, in an area of so
// many sectors.
func (p *Place) placeAfter(sectors int64) error {
	// compat: the superblock cannot express more than 2 TiB; drbd-utils stores the
	// low 32 bits of the size. What lies beyond stays unused here.
	sectors = min(sectors, math.MaxUint32&^(alBlockSectors-1))
	p.AL = p.Superblock + BlockSize
	p.Bitmap = p.AL + p.ALBytes
	p.Start, p.End = p.Superblock, p.Superblock+sectors*SectorSize
	p.BitmapBytes = p.End - p.Bitmap
	// compat: drbd-utils makes an indexed area that the disk ends within; no kernel
	// attaches it.
	if p.BitmapBytes < BlockSize || p.End > p.DiskSize {
		return fmt.Errorf("%w: it has %d bytes, %d are needed", ErrTooSmall, p.DiskSize, max(p.End, p.Bitmap+BlockSize))
	}
	return nil
}

// fill stores the place in the fields of a superblock.
func (p Place) fill(sb *Superblock) {
	sb.MDSizeSect = uint32((p.End - p.Start) / SectorSize)
	sb.ALOffset = int32((p.AL - p.Superblock) / SectorSize)
	sb.BMOffset = int32((p.Bitmap - p.Superblock) / SectorSize)
}

// placeOf returns where sb says the metadata lies, after checking that this is
// the only place where it can.
func placeOf(sb *Superblock, idx Index, size int64) (Place, error) {
	if idx == FlexInternal {
		return placeInternal(sb, size)
	}
	off, err := SuperblockOffset(idx, size)
	if err != nil {
		return Place{}, err
	}
	if err := sb.Geometry().Check(); err != nil {
		return Place{}, fmt.Errorf("%w: %w", ErrNoMetadata, err)
	}
	p := Place{Index: idx, DiskSize: size, Superblock: off, ALBytes: int64(sb.Geometry().alBlocks()) * BlockSize}
	p.AL = off + BlockSize
	p.Bitmap = p.AL + p.ALBytes
	p.Start, p.End = off, min(off+int64(sb.MDSizeSect)*SectorSize, size)
	p.BitmapBytes = p.End - p.Bitmap
	if int64(sb.ALOffset) != alBlockSectors || int64(sb.BMOffset)*SectorSize != p.Bitmap-off || p.BitmapBytes < 0 {
		return Place{}, fmt.Errorf("%w: offsets %d, %d and area of %d sectors do not fit an activity log of %d bytes",
			ErrNoMetadata, sb.ALOffset, sb.BMOffset, sb.MDSizeSect, p.ALBytes)
	}
	return p, nil
}

func placeInternal(sb *Superblock, size int64) (Place, error) {
	p, err := NewPlace(FlexInternal, size, sb.Geometry())
	if err != nil {
		return Place{}, fmt.Errorf("%w: %w", ErrNoMetadata, err)
	}
	want := *sb
	p.fill(&want)
	// compat: the size of the area is not checked in v07.
	if sb.ALOffset != want.ALOffset || sb.BMOffset != want.BMOffset ||
		sb.Version != V07 && sb.MDSizeSect != want.MDSizeSect {
		return Place{}, fmt.Errorf("%w: offsets %d, %d and area of %d sectors are not those of a device of %d bytes",
			ErrNoMetadata, sb.ALOffset, sb.BMOffset, sb.MDSizeSect, size)
	}
	return p, nil
}

// UsableSectors returns how much data the metadata can describe.
func (p Place) UsableSectors(g Geometry) uint64 {
	if p.Index.Internal() {
		return uint64(p.Start / SectorSize)
	}
	bytes := uint64(p.BitmapBytes / SectorSize * SectorSize)
	return bytes * 8 / 64 / uint64(g.MaxPeers) * 64 * uint64(g.BytesPerBit/SectorSize)
}

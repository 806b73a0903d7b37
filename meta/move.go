package meta

import (
	"errors"
	"fmt"
	"io"
)

// ErrNoRoom is what errors.Is finds when a device grew by too little to move the
// metadata without losing data.
var ErrNoRoom = errors.New("the device grew by too little")

// copyDisk is a copy of a metadata area, read at the offsets it had on its disk.
type copyDisk struct {
	region io.ReaderAt
	start  int64
}

func (c copyDisk) ReadAt(p []byte, off int64) (int, error) { return c.region.ReadAt(p, off-c.start) }
func (copyDisk) WriteAt([]byte, int64) (int, error)        { return 0, errors.ErrUnsupported }
func (copyDisk) Sync() error                               { return nil }

// Region reads the whole metadata area: of internal metadata the bitmap, the
// activity log and the superblock.
func (m *Image) Region() *io.SectionReader {
	return io.NewSectionReader(m.disk, m.Place.Start, m.Place.End-m.Place.Start)
}

// OpenCopy opens what Region yielded, size bytes, on a device that was so many
// bytes large. The image can be read and moved, not changed. Its error is
// ErrNoMetadata if the copy is not complete.
func OpenCopy(region io.ReaderAt, size, device int64, v Version) (*Image, error) {
	off, err := SuperblockOffset(FlexInternal, device)
	if err != nil {
		return nil, err
	}
	m, err := openAt(copyDisk{region, off + BlockSize - size}, device, v, FlexInternal, off)
	if err == nil && m.Place.End-m.Place.Start != size {
		return nil, fmt.Errorf("%w: the copy has %d bytes instead of %d", ErrNoMetadata, size, m.Place.End-m.Place.Start)
	}
	return m, err
}

// newPlace returns where the metadata belongs on a device of another size.
func (m *Image) newPlace(size int64) (Place, error) {
	p, err := NewPlace(FlexInternal, size, m.Super.Geometry())
	if err != nil {
		return p, err
	}
	if m.Super.EffectiveSize > p.UsableSectors(m.Super.Geometry()) {
		return p, fmt.Errorf("%w: the meta data would overwrite the end of the %d sectors of data", ErrNoRoom, m.Super.EffectiveSize)
	}
	return p, nil
}

// Overlaps reports whether old and new place overlap. Then moving destroys the
// original before it is complete in the new place: that has to be done from a copy.
func (m *Image) Overlaps(size int64) (bool, error) {
	p, err := m.newPlace(size)
	return overlap(p.Start, p.End, m.Place.Start, m.Place.End), err
}

// MoveTo writes the metadata, opened with OpenLastKnown or OpenCopy, where it
// belongs on a device of size bytes, and zeroes what is left of the old place.
// how says what becomes of the bits that are new. Cut off at any point it can be
// repeated, unless old and new place overlap and m is not a copy.
func (m *Image) MoveTo(d Disk, size int64, how Init, progress Progress) (*Image, error) {
	place, err := m.newPlace(size)
	if err != nil {
		return nil, err
	}
	sb := *m.Super
	place.fill(&sb)
	n := &Image{Super: &sb, Place: place, disk: d}
	if err := copyRange(d, place.AL, m.disk, m.Place.AL, place.ALBytes, nil); err != nil {
		return nil, fmt.Errorf("move activity log: %w", err)
	}
	kept := min(m.Place.BitmapBytes, place.BitmapBytes)
	if err := copyRange(d, place.Bitmap, m.disk, m.Place.Bitmap, kept, progress); err != nil {
		return nil, fmt.Errorf("move bitmap: %w", err)
	}
	if err := n.initRest(kept, how); err != nil {
		return nil, err
	}
	if err := n.WriteSuperblock(); err != nil {
		return nil, err
	}
	return n, n.ZeroOld(m.Place)
}

// initRest initialises the part of the bitmap that did not exist before.
func (m *Image) initRest(kept int64, how Init) error {
	if kept == m.Place.BitmapBytes {
		return nil
	}
	rest := *m
	rest.Place.Bitmap += kept
	rest.Place.BitmapBytes -= kept
	return rest.initBitmap(how, nil)
}

// ZeroOld zeroes what m does not occupy of a place where it was before, so that
// nothing takes it for metadata and the new space holds zeros on every node.
func (m *Image) ZeroOld(old Place) error {
	end := min(old.End, m.Place.Start)
	if old.Start >= end {
		return nil
	}
	err := zeroOrFill(m.disk, old.Start, end-old.Start, nil)
	if err == nil {
		err = m.disk.Sync()
	}
	if err != nil {
		return fmt.Errorf("zero the old meta data: %w", err)
	}
	return nil
}

// LeftBehind reports whether old, found with OpenLastKnown, is what a move to m
// left behind when it was cut off: the same metadata, where no data were written
// since.
func (m *Image) LeftBehind(old *Image) bool {
	return old.Place.Start < m.Place.Start &&
		old.Super.DeviceUUID == m.Super.DeviceUUID && old.Super.Current == m.Super.Current &&
		m.Super.EffectiveSize <= uint64(old.Place.Start/SectorSize)
}

package meta

import (
	"bytes"
	"errors"
	"fmt"
)

// An Image is metadata found on a disk, or just created there.
type Image struct {
	Super *Superblock
	Place Place
	// ClippedFrom is the size that the superblock claimed, in sectors, where that
	// was more than the metadata can describe; Super has the possible size then.
	ClippedFrom uint64

	disk Disk
}

// Open finds metadata of a known format on a disk of size bytes. Its error is
// ErrNoMetadata if there is none, ErrTooSmall if there is no room for any, else
// that of reading.
func Open(d Disk, size int64, v Version, idx Index) (*Image, error) {
	if v == V06 {
		return open06(d, size)
	}
	off, err := SuperblockOffset(idx, size)
	if err != nil {
		return nil, err
	}
	return openAt(d, size, v, idx, off)
}

func openAt(d Disk, size int64, v Version, idx Index, off int64) (*Image, error) {
	block, err := readBlock(d, off)
	if err != nil {
		return nil, err
	}
	return openBlock(d, size, v, idx, block)
}

// openBlock makes an image of the superblock that was read from where idx has it.
func openBlock(d Disk, size int64, v Version, idx Index, block []byte) (*Image, error) {
	sb, err := v.Format().Decode(block)
	if err != nil {
		return nil, err
	}
	place, err := placeOf(sb, idx, size)
	if err != nil {
		return nil, err
	}
	img := &Image{Super: sb, Place: place, disk: d}
	img.clip()
	return img, nil
}

// open06 reads the file of a v06 minor.
func open06(d Disk, size int64) (*Image, error) {
	b := make([]byte, size06)
	if _, err := readFull(d, b, 0); err != nil {
		return nil, fmt.Errorf("%w: read counters: %w", ErrNoMetadata, err)
	}
	sb, err := v06{}.Decode(b)
	if err != nil {
		return nil, err
	}
	return &Image{Super: sb, Place: Place{DiskSize: size}, disk: d}, nil
}

// clip lowers a size beyond what the metadata can describe.
func (m *Image) clip() {
	if usable := m.Place.UsableSectors(m.Super.Geometry()); m.Super.EffectiveSize > usable {
		m.ClippedFrom, m.Super.EffectiveSize = m.Super.EffectiveSize, usable
	}
}

// Detect finds metadata of any format from v07 on. Where several would fit, the
// newest format wins. Its errors are those of Open.
func Detect(d Disk, size int64, idx Index) (*Image, error) {
	off, err := SuperblockOffset(idx, size)
	if err != nil {
		return nil, err
	}
	block, err := readBlock(d, off)
	if err != nil {
		return nil, err
	}
	var found *Image
	for _, f := range formats[1:] {
		img, err := openBlock(d, size, f.Version(), idx, block)
		switch {
		case err == nil:
			found = img
		case !errors.Is(err, ErrNoMetadata):
			return nil, err
		}
	}
	if found == nil {
		return nil, ErrNoMetadata
	}
	return found, nil
}

// WriteSuperblock writes m.Super, waits until it is on stable storage and reads
// it back.
func (m *Image) WriteSuperblock() error {
	block := m.Super.Version.Format().Encode(m.Super)
	if err := m.disk.Sync(); err != nil { // what it refers to comes first
		return fmt.Errorf("flush before the superblock: %w", err)
	}
	if _, err := m.disk.WriteAt(block, m.Place.Superblock); err != nil {
		return fmt.Errorf("write superblock at %d: %w", m.Place.Superblock, err)
	}
	if err := m.disk.Sync(); err != nil {
		return fmt.Errorf("flush superblock: %w", err)
	}
	return m.verify(block)
}

func (m *Image) verify(want []byte) error {
	got := make([]byte, len(want))
	if _, err := readFull(m.disk, got, m.Place.Superblock); err != nil {
		return fmt.Errorf("read back superblock at %d: %w", m.Place.Superblock, err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("superblock at %d reads back differently from what was written: the device is faulty", m.Place.Superblock)
	}
	m.Super.raw = got
	return nil
}

// Wipe removes the superblock, so that nothing recognises the metadata any more.
func (m *Image) Wipe() error {
	return eraseSuperblock(m.disk, m.Place.Superblock)
}

func eraseSuperblock(d Disk, off int64) error {
	if _, err := d.WriteAt(make([]byte, BlockSize), off); err != nil {
		return fmt.Errorf("erase superblock at %d: %w", off, err)
	}
	if err := d.Sync(); err != nil {
		return fmt.Errorf("flush erased superblock: %w", err)
	}
	return nil
}

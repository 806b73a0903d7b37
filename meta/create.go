package meta

import (
	"errors"
	"fmt"
)

// ErrCannotZero is what errors.Is finds when InitZeroOut was asked of a disk that
// cannot zero by itself.
var ErrCannotZero = errors.New("the device cannot zero a range by itself")

// Init says what becomes of the bitmap of new metadata.
type Init int

// The ways to initialise a bitmap.
const (
	InitAutomatic Init = iota // zero it, by the fastest way there is
	InitZeroOut               // let the disk zero it, or fail with ErrCannotZero
	InitWrite                 // write zeros
	InitSetAll                // write ones: everything is out of sync
	InitSkip                  // leave what is there
)

// CreateOptions describe new metadata.
type CreateOptions struct {
	Version       Version
	Index         Index
	Geometry      Geometry
	EffectiveSize uint64 // sectors
	PeerMaxBio    uint32 // bytes
	DiskfulPeers  uint32 // v09: mask of node ids known to have a disk
	Bitmap        Init
	UUIDs         UUIDOptions
	Progress      Progress // of the bitmap
}

// UUIDOptions say which generation new v09 metadata starts with.
type UUIDOptions struct {
	Current       UUID // 0 leaves JustCreated
	Consistent    bool
	UpToDate      bool // implies Consistent
	PeersOutdated bool
	Rotate        bool // make the current UUID that of all bitmaps, and take a new one
}

// Create writes new metadata. A superblock that is there already is erased
// first and the new one is written last: until then the disk carries none.
func Create(d Disk, size int64, o CreateOptions) (*Image, error) {
	if o.Version == V06 {
		m := &Image{Super: fresh(V06, DefaultGeometry), Place: Place{DiskSize: size}, disk: d}
		return m, m.WriteSuperblock()
	}
	place, err := NewPlace(o.Index, size, o.Geometry)
	if err != nil {
		return nil, err
	}
	sb := fresh(o.Version, o.Geometry)
	place.fill(sb)
	sb.EffectiveSize, sb.PeerMaxBioSize = o.EffectiveSize, o.PeerMaxBio
	o.UUIDs.apply(sb)
	for id := range sb.Peers {
		if o.DiskfulPeers>>id&1 != 0 {
			sb.Peers[id].Flags |= PeerDeviceSeen
		}
	}
	m := &Image{Super: sb, Place: place, disk: d}
	if err := m.eraseOld(); err != nil {
		return nil, err
	}
	if err := m.ResetAL(); err != nil {
		return nil, err
	}
	if err := m.initBitmap(o.Bitmap, o.Progress); err != nil {
		return nil, err
	}
	return m, m.WriteSuperblock()
}

// eraseOld erases what could be taken for metadata while the rest is written.
func (m *Image) eraseOld() error {
	block, err := readBlock(m.disk, m.Place.Superblock)
	if err != nil {
		return err
	}
	for _, f := range formats[1:] {
		if _, err := f.Decode(block); err == nil {
			return eraseSuperblock(m.disk, m.Place.Superblock)
		}
	}
	return nil
}

func (m *Image) initBitmap(how Init, progress Progress) error {
	off, n := m.Place.Bitmap, m.Place.BitmapBytes
	switch how {
	case InitSkip:
		return nil
	case InitSetAll:
		return bitmapError(fill(m.disk, off, n, 0xFF, progress))
	case InitWrite:
		return bitmapError(fill(m.disk, off, n, 0, progress))
	}
	if how == InitZeroOut {
		return bitmapError(zero(m.disk, off, n, progress))
	}
	return bitmapError(zeroOrFill(m.disk, off, n, progress))
}

func bitmapError(err error) error {
	if err != nil {
		return fmt.Errorf("initialise bitmap: %w", err)
	}
	return nil
}

// zeroStep is how much a disk is asked to zero at once, in bytes, so that
// progress can be seen.
const zeroStep = 128 << 20

// zeroOrFill zeroes a range, by the fastest way there is.
func zeroOrFill(d Disk, off, n int64, progress Progress) error {
	err := zero(d, off, n, progress)
	if errors.Is(err, ErrCannotZero) {
		err = fill(d, off, n, 0, progress)
	}
	return err
}

// zero has the disk zero a range.
func zero(d Disk, off, n int64, progress Progress) error {
	z, ok := d.(Zeroer)
	if !ok {
		return ErrCannotZero
	}
	for done := int64(0); done < n; {
		step := min(n-done, zeroStep)
		if err := z.Zero(off+done, step); err != nil {
			return err
		}
		done += step
		progress.report(done, n)
	}
	return nil
}

// apply sets flags and UUIDs.
func (o UUIDOptions) apply(sb *Superblock) {
	if o.Consistent || o.UpToDate {
		sb.Flags |= Consistent
	}
	if o.UpToDate {
		sb.Flags |= WasUpToDate
	}
	switch {
	case o.Current != 0:
		sb.Current = o.Current &^ 1
	case o.Consistent || o.UpToDate || o.Rotate:
		sb.Current = RandomUUID()
	}
	for id := range sb.Peers {
		if o.PeersOutdated {
			sb.Peers[id].Flags |= PeerIsOutdated
		}
		if o.Rotate {
			sb.Peers[id].BitmapUUID = sb.Current
		}
	}
	if o.Rotate {
		sb.History[0], sb.Current = sb.Current, RandomUUID()
	}
}

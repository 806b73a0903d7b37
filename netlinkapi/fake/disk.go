package fake

import (
	"errors"
	"io"
	"os"

	"drbdutils/meta"
	"drbdutils/schema"
)

// disk is the backing storage of a device: image files with real metadata.
type disk struct {
	version meta.Version
	conf    *schema.Values // disk_conf
	data    *os.File
	md      *os.File // the same as data for internal metadata
	image   *meta.Image
	bits    []*bitmap // by slot; DRBD 8.4 has one
	log     activityLog

	flags meta.Flags
	size  uint64 // sectors that the disk offers, before agreeing with the peer
	agree uint64 // effective size found in the superblock, in sectors

	alWrites, bmWrites uint64
	broken             map[string]bool // of the module
}

var errDiskBroken = errors.New("input/output error")

// openDisk opens what a disk_conf names and checks the metadata there. On
// failure it returns the code with which the module refuses.
func (m *Module) openDisk(conf *schema.Values) (*disk, schema.Code) {
	d := &disk{conf: conf, version: meta.V08, broken: m.broken}
	if m.gen == schema.V9 {
		d.version = meta.V09
	}
	idx := meta.Index(conf.Int("meta_dev_idx"))
	if code := d.open(m.cfg.Open, idx); code != schema.NoError {
		d.close()
		return nil, code
	}
	if code := d.readMeta(idx); code != schema.NoError {
		d.close()
		return nil, code
	}
	return d, schema.NoError
}

func (d *disk) open(open func(string) (*os.File, error), idx meta.Index) schema.Code {
	data, md := d.conf.Str("backing_dev"), d.conf.Str("meta_dev")
	var err error
	if d.data, err = open(data); err != nil {
		return schema.ErrOpenDisk
	}
	switch {
	case idx < meta.FlexInternal:
		return schema.ErrMetaIndex
	case data == md:
		d.md = d.data
	default:
		if d.md, err = open(md); err != nil {
			return schema.ErrOpenMetaDisk
		}
	}
	if idx.Internal() != sameFile(d.data, d.md) {
		return schema.ErrMetaIndex
	}
	return schema.NoError
}

func sameFile(a, b *os.File) bool {
	x, errX := a.Stat()
	y, errY := b.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// minMetaSize is the smallest disk that 8.4 takes for metadata, in bytes.
const minMetaSize = 2048 * 512

// readMeta loads superblock and bitmap and works out the size.
func (d *disk) readMeta(idx meta.Index) schema.Code {
	dataSize, err := sizeOf(d.data)
	if err != nil {
		return schema.ErrOpenDisk
	}
	mdSize, err := sizeOf(d.md)
	if err != nil {
		return schema.ErrOpenMetaDisk
	}
	if mdSize < minMetaSize || idx >= 0 && mdSize < (int64(idx)+1)*262144*512 {
		return schema.ErrMetaTooSmall
	}
	if d.image, err = meta.Open(d.md, mdSize, d.version, idx); err != nil {
		if errors.Is(err, meta.ErrNoMetadata) || errors.Is(err, meta.ErrTooSmall) {
			return schema.ErrMetaInvalid
		}
		return schema.ErrMetaIO
	}
	sb := d.image.Super
	if sb.Unclean84 || !sb.Flags.Has(meta.ALClean) {
		return schema.ErrMetaUnclean
	}
	d.size = d.image.Place.UsableSectors(sb.Geometry())
	if !idx.Internal() {
		d.size = min(d.size, uint64(dataSize/512))
	}
	d.take(sb)
	return d.checkSize()
}

// take copies what the module keeps in memory of a superblock.
func (d *disk) take(sb *meta.Superblock) {
	d.flags, d.agree = sb.Flags, sb.EffectiveSize
}

// current is the UUID of the generation of the data here.
func (d *disk) current() uint64 { return uint64(d.image.Super.Current) }

// checkSize applies the administrator's size and refuses to lose data.
func (d *disk) checkSize() schema.Code {
	if want := d.conf.Uint("disk_size"); want > d.size {
		return schema.ErrDiskTooSmall
	}
	if d.flags.Has(meta.Consistent) && d.offered() < d.agree {
		return schema.ErrDiskTooSmall
	}
	return schema.NoError
}

// offered returns the size in sectors that the disk could contribute.
func (d *disk) offered() uint64 {
	if want := d.conf.Uint("disk_size"); want > 0 {
		return min(want, d.size)
	}
	return d.size
}

// start makes bitmaps and activity log ready for a device of that size, in
// sectors. New metadata begins with everything out of sync and an empty log.
func (d *disk) start(size uint64) error {
	d.log = newActivityLog(int(d.conf.Uint("al_extents")))
	fresh := d.agree == 0
	if !d.logged() {
		d.flags |= meta.ALDisabled
	} else if fresh {
		if err := d.resetLog(); err != nil {
			return err
		}
	}
	d.bits = nil
	for slot := range int(d.image.Super.MaxPeers) {
		b, err := d.loadBitmap(slot, size, fresh || d.flags.Has(meta.FullSync))
		if err != nil {
			return err
		}
		d.bits = append(d.bits, b)
	}
	if fresh || d.flags.Has(meta.FullSync) {
		return d.flushBitmap()
	}
	return nil
}

// loadBitmap reads the bitmap of a slot.
func (d *disk) loadBitmap(slot int, size uint64, full bool) (*bitmap, error) {
	b := newBitmap(size)
	if full {
		b.setAll()
		return b, nil
	}
	old := newBitmap(d.agree)
	if err := old.load(d.md, d.slotArea(slot)); err != nil {
		return nil, err
	}
	if size == d.agree {
		return old, nil
	}
	b = old.resized(size)
	if size > d.agree { // what was added is in sync nowhere
		b.mark(old.bits, b.bits-old.bits)
	}
	return b, nil
}

// slotArea says where the bitmap of a slot lies.
func (d *disk) slotArea(slot int) area {
	return area{d.image.Place.Bitmap, slot, int(d.image.Super.MaxPeers)}
}

// logged reports whether the activity log is to be kept.
func (d *disk) logged() bool { return d.conf.Bool("al_updates") }

func (d *disk) flushBitmap() error {
	for slot, b := range d.bits {
		n, err := b.flush(d.md, d.slotArea(slot))
		d.bmWrites += uint64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

// history84 is how many UUIDs of the history DRBD 8.4 keeps.
const history84 = 2

// writeSuper writes the superblock as the module does while a disk is attached:
// never clean, so that user space applies the activity log before the next
// attach.
func (d *disk) writeSuper(size uint64) error {
	sb := d.image.Super
	sb.Flags = d.flags &^ meta.ALClean
	if sb.Version == meta.V08 {
		sb.Unclean84 = true
		clear(sb.History[history84:])
	}
	sb.EffectiveSize, sb.ALExtents = size, uint32(d.conf.Uint("al_extents"))
	sb.PeerMaxBioSize = 1 << 20
	return d.image.WriteSuperblock()
}

// readAt and writeAt access data; offsets are in bytes.
func (d *disk) readAt(p []byte, off int64) error {
	if d.broken[d.conf.Str("backing_dev")] {
		return errDiskBroken
	}
	n, err := d.data.ReadAt(p, off)
	if errors.Is(err, io.EOF) && n == len(p) {
		return nil
	}
	return err
}

func (d *disk) writeAt(p []byte, off int64) error {
	if d.broken[d.conf.Str("backing_dev")] {
		return errDiskBroken
	}
	_, err := d.data.WriteAt(p, off)
	return err
}

// prepareWrite puts the extents of a write into the activity log, so that a
// crash before the peer has the data is found out.
func (d *disk) prepareWrite(off, n int64) error {
	for e := off / meta.ExtentSize; e <= (off+max(n, 1)-1)/meta.ExtentSize; e++ {
		slot, evicts, ok := d.log.touch(uint32(e))
		if ok {
			continue
		}
		if evicts {
			if err := d.flushBitmap(); err != nil {
				return err
			}
		}
		if err := d.image.MarkAL(d.log.written, slot, uint32(e)); err != nil {
			return err
		}
		d.alWrites++
	}
	return nil
}

func (d *disk) close() {
	if d.data != nil {
		d.data.Close()
	}
	if d.md != nil && d.md != d.data {
		d.md.Close()
	}
}

// sizeOf returns the size of a file or block device in bytes.
func sizeOf(f *os.File) (int64, error) { return f.Seek(0, io.SeekEnd) }

// activityLog is which extents may be written to right now, least recently used
// first.
type activityLog struct {
	written *meta.Activity
	slots   map[uint32]int // slot of an extent
	order   []uint32
	room    int
}

func newActivityLog(extents int) activityLog {
	return activityLog{written: meta.NewActivity(extents), slots: map[uint32]int{}, room: extents}
}

// touch notes that an extent is in use. If it was not in the log, ok is false
// and the slot must be written; evicts says that another extent left it.
func (l *activityLog) touch(extent uint32) (slot int, evicts, ok bool) {
	if slot, ok = l.slots[extent]; ok {
		for i, e := range l.order {
			if e == extent {
				l.order = append(append(l.order[:i:i], l.order[i+1:]...), extent)
				break
			}
		}
		return slot, false, true
	}
	slot = len(l.slots)
	if slot >= l.room {
		oldest := l.order[0]
		l.order = l.order[1:]
		slot, evicts = l.slots[oldest], true
		delete(l.slots, oldest)
	}
	l.slots[extent] = slot
	l.order = append(l.order, extent)
	return slot, evicts, false
}

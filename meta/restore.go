package meta

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
)

// TooLong reports whether a slot has more words than the device has room for.
func (d *Dump) TooLong(m *Image) bool {
	words := divUp(uint64(m.Bitmap().bytes), 4*uint64(m.Super.MaxPeers))
	for _, s := range d.slots {
		if s.pairs > math.MaxInt64 || 2*s.pairs > words+words%2 {
			return true
		}
	}
	return false
}

// Restore writes the metadata of a dump to a disk of size bytes. What was there
// is erased first and the superblock is written last: until then the disk carries
// no metadata. al, if not zero, replaces the striping of the dump.
//
// A slot that the dump describes only in part is completed with zeros, and so is
// what lies between the end of the data and the end of their bitmap.
func (d *Dump) Restore(disk Disk, size int64, idx Index, al Geometry, progress Progress) (*Image, error) {
	sb := *d.Super
	if al.ALStripes != 0 {
		sb.ALStripes, sb.ALStripeBlocks = al.ALStripes, al.ALStripeBlocks
	}
	if sb.ALStripes == 0 && sb.ALStripeBlocks == 0 {
		sb.ALStripes, sb.ALStripeBlocks = DefaultGeometry.ALStripes, DefaultGeometry.ALStripeBlocks
	}
	place, err := NewPlace(idx, size, sb.Geometry())
	if err != nil {
		return nil, err
	}
	place.fill(&sb)
	m := &Image{Super: &sb, Place: place, disk: disk}
	m.clip()
	if err := m.eraseOld(); err != nil {
		return nil, err
	}
	if err := m.ResetAL(); err != nil {
		return nil, err
	}
	if err := d.writeBitmap(m.Bitmap(), progress); err != nil {
		return nil, err
	}
	return m, m.WriteSuperblock()
}

// writeBitmap merges the slots, which follow each other in the text, into the
// area, where their words take turns. What is all zero is zeroed, not written.
func (d *Dump) writeBitmap(b *Bitmap, progress Progress) error {
	span, window := 4*b.slots, b.window()
	slots := make([]*slotReader, len(d.slots))
	for i, s := range d.slots {
		slots[i] = &slotReader{s: newScanner(d.r, s.off, s.line), left: s.pairs}
	}
	buf := make([]byte, min(window*span, b.bytes))
	out := sparseWriter{disk: b.disk, off: b.off}
	for k := int64(0); k*span < b.bytes; k += window {
		area := buf[:min(int64(len(buf)), b.bytes-k*span)]
		empty, err := readSlots(slots, area)
		if err != nil {
			return err
		}
		if empty {
			out.skip(int64(len(area)))
			continue
		}
		if err := out.write(area); err != nil {
			return err
		}
		progress.report(k*span+int64(len(area)), b.bytes)
	}
	if err := out.flush(); err != nil {
		return err
	}
	progress.report(b.bytes, b.bytes)
	return nil
}

// sparsePiece is how much of a bitmap has to be zero, in bytes, to be zeroed by
// the disk and not written.
const sparsePiece = 512 << 10

// sparseWriter writes one part of a disk after the other, and has the disk zero
// what is all zero.
type sparseWriter struct {
	disk  Disk
	off   int64 // of what comes next
	blank int64 // bytes before that are still to be zeroed
}

// skip passes over n bytes that are to be zero.
func (w *sparseWriter) skip(n int64) {
	w.off += n
	w.blank += n
}

// flush zeroes what was passed over.
func (w *sparseWriter) flush() error {
	if err := zeroOrFill(w.disk, w.off-w.blank, w.blank, nil); err != nil {
		return fmt.Errorf("zero bitmap at %d: %w", w.off-w.blank, err)
	}
	w.blank = 0
	return nil
}

// write writes the next part, which it cuts into stretches with and without bits.
func (w *sparseWriter) write(area []byte) error {
	for len(area) > 0 {
		if n := firstPiece(area, false); n > 0 {
			w.skip(int64(n))
			area = area[n:]
			continue
		}
		n := firstPiece(area, true)
		if err := w.flush(); err != nil {
			return err
		}
		if _, err := w.disk.WriteAt(area[:n], w.off); err != nil {
			return fmt.Errorf("write bitmap at %d: %w", w.off, err)
		}
		w.off += int64(n)
		area = area[n:]
	}
	return nil
}

// firstPiece returns how many bytes at the start of the area, in pieces, have
// bits, or have none.
func firstPiece(area []byte, bits bool) int {
	n := 0
	for n < len(area) {
		end := min(n+sparsePiece, len(area))
		if allZero(area[n:end]) == bits {
			break
		}
		n = end
	}
	return n
}

// readSlots fills an area with the next words of all slots, and reports whether
// all of them are zero. The slots are read at the same time: reading text is most
// of the work.
func readSlots(slots []*slotReader, area []byte) (empty bool, err error) {
	clear(area)
	var group sync.WaitGroup
	for i, r := range slots {
		group.Go(func() { r.read(area, i, len(slots)) })
	}
	group.Wait()
	empty = true
	for _, r := range slots {
		if r.err != nil {
			return false, r.err
		}
		empty = empty && r.empty
	}
	return empty, nil
}

// slotReader reads the words of a slot.
type slotReader struct {
	s     *scanner
	left  uint64 // 64 bit values not read yet
	empty bool   // the words read last are zero
	err   error

	value uint64
	count uint64 // how often value is still to be used
	half  bool   // its low half was used already
}

// read puts the next words into a cleared area, where they are every step-th from
// the first on. There are zeros after the last.
func (r *slotReader) read(area []byte, first, step int) {
	r.empty = true
	end := len(area) / 4
	for at := first; at < end && r.err == nil; {
		if r.count == 0 && !r.half {
			r.next()
		}
		words := 2 * r.count // left of this value
		if r.half {
			words++
		}
		n := int(min(words, uint64((end-at+step-1)/step)))
		if r.value != 0 {
			r.put(area[4*at:], n, 4*step)
		} else {
			r.skip(n)
		}
		at += n * step
	}
}

// next reads the next value. After the last there is no end of zeros.
func (r *slotReader) next() {
	if r.left > 0 {
		r.value, r.count, r.err = r.s.run()
		r.left -= min(r.left, r.count)
	}
	if r.count == 0 {
		r.value, r.count = 0, 1<<62
	}
}

// put writes n words of the value, low half first, at every step-th byte.
func (r *slotReader) put(area []byte, n, step int) {
	r.empty = false
	for i := range n {
		word := uint32(r.value)
		if r.half {
			word = uint32(r.value >> 32)
			r.half = false
		} else {
			r.half, r.count = true, r.count-1
		}
		binary.LittleEndian.PutUint32(area[i*step:], word)
	}
}

// skip goes on by n words.
func (r *slotReader) skip(n int) {
	if r.half && n > 0 {
		r.half = false
		n--
	}
	r.count -= uint64((n + 1) / 2)
	r.half = n%2 == 1
}

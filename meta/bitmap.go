package meta

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/bits"
)

// A Bitmap says for each slot which parts of the data a peer misses. Bit n
// covers the bytes from n*BytesPerBit on; 1 means out of sync.
//
// On disk the 32 bit little endian words of the slots take turns: word k of slot
// p is word k*slots+p of the area. With one slot that is a plain string of bits.
type Bitmap struct {
	disk  Disk
	off   int64 // of the area on the disk
	bytes int64 // in use, a multiple of 4096 unless the area ends before
	slots int64
	bits  int64 // per slot
}

// A Run is a range of bits that are set.
type Run struct {
	First, Count int64
}

// Bitmap returns the part of the bitmap that the effective size uses.
func (m *Image) Bitmap() *Bitmap {
	g := m.Super.Geometry()
	return &Bitmap{
		disk:  m.disk,
		off:   m.Place.Bitmap,
		bytes: min(g.BitmapBytes(m.Super.EffectiveSize), m.Place.BitmapBytes),
		slots: int64(g.MaxPeers),
		bits:  int64(divUp(m.Super.EffectiveSize, uint64(g.BytesPerBit/SectorSize))),
	}
}

// Bits returns the number of bits of a slot.
func (b *Bitmap) Bits() int64 { return b.bits }

// Slots returns the number of slots.
func (b *Bitmap) Slots() int { return int(b.slots) }

// Bytes returns the size of the bitmap on disk.
func (b *Bitmap) Bytes() int64 { return b.bytes }

// blockWords words of every slot are a multiple of 4096 bytes, whatever the
// number of slots.
const blockWords = BlockSize / 4

// window is how many words of every slot are looked at together.
func (b *Bitmap) window() int64 { return chunk / (BlockSize * b.slots) * blockWords }

// verdict is what to do after a look at a window.
type verdict int

const (
	next  verdict = iota // look at the next one
	store                // write this one back first
	stop                 // look no further
)

// windows calls f with each stretch of the area that holds words first to last
// (not included) of the slots. The stretch starts with word k.
func (b *Bitmap) windows(first, last int64, f func(k int64, area []byte) verdict) error {
	span := 4 * b.slots
	first = first &^ (blockWords - 1)
	last = (last + blockWords - 1) &^ (blockWords - 1)
	window := b.window()
	buf := make([]byte, min(window, last-first)*span)
	for k := first; k < last; k += window {
		area := buf[:min(int64(len(buf)), (last-k)*span, b.bytes-k*span)]
		if _, err := readFull(b.disk, area, b.off+k*span); err != nil {
			return fmt.Errorf("read bitmap at %d: %w", b.off+k*span, err)
		}
		switch f(k, area) {
		case next:
			continue
		case stop:
			return nil
		}
		if _, err := b.disk.WriteAt(area, b.off+k*span); err != nil {
			return fmt.Errorf("write bitmap at %d: %w", b.off+k*span, err)
		}
	}
	return nil
}

// Set marks count bits of a slot, from first on, as out of sync.
func (b *Bitmap) Set(slot int, first, count int64) error {
	return b.change(slot, first, count, func(word, mask uint32) uint32 { return word | mask })
}

// Clear marks count bits of a slot, from first on, as in sync.
func (b *Bitmap) Clear(slot int, first, count int64) error {
	return b.change(slot, first, count, func(word, mask uint32) uint32 { return word &^ mask })
}

func (b *Bitmap) change(slot int, first, count int64, op func(word, mask uint32) uint32) error {
	if slot < 0 || int64(slot) >= b.slots || first < 0 || count < 0 || first > b.bits-count {
		return fmt.Errorf("bits %d to %d of slot %d are not in a bitmap of %d slots of %d bits", first, first+count, slot, b.slots, b.bits)
	}
	if count == 0 {
		return nil
	}
	end := first + count
	return b.windows(first/32, (end+31)/32, func(k int64, area []byte) verdict {
		from, to := max(first/32, k), min((end+31)/32, k+b.window())
		for w := from; w < to; w++ {
			p := area[4*((w-k)*b.slots+int64(slot)):]
			word := binary.LittleEndian.Uint32(p)
			binary.LittleEndian.PutUint32(p, op(word, maskOf(w, first, end)))
		}
		return store
	})
}

// maskOf returns which bits of word w lie in [first, end).
func maskOf(w, first, end int64) uint32 {
	mask := ^uint32(0)
	if first > w*32 {
		mask <<= first - w*32
	}
	if end < w*32+32 {
		mask &= 1<<(end-w*32) - 1
	}
	return mask
}

// Count returns how many bits of each slot are set.
func (b *Bitmap) Count() ([]int64, error) {
	counts := make([]int64, b.slots)
	last := divUp(uint64(b.bits), 32)
	err := b.windows(0, int64(last), func(k int64, area []byte) verdict {
		for i := 0; i+4 <= len(area); i += 4 {
			if word := binary.LittleEndian.Uint32(area[i:]); word != 0 {
				w := k + int64(i/4)/b.slots
				counts[int64(i/4)%b.slots] += int64(bits.OnesCount32(word & b.valid(w)))
			}
		}
		return next
	})
	return counts, err
}

// valid returns which bits of word w exist.
func (b *Bitmap) valid(w int64) uint32 {
	if w*32 >= b.bits {
		return 0
	}
	return maskOf(w, 0, b.bits)
}

// Runs yields the bits of a slot that are set, in order, touching ones together.
// An error ends the sequence.
func (b *Bitmap) Runs(slot int) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		var run Run
		more := true
		err := b.eachWord(slot, func(w int64, word uint32) bool {
			for word != 0 && more {
				start := bits.TrailingZeros32(word)
				n := bits.TrailingZeros32(^(word >> start))
				more = run.add(w*32+int64(start), int64(n), yield)
				word &^= uint32(1<<n-1) << start
			}
			return more
		})
		if more && run.Count > 0 {
			more = yield(run, nil)
		}
		if more && err != nil {
			yield(Run{}, err)
		}
	}
}

// add appends bits to the run, or yields it and starts the next.
func (r *Run) add(first, n int64, yield func(Run, error) bool) bool {
	if r.Count > 0 && r.First+r.Count == first {
		r.Count += n
		return true
	}
	done := *r
	*r = Run{first, n}
	return done.Count == 0 || yield(done, nil)
}

// eachWord calls f with the words of a slot that are not zero, until it returns
// false.
func (b *Bitmap) eachWord(slot int, f func(w int64, word uint32) bool) error {
	last := int64(divUp(uint64(b.bits), 32))
	return b.windows(0, last, func(k int64, area []byte) verdict {
		for i := 4 * slot; i+4 <= len(area); i += 4 * int(b.slots) {
			w := k + int64(i)/4/b.slots
			word := binary.LittleEndian.Uint32(area[i:]) & b.valid(w)
			if word != 0 && !f(w, word) {
				return stop
			}
		}
		return next
	})
}

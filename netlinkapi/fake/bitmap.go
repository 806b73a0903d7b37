package fake

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// blockSize is how much data one bit of the bitmap covers, in bytes.
const blockSize = 4096

// bitmap says which blocks the peer misses; 1 is out of sync. It is kept in
// memory and written out where the module does so: before an extent leaves the
// activity log, when all bits change, when a link breaks, and on detach. What a
// power cut takes away is in the activity log then.
type bitmap struct {
	words []uint64
	bits  uint64 // blocks
	set   uint64 // blocks out of sync
	dirty map[int]bool
}

const pageWords = 4096 / 8 // words in a page of the bitmap on disk

func newBitmap(sectors uint64) *bitmap {
	n := (sectors*512 + blockSize - 1) / blockSize
	return &bitmap{words: make([]uint64, (n+63)/64), bits: n, dirty: map[int]bool{}}
}

// resized returns a bitmap for another size with the bits both have.
func (b *bitmap) resized(sectors uint64) *bitmap {
	n := newBitmap(sectors)
	for i := range min(n.bits, b.bits) {
		if b.has(i) {
			n.mark(i, 1)
		}
	}
	n.touchAll()
	return n
}

func (b *bitmap) has(i uint64) bool { return b.words[i/64]&(1<<(i%64)) != 0 }

// mark sets count bits from first on. A peer without a bitmap has none to set.
func (b *bitmap) mark(first, count uint64) {
	if b == nil {
		return
	}
	for i := first; i < first+count && i < b.bits; i++ {
		if !b.has(i) {
			b.words[i/64] |= 1 << (i % 64)
			b.set++
			b.dirty[int(i/64)/pageWords] = true
		}
	}
}

// clear unsets count bits from first on and returns how many were set.
func (b *bitmap) clear(first, count uint64) uint64 {
	if b == nil {
		return 0
	}
	before := b.set
	for i := first; i < first+count && i < b.bits; i++ {
		if b.has(i) {
			b.words[i/64] &^= 1 << (i % 64)
			b.set--
			b.dirty[int(i/64)/pageWords] = true
		}
	}
	return before - b.set
}

// markBytes marks every block that a range of bytes touches.
func (b *bitmap) markBytes(off, n int64) {
	first := uint64(off) / blockSize
	b.mark(first, (uint64(off+n)+blockSize-1)/blockSize-first)
}

// clearBytes unmarks the blocks that a range of bytes covers wholly. The last
// block of a device may be short.
func (b *bitmap) clearBytes(off, n int64, size uint64) uint64 {
	if b == nil {
		return 0
	}
	first, end := (uint64(off)+blockSize-1)/blockSize, uint64(off+n)/blockSize
	if uint64(off+n) == size {
		end = b.bits
	}
	if end <= first {
		return 0
	}
	return b.clear(first, end-first)
}

func (b *bitmap) setAll() {
	if b == nil {
		return
	}
	b.mark(0, b.bits)
	b.touchAll()
}

func (b *bitmap) clearAll() {
	if b == nil {
		return
	}
	b.clear(0, b.bits)
	b.touchAll()
}

func (b *bitmap) touchAll() {
	for p := 0; p*pageWords < len(b.words); p++ {
		b.dirty[p] = true
	}
}

// next returns the first bit that is set at or after i.
func (b *bitmap) next(i uint64) (uint64, bool) {
	for w := i / 64; w < uint64(len(b.words)); w++ {
		word := b.words[w]
		if w == i/64 {
			word &= ^uint64(0) << (i % 64)
		}
		if word != 0 {
			return w*64 + uint64(bits.TrailingZeros64(word)), true
		}
	}
	return 0, false
}

// merge sets the bits that another bitmap has.
func (b *bitmap) merge(words []uint64) {
	for i := range min(len(words), len(b.words)) {
		if extra := words[i] &^ b.words[i]; extra != 0 {
			b.words[i] |= extra
			b.set += uint64(bits.OnesCount64(extra))
			b.dirty[i/pageWords] = true
		}
	}
}

// area says where a bitmap lies. Bitmaps of several slots take turns, 32 bits each.
type area struct {
	off         int64 // bytes
	slot, slots int
}

const wordSize = 4 // bytes of a turn

// load reads the bitmap. Bits beyond the end are ignored.
func (b *bitmap) load(r io.ReaderAt, a area) error {
	raw := make([]byte, wordSize*a.slots*2*len(b.words))
	if _, err := r.ReadAt(raw, a.off); err != nil {
		return fmt.Errorf("read bitmap at %d: %w", a.off, err)
	}
	turn := func(k int) uint64 {
		return uint64(binary.LittleEndian.Uint32(raw[wordSize*(k*a.slots+a.slot):]))
	}
	b.set = 0
	for i := range b.words {
		b.words[i] = turn(2*i) | turn(2*i+1)<<32
		if rest := b.bits - uint64(i)*64; rest < 64 {
			b.words[i] &= 1<<rest - 1
		}
		b.set += uint64(bits.OnesCount64(b.words[i]))
	}
	return nil
}

// flush writes the pages that changed and returns their number.
func (b *bitmap) flush(w io.WriterAt, a area) (int, error) {
	pages := len(b.dirty)
	for p := range b.dirty {
		if err := b.writePage(w, a, p); err != nil {
			return 0, err
		}
	}
	clear(b.dirty)
	return pages, nil
}

func (b *bitmap) writePage(w io.WriterAt, a area, page int) error {
	first := page * pageWords
	words := b.words[first:min(first+pageWords, len(b.words))]
	raw := make([]byte, 0, 8*len(words))
	for _, word := range words {
		raw = binary.LittleEndian.AppendUint64(raw, word)
	}
	step := len(raw) // alone, a bitmap is one run of bytes
	if a.slots > 1 {
		step = wordSize
	}
	for i := 0; i < len(raw); i += step {
		k := (8*first + i) / wordSize
		off := a.off + int64(wordSize*(k*a.slots+a.slot))
		if _, err := w.WriteAt(raw[i:i+step], off); err != nil {
			return fmt.Errorf("write bitmap at %d: %w", off, err)
		}
	}
	return nil
}

package meta

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// What errors.Is finds when a log cannot be applied.
var (
	ErrNoLog  = errors.New("no valid block in the activity log")
	ErrBadLog = errors.New("damaged activity log without a valid transaction")
)

// ALFormat is how an activity log is written.
type ALFormat int

// The formats of activity logs.
const (
	AL4k   ALFormat = iota // 4 KiB transactions: DRBD 8.4 and 9
	AL512                  // 512 byte transactions: up to DRBD 8.3
	ALPmem                 // a table in persistent memory: DRBD 9
)

// A Log is what an activity log says.
type Log struct {
	Format  ALFormat
	Extents []uint32 // being written to when the log ended, sorted
	Updates bool     // at least one transaction was found
	Blocks  int      // read
	Bad     int      // of these: neither a transaction nor initialised
	Skipped int      // entries with impossible slot numbers
}

// slots collects the content of a log while it is replayed.
type slots struct {
	extents map[uint16]uint32
	skipped int
}

func (s *slots) set(slot int, extent uint32) {
	switch {
	case slot >= alMaxSlots:
		s.skipped++
	case extent == freeExtent:
		delete(s.extents, uint16(slot))
	default:
		s.extents[uint16(slot)] = extent
	}
}

// hot returns the extents in use, sorted, each once.
func (s *slots) hot() []uint32 {
	var list []uint32
	for _, e := range s.extents {
		list = append(list, e)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// ReadAL replays the activity log. Besides errors of reading it returns ErrNoLog
// or ErrBadLog, together with what is known about the log.
func (m *Image) ReadAL() (*Log, error) {
	area := make([]byte, m.Place.ALBytes)
	if _, err := readFull(m.disk, area, m.Place.AL); err != nil {
		return nil, fmt.Errorf("read activity log at %d: %w", m.Place.AL, err)
	}
	s := &slots{extents: map[uint16]uint32{}}
	log := &Log{Format: m.alFormat(area)}
	var err error
	switch log.Format {
	case AL4k:
		err = log.replay4k(area, m.Super.Geometry(), s)
	case AL512:
		log.replay512(area, m.Super.ALExtents, s)
	case ALPmem:
		log.replayPmem(area, m.Super.ALExtents, s)
	}
	log.Extents, log.Skipped = s.hot(), s.skipped
	return log, err
}

// alFormat tells the formats apart. DRBD 8.0 to 8.3 left nothing in a v08
// superblock that would.
func (m *Image) alFormat(area []byte) ALFormat {
	if m.Super.Version == V07 {
		return AL512
	}
	g := m.Super.Geometry()
	striped := g.ALStripes != DefaultGeometry.ALStripes || g.ALStripeBlocks != DefaultGeometry.ALStripeBlocks
	first, second := binary.BigEndian.Uint32(area), binary.BigEndian.Uint32(area[BlockSize:])
	if m.Super.Version == V08 && !m.Super.Unclean84 && !striped && first != magicAL && second != magicAL {
		return AL512
	}
	if first == magicPmem {
		return ALPmem
	}
	return AL4k
}

// ring is a log area as a sequence of transactions in the order of their numbers.
type ring struct {
	numbers []uint32 // transaction number per place
	isTr    []bool   // the place holds a transaction
}

// order returns the places from the oldest transaction to the newest. Numbers
// wrap at 32 bits, so they are compared by signed difference.
func (r ring) order() []int {
	oldest, newest := -1, -1
	for q, ok := range r.isTr {
		if !ok {
			continue
		}
		if oldest < 0 || int32(r.numbers[q]-r.numbers[oldest]) < 0 {
			oldest = q
		}
		if newest < 0 || int32(r.numbers[q]-r.numbers[newest]) > 0 {
			newest = q
		}
	}
	if oldest < 0 {
		return nil
	}
	var places []int
	for q := oldest; ; q = (q + 1) % len(r.isTr) {
		if r.isTr[q] {
			places = append(places, q)
		}
		if q == newest {
			return places
		}
	}
}

func (l *Log) replay4k(area []byte, g Geometry, s *slots) error {
	n := int(g.alBlocks())
	r := ring{make([]uint32, n), make([]bool, n)}
	firstBad, initialised := false, 0
	for q := range n {
		t, ok := decodeTransaction(area[g.blockOf(uint32(q)):][:BlockSize])
		switch {
		case !ok:
			l.Bad++
			firstBad = firstBad || q == 0
		case t.Type == alInitialised:
			initialised++
		default:
			r.isTr[q], r.numbers[q] = true, t.Number
		}
	}
	l.Blocks = n
	for _, q := range r.order() {
		t, _ := decodeTransaction(area[g.blockOf(uint32(q)):][:BlockSize])
		t.apply(s)
		l.Updates = true
	}
	switch {
	case l.Bad == n:
		return ErrNoLog
	case !l.Updates && l.Bad > 0 && !(firstBad && initialised == n-1):
		return ErrBadLog
	}
	return nil
}

// apply replays one transaction.
func (t *transaction) apply(s *slots) {
	for i, extent := range t.Context {
		slot := int(t.ContextStart) + i
		if extent != freeExtent || slot < int(t.ContextSize) {
			s.set(slot, extent)
		}
	}
	for i, slot := range t.UpdateSlots {
		if i < int(t.Updates) || slot != freeSlot {
			s.set(int(slot), t.UpdateExtents[i])
		}
	}
}

// transaction512 is one sector of the log of DRBD 0.7 to 8.3.
type transaction512 struct {
	Magic   uint32
	Number  uint32
	Entries [62]struct{ Slot, Extent uint32 } // the first is the update, the rest context
	XOR     uint32                            // of all extents
	Padding uint32
}

const (
	magicAL512   = 0x83740267
	maxSectors07 = 64
)

func decodeTransaction512(sector []byte) (*transaction512, bool) {
	t := &transaction512{}
	if decodeFixed(sector, t) != nil || t.Magic != magicAL512 {
		return nil, false
	}
	sum := uint32(0)
	for _, e := range t.Entries {
		sum ^= e.Extent
	}
	return t, sum == t.XOR
}

func (l *Log) replay512(area []byte, extents uint32, s *slots) {
	n := int(min(1+divUp(uint64(extents), 61), maxSectors07, uint64(len(area)/SectorSize)))
	r := ring{make([]uint32, n), make([]bool, n)}
	for q := range n {
		t, ok := decodeTransaction512(area[q*SectorSize:][:SectorSize])
		if !ok {
			l.Bad++
			continue
		}
		r.isTr[q], r.numbers[q] = true, t.Number
	}
	l.Blocks = n
	for _, q := range r.order() {
		t, _ := decodeTransaction512(area[q*SectorSize:][:SectorSize])
		for _, e := range slices.Backward(t.Entries[:]) {
			if e.Extent != freeExtent {
				s.set(int(min(e.Slot, freeSlot)), e.Extent)
			}
		}
		l.Updates = true
	}
}

const magicPmem = 0x6AA667A6

// replayPmem reads the table that the module keeps in persistent memory: a magic
// number, then the extent of each slot.
func (l *Log) replayPmem(area []byte, extents uint32, s *slots) {
	n := min(uint64(extents), uint64(len(area)/4-1), alMaxSlots)
	for i := range n {
		s.set(int(i), binary.BigEndian.Uint32(area[4+4*i:]))
	}
	l.Updates = true
}

// Applied says what ApplyAL did.
type Applied struct {
	Log        *Log
	LogError   error    // ErrNoLog or ErrBadLog, where that did not matter
	Marked     int64    // bits set, those already set included, of all slots
	OutOfRange []uint32 // extents behind the end of the data
	Written    bool
}

// ApplyAL does what is due after a crash: it marks as out of sync, for every
// peer, all that the activity log says was being written to, empties the log and
// declares the metadata clean. Cut off at any point it can be repeated.
//
// Only a node that was primary needs its log: on others one that cannot be read
// is emptied. On a primary that is ErrNoLog or ErrBadLog, and nothing is written.
func (m *Image) ApplyAL() (*Applied, error) {
	log, err := m.ReadAL()
	if log == nil {
		return nil, err
	}
	a := &Applied{Log: log, LogError: err}
	primary := m.Super.Flags.Has(PrimaryInd)
	if err != nil && primary {
		return a, err
	}
	mark := log.Updates && primary
	if mark {
		if err := m.markExtents(a); err != nil {
			return a, err
		}
		if err := m.disk.Sync(); err != nil { // before the log forgets
			return a, fmt.Errorf("flush bitmap: %w", err)
		}
	}
	// compat: v07 has no mark for a log that was applied, and its log is kept.
	reset := m.Super.Version != V07 && (log.Updates || err != nil || log.Format == AL512)
	if reset {
		if err := m.ResetAL(); err != nil {
			return a, err
		}
	}
	if !mark && !reset && m.Super.Clean() && m.ClippedFrom == 0 {
		return a, nil
	}
	if m.Super.Version != V07 {
		m.Super.Flags |= ALClean
		m.Super.Unclean84 = false
	}
	a.Written = true
	return a, m.WriteSuperblock()
}

// markExtents sets the bits of the log's extents in every slot.
func (m *Image) markExtents(a *Applied) error {
	b := m.Bitmap()
	perExtent := int64(ExtentSize / m.Super.BytesPerBit)
	end := b.bytes / (4 * b.slots) * 32 // bits that every slot has room for
	if b.bytes%(4*b.slots) != 0 {
		end += 32 // some slots have one word more
	}
	inside, _ := slices.BinarySearchFunc(a.Log.Extents, end, func(e uint32, end int64) int {
		if int64(e)*perExtent < end {
			return -1
		}
		return 1
	})
	a.OutOfRange = a.Log.Extents[inside:]
	buf := make([]byte, min(markChunk, b.bytes))
	for list := a.Log.Extents[:inside]; len(list) > 0; {
		n, err := b.markNear(list, perExtent, buf)
		if err != nil {
			return err
		}
		list = list[n:]
	}
	a.Marked = int64(inside) * perExtent * b.slots
	return nil
}

// markChunk is how much of the bitmap is changed at once while a log is applied,
// in bytes. An extent never needs more than 12 KiB.
const markChunk = 1 << 20

// blocksOf returns the bytes of the bitmap that the bits from first to end (not
// included) of all slots lie in, in whole blocks.
func (b *Bitmap) blocksOf(first, end int64) (from, to int64) {
	from = first / 32 * 4 * b.slots &^ (BlockSize - 1)
	to = ((end+31)/32*4*b.slots + BlockSize - 1) &^ (BlockSize - 1)
	return from, min(to, b.bytes)
}

// markNear marks the extents at the start of the list that lie in the same or in
// touching blocks, as far as buf has room for them, and returns how many these are.
func (b *Bitmap) markNear(list []uint32, perExtent int64, buf []byte) (n int, err error) {
	from, to := b.blocksOf(int64(list[0])*perExtent, (int64(list[0])+1)*perExtent)
	for n = 1; n < len(list); n++ {
		first, end := b.blocksOf(int64(list[n])*perExtent, (int64(list[n])+1)*perExtent)
		if first > to || end-from > int64(len(buf)) {
			break
		}
		to = end
	}
	area := buf[:to-from]
	if _, err := readFull(b.disk, area, b.off+from); err != nil {
		return n, fmt.Errorf("read bitmap at %d: %w", b.off+from, err)
	}
	changed := false
	for _, e := range list[:n] {
		changed = b.markIn(area, from/4, int64(e)*perExtent, (int64(e)+1)*perExtent) || changed
	}
	if !changed {
		return n, nil
	}
	if _, err := b.disk.WriteAt(area, b.off+from); err != nil {
		return n, fmt.Errorf("write bitmap at %d: %w", b.off+from, err)
	}
	return n, nil
}

// markIn sets the bits from first to end (not included) of all slots in a part of
// the bitmap that starts with the given word of the area, and reports whether one
// of them was not set.
func (b *Bitmap) markIn(part []byte, start, first, end int64) (changed bool) {
	for w := first / 32; w < (end+31)/32; w++ {
		mask := maskOf(w, first, end)
		at := 4 * (w*b.slots - start)
		for i := at; i < at+4*b.slots && i+4 <= int64(len(part)); i += 4 {
			old := binary.LittleEndian.Uint32(part[i:])
			changed = changed || old|mask != old
			binary.LittleEndian.PutUint32(part[i:], old|mask)
		}
	}
	return changed
}

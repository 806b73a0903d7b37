package meta

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// ExtentSize is how much data one entry of the activity log covers, in bytes.
const ExtentSize = 4 << 20

// Numbers of the 4 KiB transactions of DRBD 8.4 and 9.
const (
	magicAL       = 0x69CB65A2
	alUpdate      = 0      // transaction type: slots changed
	alInitialised = 0xFFFF // transaction type: never used
	alUpdates     = 64     // slots changed by one transaction, at most
	alContext     = 919    // slots repeated in each transaction
	alMaxSlots    = 65534  // slot numbers lie below it
	freeSlot      = 0xFFFF
	freeExtent    = 0xFFFFFFFF
)

// transaction is one block of the activity log.
type transaction struct {
	Magic         uint32
	Number        uint32 // counts up, and wraps
	CRC           uint32
	Type          uint16
	Updates       uint16 // how many entries of the next two count
	ContextSize   uint16 // slots of the whole log
	ContextStart  uint16 // first slot of Context
	Reserved      [4]uint32
	UpdateSlots   [alUpdates]uint16
	UpdateExtents [alUpdates]uint32
	Context       [alContext]uint32
}

// sumBlock returns the checksum of a transaction: CRC32C as the kernel computes
// it, from 0 and without the final inversion, the field itself taken as zero.
func sumBlock(block []byte) uint32 {
	castagnoli := crc32.MakeTable(crc32.Castagnoli) // made once, when it is first wanted
	crc := ^uint32(0)
	crc = crc32.Update(crc, castagnoli, block[:8])
	crc = crc32.Update(crc, castagnoli, []byte{0, 0, 0, 0})
	return ^crc32.Update(crc, castagnoli, block[12:])
}

// encode returns t as a block with its checksum.
func (t *transaction) encode() []byte {
	b := encodeFixed(*t)
	binary.BigEndian.PutUint32(b[8:], sumBlock(b))
	return b
}

// decodeTransaction returns the transaction in block, or false if it is none or
// damaged.
func decodeTransaction(block []byte) (*transaction, bool) {
	t := &transaction{}
	if decodeFixed(block, t) != nil || t.Magic != magicAL || t.CRC != sumBlock(block) {
		return nil, false
	}
	return t, true
}

// initialisedBlock is what each block of an unused log looks like.
func initialisedBlock() []byte {
	return (&transaction{Magic: magicAL, Type: alInitialised}).encode()
}

// ResetAL makes the activity log empty. It does not touch the flags.
func (m *Image) ResetAL() error {
	area := make([]byte, m.Place.ALBytes)
	if m.Super.Version != V07 {
		block := initialisedBlock()
		for off := 0; off < len(area); off += BlockSize {
			copy(area[off:], block)
		}
	}
	if _, err := m.disk.WriteAt(area, m.Place.AL); err != nil {
		return fmt.Errorf("write activity log at %d: %w", m.Place.AL, err)
	}
	return nil
}

// blockOf returns the offset in the log area of the block that transaction
// number belongs to: neighbours go to different stripes.
func (g Geometry) blockOf(number uint32) int64 {
	q := uint64(number) % g.alBlocks()
	stripes := uint64(g.ALStripes)
	return int64(q%stripes*uint64(g.ALStripeBlocks)+q/stripes) * BlockSize
}

// Activity is the log as a kernel module keeps it: which extents are being
// written to. The zero value with an Image is an empty log.
type Activity struct {
	Slots []uint32 // extent in each slot, freeExtent where none

	number  uint32
	context int
}

// NewActivity returns an empty log of so many slots, at most 65534.
func NewActivity(slots int) *Activity {
	a := &Activity{Slots: make([]uint32, min(slots, alMaxSlots))}
	for i := range a.Slots {
		a.Slots[i] = freeExtent
	}
	return a
}

// MarkAL puts an extent into a slot of the log and writes the transaction. Extent
// 0xFFFFFFFF frees the slot.
func (m *Image) MarkAL(a *Activity, slot int, extent uint32) error {
	a.Slots[slot] = extent
	t := &transaction{
		Magic: magicAL, Number: a.number, Type: alUpdate, Updates: 1,
		ContextSize: uint16(len(a.Slots)), ContextStart: uint16(a.context),
	}
	for i := range t.UpdateSlots {
		t.UpdateSlots[i], t.UpdateExtents[i] = freeSlot, freeExtent
	}
	t.UpdateSlots[0], t.UpdateExtents[0] = uint16(slot), extent
	for i := range t.Context {
		t.Context[i] = freeExtent
	}
	copy(t.Context[:], a.Slots[a.context:])
	off := m.Place.AL + m.Super.Geometry().blockOf(a.number)
	if _, err := m.disk.WriteAt(t.encode(), off); err != nil {
		return fmt.Errorf("write activity log at %d: %w", off, err)
	}
	a.number++
	if a.context += alContext; a.context >= len(a.Slots) {
		a.context = 0
	}
	return nil
}

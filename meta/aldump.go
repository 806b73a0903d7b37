package meta

import (
	"bytes"
	"fmt"
	"io"
)

// DumpAL writes the blocks of the activity log as text, in the order in which they
// lie on disk, as comments of a dump. Logs older than DRBD 8.4 show as invalid.
func (m *Image) DumpAL(w io.Writer) error {
	area := make([]byte, m.Place.ALBytes)
	if _, err := readFull(m.disk, area, m.Place.AL); err != nil {
		return fmt.Errorf("read activity log at %d: %w", m.Place.AL, err)
	}
	var b bytes.Buffer
	b.WriteString("# al {\n")
	highest := 0
	for i := range len(area) / BlockSize {
		t, ok := decodeTransaction(area[i*BlockSize:][:BlockSize])
		switch {
		case !ok:
			fmt.Fprintf(&b, "#     block %2d { INVALID }\n", i)
		case t.Type == alInitialised:
			fmt.Fprintf(&b, "#     block %2d { INITIALIZED }\n", i)
		default:
			fmt.Fprintf(&b, "#     block %2d {\n", i)
			highest = max(highest, t.dump(&b))
			b.WriteString("#     }\n")
		}
	}
	if highest > int(m.Super.ALExtents) {
		fmt.Fprintf(&b, "### CAUTION: maximum slot number found in AL: %d\n### CAUTION: but 'super-block' al-extents is: %d\n", highest, m.Super.ALExtents)
	}
	b.WriteString("# }\n")
	_, err := w.Write(b.Bytes())
	return err
}

// dump writes what a transaction says, line by line: the slots of its context, then
// those it changes, each with its extent. It returns the highest slot.
func (t *transaction) dump(b *bytes.Buffer) (highest int) {
	fmt.Fprintf(b, "# \tmagic: 0x%08x\n# \ttype: 0x%04x\n# \ttr: %10d\n# \tactive set size: %d\n", t.Magic, t.Type, t.Number, t.ContextSize)
	for i, extent := range t.Context {
		if slot := int(t.ContextStart) + i; slot < int(t.ContextSize) || extent != freeExtent {
			fmt.Fprintf(b, "# \t%2d: %10d %10d\n", i, slot, extent)
			highest = max(highest, slot)
		}
	}
	fmt.Fprintf(b, "# \tupdates: %d\n", t.Updates)
	for i := range min(int(t.Updates), alUpdates) {
		fmt.Fprintf(b, "# \t%2d: %10d %10d\n", i, t.UpdateSlots[i], t.UpdateExtents[i])
		highest = max(highest, int(t.UpdateSlots[i]))
	}
	fmt.Fprintf(b, "# \tcrc32c: 0x%08x\n", t.CRC)
	return highest
}

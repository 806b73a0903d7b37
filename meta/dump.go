package meta

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"strings"
)

// uncleanToken stands in dumps that must not be restored: no parser knows it.
const uncleanToken = "This_is_an_unclean_meta_data_dump._Don't_trust_the_bitmap."

// DumpOptions control Dump.
type DumpOptions struct {
	Header []string // lines of the comment at the top, after its title
	Notes  []string // lines of a comment about where the metadata was found
}

// Dumpable reports whether a dump of the metadata says all there is to say: for
// as long as an activity log waits to be applied, the bitmap does not.
func (sb *Superblock) Dumpable() bool {
	// compat: drbd-utils takes all v07 metadata as unclean, so that no dump of it
	// can be restored.
	return sb.Clean() || sb.Version < V08 && !sb.Flags.Has(PrimaryInd)
}

// Dump writes the metadata as text, in the form that Restore reads.
func (m *Image) Dump(w io.Writer, o DumpOptions) error {
	var t bytes.Buffer
	t.WriteString("# DRBD meta data dump\n")
	for _, line := range o.Header {
		fmt.Fprintf(&t, "# %s\n", line)
	}
	m.dumpHead(&t, o)
	m.dumpGeneration(&t)
	m.dumpSizes(&t)
	d := &dumper{w: w, b: m.Bitmap(), out: t.Bytes()}
	fmt.Fprintf(d, "# bm-bytes %d;\n", d.b.bytes)
	for slot := range d.b.slots {
		name := "bm"
		if m.Super.Version == V09 {
			name = fmt.Sprintf("bitmap[%d]", slot)
		}
		fmt.Fprintf(d, "%s {", name)
		d.slot(slot)
		d.print("\n}\n")
	}
	// compat: only the last slot is counted, in 32 bits.
	fmt.Fprintf(d, "# bits-set %d;\n", d.ones)
	d.flush()
	return d.err
}

func (m *Image) dumpHead(t *bytes.Buffer, o DumpOptions) {
	sb := m.Super
	fmt.Fprintf(t, "#\n\nversion \"%s\";\n\n", sb.Version)
	if !sb.Dumpable() {
		fmt.Fprintf(t, "%s\n# Apply the activity log first: drbdmeta ... apply-al\n\n", uncleanToken)
	}
	if sb.Version == V06 {
		return
	}
	if sb.Version == V09 {
		fmt.Fprintf(t, "max-peers %d;\n", sb.MaxPeers)
	}
	fmt.Fprintf(t, "# md_size_sect %d\n", sb.MDSizeSect)
	for _, line := range o.Notes {
		t.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
	p := m.Place
	fmt.Fprintf(t, "# md_offset %d\n# al_offset %d\n# bm_offset %d\n\n", p.Superblock, p.AL, p.Bitmap)
}

func (m *Image) dumpGeneration(t *bytes.Buffer) {
	sb := m.Super
	switch sb.Version {
	case V06, V07:
		fmt.Fprintf(t, "gc {\n    %d; %d; %d; %d; %d;\n}\n", uint32(sb.Flags),
			sb.Counters[0], sb.Counters[1], sb.Counters[2], sb.Counters[3])
	case V08:
		fmt.Fprintf(t, "uuid {\n    0x%s; 0x%s; 0x%s; 0x%s;\n    flags 0x%08X;\n}\n",
			sb.Current, sb.Peers[0].BitmapUUID, sb.History[0], sb.History[1], uint32(sb.Flags))
	case V09:
		fmt.Fprintf(t, "node-id %d;\ncurrent-uuid 0x%s;\nflags 0x%08X;\nmembers 0x%016X;\n",
			sb.NodeID, sb.Current, uint32(sb.Flags), sb.Members)
		for id, p := range sb.Peers {
			fmt.Fprintf(t, "peer[%d] {\n    bitmap-index %d;\n    bitmap-uuid 0x%s;\n    bitmap-dagtag 0x%016X;\n    flags 0x%08X;%s\n}\n",
				id, p.BitmapIndex, p.BitmapUUID, p.BitmapDagtag, uint32(p.Flags), p.Flags.comment())
		}
		t.WriteString("history-uuids {")
		for i, u := range sb.History {
			t.WriteString(map[bool]string{true: "\n        ", false: " "}[i%4 == 0])
			fmt.Fprintf(t, "0x%s;", u)
		}
		t.WriteString("\n}\n")
	}
}

func (m *Image) dumpSizes(t *bytes.Buffer) {
	sb := m.Super
	fmt.Fprintf(t, "# al-extents %d;\nla-size-sect %d;\n", sb.ALExtents, sb.EffectiveSize)
	if sb.Version >= V08 {
		fmt.Fprintf(t, "bm-byte-per-bit %d;\ndevice-uuid 0x%s;\nla-peer-max-bio-size %d;\nal-stripes %d;\nal-stripe-size-4k %d;\n",
			sb.BytesPerBit, sb.DeviceUUID, sb.PeerMaxBioSize, sb.ALStripes, sb.ALStripeBlocks)
	}
}

// comment returns the names of the flags, as a comment of at most 79 characters.
func (f PeerFlags) comment() string {
	if f == 0 {
		return ""
	}
	var names []string
	for bit := PeerFlags(1); bit != 0; bit <<= 1 {
		if f&bit == 0 {
			continue
		}
		name, ok := map[PeerFlags]string{
			PeerConnected: "connected", PeerIsOutdated: "<=outdated", PeerFencing: "fencing",
			PeerFullSync: "full-sync", PeerDeviceSeen: "seen", PeerNodeExists: "exists",
		}[bit]
		if !ok {
			name = fmt.Sprintf("0x%x=?", uint32(bit))
		}
		names = append(names, name)
	}
	s := " # " + strings.Join(names, " | ")
	return s[:min(len(s), 79)]
}

// dumper writes bitmaps as text. A line has 8 words of a slot, shown in pairs;
// 16 or more equal words, in whole lines, are shown as one.
type dumper struct {
	w    io.Writer
	b    *Bitmap
	out  []byte
	err  error // the first
	ones uint32

	area []byte // stretch of the bitmap last read
	from int64  // its first word, for every slot
	zero []bool // by blockWords words of every slot, as far as was read once: all are zero

	run     int64 // equal words not yet shown
	runWord uint32
}

// Write collects what is to be written.
func (d *dumper) Write(p []byte) (int, error) {
	d.out = append(d.out, p...)
	return len(p), nil
}

func (d *dumper) print(s string) { d.out = append(d.out, s...) }

func (d *dumper) flush() {
	if d.err == nil {
		_, d.err = d.w.Write(d.out)
	}
	d.out = d.out[:0]
}

const dumpBuffer = 32 << 20

// slot writes the words of a slot.
func (d *dumper) slot(slot int64) {
	d.ones = 0
	span := 4 * d.b.slots
	words := dumpBuffer / (BlockSize * d.b.slots) * blockWords
	// A run is not carried on into the next stretch by fewer than 16 words: the
	// stretches are those of the reference, so that the text is the same.
	for k := int64(0); k*span < d.b.bytes && d.err == nil; k += words {
		d.read(k, min(words*span, d.b.bytes-k*span))
		d.stretch(slot)
	}
	d.endRun()
}

// read reads n bytes, from word k of every slot on, unless it has them. What is
// known to be zero is not read again.
func (d *dumper) read(k, n int64) {
	if d.area != nil && d.from == k && int64(len(d.area)) == n || d.err != nil {
		return
	}
	if int64(cap(d.area)) < n {
		d.area = make([]byte, n)
	}
	d.area, d.from = d.area[:n], k
	unit := blockWords * 4 * d.b.slots
	first := k / blockWords
	for i := int64(0); i*unit < n && d.err == nil; i++ {
		end := i
		for end*unit < n && !d.isZero(first+end) {
			end++
		}
		part := d.area[i*unit : min(end*unit, n)]
		if _, err := readFull(d.b.disk, part, d.b.off+k*4*d.b.slots+i*unit); err != nil {
			d.err = fmt.Errorf("read bitmap: %w", err)
		}
		i = end
	}
	for i := int64(len(d.zero)) - first; i*unit < n; i++ {
		d.zero = append(d.zero, allZero(d.area[i*unit:min((i+1)*unit, n)]))
	}
}

// isZero reports whether blockWords words of every slot are known to be zero.
func (d *dumper) isZero(unit int64) bool { return unit < int64(len(d.zero)) && d.zero[unit] }

func allZero(b []byte) bool {
	for len(b) >= 64 {
		var or uint64
		for i := 0; i < 64; i += 8 {
			or |= binary.LittleEndian.Uint64(b[i:])
		}
		if or != 0 {
			return false
		}
		b = b[64:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// stretch writes the words of a slot that lie in the area read.
func (d *dumper) stretch(slot int64) {
	n := (int64(len(d.area))/4 - slot + d.b.slots - 1) / d.b.slots
	for k := int64(0); k < n; {
		word := d.word(k, slot)
		equal := d.equal(word, k, n, slot) &^ 7
		if d.run > 0 && (equal < 16 || word != d.runWord) {
			d.endRun()
		}
		if equal >= 16 {
			if d.run == 0 {
				d.startLine(d.from+k, slot)
			}
			d.run, d.runWord = d.run+equal, word
			d.ones += uint32(equal) * uint32(bits.OnesCount32(word))
			if k += equal; k < n {
				d.endRun()
			}
			continue
		}
		d.line(k, min(k+8, n), slot)
		k = min(k+8, n)
	}
}

func (d *dumper) word(k, slot int64) uint32 {
	if d.zero[(d.from+k)/blockWords] { // and perhaps not read
		return 0
	}
	return binary.LittleEndian.Uint32(d.area[4*(k*d.b.slots+slot):])
}

// equal returns how many words from k to n (not included) are equal to one.
func (d *dumper) equal(word uint32, k, n, slot int64) int64 {
	step := 4 * d.b.slots
	first := k
	for k < n {
		end := min((k/blockWords+1)*blockWords, n)
		if d.zero[(d.from+k)/blockWords] {
			if word != 0 {
				break
			}
			k = end
			continue
		}
		i := 4 * (k*d.b.slots + slot)
		for k < end && binary.LittleEndian.Uint32(d.area[i:]) == word {
			k++
			i += step
		}
		if k < end {
			break
		}
	}
	return k - first
}

func (d *dumper) startLine(k, slot int64) {
	if len(d.out) > 256<<10 {
		d.flush()
	}
	d.print("\n")
	if r := k*d.b.slots + slot; r&63 == slot {
		d.print("   # at ")
		d.out = strconv.AppendInt(d.out, 128*(r-slot), 10)
		d.print("kB\n")
	}
	d.print("   ")
}

func (d *dumper) endRun() {
	if d.run > 0 {
		d.print(" ")
		d.out = strconv.AppendInt(d.out, d.run/2, 10)
		d.print(" times")
		d.pair(d.runWord, d.runWord)
	}
	d.run = 0
}

// line writes the words from k to end (not included) in pairs.
func (d *dumper) line(k, end, slot int64) {
	d.startLine(d.from+k, slot)
	for ; k < end; k += 2 {
		low := d.word(k, slot)
		d.ones += uint32(bits.OnesCount32(low))
		if k+1 == end { // compat: half a pair is not shown; it lies behind the end of the data
			return
		}
		high := d.word(k+1, slot)
		d.ones += uint32(bits.OnesCount32(high))
		d.pair(high, low)
	}
}

// pair writes two words as one number.
func (d *dumper) pair(high, low uint32) {
	n := len(d.out)
	d.out = append(d.out, " 0x0000000000000000;"...)
	b := d.out[n+3 : n+19]
	for i := range 4 {
		h, l := hexBytes[byte(high>>(24-8*i))], hexBytes[byte(low>>(24-8*i))]
		b[2*i], b[2*i+1] = h[0], h[1]
		b[8+2*i], b[8+2*i+1] = l[0], l[1]
	}
}

// hexBytes is each byte as two hexadecimal digits.
var hexBytes = func() (t [256][2]byte) {
	const digits = "0123456789ABCDEF"
	for i := range t {
		t[i] = [2]byte{digits[i>>4], digits[i&15]}
	}
	return t
}()

package meta

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// ErrWrongFormat is what errors.Is finds when a dump is of another format than
// expected.
var ErrWrongFormat = errors.New("the dump is of another format")

// A Dump is a dump that was read and found correct.
type Dump struct {
	Super *Superblock
	r     io.ReaderAt
	slots []dumpSlot
}

// dumpSlot says where the text of a slot of the bitmap starts.
type dumpSlot struct {
	off   int64
	line  int
	pairs uint64 // 64 bit values it holds
}

// ParseDump reads a dump to its end, without keeping the bitmaps. Errors in the
// text are a *SyntaxError; ErrWrongFormat is one about its first line.
func ParseDump(r io.ReaderAt, v Version) (*Dump, error) {
	p := &dumpParser{s: newScanner(r, 0, 1), sb: fresh(v, DefaultGeometry)}
	p.version(v)
	p.generation()
	p.sizes()
	d := &Dump{Super: p.sb, r: r}
	for slot := range int(p.sb.MaxPeers) {
		p.bitmap(d, slot)
	}
	p.end()
	return d, p.err
}

// dumpParser remembers the first error, so that reading a dump reads like the
// dump.
type dumpParser struct {
	s   *scanner
	sb  *Superblock
	err error
}

func (p *dumpParser) do(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *dumpParser) words(list ...string) {
	for _, w := range list {
		switch {
		case p.err != nil:
		case len(w) == 1:
			p.do(p.s.punct(w))
		default:
			p.do(p.s.word(w))
		}
	}
}

func (p *dumpParser) value(kind tokenKind) uint64 {
	if p.err != nil {
		return 0
	}
	n, err := p.s.value(kind)
	p.do(err)
	return n
}

// u64 and u32 read "0x...;".
func (p *dumpParser) u64() uint64 { n := p.value(tokU64); p.words(";"); return n }
func (p *dumpParser) u32() uint32 { n := p.value(tokU32); p.words(";"); return uint32(n) }

// number reads a decimal number that lies in a range.
func (p *dumpParser) number(low, high int64) int64 {
	n := int64(p.value(tokNumber))
	if p.err == nil && (n < low || n > high) {
		p.err = p.s.errorf("%d is not between %d and %d", n, low, high)
	}
	return n
}

// field reads "name NUMBER;".
func (p *dumpParser) field(name string, low, high int64) int64 {
	p.words(name)
	n := p.number(low, high)
	p.words(";")
	return n
}

func (p *dumpParser) version(v Version) {
	p.words("version")
	if p.err != nil {
		return
	}
	t, err := p.s.next()
	switch {
	case err != nil:
		p.do(err)
	case t.kind != tokString:
		p.do(p.s.errorf("the version belongs here, not %s", t))
	case t.text != v.String():
		p.do(fmt.Errorf("%w: it is of %s, not %s", ErrWrongFormat, t.text, v))
	}
	p.words(";")
}

func (p *dumpParser) generation() {
	switch p.sb.Version {
	case V09:
		p.generation09()
	case V08:
		p.words("uuid", "{")
		p.sb.Current, p.sb.Peers[0].BitmapUUID = UUID(p.u64()), UUID(p.u64())
		p.sb.History[0], p.sb.History[1] = UUID(p.u64()), UUID(p.u64())
		p.words("flags")
		p.sb.Flags = Flags(p.u32())
		p.words("}")
	default:
		p.words("gc", "{")
		p.sb.Flags = Flags(p.counter())
		for i := range p.sb.Counters {
			p.sb.Counters[i] = p.counter()
		}
		p.words("}")
	}
}

func (p *dumpParser) counter() uint32 {
	n := p.number(0, math.MaxUint32)
	p.words(";")
	return uint32(n)
}

func (p *dumpParser) generation09() {
	p.sb.MaxPeers = uint32(p.field("max-peers", 1, MaxPeers-1))
	p.sb.NodeID = int32(p.field("node-id", NoNodeID, MaxPeers-1))
	p.words("current-uuid")
	p.sb.Current = UUID(p.u64())
	p.words("flags")
	p.sb.Flags = Flags(p.u32())
	seen := [MaxPeers]bool{}
	for i := range MaxPeers {
		p.memberOrPeer(i == 0)
		p.peer(&seen)
	}
	p.words("history-uuids", "{")
	for i := range p.sb.History {
		p.sb.History[i] = UUID(p.u64())
	}
	p.words("}")
}

// memberOrPeer reads "peer", and before the first one, what releases since 9.27
// write: the mask of members.
func (p *dumpParser) memberOrPeer(first bool) {
	if p.err != nil {
		return
	}
	t, err := p.s.next()
	p.do(err)
	if first && t.kind == tokWord && t.text == "members" {
		p.sb.Members = p.u64()
		p.words("peer")
		return
	}
	if p.err == nil && (t.kind != tokWord || t.text != "peer") {
		p.err = p.s.errorf("'peer' belongs here, not %s", t)
	}
}

func (p *dumpParser) peer(seen *[MaxPeers]bool) {
	p.words("[")
	id := p.number(0, MaxPeers-1)
	p.words("]", "{")
	if p.err == nil && seen[id] {
		p.err = p.s.errorf("peer %d is there twice", id)
	}
	if p.err != nil {
		return
	}
	seen[id] = true
	q := &p.sb.Peers[id]
	q.BitmapIndex = int32(p.field("bitmap-index", NoBitmapSlot, MaxPeers-1))
	p.words("bitmap-uuid")
	q.BitmapUUID = UUID(p.u64())
	p.words("bitmap-dagtag")
	q.BitmapDagtag = p.u64()
	p.words("flags")
	q.Flags = PeerFlags(p.u32()) & peerFlagsOnDisk
	p.words("}")
}

func (p *dumpParser) sizes() {
	sb := p.sb
	sb.EffectiveSize = uint64(p.field("la-size-sect", 0, math.MaxInt64))
	if sb.Version < V08 {
		return
	}
	sb.BytesPerBit = uint32(p.field("bm-byte-per-bit", 0, math.MaxUint32))
	if p.err == nil && !validBytesPerBit(sb.BytesPerBit) {
		p.err = p.s.errorf("%d bytes per bit: possible are powers of two from 4096 to 1048576", sb.BytesPerBit)
	}
	p.words("device-uuid")
	sb.DeviceUUID = UUID(p.u64())
	sb.PeerMaxBioSize = uint32(p.field("la-peer-max-bio-size", 0, math.MaxUint32))
	sb.ALStripes = uint32(p.field("al-stripes", 0, math.MaxUint32))
	sb.ALStripeBlocks = uint32(p.field("al-stripe-size-4k", 0, math.MaxUint32))
}

// bitmap reads over a slot and remembers where it is.
func (p *dumpParser) bitmap(d *Dump, slot int) {
	if p.sb.Version == V09 {
		p.words("bitmap", "[")
		p.number(int64(slot), int64(slot))
		p.words("]", "{")
	} else {
		p.words("bm", "{")
	}
	if p.err != nil {
		return
	}
	at := dumpSlot{off: p.s.offset(), line: p.s.line}
	for {
		_, count, err := p.s.run()
		p.do(err)
		if p.err != nil || count == 0 {
			break
		}
		if at.pairs += count; at.pairs < count {
			p.err = p.s.errorf("the bitmap is larger than any device")
		}
	}
	d.slots = append(d.slots, at)
}

func (p *dumpParser) end() {
	if p.err != nil {
		return
	}
	t, err := p.s.next()
	p.do(err)
	if p.err == nil && t.kind != tokEOF {
		p.err = p.s.errorf("nothing belongs after the bitmap, but there is %s", t)
	}
}

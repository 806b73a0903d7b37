package netlinkapi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"drbdutils/schema"
)

// The two high bits of an attribute's type. DRBD 8.4, and 9 before 9.3.3, use
// the second as a mark of their own ("mandatory"); it never means big endian.
// Requests never need the mark, and Linux 7.2 does not know it any more.
const (
	nestedBit = 0x8000
	markBit   = 0x4000
	typeMask  = 0x3fff
)

const attrHeaderSize = 4

// Reasons of an AttrError.
var (
	ErrTruncated = errors.New("attribute is cut off")
	ErrNotNested = errors.New("nested bit is missing")
	ErrUnknown   = errors.New("unknown attribute")
	ErrMarked    = errors.New("unknown attribute is marked mandatory")
	ErrShort     = errors.New("number is too short")
	ErrText      = errors.New("text is too long or not terminated")
)

// AttrError says which attribute of a message is wrong. errors.Is finds the
// reason, one of the Err variables.
type AttrError struct {
	Set    schema.ID // the nest; 0 for an attribute at the top
	Attr   uint16
	Reason error
}

func (e *AttrError) Unwrap() error { return e.Reason }

func (e *AttrError) Error() string {
	if e.Set == 0 {
		return fmt.Sprintf("attribute %d: %s", e.Attr, e.Reason)
	}
	return fmt.Sprintf("attribute %d of set %d: %s", e.Attr, e.Set, e.Reason)
}

// Codec turns messages into bytes and back: everything after the netlink header,
// that is the generic netlink header, the family's header and the attributes.
// Numbers are in host byte order.
type Codec struct {
	Generation schema.Generation
	Module     bool // this is the module's side: refuse what it refuses, mark what it marks
	Echo       bool // with Module: a reply to a command, whose context is that of the request
}

// Encode returns the bytes of a message. It fails if a text does not fit the
// kernel's buffer or holds a NUL.
func (c Codec) Encode(m *Message) ([]byte, error) {
	b := appendHeader(make([]byte, 0, 512), c.Generation, m)
	for i := 0; i < len(m.Sets); {
		n := sharedNest(m.Sets[i:])
		var err error
		if b, err = c.appendNest(b, m.Sets[i:i+n]); err != nil {
			return nil, fmt.Errorf("encode %s: %w", m.Op.Name(c.Generation), err)
		}
		i += n
	}
	return b, nil
}

// sharedNest returns how many of the first sets go into one nest: the paths of a
// connection do. Of texts, the other list, each gets a nest.
func sharedNest(sets []*schema.Values) int {
	n := 1
	for sets[0].Set.ID == schema.PathParms && n < len(sets) && sets[n].Set == sets[0].Set {
		n++
	}
	return n
}

// appendNest appends one top-level attribute with the fields of the records.
func (c Codec) appendNest(b []byte, records []*schema.Values) ([]byte, error) {
	set := records[0].Set
	typ := uint16(set.ID)
	if !c.bare(set) {
		typ |= nestedBit
	}
	start := len(b)
	b = appendAttrHeader(b, typ, 0)
	for _, v := range records {
		for f, val := range v.All() {
			var err error
			if b, err = c.appendField(b, set, f, val); err != nil {
				return nil, err
			}
		}
	}
	// The module counts a nest's padding as part of it, because its last
	// attribute is padded already.
	size := len(b) - start
	if size > math.MaxUint16 {
		return nil, &AttrError{0, uint16(set.ID), ErrText}
	}
	binary.NativeEndian.PutUint16(b[start:], uint16(size))
	return b, nil
}

func appendAttrHeader(b []byte, typ uint16, payload int) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(attrHeaderSize+payload))
	return binary.NativeEndian.AppendUint16(b, typ)
}

// appendField appends one field, padded to four bytes.
func (c Codec) appendField(b []byte, set *schema.Set, f *schema.Field, val schema.Value) ([]byte, error) {
	typ := f.Attr
	if c.marks(set, f) {
		typ |= markBit
	}
	switch {
	case f.Kind.Textual():
		return appendText(b, typ, set, f, val.Text)
	case f.Kind == schema.Uint64:
		return binary.NativeEndian.AppendUint64(appendAttrHeader(b, typ, 8), val.Num), nil
	case f.Kind == schema.Flag, f.Kind == schema.Bool:
		return append(appendAttrHeader(b, typ, 1), byte(val.Num), 0, 0, 0), nil
	}
	n := uint32(val.Num)
	if f.Words != nil {
		n = f.Words.ToWire(n)
	}
	return binary.NativeEndian.AppendUint32(appendAttrHeader(b, typ, 4), n), nil
}

// bare reports whether a set is sent without the nested bit.
func (c Codec) bare(set *schema.Set) bool {
	return c.Module && set.Bare && !(c.Echo && set.ID == schema.CfgContext)
}

// marks reports whether the module puts its mark on a field. Since 9.3.3 DRBD 9
// does so for the addresses of paths only.
func (c Codec) marks(set *schema.Set, f *schema.Field) bool {
	return c.bare(set) && f.Is(schema.Mandatory) &&
		(c.Generation == schema.V84 || set.ID == schema.PathParms)
}

func appendText(b []byte, typ uint16, set *schema.Set, f *schema.Field, text string) ([]byte, error) {
	size := len(text)
	if f.Kind == schema.String {
		if strings.IndexByte(text, 0) >= 0 {
			return nil, &AttrError{set.ID, f.Attr, ErrText}
		}
		size++
	}
	if f.Len > 0 && size > f.Len {
		return nil, &AttrError{set.ID, f.Attr, ErrText}
	}
	b = append(appendAttrHeader(b, typ, size), text...)
	if size > len(text) {
		b = append(b, 0)
	}
	return append(b, "\x00\x00\x00"[:-size&3]...), nil
}

// Decode reads a message. Unknown attributes are skipped: a newer module may
// send them. With Codec.Module it refuses what the module refuses, with an
// *AttrError, and returns what it read before; otherwise there is an error only
// where the frame is broken, and a field that does not fit its kind is absent.
func (c Codec) Decode(b []byte) (Message, error) { return c.decode(new(schema.Arena), b) }

// decode is Decode for many messages that are kept together.
func (c Codec) decode(arena *schema.Arena, b []byte) (Message, error) {
	m, attrs, err := parseHeader(b)
	if err != nil {
		return Message{}, err
	}
	m.Sets, err = c.decodeSets(arena, attrs)
	return m, err
}

func (c Codec) decodeSets(arena *schema.Arena, b []byte) ([]*schema.Values, error) {
	sets := make([]*schema.Values, 0, 5)
	for r := (attrReader{rest: b}); r.next(); {
		if r.err != nil {
			return sets, &AttrError{0, r.typ & typeMask, r.err}
		}
		set, err := c.top(r.typ)
		if err != nil {
			return sets, err
		}
		if set == nil {
			continue
		}
		if sets, err = c.decodeNest(arena, sets, set, r.payload); err != nil {
			return sets, err
		}
	}
	return sets, nil
}

// top returns the set of a top-level attribute, nil if it is to be skipped.
func (c Codec) top(typ uint16) (*schema.Set, error) {
	set := schema.ID(typ & typeMask).In(c.Generation)
	switch {
	case !c.Module || typ&typeMask == 0:
		return set, nil
	case set == nil:
		return nil, &AttrError{0, typ & typeMask, ErrUnknown}
	case typ&nestedBit == 0:
		return nil, &AttrError{0, typ & typeMask, ErrNotNested}
	}
	return set, nil
}

// decodeNest appends the records of one nest.
func (c Codec) decodeNest(arena *schema.Arena, sets []*schema.Values, set *schema.Set, b []byte) ([]*schema.Values, error) {
	v := arena.New(set)
	sets = append(sets, v)
	for r := (attrReader{rest: b}); r.next(); {
		if r.err != nil {
			return sets, &AttrError{set.ID, r.typ & typeMask, r.err}
		}
		at := set.Place(r.typ & typeMask)
		if at < 0 {
			if c.refusesUnknown(r.typ) {
				return sets, &AttrError{set.ID, r.typ & typeMask, ErrMarked}
			}
			continue
		}
		val, err := decodeField(&set.Fields[at], r.payload, c.Module)
		if err != nil {
			if c.Module {
				return sets, &AttrError{set.ID, r.typ & typeMask, err}
			}
			continue
		}
		if set.List && v.HasAt(at) {
			v = arena.New(set)
			sets = append(sets, v)
		}
		v.SetAt(at, val)
	}
	return sets, nil
}

// refusesUnknown reports whether the module refuses an unknown attribute of that
// type. DRBD 9.3.3 ignores the mark.
func (c Codec) refusesUnknown(typ uint16) bool {
	return c.Module && c.Generation == schema.V84 && typ&markBit != 0 && typ&typeMask != 0
}

// decodeField reads the value of a field. Of a number that is too long the
// leading bytes count, as in the kernel.
func decodeField(f *schema.Field, b []byte, strict bool) (schema.Value, error) {
	switch f.Kind {
	case schema.Uint64:
		if len(b) < 8 {
			return schema.Value{}, ErrShort
		}
		return schema.Value{Num: binary.NativeEndian.Uint64(b)}, nil
	case schema.Flag, schema.Bool:
		if len(b) < 1 {
			return schema.Value{}, ErrShort
		}
		return schema.Value{Num: uint64(b[0])}, nil
	case schema.String:
		return decodeString(f, b, strict)
	case schema.Binary, schema.Address:
		if strict && f.Len > 0 && len(b) > f.Len {
			return schema.Value{}, ErrText
		}
		return schema.Value{Text: string(b)}, nil
	}
	if len(b) < 4 {
		return schema.Value{}, ErrShort
	}
	return schema.Value{Num: widen(f, binary.NativeEndian.Uint32(b))}, nil
}

// widen makes 64 bits of 32, by the sign or the translation of the field.
func widen(f *schema.Field, n uint32) uint64 {
	switch {
	case f.Kind == schema.Int32 || f.Kind == schema.Serial:
		return uint64(int64(int32(n)))
	case f.Words != nil:
		return uint64(f.Words.FromWire(n))
	}
	return uint64(n)
}

func decodeString(f *schema.Field, b []byte, strict bool) (schema.Value, error) {
	text, _, terminated := strings.Cut(string(b), "\x00")
	if strict && (!terminated || f.Len > 0 && len(text) >= f.Len) {
		return schema.Value{}, ErrText
	}
	return schema.Value{Text: text}, nil
}

// attrReader walks over attributes. After next returned true, either err or typ
// and payload are set; after an error it ends.
type attrReader struct {
	rest    []byte
	typ     uint16
	payload []byte
	err     error
}

func (r *attrReader) next() bool {
	if len(r.rest) == 0 || r.err != nil {
		return false
	}
	if len(r.rest) < attrHeaderSize {
		r.typ, r.err = 0, ErrTruncated
		return true
	}
	size := int(binary.NativeEndian.Uint16(r.rest))
	r.typ = binary.NativeEndian.Uint16(r.rest[2:])
	if size < attrHeaderSize || size > len(r.rest) {
		r.err = ErrTruncated
		return true
	}
	r.payload = r.rest[attrHeaderSize:size]
	r.rest = r.rest[min((size+3)&^3, len(r.rest)):]
	return true
}

package fake

import (
	"encoding/binary"
	"errors"
	"syscall"

	"drbdutils/schema"
)

// Message frames. All integers are in the byte order of the host.
const (
	nlHeaderLen   = 16 // nlmsghdr: length u32, type u16, flags u16, sequence u32, port u32
	genlHeaderLen = 4  // genlmsghdr: command u8, version u8, reserved u16
	userHeaderLen = 8  // minor u32, flags u32 or ret_code s32
	bodyOffset    = nlHeaderLen + genlHeaderLen + userHeaderLen
)

const (
	flagRequest = 0x1
	flagMulti   = 0x2
	flagAck     = 0x4
	flagDump    = 0x300
	flagExcl    = 0x200
	flagCapped  = 0x100 // in an acknowledgement: the request is cut

	typeError = 2
	typeDone  = 3

	attrNested    = 0x8000
	attrMandatory = 0x4000
	attrTypeMask  = 0x3fff
)

var native = binary.NativeEndian

func align4(n int) int { return (n + 3) &^ 3 }

// header is the nlmsghdr of a message.
type header struct {
	kind, flags uint16
	seq, port   uint32
}

func readHeader(msg []byte) header {
	return header{native.Uint16(msg[4:]), native.Uint16(msg[6:]), native.Uint32(msg[8:]), native.Uint32(msg[12:])}
}

// startMessage begins a netlink message; endMessage fills in its length.
func startMessage(h header) []byte {
	b := make([]byte, nlHeaderLen, 1024)
	native.PutUint16(b[4:], h.kind)
	native.PutUint16(b[6:], h.flags)
	native.PutUint32(b[8:], h.seq)
	native.PutUint32(b[12:], h.port)
	return b
}

func endMessage(b []byte) []byte {
	native.PutUint32(b, uint32(len(b)))
	return b
}

// errorMessage is the netlink layer's answer to a request: an errno and the
// request, or 0 for an acknowledgement and only the request's header.
func errorMessage(request []byte, errno syscall.Errno) []byte {
	req := readHeader(request)
	h := header{kind: typeError, seq: req.seq, port: req.port}
	if errno == 0 {
		h.flags, request = flagCapped, request[:nlHeaderLen]
	}
	b := native.AppendUint32(startMessage(h), uint32(-int32(errno)))
	return endMessage(append(b, request...))
}

// doneMessage ends a dump.
func doneMessage(req header, errno syscall.Errno) []byte {
	b := startMessage(header{kind: typeDone, flags: flagMulti, seq: req.seq, port: req.port})
	return endMessage(native.AppendUint32(b, uint32(-int32(errno))))
}

// attribute is one attribute as it lies in a message.
type attribute struct {
	kind    uint16 // with its high bits
	payload []byte
}

func (a attribute) number() uint16 { return a.kind & attrTypeMask }

// splitAttributes splits a row of attributes. rest is what is left over because it
// cannot be one.
func splitAttributes(b []byte) (list []attribute, rest []byte) {
	for len(b) >= 4 {
		size := int(native.Uint16(b))
		if size < 4 || size > len(b) {
			break
		}
		list = append(list, attribute{native.Uint16(b[2:]), b[4:size]})
		b = b[min(align4(size), len(b)):]
	}
	return list, b
}

// readAttributes splits the inside of a nest, where the kernel ignores a rest.
func readAttributes(b []byte) []attribute {
	list, _ := splitAttributes(b)
	return list
}

// appendAttribute adds one attribute, padded to four bytes.
func appendAttribute(b []byte, kind uint16, payload []byte) []byte {
	start := len(b)
	return endAttribute(append(openAttribute(b), payload...), start, kind)
}

// openAttribute leaves room for the head of an attribute, which endAttribute fills in.
func openAttribute(b []byte) []byte { return append(b, 0, 0, 0, 0) }

func endAttribute(b []byte, start int, kind uint16) []byte {
	size := len(b) - start
	native.PutUint16(b[start:], uint16(size))
	native.PutUint16(b[start+2:], kind)
	return append(b, []byte{0, 0, 0}[:align4(size)-size]...)
}

// appendSets adds sets; those that are nil are left out. DRBD 9 marks nothing.
func (m *Module) appendSets(b []byte, sets ...*schema.Values) []byte {
	for _, s := range sets {
		if s != nil {
			b = appendSet(b, s, m.gen == schema.V84 && s.Set.Bare)
		}
	}
	return b
}

// unmarked returns a copy of a nest with the mandatory marks gone.
func unmarked(nest []byte) []byte {
	var b []byte
	for _, a := range readAttributes(nest) {
		b = appendAttribute(b, a.kind&^attrMandatory, a.payload)
	}
	return b
}

// appendSet adds a nest with the values of v, those that are mandatory marked or not.
func appendSet(b []byte, v *schema.Values, marked bool) []byte {
	kind := uint16(v.Set.ID)
	if !v.Set.Bare {
		kind |= attrNested
	}
	start := len(b)
	return endAttribute(appendMarked(openAttribute(b), v, marked), start, kind)
}

func appendFields(b []byte, v *schema.Values) []byte { return appendMarked(b, v, false) }

func appendMarked(b []byte, v *schema.Values, marked bool) []byte {
	for f, value := range v.All() {
		kind := f.Attr
		if marked && f.Is(schema.Mandatory) {
			kind |= attrMandatory
		}
		start := len(b)
		b = endAttribute(appendValue(openAttribute(b), f, value), start, kind)
	}
	return b
}

func appendValue(b []byte, f *schema.Field, v schema.Value) []byte {
	switch f.Kind {
	case schema.Flag, schema.Bool:
		return append(b, byte(v.Num))
	case schema.Uint64:
		return native.AppendUint64(b, v.Num)
	case schema.String:
		return append(append(b, v.Text...), 0)
	case schema.Binary, schema.Address:
		return append(b, v.Text...)
	}
	n := uint32(v.Num)
	if f.Words != nil {
		n = f.Words.ToWire(n)
	}
	return native.AppendUint32(b, n)
}

// Reasons why a nest cannot be read. Outside the context they become info texts.
var (
	errUnknownMandatory = errors.New("unknown mandatory attribute")
	errBadValue         = errors.New("invalid attribute value")
	errMissing          = errors.New("required attribute missing")
	errInvariant        = errors.New("can not change invariant setting")
)

// decodeInto reads a nest's fields into v. Unknown numbers are skipped unless
// they are marked mandatory; values are checked as far as the kernel does.
func decodeInto(v *schema.Values, payload []byte) error {
	for _, a := range readAttributes(payload) {
		f := fieldOf(v.Set, a.number())
		if f == nil {
			if a.kind&attrMandatory != 0 {
				return errUnknownMandatory
			}
			continue
		}
		value, err := decodeValue(f, a.payload)
		if err != nil {
			return err
		}
		v.Put(f, value)
	}
	return nil
}

func decodeValue(f *schema.Field, p []byte) (schema.Value, error) {
	size := map[schema.Kind]int{schema.Flag: 1, schema.Bool: 1, schema.Uint64: 8}[f.Kind]
	switch {
	case f.Kind == schema.String:
		return decodeString(f, p)
	case f.Kind.Textual():
		if f.Len > 0 && len(p) > f.Len {
			return schema.Value{}, errBadValue
		}
		return schema.Value{Text: string(p)}, nil
	case size == 0:
		size = 4
	}
	if len(p) < size {
		return schema.Value{}, errBadValue
	}
	switch size {
	case 1:
		return schema.Value{Num: uint64(p[0])}, nil
	case 8:
		return schema.Value{Num: native.Uint64(p)}, nil
	}
	n := native.Uint32(p)
	if f.Kind == schema.Int32 {
		return schema.Value{Num: uint64(int64(int32(n)))}, nil
	}
	if f.Words != nil {
		n = f.Words.FromWire(n)
	}
	return schema.Value{Num: uint64(n)}, nil
}

// decodeString wants a final NUL within the kernel's buffer.
func decodeString(f *schema.Field, p []byte) (schema.Value, error) {
	if f.Len > 0 && len(p) > f.Len {
		p = p[:f.Len]
	}
	for i, c := range p {
		if c == 0 {
			return schema.Value{Text: string(p[:i])}, nil
		}
	}
	return schema.Value{}, errBadValue
}

// fieldOf returns the row with an attribute number, nil if there is none.
func fieldOf(s *schema.Set, attr uint16) *schema.Field {
	for i := range s.Fields {
		if s.Fields[i].Attr == attr && attr != 0 {
			return &s.Fields[i]
		}
	}
	return nil
}

package netlinkapi

import (
	"encoding/binary"
	"errors"

	"drbdutils/schema"
)

// Sizes of the headers in front of the attributes, in bytes.
const (
	genlHeaderSize = 4 // command, version, 16 bits reserved
	drbdHeaderSize = 8 // minor, then flags or ret_code; host byte order
	headerSize     = genlHeaderSize + drbdHeaderSize
)

var errShortHeader = errors.New("message shorter than its headers")

// appendHeader appends the generic netlink header and the family's own.
func appendHeader(b []byte, g schema.Generation, m *Message) []byte {
	b = append(b, byte(m.Op), g.FamilyVersion(), 0, 0)
	b = binary.NativeEndian.AppendUint32(b, m.Minor)
	return binary.NativeEndian.AppendUint32(b, uint32(m.Code))
}

// parseHeader reads both headers and returns what follows them.
func parseHeader(b []byte) (Message, []byte, error) {
	if len(b) < headerSize {
		return Message{}, nil, errShortHeader
	}
	return Message{
		Op:    schema.Op(b[0]),
		Minor: binary.NativeEndian.Uint32(b[genlHeaderSize:]),
		Code:  schema.Code(binary.NativeEndian.Uint32(b[genlHeaderSize+4:])),
	}, b[headerSize:], nil
}

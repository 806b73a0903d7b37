package netlinkapi

import (
	"encoding/binary"
	"strings"

	"github.com/mdlayher/netlink"

	"drbdutils/schema"
)

// Numbers of the generic netlink controller (linux/genetlink.h).
const (
	netlinkGeneric  = 16
	controllerID    = 16 // message type of the controller, and the number of its group "notify"
	ctrlGetFamily   = 3
	ctrlDelFamily   = 2
	ctrlDelGroup    = 8
	ctrlFamilyID    = 1
	ctrlFamilyName  = 2
	ctrlVersion     = 3
	ctrlHeaderSize  = 4
	ctrlMaxAttr     = 5
	ctrlOps         = 6
	ctrlOpID        = 1
	ctrlGroups      = 7
	ctrlGroupName   = 1
	ctrlGroupID     = 2
	controllerVersn = 2
)

const (
	familyName = "drbd"
	groupName  = "events"
)

// family is what the controller tells about the module's family.
type family struct {
	id         uint16
	version    uint8
	headerSize int
	maxAttr    int
	group      uint32    // of the notifications
	ops        [4]uint64 // bit n: command n exists
}

// has reports whether the module has a command.
func (f *family) has(op schema.Op) bool { return f.ops[op/64]&(1<<(op%64)) != 0 }

// familyRequest asks the controller for the family.
func familyRequest() netlink.Message {
	data := []byte{ctrlGetFamily, controllerVersn, 0, 0}
	data = appendAttrHeader(data, ctrlFamilyName, len(familyName)+1)
	data = append(data, familyName+"\x00"...)
	for len(data)%4 != 0 {
		data = append(data, 0)
	}
	return netlink.Message{
		Header: netlink.Header{Type: controllerID, Flags: netlink.Request},
		Data:   data,
	}
}

// parseFamily reads what the controller says about a family: in reply to a
// request, or when the family goes away.
func parseFamily(data []byte) (f family) {
	if len(data) < genlHeaderSize {
		return f
	}
	for r := (attrReader{rest: data[genlHeaderSize:]}); r.next() && r.err == nil; {
		switch r.typ & typeMask {
		case ctrlFamilyID:
			f.id = uint16(number(r.payload))
		case ctrlVersion:
			f.version = uint8(number(r.payload))
		case ctrlHeaderSize:
			f.headerSize = int(number(r.payload))
		case ctrlMaxAttr:
			f.maxAttr = int(number(r.payload))
		case ctrlOps:
			f.parseOps(r.payload)
		case ctrlGroups:
			f.parseGroups(r.payload)
		}
	}
	return f
}

func (f *family) parseOps(b []byte) {
	for list := (attrReader{rest: b}); list.next() && list.err == nil; {
		for r := (attrReader{rest: list.payload}); r.next() && r.err == nil; {
			if op := number(r.payload); r.typ&typeMask == ctrlOpID && op < 256 {
				f.ops[op/64] |= 1 << (op % 64)
			}
		}
	}
}

func (f *family) parseGroups(b []byte) {
	for list := (attrReader{rest: b}); list.next() && list.err == nil; {
		var name string
		var id uint32
		for r := (attrReader{rest: list.payload}); r.next() && r.err == nil; {
			switch r.typ & typeMask {
			case ctrlGroupName:
				name = strings.TrimRight(string(r.payload), "\x00")
			case ctrlGroupID:
				id = number(r.payload)
			}
		}
		if name == groupName {
			f.group = id
		}
	}
}

// number reads a number of two or four bytes.
func number(b []byte) uint32 {
	switch {
	case len(b) >= 4:
		return binary.NativeEndian.Uint32(b)
	case len(b) >= 2:
		return uint32(binary.NativeEndian.Uint16(b))
	}
	return 0
}

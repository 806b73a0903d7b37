package netlinkapi

import (
	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
)

// Numbers of the generic netlink controller (linux/genetlink.h).
const (
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

const groupName = "events" // of the module's notifications

// family is what the controller tells about the module's family.
type family struct {
	name       string
	id         uint16
	version    uint8
	headerSize int
	maxAttr    int
	group      uint32    // of the notifications
	ops        [4]uint64 // bit n: command n exists
}

// has reports whether the module has the command of that number.
func (f *family) has(op uint8) bool { return f.ops[op/64]&(1<<(op%64)) != 0 }

// familyRequest asks the controller for a family.
func familyRequest(name string) (netlink.Message, error) {
	e := netlink.NewAttributeEncoder()
	e.String(ctrlFamilyName, name)
	attrs, err := e.Encode()
	if err != nil {
		return netlink.Message{}, err
	}
	ask := genetlink.Message{
		Header: genetlink.Header{Command: ctrlGetFamily, Version: controllerVersn},
		Data:   attrs,
	}
	data, err := ask.MarshalBinary()
	return netlink.Message{
		Header: netlink.Header{Type: controllerID, Flags: netlink.Request},
		Data:   data,
	}, err
}

// parseFamily reads what the controller says about a family: in reply to a
// request, or when the family goes away. It takes from a broken message what
// stands before the break. (genetlink's own type leaves out the size of the
// header, the attributes and the commands.)
func parseFamily(data []byte) (f family) {
	var m genetlink.Message
	if err := m.UnmarshalBinary(data); err != nil {
		return f
	}
	d, err := netlink.NewAttributeDecoder(m.Data)
	if err != nil {
		return f
	}
	for d.Next() {
		switch d.Type() {
		case ctrlFamilyID:
			f.id = d.Uint16()
		case ctrlFamilyName:
			f.name = d.String()
		case ctrlVersion:
			f.version = uint8(d.Uint32())
		case ctrlHeaderSize:
			f.headerSize = int(d.Uint32())
		case ctrlMaxAttr:
			f.maxAttr = int(d.Uint32())
		case ctrlOps:
			d.Nested(f.parseOps)
		case ctrlGroups:
			d.Nested(f.parseGroups)
		}
	}
	return f
}

func (f *family) parseOps(list *netlink.AttributeDecoder) error {
	for list.Next() {
		list.Nested(func(d *netlink.AttributeDecoder) error {
			for d.Next() {
				if d.Type() != ctrlOpID {
					continue
				}
				if op := d.Uint32(); op < 256 {
					f.ops[op/64] |= 1 << (op % 64)
				}
			}
			return nil
		})
	}
	return nil
}

func (f *family) parseGroups(list *netlink.AttributeDecoder) error {
	for list.Next() {
		list.Nested(func(d *netlink.AttributeDecoder) error {
			var name string
			var id uint32
			for d.Next() {
				switch d.Type() {
				case ctrlGroupName:
					name = d.String()
				case ctrlGroupID:
					id = d.Uint32()
				}
			}
			if name == groupName {
				f.group = id
			}
			return nil
		})
	}
	return nil
}

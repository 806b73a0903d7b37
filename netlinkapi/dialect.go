package netlinkapi

import "drbdutils/schema"

// A dialect is one form of the module's interface: all that differs between the
// generations beyond the tables of package schema. Dial picks the one that fits
// the family it finds.
//
// A family of another shape (without a header of its own, with other numbers,
// addresses as nests and results as attributes, as is planned under the name drbd2)
// is one more file like v9.go and one more entry in dialects: its encode and
// decode map its form to Message, and nothing else here or above has to know.
type dialect struct {
	generation schema.Generation
	family     string // name of the generic netlink family
	version    uint8  // of the family
	headerSize int    // of the family's own header, in bytes

	// encode and decode turn messages into bytes and back: everything behind
	// the netlink header. Messages that are kept together share an arena.
	encode func(*Message) ([]byte, error)
	decode func(*schema.Arena, []byte) (Message, error)

	lists    []schema.Op // the dumps that make up a snapshot
	retries  bool        // a command that meets a transient state is sent again
	trailing []schema.Op // commands whose reply an error may follow
}

// dialects are those we speak, the newest family first.
var dialects = []*dialect{&v9, &v84}

// dialectOf returns the dialect for a family.
func dialectOf(f *family) (*dialect, error) {
	for _, d := range dialects {
		if d.family == f.name && d.version == f.version && d.headerSize == f.headerSize {
			return d, nil
		}
	}
	return nil, &VersionError{Version: f.version, HeaderSize: f.headerSize}
}

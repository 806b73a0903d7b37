package netlinkapi

import "drbdutils/schema"

// A dialect is what differs between the generations of the module beyond the
// tables of package schema. Dial picks the one that fits the family.
//
// A family of another shape, without a header of its own, with other numbers,
// addresses as nests and results as attributes, as is planned under the name
// drbd2, would be one more file like v9.go and one more entry here: it would
// name that family and bring its own Encode and Decode in the place of Codec,
// which map its numbers to those of schema.
type dialect struct {
	generation schema.Generation
	version    uint8       // of the family
	retries    bool        // a command that meets a transient state is sent again
	lists      []schema.Op // the dumps that make up a snapshot
	peerName   string      // name of connections, where the module has none
}

var dialects = [...]*dialect{&v84, &v9}

// dialectOf returns the dialect for a family.
func dialectOf(f *family) (*dialect, error) {
	for _, d := range dialects {
		if d.version == f.version && f.headerSize == drbdHeaderSize {
			return d, nil
		}
	}
	return nil, &VersionError{Version: f.version, HeaderSize: f.headerSize}
}

package meta

import (
	"errors"
	"fmt"
)

// LastKnown remembers how large a device with internal metadata was, so that the
// metadata is found again after the device grew.
type LastKnown struct {
	Size   int64  // bytes
	Path   string // of the device
	Device UUID   // device UUID of the metadata, 0 if it has none
}

// ParseLastKnown reads the text that String returns. The line with the UUID may
// be missing.
func ParseLastKnown(text string) (LastKnown, error) {
	var l LastKnown
	var label, uuid string
	n, _ := fmt.Sscan(text, &l.Size, &l.Path, &label, &uuid)
	if n < 2 || l.Size < 0 {
		return LastKnown{}, errors.New("no size and device name")
	}
	if label == "uuid:" {
		l.Device, _ = ParseUUID(uuid)
	}
	return l, nil
}

// String returns l as it stands in the file.
func (l LastKnown) String() string {
	s := fmt.Sprintf("%d\t%s\n", l.Size, l.Path)
	if l.Device != 0 {
		s += fmt.Sprintf("uuid:\t%s\n", l.Device)
	}
	return s
}

// OpenLastKnown finds internal metadata where it was while the device had
// another size. The caller decides what a different device UUID means. Its error
// is ErrNoMetadata if there is none, else that of reading.
func OpenLastKnown(d Disk, size int64, v Version, l LastKnown) (*Image, error) {
	off, err := SuperblockOffset(FlexInternal, l.Size)
	if err != nil || l.Size == size || off > size-BlockSize {
		return nil, fmt.Errorf("%w: no other position is known", ErrNoMetadata)
	}
	return openAt(d, l.Size, v, FlexInternal, off)
}

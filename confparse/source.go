package confparse

import (
	"io"
	"io/fs"
	"net/netip"

	"drbdutils/schema"
)

// Source says what Load reads and for whom.
type Source struct {
	Generation schema.Generation // V84 or V9
	Version    [3]int            // the module's version; zero if unknown
	Node       string            // name of this node

	// Files are the candidates for the main file, absolute or relative to Dir;
	// the first that exists is read. "-" is standard input.
	Files   []string
	Test    []string // more files, read after the main file
	Exclude []string // files that include skips
	Dir     string   // absolute; what relative names are relative to
	FS      fs.FS    // the root directory; may be a RegularOpener
	Stdin   io.Reader

	// Local reports whether an interface that is up has the address. It is only
	// asked for floating sections. nil: none has.
	Local func(netip.Addr) bool

	// Want names the resources whose content the caller will ask for, nil all. Where
	// there are many others, Load does not decode them unless two seem to have the
	// same minor, device, disk or address.
	Want []string
}

// A RegularOpener is a file system with a quick way to open what will be read only
// if it turns out to be a regular file.
type RegularOpener interface {
	fs.FS
	OpenRegular(name string) (fs.File, error)
}

// DefaultFiles returns where the configuration is looked for without -c.
func DefaultFiles(g schema.Generation) []string {
	files := []string{"/etc/drbd-84.conf", "/etc/drbd-83.conf", "/etc/drbd-82.conf", "/etc/drbd-08.conf", "/etc/drbd.conf"}
	if g == schema.V84 {
		return files
	}
	return append([]string{"/etc/drbd-90.conf"}, files...)
}

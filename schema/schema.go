// Package schema is the one table of what DRBD's generic netlink family and its
// configuration language know: attribute sets, their fields, option names,
// ranges, defaults, units, enumerations, commands and return codes, for both
// generations of the module (8.4 and 9).
//
// From a row of this table, and from nowhere else, come attribute encoding and
// decoding, the legality of configuration options, command line flags, usage,
// xml-help, the defaults that show omits, what adjust resets, and completion.
// The package imports only the standard library and holds no mutable state.
package schema

// Generation is a set of module generations.
type Generation uint8

// The two generations of the family, told apart by its version (1 and 2).
const (
	V84 Generation = 1 << iota // DRBD 8.4.x, as in mainline Linux
	V9                         // DRBD 9.0 to 9.3
)

// Both says that a row holds for every generation.
const Both = V84 | V9

// Kind says how a field's value looks on the wire and to the user.
type Kind uint8

const (
	Uint32 Kind = iota + 1
	Int32
	Uint64
	Flag    // one byte on the wire; on a command line present or absent
	Bool    // one byte on the wire; yes or no for users
	Enum    // uint32 on the wire, a word for users
	Symbol  // uint32 on the wire, a word of the enumeration or a number for users
	String  // text with a terminating NUL
	Binary  // raw bytes
	Address // sockaddr bytes
)

// Flags are properties of a field.
type Flags uint8

const (
	Required  Flags = 1 << iota // the set is refused without it
	Invariant                   // can be set when the object is created, not changed later
	Sensitive                   // never shown, logged or put into an error
	Mandatory                   // 8.4 sends replies with DRBD's 0x4000 mark on it
	NoCase                      // words of the enumeration match in any case
	Clamped                     // out-of-range numbers are passed on; the kernel clamps them
)

// A Field is one row: an attribute inside a set, and often an option.
type Field struct {
	Name    string       // option or key as users write it: "max-buffers"
	Key     string       // the kernel's name of the field: "max_buffers"
	Attr    uint16       // attribute number inside the set; 0: not on the wire
	Kind    Kind         //
	Len     int          // String, Binary: size of the kernel's buffer in bytes, NUL included; 0: unlimited
	Min     int64        // numbers: limits, in wire units
	Max     int64        //
	Def     int64        // default, in wire units; enumeration number; 0 or 1 for Bool
	DefText string       // String: default
	Unit    string       // what is counted, for people: "bytes", "1/10 seconds"
	Scale   Scale        // wire units per user unit
	Words   *Enumeration // Enum, Symbol: the words
	Gen     Generation   // generations that know the row; 0: Both
	Since   string       // first 9.x release that knows it, "" if all do
	Flags   Flags        //
	Doc     string       // one sentence for people
}

// Scale is the unit a number without a suffix is meant in, and sent in.
type Scale uint8

const (
	One     Scale = iota // as it is
	KiB                  // 1024 bytes
	Sectors              // 512 bytes
)

// A Set is one attribute set: a struct of the kernel, a nest on the wire.
type Set struct {
	Name   string // the kernel's name: "net_conf"
	Attr   uint16 // top-level attribute number; 0: known to user space only
	Gen    Generation
	Fields []Field // in the order in which show prints them
}

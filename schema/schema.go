// Package schema is the one table of what DRBD's generic netlink family and its
// configuration language know: attribute sets, their fields, option names,
// ranges, defaults, units, enumerations, commands and return codes, for both
// generations of the module (8.4 and 9).
//
// From a row of this table, and from nowhere else, come attribute encoding and
// decoding, the legality of configuration options, command line flags, usage,
// xml-help, the defaults that show omits, what adjust resets, and completion.
// The package imports only the standard library, and its tables never change.
//
// A row is written once. Without Gen it holds for both generations; where they
// differ in number, range or place, each has a row of its own:
//
//	{Name: "max-buffers", Key: "max_buffers", Attr: 14, ..., Gen: V84},
//	{Name: "max-buffers", Key: "max_buffers", Attr: 36, ..., Gen: V9},
//
// Callers see one generation: ID.In leaves out the rows of the other.
//
//	set := schema.DiskConf.In(schema.V84)
//	field := set.Option("al-extents")
//	value, err := field.Parse("1k")      // 1024
//	values := set.New().Put(field, value) // what goes to the kernel
package schema

// Generation is a set of module generations.
type Generation uint8

// The two generations of the family, told apart by its version.
const (
	V84 Generation = 1 << iota // DRBD 8.4.x, as in mainline Linux
	V9                         // DRBD 9.0 to 9.3
)

// Both says that a row holds for every generation.
const Both = V84 | V9

// Has reports whether g includes the generation one. The zero Generation, which
// rows use for "no restriction", includes all.
func (g Generation) Has(one Generation) bool { return g == 0 || g&one != 0 }

// FamilyVersion returns the version that the netlink family of one generation has.
func (g Generation) FamilyVersion() uint8 {
	if g == V84 {
		return 1
	}
	return 2
}

// String returns "8.4", "9" or "8.4 and 9".
func (g Generation) String() string {
	switch g {
	case V84:
		return "8.4"
	case V9:
		return "9"
	}
	return "8.4 and 9"
}

// Kind says how a field's value looks on the wire and to the user.
type Kind uint8

const (
	Uint32  Kind = iota + 1 // a number, four bytes
	Int32                   // a number, four bytes, two's complement
	Uint64                  // a number, eight bytes
	Flag                    // one byte on the wire, sent only when set
	Bool                    // one byte on the wire, 0 or 1; yes or no for users
	Enum                    // uint32 on the wire, a word for users
	Symbol                  // uint32 on the wire, a word of the enumeration or a number for users
	Serial                  // int32 on the wire, the serial number of a kernel key; its description for users
	String                  // text with a terminating NUL
	Binary                  // raw bytes
	Address                 // sockaddr bytes
)

// Textual reports whether values of the kind are kept as text, not as a number.
func (k Kind) Textual() bool { return k >= String }

// Flags are properties of a field.
type Flags uint8

const (
	Required  Flags = 1 << iota // the set is refused without it
	Invariant                   // can be set when the object is created, not changed later
	Sensitive                   // never shown, logged or put into an error
	Mandatory                   // the module's own messages carry DRBD's 0x4000 mark on it
	NoCase                      // words of the enumeration match in any case
	Clamped                     // out-of-range numbers are passed on; the kernel clamps them
)

// A Field is one row: an attribute inside a set, and often an option.
type Field struct {
	Name    string       // option as users write it: "max-buffers"; "": no option
	Key     string       // the kernel's name of the field: "max_buffers"
	Attr    uint16       // attribute number inside the set; 0: not on the wire
	Kind    Kind         //
	Len     int          // String, Binary, Address: size of the kernel's buffer in bytes, NUL included; 0: unlimited
	Min     int64        // numbers: limits, in wire units; both 0: not limited
	Max     int64        //
	Def     int64        // default, in wire units; number of the word; 0 or 1 for Bool and Flag
	DefText string       // String: default
	Unit    string       // what is counted, for people: "bytes", "1/10 seconds"
	Scale   Scale        // what a number without a suffix counts, and the wire too
	Words   *Enumeration // Enum, Symbol: the words
	Gen     Generation   // generations that know the row; 0: as the set
	Since   string       // first 9.x releases that know it, "" if all do
	Flags   Flags        //
	Doc     string       // one sentence for people
}

// Is reports whether the field has all the flags.
func (f *Field) Is(flags Flags) bool { return f.Flags&flags == flags }

// Scale is the unit a number without a suffix is meant in, and sent in.
type Scale uint8

const (
	One     Scale = iota // as it is
	KiB                  // 1024 bytes, suffix k
	Sectors              // 512 bytes, suffix s
)

// A Set is one attribute set: a struct of the kernel, a nest on the wire.
type Set struct {
	ID     ID         // which one; 0: known to user space only
	Name   string     // the kernel's name: "net_conf"
	Gen    Generation // generations that know the set; 0: Both
	Bare   bool       // the module sends the nest without NLA_F_NESTED
	List   bool       // a repeated attribute number begins another record of the set
	Fields []Field    // in the order in which show prints them; at most 64

	places  [maxAttr + 1]int8 // by attribute number: place among the fields, counted from 1; for Place
	textual int               // how many fields are kept as text
}

// maxAttr is the highest attribute number inside a set.
const maxAttr = 63

// Field returns the row with the kernel's name key, or nil.
func (s *Set) Field(key string) *Field {
	if i := s.index(key); i >= 0 {
		return &s.Fields[i]
	}
	return nil
}

// Option returns the row that users know as name, or nil.
func (s *Set) Option(name string) *Field {
	for i := range s.Fields {
		if s.Fields[i].Name == name && name != "" {
			return &s.Fields[i]
		}
	}
	return nil
}

// index returns the place of the row named key, -1 without one.
func (s *Set) index(key string) int {
	for i := range s.Fields {
		if s.Fields[i].Key == key {
			return i
		}
	}
	return -1
}

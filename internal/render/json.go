package render

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// A jsonWriter writes JSON in the layout of the original, which humans compare and
// line-based scripts read: one member a line.
type jsonWriter struct {
	bytes.Buffer
	step  string // indentation of one level
	tight bool   // a list ends on the line of its last element
	depth int
	next  string // what separates the next member from the last
}

// begin starts a member or an element on a line of its own.
func (j *jsonWriter) begin() {
	j.WriteString(j.next)
	j.newMember()
	for range j.depth {
		j.WriteString(j.step)
	}
}

func (j *jsonWriter) newMember() { j.next = ",\n" }

// raw writes a member whose value is JSON already.
func (j *jsonWriter) raw(name, value string) {
	j.name(name)
	j.WriteString(value)
}

// name begins a member.
func (j *jsonWriter) name(name string) {
	j.begin()
	j.WriteByte('"')
	j.WriteString(name) // names are ours and need no escapes
	j.WriteString(`": `)
}

func (j *jsonWriter) str(name, value string) {
	j.name(name)
	j.Write(appendQuoted(j.AvailableBuffer(), value))
}

func (j *jsonWriter) uint(name string, n uint64) {
	j.name(name)
	j.Write(strconv.AppendUint(j.AvailableBuffer(), n, 10))
}

func (j *jsonWriter) bool(name string, b bool) { j.raw(name, strconv.FormatBool(b)) }
func (j *jsonWriter) object(name string)       { j.raw(name, ""); j.open("{") }
func (j *jsonWriter) list(name string)         { j.raw(name, ""); j.open("[") }
func (j *jsonWriter) element()                 { j.begin(); j.open("{") }
func (j *jsonWriter) endObject()               { j.shut("}") }

// endList ends a list of objects.
func (j *jsonWriter) endList() {
	if !j.tight {
		j.shut("]")
		return
	}
	j.depth--
	j.WriteString(" ]")
	j.newMember()
}

func (j *jsonWriter) open(bracket string) {
	j.WriteString(bracket + "\n")
	j.depth++
	j.next = ""
}

func (j *jsonWriter) shut(bracket string) {
	j.depth--
	if j.next != "" {
		j.WriteByte('\n')
	}
	for range j.depth {
		j.WriteString(j.step)
	}
	j.WriteString(bracket)
	j.newMember()
}

// appendQuoted appends s as a JSON string. Bytes that are no UTF-8 become the
// replacement character.
func appendQuoted(out []byte, s string) []byte {
	out = append(out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r < 0x20 || r == 0x7f:
			const hex = "0123456789abcdef"
			out = append(out, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}

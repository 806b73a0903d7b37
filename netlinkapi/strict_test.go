package netlinkapi

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// TestRequestsPassStrictValidation looks at the bytes of every command with every
// field that it takes. Linux 7.2 refuses nests that do not say that they are,
// numbers of another width, texts without a NUL, and anything behind the last
// attribute; 8.4.11 crashes over the mark on numbers that it does not know.
func TestRequestsPassStrictValidation(t *testing.T) {
	for _, g := range []schema.Generation{schema.V84, schema.V9} {
		for op := range schema.Op(255) {
			cmd := op.In(g)
			if cmd == nil {
				continue
			}
			m := Message{Op: op, Minor: schema.NoMinor}
			for id := range schema.ID(40) {
				if set := id.In(g); set != nil && cmd.Takes(id) {
					m.Sets = append(m.Sets, filled(set))
				}
			}
			b, err := Codec{Generation: g}.Encode(&m)
			require.NoError(t, err)
			i := 0
			for _, nest := range strictAttributes(t, b[headerSize:]) {
				require.Equal(t, uint16(m.Sets[i].Set.ID)|0x8000, nest.typ)
				requireStrictFields(t, m.Sets[i].Set, nest.payload)
				i++
			}
			require.Len(t, m.Sets, i, "%s", cmd.Name)
		}
	}
}

// filled returns a set with a value for each field.
func filled(set *schema.Set) *schema.Values {
	v := set.New()
	for i := range set.Fields {
		if set.Fields[i].Kind.Textual() {
			v.SetAt(i, schema.Value{Text: "x"})
		} else {
			v.SetAt(i, schema.Value{Num: 1})
		}
	}
	return v
}

func requireStrictFields(t *testing.T, set *schema.Set, b []byte) {
	fields := strictAttributes(t, b)
	require.Len(t, fields, len(set.Fields))
	width := map[schema.Kind]int{schema.Flag: 1, schema.Bool: 1, schema.Uint64: 8}
	for i, a := range fields {
		f := &set.Fields[i]
		require.Equal(t, f.Attr, a.typ, "no mark, no other bit: %s", f.Key)
		switch want, odd := width[f.Kind]; {
		case odd:
			require.Len(t, a.payload, want, f.Key)
		case f.Kind == schema.String:
			require.Equal(t, "x\x00", string(a.payload), f.Key)
		case !f.Kind.Textual():
			require.Len(t, a.payload, 4, f.Key)
		}
	}
}

type strictAttribute struct {
	typ     uint16
	payload []byte
}

// strictAttributes splits a list of attributes that must fill b to its end.
func strictAttributes(t *testing.T, b []byte) []strictAttribute {
	var all []strictAttribute
	for len(b) > 0 {
		size := int(binary.NativeEndian.Uint16(b))
		padded := (size + 3) &^ 3
		require.LessOrEqual(t, padded, len(b), "nothing is cut off")
		all = append(all, strictAttribute{binary.NativeEndian.Uint16(b[2:]), b[4:size]})
		b = b[padded:]
	}
	return all
}

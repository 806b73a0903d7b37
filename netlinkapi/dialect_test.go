package netlinkapi

import (
	"slices"
	"testing"

	"github.com/mdlayher/netlink"
	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// Another form of the interface: numbers of commands are other ones, and there is
// no family header; what was in it comes last.
func toOther(b []byte) []byte {
	return slices.Concat([]byte{b[0] + 100, 1, 0, 0}, b[headerSize:], b[genlHeaderSize:headerSize])
}

func fromOther(b []byte) []byte {
	tail := len(b) - drbdHeaderSize
	return slices.Concat([]byte{b[0] - 100, 2, 0, 0}, b[tail:], b[genlHeaderSize:tail])
}

// TestAnotherDialect speaks to a family that nothing but one more dialect knows.
func TestAnotherDialect(t *testing.T) {
	codec := Codec{Generation: schema.V9}
	other := v9
	other.family, other.version, other.headerSize = "drbd2", 1, 0
	other.encode = func(m *Message) ([]byte, error) {
		b, err := codec.Encode(m)
		return toOther(b), err
	}
	other.decode = func(_ *schema.Arena, b []byte) (Message, error) { return codec.Decode(fromOther(b)) }
	known := dialects
	dialects = append([]*dialect{&other}, known...)
	t.Cleanup(func() { dialects = known })

	m := startModule(t, schema.V9, func(s *session, nm netlink.Message, m Message) {
		switch m.Op {
		case schema.GetInitialState:
			s.initialState(nm, []string{"r0"}, schema.Primary)
		case schema.GetResources:
			s.part(nm, Message{Op: m.Op, Code: schema.NoError, Sets: []*schema.Values{ctxOf(schema.V9, "r0")}})
			s.done(nm)
		case schema.Down:
			s.reply(nm, Message{Op: m.Op, Minor: m.Minor, Code: schema.ErrResourceUnknown})
		default:
			s.done(nm)
		}
	})
	m.family, m.toWire, m.fromWire = family{name: "drbd2", version: 1}, toOther, fromOther
	c := m.dial(Options{})

	_, err := c.Do(t.Context(), down)
	require.ErrorContains(t, err, "158")
	state, err := c.Snapshot(t.Context(), "")
	require.NoError(t, err)
	require.NotNil(t, state.Resource("r0"))
	require.Contains(t, m.asked(), schema.GetPaths, "the family lists commands by its own numbers")
	var told []schema.Op
	for e, err := range c.Watch(t.Context(), WatchOptions{Now: true}) {
		require.NoError(t, err)
		told = append(told, e.Message.Op)
	}
	require.Equal(t, []schema.Op{schema.ResourceState, schema.InitialStateDone}, told)

	require.Equal(t, schema.V84, startModule(t, schema.V84, nil).dial(Options{}).Generation(), "without that family the next is taken")
}

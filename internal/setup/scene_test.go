package setup_test

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// states holds the recorded states of each generation's module, by their names.
var states = map[byte]func() map[string][]recorded{
	1: sync.OnceValue(func() map[string][]recorded { return readStates("states84.jsonl.gz") }),
	2: sync.OnceValue(func() map[string][]recorded { return readStates("states9.jsonl.gz") }),
}

func readStates(file string) map[string][]recorded {
	all := map[string][]recorded{}
	for _, s := range readRecords[scene](file) {
		all[s.Name] = slices.DeleteFunc(s.Messages, event)
	}
	return all
}

// sceneMessages returns the messages about the state of a recorded scene.
func sceneMessages(t *testing.T, version byte, name string) []recorded {
	require.Contains(t, states[version](), name)
	return slices.Clone(states[version]()[name])
}

func decoded(t *testing.T, g schema.Generation, r recorded) netlinkapi.Message {
	b, err := hex.DecodeString(r.Hex)
	require.NoError(t, err)
	m, err := netlinkapi.Codec{Generation: g}.Decode(b[16:])
	require.NoError(t, err)
	m.Seq = binary.LittleEndian.Uint32(b[8:])
	return m
}

// reshape returns a recorded message with changes.
func reshape(t *testing.T, g schema.Generation, r recorded, change func(*netlinkapi.Message)) recorded {
	if r.Hex == "" {
		return r
	}
	m := decoded(t, g, r)
	change(&m)
	r.Hex = hex.EncodeToString(wireBytes(t, g, &m))
	return r
}

// wireBytes returns a message of the module with its netlink header.
func wireBytes(t testing.TB, g schema.Generation, m *netlinkapi.Message) []byte {
	body, err := netlinkapi.Codec{Generation: g, Module: true}.Encode(m)
	require.NoError(t, err)
	b := make([]byte, 16, 16+len(body))
	binary.LittleEndian.PutUint32(b, uint32(16+len(body)))
	binary.LittleEndian.PutUint16(b[4:], familyNumber)
	binary.LittleEndian.PutUint32(b[8:], m.Seq)
	return append(b, body...)
}

package setup_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// A keyring goes before a key of the same description; what is sent is the number.
func TestKeysOfTLS(t *testing.T) {
	const name = "drbdutils-test-key"
	key, err := unix.AddKey("user", name, []byte("x"), unix.KEY_SPEC_USER_KEYRING)
	if err != nil {
		t.Skip("no keys here:", err)
	}
	defer unix.KeyctlInt(unix.KEYCTL_UNLINK, key, unix.KEY_SPEC_USER_KEYRING, 0, 0)
	dir := t.TempDir()
	p := newPeer(t, 2)
	p.start(t, dir)
	sent := func(option string) uint64 {
		p.requests = nil
		require.Equal(t, result{}, drbdsetup(t, dir, "", "net-options", "r0", "1", "--"+option+"="+name))
		m, err := netlinkapi.Codec{Generation: schema.V9}.Decode(p.requests[0][16:])
		require.NoError(t, err)
		return m.Get(schema.NetConf).Uint(map[string]string{"tls-keyring": "tls_keyring", "tls-privkey": "tls_privkey"}[option])
	}
	require.EqualValues(t, key, sent("tls-privkey"))

	ring, err := unix.AddKey("keyring", name, nil, unix.KEY_SPEC_USER_KEYRING)
	require.NoError(t, err)
	defer unix.KeyctlInt(unix.KEYCTL_UNLINK, ring, unix.KEY_SPEC_USER_KEYRING, 0, 0)
	require.EqualValues(t, ring, sent("tls-keyring"))

	got := drbdsetup(t, dir, "", "net-options", "r0", "1", "--tls-keyring=no-such-key")
	require.Equal(t, 20, got.exit)
	require.Contains(t, got.stderr, "Option --tls-keyring: invalid argument 'no-such-key'")

	shown := node(t, 2, "tls-and-odd-names")
	before := drbdsetup(t, shown, "", "show").stdout
	require.NotContains(t, before, name)
	p = newPeer(t, 2)
	for _, r := range sceneMessages(t, 2, "tls-and-odd-names") {
		p.messages = append(p.messages, reshape(t, schema.V9, r, func(m *netlinkapi.Message) {
			put(m, schema.NetConf, "tls_keyring", uint64(ring))
		}))
	}
	dir = t.TempDir()
	p.start(t, dir)
	require.Contains(t, drbdsetup(t, dir, "", "show").stdout, fmt.Sprintf("tls-keyring     \t%q;", name))
}

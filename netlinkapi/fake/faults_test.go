package fake

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFaults(t *testing.T) {
	for _, tc := range []struct{ command, want string }{
		{"drop 0", "abcd"},
		{"drop 2", "cd"},
		{"duplicate 1", "aabcd"},
		{"swap 1", "bacd"},
		{"swap 2", "badc"},
	} {
		t.Run(tc.command, func(t *testing.T) {
			var f faults
			known, err := f.command(tc.command)
			require.NoError(t, err)
			require.True(t, known)
			var got strings.Builder
			for _, msg := range []string{"a", "b", "c", "d"} {
				for _, out := range f.notify([]byte(msg)) {
					got.Write(out)
				}
			}
			require.Equal(t, tc.want, got.String())
		})
	}
	var f faults
	_, err := f.command("drop many")
	require.EqualError(t, err, `"many" is no number`)
	known, _ := f.command("write 0 0 1")
	require.False(t, known)
}

package setup_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzArguments runs command lines against a module that says yes to everything.
// Whatever they are, they end with an exit code that is documented, and say why
// if it is not 0.
func FuzzArguments(f *testing.F) {
	for _, line := range []string{
		"primary 0 --force", "connect r0 ipv4:10.0.0.1:1 ipv6:[::1]:2 --protocol=C", "disk-options 3 --al-e=7k",
		"new-resource r0 0", "r0 down", "events2 --now r0", "status --color=x", "verify r0 1 0 --start=1G", "-- --help",
	} {
		f.Add(line, true)
		f.Add(line, false)
	}
	codes := []int{0, 1, 5, 10, 11, 16, 17, 20, 100, 121}
	f.Fuzz(func(t *testing.T, line string, old bool) {
		p := newPeer(t, 2)
		if old {
			p = newPeer(t, 1)
		}
		dir := t.TempDir()
		p.start(t, dir)
		argv := strings.Fields(line)
		if slices.ContainsFunc(argv, endless) {
			t.Skip("waits for changes that do not come, or for a name server")
		}
		got := drbdsetup(t, dir, "", argv...)
		require.Contains(t, codes, got.exit)
		if got.exit != 0 {
			require.NotEmpty(t, got.stdout+got.stderr)
		}
	})
}

// endless reports whether a word may make a command run for long.
func endless(word string) bool {
	return strings.HasPrefix(word, "event") || strings.HasPrefix(word, "wait-") ||
		strings.HasPrefix(word, "connect") || strings.HasPrefix(word, "net-") || strings.Contains(word, "path") ||
		strings.Contains(word, "address") || strings.HasPrefix(word, "disconnect")
}

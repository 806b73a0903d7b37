package adm

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

// Those whom the module starts have no standard error; Go opens this in its place.
func TestHandlersWithoutStandardErrorWriteToTheLog(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "dev"), 0o700))
	log, err := net.ListenPacket("unixgram", filepath.Join(dir, logSocket))
	require.NoError(t, err)
	defer log.Close()
	vars := record{Gen: "9", Node: "oak"}.vars(dir)
	run := func(flags int, line string) {
		null, err := os.OpenFile(os.DevNull, flags, 0)
		require.NoError(t, err)
		defer null.Close()
		require.NotZero(t, Main(t.Context(), cli.Env{
			Name: "drbdadm", Args: strings.Fields(line), Stdin: strings.NewReader(""), Stdout: t.Output(), Stderr: null,
			Getenv: func(name string) string { return vars[name] },
		}))
	}
	run(os.O_RDWR, "-c /dev/null role nosuch")      // no handler
	run(os.O_WRONLY, "-c /dev/null pri-lost first") // nobody wants to know
	run(os.O_RDWR, "-c /dev/null pri-lost r0")
	message := make([]byte, 1000)
	n, _, err := log.ReadFrom(message)
	require.NoError(t, err)
	require.Regexp(t, `^<43>... .\d \d\d:\d\d:\d\d drbdadm\[\d+\]: no resources defined!\n$`, string(message[:n]))
}

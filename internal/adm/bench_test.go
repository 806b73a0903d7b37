package adm

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

// resources returns a configuration of n resources of two hosts.
func resources(n int) string {
	var b strings.Builder
	b.WriteString("global { usage-count no; }\ncommon { net { protocol C; } }\n")
	for i := range n {
		fmt.Fprintf(&b, "resource r%d {\n  disk { al-extents 257; }\n", i)
		for id, host := range []string{"oak", "pine"} {
			fmt.Fprintf(&b, "  on %s { device /dev/drbd%d; disk /dev/vg/l%d; address 10.20.0.%d:%d; meta-disk internal; node-id %d; }\n",
				host, i, i, id+1, 7000+i, id)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// BenchmarkDryRun measures command lines from start to end, parsing included.
func BenchmarkDryRun(b *testing.B) {
	for _, n := range []int{1, 100, 1500} {
		file := filepath.Join(b.TempDir(), "drbd.conf")
		require.NoError(b, os.WriteFile(file, []byte(resources(n)), 0o600))
		for _, verb := range []string{"up", "adjust"} {
			for _, object := range []string{"all", "r0"} {
				b.Run(fmt.Sprintf("%s=%s/resources=%d", verb, object, n), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						require.Zero(b, dryRun(b, "-c", file, "-d", verb, object))
					}
				})
			}
		}
	}
}

func dryRun(b *testing.B, args ...string) int {
	vars := map[string]string{"__DRBD_NODE__": "oak", "DRBD_DRIVER_VERSION_OVERRIDE": "9.2.0"}
	return Main(b.Context(), cli.Env{
		Name: "drbdadm", Args: args, Stdin: &bytes.Buffer{}, Stdout: io.Discard, Stderr: io.Discard,
		Getenv: func(name string) string { return vars[name] },
	})
}

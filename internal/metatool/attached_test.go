package metatool

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/internal/cli"
)

func TestDiskState84(t *testing.T) {
	const text = `version: 8.4.11 (api:1/proto:86-101)
srcversion: 211FB288A383ED945B83420 
 0: cs:Connected ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----
    ns:65496 nr:0 dw:0 dr:65496 al:8 bm:3 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0

 2: cs:Unconfigured
 3: cs:WFConnection ro:Secondary/Unknown ds:Diskless/DUnknown C r-----
10: cs:StandAlone ro:Secondary/Unknown ds:Inconsistent/DUnknown   r-----
`
	for minor, want := range map[int]string{0: "UpToDate", 3: "Diskless", 10: "Inconsistent"} {
		state, listed := diskState84(text, minor)
		require.True(t, listed, "minor %d", minor)
		require.Equal(t, want, state)
	}
	for _, minor := range []int{1, 2, 4} {
		_, listed := diskState84(text, minor)
		require.False(t, listed, "minor %d", minor)
	}
}

func TestNothingIsWrittenWhereNobodyCanTellWhatIsAttached(t *testing.T) {
	dir := t.TempDir()
	image := filepath.Join(dir, "image")
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, 32<<20))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "proc"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "proc/drbd"), []byte("version: 9.2.0 (api:2/proto:86-122)\n"), 0o600))
	var out, errs bytes.Buffer
	env := cli.Env{
		Name: "drbdmeta", Args: []string{"--force", "0", "v09", image, "internal", "create-md", "1"},
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return map[string]string{cli.FakeVariable: dir}[name] },
	}
	require.Equal(t, exitUsage, Main(t.Context(), env))
	require.Contains(t, errs.String(), "Cannot tell whether minor 0 is attached")
	require.Contains(t, errs.String(), "does not answer")
	after, err := os.ReadFile(image)
	require.NoError(t, err)
	require.Equal(t, make([]byte, 32<<20), after)
}

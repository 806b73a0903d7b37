package testkit

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A ConfigCase is one configuration, and what drbd-utils 9.34.0 made of it for
// modules 9.2 and 8.4. The main file is input.conf, Node the host's name, IPs its
// addresses besides those of loopback, Show what the module is running.
type ConfigCase struct {
	Case, Note, Node string
	IPs              []string
	Show             string
	Files            map[string]string
	V9, V84          *ConfigResult
}

// A ConfigResult is what drbdadm printed and returned, by command.
type ConfigResult struct {
	Exit  map[string]int
	Out   map[string]string
	Place string // file:line of the first message, "" if it names none
}

// ConfigCases reads the recorded cases from the root of the source tree.
func ConfigCases(t testing.TB, root string) []ConfigCase {
	t.Helper()
	f, err := os.Open(filepath.Join(root, "testdata/conf/cases.jsonl.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var all []ConfigCase
	for d := json.NewDecoder(z); d.More(); {
		var c ConfigCase
		require.NoError(t, d.Decode(&c))
		all = append(all, c)
	}
	require.Greater(t, len(all), 280)
	return all
}

// Unpack writes the case's files and returns where they are.
func (c ConfigCase) Unpack(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for name, text := range c.Files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if strings.HasSuffix(name, "/") {
			require.NoError(t, os.MkdirAll(path, 0o755))
			continue
		}
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

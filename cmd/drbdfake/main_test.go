package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/internal/cli"
)

func runWith(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := cli.Env{Name: "drbdfake", Args: args, Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }}
	code = run(t.Context(), env)
	return code, out.String(), errs.String()
}

func TestBadInput(t *testing.T) {
	empty := t.TempDir()
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"fly", exitUsage, `unknown command "fly"`},
		{"start", exitUsage, "usage: drbdfake start DIR"},
		{"start x --rate=fast", exitUsage, `rate "fast": want a number of bytes per second`},
		{"start x --module=7.0", exitUsage, `no module "7.0"`},
		{"ctl " + empty + " help", exitFailed, "no node runs there"},
		{"stop " + empty, exitFailed, "no node runs there"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			code, stdout, stderr := runWith(t, strings.Fields(tc.args)...)
			require.Equal(t, tc.code, code)
			require.Empty(t, stdout)
			require.Contains(t, stderr, tc.want)
		})
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	code, stdout, stderr := runWith(t, "help")
	require.Zero(t, code)
	require.Empty(t, stderr)
	for _, c := range commands {
		require.Contains(t, stdout, c.name)
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "0": 0, "512": 512, "4K": 4096, "20m": 20 << 20, "1G": 1 << 30} {
		got, err := parseRate(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"M", "-1", "4MM", "x"} {
		_, err := parseRate(text)
		require.Error(t, err, text)
	}
}

func TestEnvironmentIsQuoted(t *testing.T) {
	dir := filepath.Join("/tmp", "it's here")
	require.Equal(t, `export DRBD_FAKE='/tmp/it'\''s here' __DRBD_NODE__='n1'`+"\n", environment(dir, "n1"))
}

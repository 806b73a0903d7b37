package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]cli.Version{
		"8.4.11":                  {8, 4, 11},
		"9.2.0-rc.1":              {9, 2, 0},
		"9.2.13 (api:2/proto:86)": {9, 2, 13},
		"":                        {},
		"none":                    {},
		"8.4":                     {8, 4, 0},
		"8.4.x":                   {8, 4, 0},
		"9.x.1":                   {},
		"300.1.1":                 {},
	} {
		require.Equal(t, want, cli.ParseVersion(text), text)
	}
}

func TestVersionCode(t *testing.T) {
	require.Equal(t, uint32(0x092200), cli.CompatVersion.Code())
	require.Equal(t, uint32(0x08040b), cli.Version{8, 4, 11}.Code())
}

func TestDriver(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "proc"), 0o700))
	vars := map[string]string{cli.FakeVariable: dir}
	env := cli.Env{Getenv: func(name string) string { return vars[name] }}

	require.Equal(t, cli.Driver{}, env.Driver(t.Context()))

	text := "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: 211FB288A383ED945B83420 \n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "proc/drbd"), []byte(text), 0o600))
	require.Equal(t, cli.Driver{Version: cli.Version{8, 4, 11}, Loaded: true}, env.Driver(t.Context()))

	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sys/module/drbd"), 0o700))
	version := filepath.Join(dir, "sys/module/drbd/version")
	require.NoError(t, os.WriteFile(version, []byte("8.4.10\n"), 0o600))
	require.Equal(t, cli.Driver{Version: cli.Version{8, 4, 10}, Loaded: true}, env.Driver(t.Context()), "/proc/drbd would list all devices")
	require.NoError(t, os.WriteFile(version, []byte("9.2.16\n"), 0o600))
	require.Equal(t, cli.Version{8, 4, 11}, env.Driver(t.Context()).Version, "only /proc/drbd tells all about 9")

	vars["DRBD_DRIVER_VERSION_OVERRIDE"] = "9.2.0"
	require.Equal(t, cli.Driver{Version: cli.Version{9, 2, 0}, Asked: true}, env.Driver(t.Context()))

	vars["DRBD_DRIVER_VERSION_OVERRIDE"] = "0"
	require.Equal(t, cli.Version{8, 4, 11}, env.Driver(t.Context()).Version)
}

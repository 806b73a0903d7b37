package adm

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

// external runs drbdadm with a shell script in place of drbdsetup.
func external(t *testing.T, body string, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	dir := t.TempDir()
	config, program := filepath.Join(dir, "drbd.conf"), filepath.Join(dir, "setup")
	require.NoError(t, os.WriteFile(config, []byte(twoHosts(oneDisk)), 0o600))
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n"+body+"\n"), 0o700))
	vars := record{Gen: "9", Node: "oak"}.vars(dir)
	var out, errs bytes.Buffer
	exit = Main(t.Context(), cli.Env{
		Name: "drbdadm", Args: append([]string{"-c", config, "-s", program}, args...),
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return vars[name] },
	})
	return out.String(), strings.ReplaceAll(errs.String(), program, "SETUP"), exit
}

func TestExternalBackend(t *testing.T) {
	t.Run("is given words and the resource's name", func(t *testing.T) {
		stdout, stderr, exit := external(t, `echo "$DRBD_RESOURCE:" "$@"`, "primary", "--force", "r0")
		require.Zero(t, exit, stderr)
		require.Equal(t, "r0: primary r0 --force\n", stdout)
	})
	t.Run("its exit code is ours", func(t *testing.T) {
		_, stderr, exit := external(t, "echo busy >&2; exit 11", "secondary", "r0")
		require.Equal(t, 11, exit)
		require.Equal(t, "busy\nCommand 'SETUP secondary r0' terminated with exit code 11\n", stderr)
	})
	t.Run("killed is not success", func(t *testing.T) {
		_, stderr, exit := external(t, "kill -9 $$", "primary", "r0")
		require.Equal(t, exitBroken, exit)
		require.Contains(t, stderr, "killed")
	})
	t.Run("must be there", func(t *testing.T) {
		_, stderr, exit := external(t, "", "-s", "/nonexistent", "primary", "r0")
		require.Equal(t, exitBroken, exit)
		require.Contains(t, stderr, "/nonexistent")
	})
}

// Half a dump is no success: it could replace a configuration.
func TestOutputThatCannotBeWritten(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	file := filepath.Join(t.TempDir(), "drbd.conf")
	require.NoError(t, os.WriteFile(file, []byte(twoHosts(oneDisk)), 0o600))
	for _, command := range []string{"dump", "dump-xml", "sh-resources"} {
		vars := record{Gen: "9", Node: "oak"}.vars(t.TempDir())
		var errs bytes.Buffer
		exit := Main(t.Context(), cli.Env{
			Name: "drbdadm", Args: []string{"-c", file, command},
			Stdin: strings.NewReader(""), Stdout: full, Stderr: &errs,
			Getenv: func(name string) string { return vars[name] },
		})
		require.NotZero(t, exit, command)
		require.Contains(t, errs.String(), "no space left on device", command)
	}
}

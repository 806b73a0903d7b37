package cli_test

import (
	"os"
	"os/exec"
	"testing"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

// lockedVariable makes this test binary a process that holds a lock.
const lockedVariable = "DRBDUTILS_TEST_HOLD_LOCK"

func lockEnv(dir string) cli.Env {
	return cli.Env{Getenv: func(name string) string {
		if name == cli.FakeVariable {
			return dir
		}
		return ""
	}}
}

func TestMain(m *testing.M) {
	dir := os.Getenv(lockedVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	if _, err := lockEnv(dir).LockMinor(7); err != nil {
		os.Exit(1)
	}
	os.Stdout.WriteString("locked\n")
	os.Stdin.Read(make([]byte, 1)) // until the test closes it
}

func TestLockMinorNamesTheHolder(t *testing.T) {
	dir := t.TempDir()
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(os.Environ(), lockedVariable+"="+dir)
	stdin, err := other.StdinPipe()
	require.NoError(t, err)
	stdout, err := other.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())
	_, err = stdout.Read(make([]byte, 16))
	require.NoError(t, err)

	_, err = lockEnv(dir).LockMinor(7)
	locked := &cli.LockedError{}
	require.ErrorAs(t, err, &locked)
	require.Equal(t, other.Process.Pid, locked.PID)
	require.Contains(t, locked.Error(), "/drbd-147-7 currently held by pid:")

	unlock, err := lockEnv(dir).LockMinor(8)
	require.NoError(t, err, "another minor is free")
	unlock()

	stdin.Close()
	require.NoError(t, other.Wait())
	unlock, err = lockEnv(dir).LockMinor(7)
	require.NoError(t, err, "the lock ends with its process")
	unlock()
}

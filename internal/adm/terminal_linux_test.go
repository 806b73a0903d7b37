package adm

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"drbdutils/confparse"
	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal returns the two sides of a new terminal: the person's and the program's.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { person.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { program.Close() })
	return person, program
}

// TestDialogueOnATerminal answers as a person would, through a terminal.
func TestDialogueOnATerminal(t *testing.T) {
	person, program := terminal(t)
	tl := &tool{conf: &confparse.Config{}, env: cli.Env{Stdin: program, Stdout: program, Getenv: func(string) string { return "" }}}
	d := tl.console()
	require.NotNil(t, d)
	result := make(chan bool)
	go func() { result <- d.ask("", nil) }()
	seen := make([]byte, len(prompt))
	_, err := bufio.NewReader(person).Read(seen)
	require.NoError(t, err)
	require.Equal(t, prompt, string(seen))
	fmt.Fprint(person, "no\nyes\n")
	require.True(t, <-result)
}

// TestConsoleInsteadOfStreams holds that where the streams are no terminal, both
// directions go to the console, and that this is said.
func TestConsoleInsteadOfStreams(t *testing.T) {
	_, program := terminal(t)
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "dev"), 0o700))
	require.NoError(t, os.Symlink(program.Name(), filepath.Join(dir, "dev/console")))
	file, err := os.Create(filepath.Join(dir, "errs"))
	require.NoError(t, err)
	defer file.Close()
	tl := &tool{
		conf:  &confparse.Config{},
		flush: func() error { return nil },
		env: cli.Env{Stdin: program, Stdout: file, Stderr: file, Getenv: func(name string) string {
			return map[string]string{cli.FakeVariable: dir}[name]
		}},
	}
	d := tl.console()
	require.NotNil(t, d)
	require.Same(t, d.in, d.out)
	said, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.Contains(t, string(said), "/dev/console")

	require.NoError(t, os.Remove(filepath.Join(dir, "dev/console")))
	require.Nil(t, tl.console())
}

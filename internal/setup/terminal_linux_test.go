package setup_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"drbdutils/internal/cli"
	"drbdutils/internal/setup"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal returns a terminal without a size, and a function that tells what was
// written to it.
func terminal(t *testing.T) (tty *os.File, written func() string) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	text := make(chan string)
	go func() {
		all, err := io.ReadAll(master)
		if !errors.Is(err, syscall.EIO) { // how the end of a terminal looks
			all = fmt.Appendf(nil, "read terminal: %v", err)
		}
		text <- string(all)
	}()
	return tty, func() string {
		tty.Close()
		defer master.Close()
		return strings.ReplaceAll(<-text, "\r\n", "\n")
	}
}

func TestRecordedTerminal(t *testing.T) {
	for _, s := range records[scene](t, "states9.jsonl.gz") {
		dir := t.TempDir()
		p := newPeer(t, 2)
		p.messages = s.Messages
		p.start(t, dir)
		for _, r := range s.Runs {
			if !r.TTY {
				continue
			}
			t.Run(s.Name+" "+strings.Join(r.Argv, " "), func(t *testing.T) {
				tty, written := terminal(t)
				got := drbdsetupIn(t, cli.Env{Name: "drbdsetup", Args: r.Argv, Stdout: tty}, map[string]string{cli.FakeVariable: dir})
				got.stdout = written()
				compare(t, 2, s.Name, r, got)
			})
		}
	}
}

// People at a terminal are told what helps; scripts read the same as ever.
func TestHints(t *testing.T) {
	dir := t.TempDir()
	p := newPeer(t, 2)
	p.answer = func(byte, uint32) (int32, [][]string, int32) { return -12, [][]string{{"drbd3 opened by mount"}}, 0 }
	p.start(t, dir)
	const refusal = "r0: State change failed: (-12) Device is held open by someone\nadditional info from kernel:\ndrbd3 opened by mount\n"
	require.Equal(t, result{11, "", refusal}, drbdsetup(t, dir, "", "secondary", "r0"))
	tty, written := terminal(t)
	env := cli.Env{Name: "drbdsetup", Args: []string{"secondary", "r0"}, Stdout: io.Discard, Stderr: tty}
	env.Getenv = func(name string) string { return map[string]string{cli.FakeVariable: dir}[name] }
	require.Equal(t, 11, setup.Main(t.Context(), env))
	require.Equal(t, refusal+"'fuser -v /dev/drbdN' tells who has it open: a mounted file system, a volume group, a virtual machine.\n", written())
}

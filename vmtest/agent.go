package vmtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// A Request is one shell command for a guest.
type Request struct {
	Command string
	Stdin   []byte
	Timeout time.Duration
}

// A Reply is what became of it. Problem is set when there is no exit code:
// the command did not start, did not end in time, or was killed.
// Elapsed and CPU (user and system, children included) are the command's.
type Reply struct {
	Code    int
	Stdout  []byte
	Stderr  []byte
	Problem string
	Elapsed time.Duration
	CPU     time.Duration
}

// Serve is the guest's half: it announces itself with an empty reply, then
// answers requests one after the other until the channel closes. The guest
// powers itself off then, so that a test that was killed leaves no machine.
func Serve(channel io.ReadWriter) error {
	in, out := json.NewDecoder(channel), json.NewEncoder(channel)
	if err := out.Encode(Reply{}); err != nil {
		return err
	}
	for {
		var req Request
		if err := in.Decode(&req); err != nil {
			return err
		}
		if err := out.Encode(execute(req)); err != nil {
			return err
		}
	}
}

// execute runs one command in a process group of its own, so that a command
// that hangs goes away with all its children.
func execute(req Request) Reply {
	ctx, cancel := context.WithTimeout(context.Background(), req.Timeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", req.Command)
	cmd.Stdin = bytes.NewReader(req.Stdin)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // background jobs may hold the output open

	began := time.Now()
	err := cmd.Run()
	reply := Reply{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Elapsed: time.Since(began)}
	if state := cmd.ProcessState; state != nil {
		reply.CPU = state.UserTime() + state.SystemTime()
	}
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		reply.Problem = "no end after " + req.Timeout.String()
	case exited && exit.Exited():
		reply.Code = exit.ExitCode()
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		reply.Problem = err.Error()
	}
	return reply
}

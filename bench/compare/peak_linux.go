package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// peakMemory runs cmd and returns the most memory that it had resident, in KiB.
//
// The resource usage that wait(2) reports cannot be taken: it counts the memory
// of this process, too, which the child has until it executes its program. So
// the child is traced, and asked for its own peak when it is about to exit.
func peakMemory(cmd *exec.Cmd) (int64, error) {
	runtime.LockOSThread() // the thread that starts the child is its tracer
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer cmd.Process.Release()
	pid := cmd.Process.Pid
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
		return 0, err
	}
	if err := syscall.PtraceSetOptions(pid, syscall.PTRACE_O_TRACEEXIT|syscall.PTRACE_O_TRACEEXEC); err != nil {
		return 0, err
	}
	var peak int64
	for signal := 0; ; {
		if err := syscall.PtraceCont(pid, signal); err != nil {
			return 0, err
		}
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
			return 0, err
		}
		if status.Exited() || status.Signaled() {
			return peak, nil
		}
		signal = 0
		switch {
		case status.TrapCause() == syscall.PTRACE_EVENT_EXIT:
			peak = highWater(pid)
		case status.StopSignal() != syscall.SIGTRAP:
			signal = int(status.StopSignal())
		}
	}
}

// highWater reads VmHWM, the peak of a process since it executed its program.
func highWater(pid int) (kib int64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "VmHWM: %d kB", &kib); n == 1 {
			return kib
		}
	}
	return 0
}

package cli

import (
	"io"
	"os"
	"path/filepath"
)

// FakeVariable names the environment variable that points the tools at a module
// without a kernel. Its value is the node's directory: the netlink socket lies
// in it, and every system path (/proc/drbd, /var/lib/drbd, /etc/drbd.conf ...)
// is looked up below it.
const FakeVariable = "DRBD_FAKE"

// Env is all that a tool sees of the process it runs in.
type Env struct {
	Name   string   // base name the tool was called by
	Dir    string   // directory it was called by, "" if it was found in PATH
	Args   []string // arguments after the name
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
}

// OS returns the environment of this process.
func OS() Env {
	dir, _ := filepath.Split(os.Args[0])
	return Env{
		Dir:    dir,
		Name:   filepath.Base(os.Args[0]),
		Args:   os.Args[1:],
		Stdin:  os.Stdin,
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Getenv: os.Getenv,
	}
}

// Path returns where the system path p lies for this environment: p itself on a
// real host, or p below the fake node's directory.
func (e Env) Path(p string) string {
	if dir := e.Getenv(FakeVariable); dir != "" {
		return filepath.Join(dir, p)
	}
	return p
}

// NetlinkSocket returns the path of the fake module's socket, or "" where the
// kernel is to be asked.
func (e Env) NetlinkSocket() string {
	if e.Getenv(FakeVariable) == "" {
		return ""
	}
	return e.Path("/netlink.sock")
}

// Node returns the name of this host as configuration files use it. The
// variable __DRBD_NODE__ overrides the kernel's idea, as test harnesses expect.
func (e Env) Node() (string, error) {
	if name := e.Getenv("__DRBD_NODE__"); name != "" {
		return name, nil
	}
	return os.Hostname()
}

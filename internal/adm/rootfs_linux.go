package adm

import (
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"
	"unsafe"
)

// rootFS is the file system of the host. A configuration may be thousands of
// small files; OpenRegular asks the kernel for a third of what package os does for each.
// Its system calls end at once, so the runtime need not be told of them: thousands of times, that
// costs more than the calls.
type rootFS struct{ dirFS }

// dirFS is what os.DirFS returns. Without ReadLink, links would not be seen; without Stat,
// a pipe would be opened to ask what it is.
type dirFS interface {
	fs.ReadLinkFS
	fs.StatFS
	fs.ReadDirFS
}

func newRootFS() rootFS { return rootFS{os.DirFS("/").(dirFS)} }

// OpenRegular opens a file to be read if it is a regular one. It does not wait for
// what may be at the other end of anything else.
func (rootFS) OpenRegular(name string) (fs.File, error) {
	const flags = syscall.O_RDONLY | syscall.O_CLOEXEC | syscall.O_NONBLOCK | syscall.O_NOCTTY
	const here = ^uintptr(0) - 99 // AT_FDCWD, which an absolute path has no use for
	path, err := syscall.BytePtrFromString("/" + name)
	for err == nil {
		fd, _, errno := syscall.RawSyscall6(syscall.SYS_OPENAT, here, uintptr(unsafe.Pointer(path)), flags, 0, 0, 0)
		if errno == 0 {
			return &rawFile{name: name, fd: fd}, nil
		}
		if errno != syscall.EINTR {
			err = errno
		}
	}
	return nil, &fs.PathError{Op: "open", Path: "/" + name, Err: err}
}

// rawFile is an open file without the runtime's poller.
type rawFile struct {
	name string
	fd   uintptr
	stat syscall.Stat_t
}

func (f *rawFile) Stat() (fs.FileInfo, error) { return f, syscall.Fstat(int(f.fd), &f.stat) }

// Read reads. Only nothing at all is the end: some file systems give less than they
// were asked for before it.
func (f *rawFile) Read(p []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, f.fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch {
		case errno == syscall.EINTR:
		case errno != 0:
			return 0, &fs.PathError{Op: "read", Path: "/" + f.name, Err: errno}
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return int(n), nil
		}
	}
}

// Close closes. It cannot fail for what was only read.
func (f *rawFile) Close() error {
	syscall.RawSyscall(syscall.SYS_CLOSE, f.fd, 0, 0)
	return nil
}

// What follows makes the file its own fs.FileInfo, after Stat.

func (f *rawFile) Name() string       { return path.Base(f.name) }
func (f *rawFile) Size() int64        { return f.stat.Size }
func (f *rawFile) ModTime() time.Time { return time.Unix(f.stat.Mtim.Unix()) }
func (f *rawFile) IsDir() bool        { return f.Mode().IsDir() }
func (f *rawFile) Sys() any           { return &f.stat }

// Mode returns the type of the file without its permissions.
func (f *rawFile) Mode() fs.FileMode {
	switch f.stat.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		return 0
	case syscall.S_IFDIR:
		return fs.ModeDir
	}
	return fs.ModeIrregular
}

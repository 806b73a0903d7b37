package adm

import (
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// rootFS is the file system of the host. A configuration may be thousands of small files in one
// directory; OpenRegular asks the kernel for a third of what package os does for each.
// Its system calls end at once, so the runtime need not be told of them: thousands of times, that
// costs more than the calls.
type rootFS struct {
	dirFS
	dir    *os.File // that was listed last: what is in it is found without its path
	prefix string   // of paths in there
}

// dirFS is what os.DirFS returns. Without ReadLink, links would not be seen; without Stat,
// a pipe would be opened to ask what it is.
type dirFS interface {
	fs.ReadLinkFS
	fs.StatFS
	fs.ReadDirFS
}

func newRootFS() *rootFS { return &rootFS{dirFS: os.DirFS("/").(dirFS)} }

// ReadDir lists a directory, sorted by name.
func (r *rootFS) ReadDir(name string) ([]fs.DirEntry, error) {
	dir, err := os.Open("/" + name)
	if err != nil {
		return nil, err
	}
	r.dir, r.prefix = dir, "/"+name+"/" // it closes itself when nobody needs it any more
	entries, err := dir.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// place returns the directory and the path from there by which openat finds a file.
func (r *rootFS) place(name string) (dir uintptr, path string) {
	path = "/" + name
	if base, ok := strings.CutPrefix(path, r.prefix); ok && r.dir != nil {
		return r.dir.Fd(), base
	}
	return ^uintptr(0), path // an absolute path has no use for a directory
}

// OpenRegular opens a file to be read if it is a regular one. It does not wait for
// what may be at the other end of anything else.
func (r *rootFS) OpenRegular(name string) (fs.File, error) {
	const flags = syscall.O_RDONLY | syscall.O_CLOEXEC | syscall.O_NONBLOCK | syscall.O_NOCTTY
	dir, path := r.place(name)
	text, err := syscall.BytePtrFromString(path)
	for err == nil {
		fd, _, errno := syscall.RawSyscall6(syscall.SYS_OPENAT, dir, uintptr(unsafe.Pointer(text)), flags, 0, 0, 0)
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
}

func (f *rawFile) Stat() (fs.FileInfo, error) {
	info := &rawInfo{name: path.Base(f.name)}
	return info, syscall.Fstat(int(f.fd), &info.stat)
}

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

// rawInfo is what the kernel tells about an open file.
type rawInfo struct {
	name string
	stat syscall.Stat_t
}

func (i *rawInfo) Name() string       { return i.name }
func (i *rawInfo) Size() int64        { return i.stat.Size }
func (i *rawInfo) ModTime() time.Time { return time.Unix(i.stat.Mtim.Unix()) }
func (i *rawInfo) IsDir() bool        { return i.Mode().IsDir() }
func (i *rawInfo) Sys() any           { return &i.stat }

// Mode returns the type of the file without its permissions.
func (i *rawInfo) Mode() fs.FileMode {
	switch i.stat.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		return 0
	case syscall.S_IFDIR:
		return fs.ModeDir
	}
	return fs.ModeIrregular
}

package adm

import (
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"
)

// rootFS is the file system of the host. A configuration may be thousands of
// small files; OpenRegular asks the kernel for a third of what package os does for each.
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
	for {
		fd, err := syscall.Open("/"+name, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
		switch err {
		case nil:
			return &rawFile{name: name, fd: fd}, nil
		case syscall.EINTR:
		default:
			return nil, &fs.PathError{Op: "open", Path: "/" + name, Err: err}
		}
	}
}

// rawFile is an open file without the runtime's poller.
type rawFile struct {
	name string
	fd   int
	stat syscall.Stat_t
}

func (f *rawFile) Stat() (fs.FileInfo, error) { return f, syscall.Fstat(f.fd, &f.stat) }

// Read reads. A regular file that gives less than it was asked for is at its end.
func (f *rawFile) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(f.fd, p)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, &fs.PathError{Op: "read", Path: "/" + f.name, Err: err}
		case n < len(p):
			return n, io.EOF
		default:
			return n, nil
		}
	}
}

func (f *rawFile) Close() error { return syscall.Close(f.fd) }

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

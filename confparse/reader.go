package confparse

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unsafe"
)

// maxFile is the size of the largest file that is read, in bytes.
const maxFile = 1 << 30

// Reasons why a file is not read.
var (
	errDirectory = errors.New("is a directory")
	errDevice    = errors.New("is no regular file")
	errTooLarge  = fmt.Errorf("is larger than %d bytes", maxFile)
)

// A reader reads files, one after the other. Of thousands, the texts of most are needed only
// until the next one is read: they lie at the same place in memory.
type reader struct {
	outliner
	fs   fs.FS
	room []byte // for the next text, and texts after it
}

// chunk is how much memory is taken at once for texts, spare how much of it has to be left to
// read a file, in bytes.
const (
	chunk = 256 << 10
	spare = 16 << 10
)

// readOutline reads a file and its outline. Where a glance was enough for all of it, neither is
// kept.
func (r *reader) readOutline(f *file) error {
	if err := r.read(f, false); err != nil {
		return err
	}
	o := r.outline(f)
	if r.glance != nil && len(o.items) == 0 && o.broken == nil {
		f.text = ""
		return nil
	}
	f.outline, r.room = o, r.room[len(f.text):]
	return nil
}

// read reads the text of a file. Only those that the user names himself may be something
// else than a regular file.
func (r *reader) read(f *file, named bool) error {
	in, err := r.open(rooted(f.path), named)
	if err != nil {
		return err
	}
	defer in.Close()
	var size int64
	if !f.regular {
		if size, err = readable(in, named); err != nil {
			return &fs.PathError{Op: "read", Path: f.name, Err: err}
		}
	}
	if f.text, err = r.all(in, size); err != nil {
		return &fs.PathError{Op: "read", Path: f.name, Err: err}
	}
	return nil
}

// open opens a file. What the user did not name is opened so that a pipe cannot
// stop everything.
func (r *reader) open(name string, named bool) (fs.File, error) {
	if quick, ok := r.fs.(RegularOpener); ok && !named {
		return quick.OpenRegular(name)
	}
	return r.fs.Open(name)
}

// readable returns the size of a file in bytes, and an error if it is not to be read.
func readable(in fs.File, named bool) (int64, error) {
	info, err := in.Stat()
	switch {
	case err != nil:
		return 0, cause(err)
	case info.IsDir():
		return 0, errDirectory
	case !named && !info.Mode().IsRegular():
		return 0, errDevice
	case info.Size() > maxFile:
		return 0, errTooLarge
	}
	return info.Size(), nil
}

// all reads to the end, where size is probably how much that is. The next text overwrites this
// one, unless room is moved.
func (r *reader) all(in io.Reader, size int64) (string, error) {
	if need := int(size) + spare; len(r.room) < need {
		r.room = make([]byte, max(need, chunk))
	}
	for length := 0; ; {
		n, err := in.Read(r.room[length:])
		length += n
		switch {
		case length > maxFile:
			return "", errTooLarge
		case errors.Is(err, io.EOF):
			return unsafe.String(unsafe.SliceData(r.room), length), nil
		case err != nil:
			return "", err
		case length == len(r.room):
			r.room = append(r.room, make([]byte, length)...)
		}
	}
}

package meta

import (
	"fmt"
	"io"
)

// A Disk holds metadata. *os.File is one.
type Disk interface {
	io.ReaderAt
	io.WriterAt
	// Sync returns after everything written has reached stable storage.
	Sync() error
}

// A Zeroer is a Disk that can zero a range without being sent the zeros. Offset
// and length are in bytes, multiples of 512.
type Zeroer interface {
	Zero(off, n int64) error
}

// chunk is how much is read or written at once, in bytes.
const chunk = 4 << 20

// Progress is called while something takes long: so many bytes of the total are
// done. It may be nil.
type Progress func(done, total int64)

func (p Progress) report(done, total int64) {
	if p != nil {
		p(done, total)
	}
}

// readBlock reads the 4096 bytes at off.
func readBlock(d io.ReaderAt, off int64) ([]byte, error) {
	b := make([]byte, BlockSize)
	if _, err := readFull(d, b, off); err != nil {
		return nil, fmt.Errorf("read superblock at %d: %w", off, err)
	}
	return b, nil
}

// readFull fills b. A short read is an error, as io.ReaderAt promises.
func readFull(d io.ReaderAt, b []byte, off int64) (int, error) {
	n, err := d.ReadAt(b, off)
	if n == len(b) {
		return n, nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// fill writes n times the byte value at off.
func fill(d Disk, off, n int64, value byte, progress Progress) error {
	b := make([]byte, min(n, chunk))
	if value != 0 {
		for i := range b {
			b[i] = value
		}
	}
	for done := int64(0); done < n; {
		part := b[:min(n-done, chunk)]
		if _, err := d.WriteAt(part, off+done); err != nil {
			return err
		}
		done += int64(len(part))
		progress.report(done, n)
	}
	return nil
}

// copyRange copies n bytes between places that do not overlap.
func copyRange(to io.WriterAt, at int64, from io.ReaderAt, off, n int64, progress Progress) error {
	buf := make([]byte, min(n, chunk))
	for done := int64(0); done < n; {
		part := buf[:min(n-done, chunk)]
		if _, err := readFull(from, part, off+done); err != nil {
			return err
		}
		if _, err := to.WriteAt(part, at+done); err != nil {
			return err
		}
		done += int64(len(part))
		progress.report(done, n)
	}
	return nil
}

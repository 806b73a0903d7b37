package meta_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// sparse is a disk in memory that keeps only what is not zero. Like a disk
// opened for direct I/O it refuses what is not aligned to its sectors.
type sparse struct {
	size   int64
	blocks map[int64]*[4096]byte
	zeroed int64 // bytes zeroed without being written
}

func newSparse(size int64) *sparse { return &sparse{size: size, blocks: map[int64]*[4096]byte{}} }

func (s *sparse) each(p []byte, off int64, f func(part []byte, block, at int64)) error {
	if off%512 != 0 || len(p)%512 != 0 {
		return fmt.Errorf("not aligned: %d bytes at %d", len(p), off)
	}
	if off < 0 || off+int64(len(p)) > s.size {
		return fmt.Errorf("%d bytes at %d: %w", len(p), off, io.EOF)
	}
	for len(p) > 0 {
		at := off % 4096
		n := min(int64(len(p)), 4096-at)
		f(p[:n], off-at, at)
		p, off = p[n:], off+n
	}
	return nil
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	err := s.each(p, off, func(part []byte, block, at int64) {
		if b := s.blocks[block]; b != nil {
			copy(part, b[at:])
		}
	})
	return len(p), err
}

func (s *sparse) WriteAt(p []byte, off int64) (int, error) {
	zero := make([]byte, 4096)
	err := s.each(p, off, func(part []byte, block, at int64) {
		b := s.blocks[block]
		if b == nil {
			if slices.Equal(part, zero[:len(part)]) {
				return
			}
			b = new([4096]byte)
			s.blocks[block] = b
		}
		copy(b[at:], part)
	})
	return len(p), err
}

func (s *sparse) Sync() error { return nil }

func (s *sparse) Zero(off, n int64) error {
	s.zeroed += n
	for block := range s.blocks {
		if block >= off && block+4096 <= off+n {
			delete(s.blocks, block)
		}
	}
	return s.each(make([]byte, n%4096), off+n-n%4096, func(part []byte, block, at int64) {
		if b := s.blocks[block]; b != nil {
			copy(b[at:], part)
		}
	})
}

// sum returns the SHA-256 of a range.
func (s *sparse) sum(t *testing.T, off, end int64) string {
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for off < end {
		part := buf[:min(int64(len(buf)), end-off)]
		_, err := s.ReadAt(part, off)
		require.NoError(t, err)
		h.Write(part)
		off += int64(len(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}

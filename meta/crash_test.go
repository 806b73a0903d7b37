package meta_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"

	"drbdutils/meta"

	"github.com/stretchr/testify/require"
)

// A recorder is a disk that remembers what is written to it, and when it is told
// to make that stable.
type recorder struct {
	*sparse
	ops []op
}

// op is a write, or a flush if data is nil.
type op struct {
	off  int64
	data []byte
}

func (r *recorder) WriteAt(p []byte, off int64) (int, error) {
	r.ops = append(r.ops, op{off, bytes.Clone(p)})
	return r.sparse.WriteAt(p, off)
}

func (r *recorder) Sync() error {
	r.ops = append(r.ops, op{})
	return nil
}

func (r *recorder) Zero(off, n int64) error {
	r.ops = append(r.ops, op{off, make([]byte, n)})
	return r.sparse.Zero(off, n)
}

func (s *sparse) clone() *sparse {
	c := newSparse(s.size)
	for off, b := range s.blocks {
		copied := *b
		c.blocks[off] = &copied
	}
	return c
}

// blocks cuts writes into what a disk writes atomically.
func blocks(ops []op) []op {
	var list []op
	for _, o := range ops {
		for at := 0; at < len(o.data); at += 4096 {
			list = append(list, op{o.off + int64(at), o.data[at:min(at+4096, len(o.data))]})
		}
	}
	return list
}

func apply(t *testing.T, d *sparse, ops []op) *sparse {
	for _, o := range ops {
		_, err := d.WriteAt(o.data, o.off)
		require.NoError(t, err)
	}
	return d
}

// cuts calls check with each state that a power cut may leave: all that was
// flushed, and of what was written since any part. It returns how many these were.
func cuts(t *testing.T, before *sparse, ops []op, check func(state *sparse)) int {
	rng := rand.New(rand.NewPCG(1, 2))
	n := 0
	try := func(stable *sparse, pending []op) {
		n++
		check(apply(t, stable.clone(), pending))
	}
	stable := before.clone()
	var pending []op
	for _, o := range append(ops, op{}) {
		if o.data == nil {
			parts := blocks(pending)
			for i := range parts {
				try(stable, parts[i:i+1])                                         // only this one got there
				try(stable, append(append([]op{}, parts[:i]...), parts[i+1:]...)) // all but this one
			}
			for range 40 {
				some := append([]op{}, parts...)
				rng.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
				try(stable, some[:rng.IntN(len(some)+1)])
			}
			apply(t, stable, pending)
			try(stable, nil)
			pending = nil
			continue
		}
		pending = append(pending, o)
		try(stable, pending)
	}
	return n
}

const crashSize = 48 << 20

var comments = regexp.MustCompile(`(?m)^ *#.*\n`)

// state is what metadata say, apart from where they lie.
func state(t testing.TB, img *meta.Image) string {
	sb := *img.Super
	log, err := img.ReadAL()
	if log == nil {
		require.NoError(t, err)
	}
	var dump bytes.Buffer
	require.NoError(t, img.Dump(&dump, meta.DumpOptions{}))
	return fmt.Sprint(comments.ReplaceAllString(dump.String(), ""), log.Extents, err, sb.Flags)
}

// used returns a disk with metadata that have something to lose.
func used(t *testing.T, v meta.Version, idx meta.Index, size int64, g meta.Geometry) *sparse {
	d := newSparse(size)
	img, err := meta.Create(d, size, meta.CreateOptions{Version: v, Index: idx, Geometry: g, EffectiveSize: 40 << 11})
	require.NoError(t, err)
	b := img.Bitmap()
	for slot := range b.Slots() {
		require.NoError(t, b.Set(slot, int64(100*slot+7), 1000))
	}
	a := meta.NewActivity(1237)
	for i := range 3 {
		if v >= meta.V08 {
			require.NoError(t, img.MarkAL(a, 1236-i, uint32(2*i+1)))
		}
	}
	img.Super.Current, img.Super.DeviceUUID = 0x1234567812345678, 0xABCDEF
	img.Super.Flags = meta.Consistent | meta.PrimaryInd
	if v == meta.V07 {
		img.Super.Current, img.Super.DeviceUUID = 0, 0
		img.Super.Flags = meta.Consistent
	}
	require.NoError(t, img.WriteSuperblock())
	return d
}

func TestPowerCut(t *testing.T) {
	p3 := meta.Geometry{MaxPeers: 3, BytesPerBit: 4096, ALStripes: 1, ALStripeBlocks: 8}
	type change func(d meta.Disk) error
	open := func(d meta.Disk, f func(img *meta.Image) error) error {
		img, err := meta.Open(d, crashSize, meta.V09, meta.FlexInternal)
		if err != nil {
			return err
		}
		return f(img)
	}
	tests := []struct {
		name     string
		from, to meta.Version
		idx      meta.Index
		g        meta.Geometry
		change   change
	}{
		{"create-md", meta.V09, meta.V09, meta.FlexInternal, p3, func(d meta.Disk) error {
			_, err := meta.Create(d, crashSize, meta.CreateOptions{Version: meta.V09, Index: meta.FlexInternal, Geometry: p3, EffectiveSize: 1000})
			return err
		}},
		{"create-md with another layout", meta.V09, meta.V09, meta.FlexInternal, p3, func(d meta.Disk) error {
			g := meta.Geometry{MaxPeers: 7, BytesPerBit: 65536, ALStripes: 4, ALStripeBlocks: 16}
			_, err := meta.Create(d, crashSize, meta.CreateOptions{Version: meta.V09, Index: meta.FlexInternal, Geometry: g, EffectiveSize: 1000})
			return err
		}},
		{"set-gi", meta.V09, meta.V09, meta.FlexInternal, p3, func(d meta.Disk) error {
			return open(d, func(img *meta.Image) error {
				require.NoError(t, img.Super.SetGI(20, "1:2:3:4:1:1:0:0:0:0:0:1:1"))
				return img.WriteSuperblock()
			})
		}},
		{"wipe-md", meta.V09, meta.V09, meta.FlexInternal, p3, func(d meta.Disk) error {
			return open(d, (*meta.Image).Wipe)
		}},
		{"restore-md", meta.V09, meta.V09, meta.FlexInternal, p3, func(d meta.Disk) error {
			dump, err := meta.ParseDump(bytes.NewReader(otherDump(t, p3)), meta.V09)
			require.NoError(t, err)
			_, err = dump.Restore(d, crashSize, meta.FlexInternal, meta.Geometry{}, nil)
			return err
		}},
		{"convert v08 to v09", meta.V08, meta.V09, meta.FlexInternal, meta.DefaultGeometry, convertTo(meta.V08, meta.V09, meta.FlexInternal, meta.FlexInternal)},
		{"convert v09 to v08", meta.V09, meta.V08, meta.FlexInternal, meta.DefaultGeometry, convertTo(meta.V09, meta.V08, meta.FlexInternal, meta.FlexInternal)},
		{"convert v08 to v09 external", meta.V08, meta.V09, meta.FlexExternal, meta.DefaultGeometry, convertTo(meta.V08, meta.V09, meta.FlexExternal, meta.FlexExternal)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := used(t, tt.from, tt.idx, crashSize, tt.g)
			r := &recorder{sparse: before.clone()}
			require.NoError(t, tt.change(r))
			allowed := []string{stateOf(t, before, tt.from, tt.to, tt.idx), stateOf(t, r.sparse, tt.from, tt.to, tt.idx), "none"}
			require.NotEqual(t, allowed[0], allowed[1])
			n := cuts(t, before, r.ops, func(d *sparse) {
				require.Contains(t, allowed, stateOf(t, d, tt.from, tt.to, tt.idx))
			})
			t.Logf("%d states after a power cut", n)
		})
	}
}

func convertTo(from, to meta.Version, a, b meta.Index) func(meta.Disk) error {
	return func(d meta.Disk) error {
		img, err := meta.Open(d, crashSize, from, a)
		if err != nil {
			return err
		}
		_, err = img.Convert(to, b)
		return err
	}
}

// stateOf is the state of metadata in either of two formats.
func stateOf(t *testing.T, d *sparse, from, to meta.Version, idx meta.Index) string {
	for _, v := range []meta.Version{to, from} {
		img, err := meta.Open(d, crashSize, v, idx)
		if err == nil {
			return state(t, img)
		}
		require.ErrorIs(t, err, meta.ErrNoMetadata)
	}
	return "none"
}

// otherDump returns a dump of other metadata than used makes.
func otherDump(t *testing.T, g meta.Geometry) []byte {
	d := newSparse(crashSize)
	img, err := meta.Create(d, crashSize, meta.CreateOptions{Version: meta.V09, Index: meta.FlexInternal, Geometry: g, EffectiveSize: 30 << 11})
	require.NoError(t, err)
	require.NoError(t, img.Bitmap().Set(1, 5000, 2000))
	var dump bytes.Buffer
	require.NoError(t, img.Dump(&dump, meta.DumpOptions{}))
	return dump.Bytes()
}

// An activity log cut off while it is applied is applied again, with the same
// result.
func TestPowerCutInApplyAL(t *testing.T) {
	for _, v := range []meta.Version{meta.V08, meta.V09} {
		t.Run(v.String(), func(t *testing.T) {
			before := used(t, v, meta.FlexInternal, crashSize, meta.DefaultGeometry)
			r := &recorder{sparse: before.clone()}
			img, err := meta.Open(r, crashSize, v, meta.FlexInternal)
			require.NoError(t, err)
			_, err = img.ApplyAL()
			require.NoError(t, err)
			want := state(t, img)
			n := cuts(t, before, r.ops, func(d *sparse) {
				img, err := meta.Open(d, crashSize, v, meta.FlexInternal)
				require.NoError(t, err)
				_, err = img.ApplyAL()
				require.NoError(t, err)
				require.Equal(t, want, state(t, img))
			})
			t.Logf("%d states after a power cut", n)
		})
	}
}

// Metadata that were moving when the power was cut are in place, or can be moved
// again: from the old place, or from a copy where that is destroyed meanwhile.
func TestPowerCutInMove(t *testing.T) {
	for _, grow := range []int64{4096, 8192, 36864, 1 << 20, 64 << 20} {
		t.Run(fmt.Sprintf("grow by %d", grow), func(t *testing.T) {
			size := int64(crashSize + grow)
			before := used(t, meta.V09, meta.FlexInternal, crashSize, meta.DefaultGeometry)
			last := meta.LastKnown{Size: crashSize, Device: 0xABCDEF}
			before.size = size
			old, err := meta.OpenLastKnown(before, size, meta.V09, last)
			require.NoError(t, err)
			overlaps, err := old.Overlaps(size)
			require.NoError(t, err)
			saved := make([]byte, old.Region().Size())
			_, err = old.Region().ReadAt(saved, 0)
			require.NoError(t, err)
			source := func(d *sparse) *meta.Image {
				if !overlaps {
					img, err := meta.OpenLastKnown(d, size, meta.V09, last)
					require.NoError(t, err)
					return img
				}
				img, err := meta.OpenCopy(bytes.NewReader(saved), int64(len(saved)), crashSize, meta.V09)
				require.NoError(t, err)
				return img
			}
			r := &recorder{sparse: before.clone()}
			moved, err := source(r.sparse).MoveTo(r, size, meta.InitAutomatic, nil)
			require.NoError(t, err)
			want := state(t, moved)
			require.Equal(t, state(t, old), want, "nothing is lost")
			n := cuts(t, before, r.ops, func(d *sparse) {
				img, err := meta.Open(d, size, meta.V09, meta.FlexInternal)
				if errors.Is(err, meta.ErrNoMetadata) {
					img, err = source(d).MoveTo(d, size, meta.InitAutomatic, nil)
				} else {
					require.NoError(t, img.ZeroOld(old.Place))
				}
				require.NoError(t, err)
				require.Equal(t, want, state(t, img))
				requireZero(t, d, old.Place.Start, min(old.Place.End, img.Place.Start))
			})
			t.Logf("%d states after a power cut", n)
		})
	}
}

func requireZero(t *testing.T, d *sparse, off, end int64) {
	if off >= end {
		return
	}
	b := make([]byte, end-off)
	_, err := d.ReadAt(b, off)
	require.NoError(t, err)
	require.Empty(t, bytes.Trim(b, "\x00"))
}

// Metadata that change their place with their format are in one of the places at
// any time.
func TestPowerCutInConversionThatMoves(t *testing.T) {
	const size = 256 << 20
	before := used(t, meta.V07, meta.FixedInternal, size, meta.DefaultGeometry)
	r := &recorder{sparse: before.clone()}
	old, err := meta.Open(r, size, meta.V07, meta.FixedInternal)
	require.NoError(t, err)
	bitmap := runs(t, old, 0)
	img, err := old.Convert(meta.V08, meta.FlexInternal)
	require.NoError(t, err)
	require.Equal(t, bitmap, runs(t, img, 0), "the bitmap comes along")
	want := state(t, img)
	n := cuts(t, before, r.ops, func(d *sparse) {
		img, err := meta.Open(d, size, meta.V08, meta.FlexInternal)
		if errors.Is(err, meta.ErrNoMetadata) {
			img, err = meta.Open(d, size, meta.V07, meta.FixedInternal)
			require.NoError(t, err)
			require.Equal(t, bitmap, runs(t, img, 0))
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, state(t, img))
	})
	t.Logf("%d states after a power cut", n)

	_, err = meta.Open(r, size, meta.V07, meta.FixedInternal)
	require.ErrorIs(t, err, meta.ErrNoMetadata, "the old superblock is gone")
}

// Converting back would need the last 128 MiB, where there are data now.
func TestConversionNeverOverwritesData(t *testing.T) {
	const size = 256 << 20
	d := newSparse(size)
	_, err := meta.Create(d, size, meta.CreateOptions{
		Version: meta.V08, Index: meta.FlexInternal, Geometry: meta.DefaultGeometry, EffectiveSize: 200 << 11,
	})
	require.NoError(t, err)
	img, err := meta.Open(d, size, meta.V08, meta.FlexInternal)
	require.NoError(t, err)
	before := d.sum(t, 0, size)
	_, err = img.Convert(meta.V07, meta.FixedInternal)
	require.ErrorIs(t, err, meta.ErrCannotConvert)
	require.Equal(t, before, d.sum(t, 0, size))
}

// Several bitmaps do not fit in a format with one.
func TestConversionNeverDropsBitmaps(t *testing.T) {
	g := meta.Geometry{MaxPeers: 3, BytesPerBit: 4096, ALStripes: 1, ALStripeBlocks: 8}
	d := used(t, meta.V09, meta.FlexInternal, crashSize, g)
	img, err := meta.Open(d, crashSize, meta.V09, meta.FlexInternal)
	require.NoError(t, err)
	before := d.sum(t, 0, crashSize)
	_, err = img.Convert(meta.V08, meta.FlexInternal)
	require.ErrorIs(t, err, meta.ErrCannotConvert)
	require.Equal(t, before, d.sum(t, 0, crashSize))
}

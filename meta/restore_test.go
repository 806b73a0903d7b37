package meta_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"drbdutils/meta"

	"github.com/stretchr/testify/require"
)

// withBitmap returns a disk whose bitmap is random in places: at the start, in
// the middle and at the end, and where drbd-utils changes buffers.
func withBitmap(t testing.TB, size int64, g meta.Geometry) (*sparse, *meta.Image) {
	d := newSparse(size)
	img, err := meta.Create(d, size, meta.CreateOptions{Version: meta.V09, Index: meta.FlexInternal, Geometry: g})
	require.NoError(t, err)
	img.Super.EffectiveSize = img.Place.UsableSectors(g)
	require.NoError(t, img.WriteSuperblock())
	rng := rand.New(rand.NewPCG(3, 4))
	used := img.Bitmap().Bytes()
	for _, at := range []int64{0, used / 2, 32<<20 - 4096, 32 << 20, used - 4096} {
		block := make([]byte, 4096)
		for i := range block {
			block[i] = byte(rng.Uint32())
		}
		if at >= 0 && at+4096 <= used {
			_, err := d.WriteAt(block, img.Place.Bitmap+at&^4095)
			require.NoError(t, err)
		}
	}
	return d, img
}

// All of the bitmap comes back, however large it is and whatever a bit covers.
func TestRestoreWhatWasDumped(t *testing.T) {
	tests := []struct {
		size int64
		g    meta.Geometry
	}{
		{64 << 20, meta.Geometry{MaxPeers: 1, BytesPerBit: 4096, ALStripes: 1, ALStripeBlocks: 8}},
		{64 << 20, meta.Geometry{MaxPeers: 7, BytesPerBit: 4096, ALStripes: 4, ALStripeBlocks: 16}},
		{1 << 30, meta.Geometry{MaxPeers: 3, BytesPerBit: 65536, ALStripes: 1, ALStripeBlocks: 8}},
		{1 << 40, meta.Geometry{MaxPeers: 1, BytesPerBit: 4096, ALStripes: 1, ALStripeBlocks: 8}},
		{2 << 40, meta.Geometry{MaxPeers: 3, BytesPerBit: 4096, ALStripes: 1, ALStripeBlocks: 8}},
		{8 << 40, meta.Geometry{MaxPeers: 31, BytesPerBit: 1 << 20, ALStripes: 1, ALStripeBlocks: 8}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.size, tt.g), func(t *testing.T) {
			t.Parallel()
			d, img := withBitmap(t, tt.size, tt.g)
			var text bytes.Buffer
			require.NoError(t, img.Dump(&text, meta.DumpOptions{}))
			dump, err := meta.ParseDump(bytes.NewReader(text.Bytes()), meta.V09)
			require.NoError(t, err)
			other := newSparse(tt.size)
			restored, err := dump.Restore(other, tt.size, meta.FlexInternal, meta.Geometry{}, nil)
			require.NoError(t, err)
			p := img.Place
			require.Equal(t, d.sum(t, p.AL, p.End), other.sum(t, p.AL, p.End))
			for slot := range img.Bitmap().Slots() {
				require.Equal(t, runs(t, img, slot), runs(t, restored, slot))
			}
			require.Zero(t, countOutside(other, p), "nothing is written outside the metadata")
		})
	}
}

// What was set on the disk is gone, whether the dump has bits nearby or none.
func TestRestoreOverOldBits(t *testing.T) {
	const size = 64 << 30
	g := meta.Geometry{MaxPeers: 7, BytesPerBit: 4096, ALStripes: 1, ALStripeBlocks: 8}
	d, img := withBitmap(t, size, g)
	rng := rand.New(rand.NewPCG(5, 6))
	for range 6 {
		at := rng.Int64N(img.Bitmap().Bytes()/4096) * 4096
		_, err := d.WriteAt(bytes.Repeat([]byte{0xA5}, 4096), img.Place.Bitmap+at)
		require.NoError(t, err)
	}
	var text bytes.Buffer
	require.NoError(t, img.Dump(&text, meta.DumpOptions{}))
	dump, err := meta.ParseDump(bytes.NewReader(text.Bytes()), meta.V09)
	require.NoError(t, err)
	other := newSparse(size)
	_, err = meta.Create(other, size, meta.CreateOptions{Version: meta.V09, Index: meta.FlexInternal, Geometry: g, Bitmap: meta.InitSetAll})
	require.NoError(t, err)
	_, err = dump.Restore(other, size, meta.FlexInternal, meta.Geometry{}, nil)
	require.NoError(t, err)
	p := img.Place
	require.Equal(t, d.sum(t, p.AL, p.End), other.sum(t, p.AL, p.End))
	require.Greater(t, other.zeroed, img.Bitmap().Bytes()/4, "what has no bits is zeroed, not written")
}

// runs returns what is out of sync in a slot. Bits behind the end of the data are
// not looked at: a dump need not show them.
func runs(t *testing.T, img *meta.Image, slot int) (list []meta.Run) {
	for run, err := range img.Bitmap().Runs(slot) {
		require.NoError(t, err)
		list = append(list, run)
	}
	require.NotEmpty(t, list)
	return list
}

// countOutside counts blocks in use outside the metadata area.
func countOutside(d *sparse, p meta.Place) (n int) {
	for off := range d.blocks {
		if off < p.Start || off >= p.End {
			n++
		}
	}
	return n
}

// A slot that the text describes only in part does not shorten the others.
func TestRestoreSlotsOfDifferentLength(t *testing.T) {
	g := meta.Geometry{MaxPeers: 3, BytesPerBit: 4096, ALStripes: 1, ALStripeBlocks: 8}
	_, img := withBitmap(t, 64<<20, g)
	img.Super.EffectiveSize = 0
	var text bytes.Buffer
	require.NoError(t, img.Dump(&text, meta.DumpOptions{}))
	head, _, _ := bytes.Cut(text.Bytes(), []byte("la-size-sect"))
	s := string(head) + `la-size-sect 100000; bm-byte-per-bit 4096; device-uuid 0x0000000000000000;
la-peer-max-bio-size 0; al-stripes 1; al-stripe-size-4k 8;
bitmap[0] { 0x0000000000000001; 40 times 0xFFFFFFFFFFFFFFFF; }
bitmap[1] { 0 times 0xFFFFFFFFFFFFFFFF; 2 times 0x00000000FFFFFFFF; 0x8000000000000000; }
bitmap[2] { }
`
	dump, err := meta.ParseDump(bytes.NewReader([]byte(s)), meta.V09)
	require.NoError(t, err)
	restored, err := dump.Restore(newSparse(64<<20), 64<<20, meta.FlexInternal, meta.Geometry{}, nil)
	require.NoError(t, err)
	runs := make([][]meta.Run, 3)
	for slot := range runs {
		for run, err := range restored.Bitmap().Runs(slot) {
			require.NoError(t, err)
			runs[slot] = append(runs[slot], run)
		}
	}
	require.Equal(t, [][]meta.Run{
		{{First: 0, Count: 1}, {First: 64, Count: 40 * 64}},
		{{First: 0, Count: 32}, {First: 64, Count: 32}, {First: 191, Count: 1}},
		nil,
	}, runs)
	require.False(t, dump.TooLong(restored))
}

func TestBitmap(t *testing.T) {
	for _, peers := range []uint32{1, 2, 3, 7, 31} {
		t.Run(fmt.Sprint(peers), func(t *testing.T) {
			g := meta.Geometry{MaxPeers: peers, BytesPerBit: 4096, ALStripes: 1, ALStripeBlocks: 8}
			_, img := withBitmap(t, 1<<30, g)
			b := img.Bitmap()
			for slot := range b.Slots() {
				require.NoError(t, b.Clear(slot, 0, b.Bits()))
			}
			last := int(peers - 1)
			require.NoError(t, b.Set(last, 31, 34))
			require.NoError(t, b.Set(last, b.Bits()-1, 1))
			require.NoError(t, b.Clear(last, 40, 2))
			want := make([]int64, peers)
			want[last] = 33
			counts, err := b.Count()
			require.NoError(t, err)
			require.Equal(t, want, counts)
			var runs []meta.Run
			for run, err := range b.Runs(last) {
				require.NoError(t, err)
				runs = append(runs, run)
			}
			require.Equal(t, []meta.Run{{First: 31, Count: 9}, {First: 42, Count: 23}, {First: b.Bits() - 1, Count: 1}}, runs)
			require.Error(t, b.Set(last, b.Bits(), 1))
			require.Error(t, b.Set(last+1, 0, 1))
			require.Error(t, b.Set(-1, 0, 1))
		})
	}
}

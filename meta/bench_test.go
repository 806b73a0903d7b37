package meta_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"drbdutils/meta"

	"github.com/stretchr/testify/require"
)

// benchImage returns metadata of 7 peers for 64 GiB. If random is set, so is the
// bitmap, which is the worst case for a dump; otherwise it is mostly zero.
func benchImage(b *testing.B, random bool) *meta.Image {
	const size = 64 << 30
	g := meta.Geometry{MaxPeers: 7, BytesPerBit: 4096, ALStripes: 1, ALStripeBlocks: 8}
	d, img := withBitmap(b, size, g)
	if random {
		rng := rand.New(rand.NewPCG(1, 1))
		block := make([]byte, 4096)
		for off := img.Place.Bitmap; off < img.Place.AL; off += 4096 {
			for i := range block {
				block[i] = byte(rng.Uint32())
			}
			write(b, d, off, block)
		}
	}
	b.SetBytes(img.Bitmap().Bytes())
	b.ReportAllocs()
	return img
}

func BenchmarkDump(b *testing.B) {
	for _, random := range []bool{true, false} {
		b.Run(fmt.Sprintf("random=%t", random), func(b *testing.B) {
			img := benchImage(b, random)
			for b.Loop() {
				require.NoError(b, img.Dump(io.Discard, meta.DumpOptions{}))
			}
		})
	}
}

func BenchmarkRestore(b *testing.B) {
	for _, random := range []bool{true, false} {
		b.Run(fmt.Sprintf("random=%t", random), func(b *testing.B) {
			img := benchImage(b, random)
			var text bytes.Buffer
			require.NoError(b, img.Dump(&text, meta.DumpOptions{}))
			d := newSparse(img.Place.DiskSize)
			for b.Loop() {
				dump, err := meta.ParseDump(bytes.NewReader(text.Bytes()), meta.V09)
				require.NoError(b, err)
				_, err = dump.Restore(d, d.size, meta.FlexInternal, meta.Geometry{}, nil)
				require.NoError(b, err)
			}
		})
	}
}

func BenchmarkCount(b *testing.B) {
	img := benchImage(b, true)
	for b.Loop() {
		_, err := img.Bitmap().Count()
		require.NoError(b, err)
	}
}

func BenchmarkApplyAL(b *testing.B) {
	img := benchImage(b, false)
	a := meta.NewActivity(1237)
	for b.Loop() {
		for i := range a.Slots {
			a.Slots[i] = uint32(i * 13)
		}
		require.NoError(b, img.MarkAL(a, 0, 0))
		require.NoError(b, img.MarkAL(a, 1, 13))
		img.Super.Flags |= meta.PrimaryInd
		_, err := img.ApplyAL()
		require.NoError(b, err)
	}
}

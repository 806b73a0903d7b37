package meta_test

import (
	"bytes"
	"fmt"
	"testing"

	"drbdutils/meta"

	"github.com/stretchr/testify/require"
)

// From the smallest device to 1 PiB, with 1 to 31 peers: what is created is found
// again, its first and last bit can be set and dumped, and no data are touched.
func TestAllSizes(t *testing.T) {
	for _, size := range []int64{meta.MinDeviceSize, 1<<20 + 3584, 1 << 40, 1 << 50} {
		for peers := uint32(1); peers < meta.MaxPeers; peers += 10 {
			for _, perBit := range []uint32{4096, 1 << 20} {
				t.Run(fmt.Sprint(size, peers, perBit), func(t *testing.T) {
					t.Parallel()
					g := meta.Geometry{MaxPeers: peers, BytesPerBit: perBit, ALStripes: 1, ALStripeBlocks: 8}
					d := newSparse(size)
					_, err := meta.Create(d, size, meta.CreateOptions{Version: meta.V09, Index: meta.FlexInternal, Geometry: g})
					require.NoError(t, err)
					img, err := meta.Open(d, size, meta.V09, meta.FlexInternal)
					require.NoError(t, err)
					img.Super.EffectiveSize = img.Place.UsableSectors(g)
					require.NoError(t, img.WriteSuperblock())
					b, last := img.Bitmap(), int(peers-1)
					require.NoError(t, b.Set(last, 0, 1))
					require.NoError(t, b.Set(last, b.Bits()-1, 1))
					require.LessOrEqual(t, b.Bytes(), img.Place.BitmapBytes)
					require.Zero(t, countOutside(d, img.Place))
					if b.Bytes() > 1<<30 {
						return // takes long to dump
					}
					var text bytes.Buffer
					require.NoError(t, img.Dump(&text, meta.DumpOptions{}))
					dump, err := meta.ParseDump(bytes.NewReader(text.Bytes()), meta.V09)
					require.NoError(t, err)
					other := newSparse(size)
					restored, err := dump.Restore(other, size, meta.FlexInternal, meta.Geometry{}, nil)
					require.NoError(t, err)
					require.Equal(t, runs(t, img, last), runs(t, restored, last))
				})
			}
		}
	}
}

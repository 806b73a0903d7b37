package meta_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"drbdutils/meta"

	"github.com/stretchr/testify/require"
)

var versions = []meta.Version{meta.V06, meta.V07, meta.V08, meta.V09}

// Whatever a block holds, it is refused, or understood in a way that survives
// being written and read again.
func FuzzSuperblock(f *testing.F) {
	for i, v := range versions[1:] {
		d := newSparse(64 << 20)
		_, err := meta.Create(d, d.size, meta.CreateOptions{Version: v, Index: meta.FlexInternal, Geometry: meta.DefaultGeometry})
		require.NoError(f, err)
		block, err := meta.RawSuperblock(d, d.size-4096)
		require.NoError(f, err)
		f.Add(byte(i+1), block)
	}
	f.Add(byte(0), []byte("short"))
	f.Fuzz(func(t *testing.T, version byte, block []byte) {
		format := versions[version%4].Format()
		sb, err := format.Decode(append(bytes.Clone(block), make([]byte, max(0, 4096-len(block)))...))
		if err != nil {
			require.ErrorIs(t, err, meta.ErrNoMetadata)
			return
		}
		again, err := format.Decode(format.Encode(sb))
		require.NoError(t, err)
		require.Equal(t, sb.GI(31), again.GI(31))
		require.Equal(t, sb.Geometry(), again.Geometry())
		require.Equal(t, format.Encode(sb), format.Encode(again))
		require.NoError(t, again.SetGI(5, sb.GI(5)))
		require.Equal(t, sb.GI(5), again.GI(5))
	})
}

// fuzzSize is the size of a fuzzed disk: the smallest one is enough.
const fuzzSize = 256 << 10

// Whatever superblock and activity log hold, everything that reads them returns,
// and applying the log changes nothing outside the metadata.
func FuzzImage(f *testing.F) {
	for i := range versions[1:] {
		for _, idx := range []meta.Index{meta.FlexInternal, meta.FlexExternal} {
			d := newSparse(fuzzSize)
			img, err := meta.Create(d, fuzzSize, meta.CreateOptions{Version: versions[i+1], Index: idx, Geometry: meta.DefaultGeometry, EffectiveSize: 100})
			require.NoError(f, err)
			if i > 0 {
				require.NoError(f, img.MarkAL(meta.NewActivity(67), 5, 7))
			}
			block, err := meta.RawSuperblock(d, img.Place.Superblock)
			require.NoError(f, err)
			log, err := meta.RawSuperblock(d, img.Place.AL)
			require.NoError(f, err)
			f.Add(byte(i), idx == meta.FlexInternal, block[:128], log[:512])
			f.Add(byte(129+i), idx == meta.FlexInternal, block[:128], log[:512])
		}
	}
	f.Fuzz(func(t *testing.T, version byte, internal bool, block, log []byte) {
		d, idx := newSparse(fuzzSize), meta.FlexExternal
		super, al := int64(0), int64(4096)
		if internal {
			idx, super, al = meta.FlexInternal, fuzzSize-4096, fuzzSize-36864
		}
		write(t, d, super, append(block, make([]byte, 4096)...)[:4096])
		log = append(log, make([]byte, 32768)...)[:32768]
		if version >= 128 { // a checksum is rarely right by chance
			copy(log, "\x69\xcb\x65\xa2")
			clear(log[8:12])
			binary.BigEndian.PutUint32(log[8:], ^crc32.Update(^uint32(0), crc32.MakeTable(crc32.Castagnoli), log[:4096]))
		}
		write(t, d, al, log)
		img, err := meta.Open(d, fuzzSize, versions[1+version%3], idx)
		if err != nil {
			require.ErrorIs(t, err, meta.ErrNoMetadata)
			return
		}
		counts, err := img.Bitmap().Count()
		require.NoError(t, err)
		require.Len(t, counts, int(img.Super.MaxPeers))
		require.NoError(t, img.Dump(io.Discard, meta.DumpOptions{}))
		p := img.Place
		before, after := d.sum(t, 0, p.Start), d.sum(t, p.End, fuzzSize)
		_, _ = img.ApplyAL()
		require.Equal(t, before, d.sum(t, 0, p.Start))
		require.Equal(t, after, d.sum(t, p.End, fuzzSize))
	})
}

// A dump is refused, or restored to metadata whose dump says the same.
func FuzzDump(f *testing.F) {
	for i, v := range versions[1:] {
		d := newSparse(fuzzSize)
		img, err := meta.Create(d, fuzzSize, meta.CreateOptions{Version: v, Index: meta.FlexInternal, Geometry: meta.DefaultGeometry, EffectiveSize: 300})
		require.NoError(f, err)
		require.NoError(f, img.Bitmap().Set(0, 3, 7))
		var text bytes.Buffer
		require.NoError(f, img.Dump(&text, meta.DumpOptions{}))
		f.Add(byte(i), text.String())
	}
	f.Fuzz(func(t *testing.T, version byte, text string) {
		v := versions[1+version%3]
		dump, err := meta.ParseDump(strings.NewReader(text), v)
		if err != nil {
			return
		}
		const size = 4 << 20
		d := newSparse(size)
		img, err := dump.Restore(d, size, meta.FlexInternal, meta.Geometry{}, nil)
		if err != nil {
			return // too many stripes, too large for the disk
		}
		var first, second bytes.Buffer
		require.NoError(t, img.Dump(&first, meta.DumpOptions{}))
		if !img.Super.Dumpable() {
			return
		}
		again, err := meta.ParseDump(bytes.NewReader(first.Bytes()), v)
		require.NoError(t, err)
		img, err = again.Restore(newSparse(size), size, meta.FlexInternal, meta.Geometry{}, nil)
		require.NoError(t, err)
		require.NoError(t, img.Dump(&second, meta.DumpOptions{}))
		require.Equal(t, first.String(), second.String())
	})
}

func FuzzLastKnown(f *testing.F) {
	f.Add("67108864\t/dev/sdb1\nuuid:\t0123456789ABCDEF\n")
	f.Add("1 x")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := meta.ParseLastKnown(text)
		if err != nil {
			require.Zero(t, l)
			return
		}
		again, err := meta.ParseLastKnown(l.String())
		require.NoError(t, err)
		require.Equal(t, l, again)
	})
}

// Metadata of a device that grew are refused, or moved with all that they say, and
// nothing below the end of the data changes.
func FuzzMove(f *testing.F) {
	f.Add(uint32(1<<20), uint32(4096), byte(0), uint32(1000), byte(0))
	f.Add(uint32(8<<20), uint32(3584), byte(30), uint32(12000), byte(1))
	f.Add(uint32(3<<20+1536), uint32(1<<22), byte(6), uint32(4000), byte(2))
	f.Fuzz(func(t *testing.T, old, grow uint32, peers byte, effective uint32, init byte) {
		before := int64(old%(16<<20)) &^ 511
		after := before + int64(grow%(16<<20))&^511
		g := meta.Geometry{MaxPeers: 1 + uint32(peers)%31, BytesPerBit: 4096, ALStripes: 1, ALStripeBlocks: 8}
		d := newSparse(after)
		img, err := meta.Create(d, before, meta.CreateOptions{Version: meta.V09, Index: meta.FlexInternal, Geometry: g})
		if err != nil {
			require.ErrorIs(t, err, meta.ErrTooSmall)
			return
		}
		img.Super.EffectiveSize = min(uint64(effective)&^7+8, img.Place.UsableSectors(g))
		require.NoError(t, img.WriteSuperblock())
		require.NoError(t, img.Bitmap().Set(int(g.MaxPeers-1), img.Bitmap().Bits()-1, 1))
		data := int64(img.Super.EffectiveSize) * meta.SectorSize
		last := make([]byte, 512)
		copy(last, "the last sector of the data")
		write(t, d, data-512, last)
		want := state(t, img)

		source, err := meta.OpenLastKnown(d, after, meta.V09, meta.LastKnown{Size: before})
		if err != nil {
			require.ErrorIs(t, err, meta.ErrNoMetadata)
			return
		}
		copied := make([]byte, source.Region().Size())
		_, err = source.Region().ReadAt(copied, 0)
		require.NoError(t, err)
		source, err = meta.OpenCopy(bytes.NewReader(copied), int64(len(copied)), before, meta.V09)
		require.NoError(t, err)
		moved, err := source.MoveTo(d, after, []meta.Init{meta.InitAutomatic, meta.InitSetAll, meta.InitSkip}[init%3], nil)
		if err != nil {
			require.ErrorIs(t, err, meta.ErrNoRoom)
			return
		}
		again, err := meta.Open(d, after, meta.V09, meta.FlexInternal)
		require.NoError(t, err)
		require.Equal(t, moved.Place, again.Place)
		require.Equal(t, want, state(t, again))
		got := make([]byte, 512)
		_, err = d.ReadAt(got, data-512)
		require.NoError(t, err)
		require.Equal(t, last, got)
	})
}

package metatool_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"drbdutils/meta"

	"github.com/stretchr/testify/require"
)

func TestExplain(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force - v09 IMG internal create-md 3 --effective-size 100000 --uptodate --initial-current-uuid 1234567812345678")
	dev, err := meta.OpenDevice(b.image, meta.DeviceOptions{AllowFile: true})
	require.NoError(t, err)
	img, err := meta.Open(dev, dev.Size(), meta.V09, meta.FlexInternal)
	require.NoError(t, err)
	img.Super.Flags = img.Super.Flags&^meta.ALClean | meta.PrimaryInd
	img.Super.Peers[5] = meta.Peer{BitmapIndex: 1, BitmapUUID: 0xAB}
	require.NoError(t, img.Bitmap().Set(1, 10, 256))
	require.NoError(t, img.MarkAL(meta.NewActivity(67), 3, 9))
	require.NoError(t, img.WriteSuperblock())
	require.NoError(t, dev.Close())

	text := regexp.MustCompile(`(?m)^\S+/image`).ReplaceAllString(b.ok("- v09 IMG internal explain"), "IMG")
	require.Equal(t, `IMG: 64 MB, meta data v09, internal

                           first byte            last byte         size
  data                              0             67063807        64 MB
  bitmap                     67063808             67071999         8 KB
  activity log               67072000             67104767        32 KB
  superblock                 67104768             67108863         4 KB

  disk state     Consistent
  current uuid   1234567812345678
  device uuid    0000000000000000
  node id        none yet
  agreed size    49 MB (100000 sectors)
  activity log   needs apply-al before the next attach, 1 extents of 4 MiB in use
  bitmap 0       0 KB out of sync, belongs to no node
  bitmap 1       1024 KB out of sync with node 5, since 00000000000000AB
  bitmap 2       0 KB out of sync, belongs to no node
`, text)

	var e struct {
		Parts []struct {
			Name       string
			Start, End int64
		}
		Log struct {
			NeedsApply bool `json:"needs_apply"`
		} `json:"activity_log"`
		Slots []struct {
			Dirty int64 `json:"out_of_sync_kib"`
		} `json:"bitmap_slots"`
	}
	require.NoError(t, json.Unmarshal([]byte(b.ok("- v09 IMG internal explain --json")), &e))
	require.Len(t, e.Parts, 4)
	require.True(t, e.Log.NeedsApply)
	require.Equal(t, int64(1024), e.Slots[1].Dirty)

	b.ok("--force - v09 IMG internal apply-al")
	require.Contains(t, b.ok("- v09 IMG internal explain"), "activity log   clean")
}

func TestExplainWithoutMetadata(t *testing.T) {
	b := newBench(t, 64*miB)
	code, _ := b.run("- v09 IMG internal explain")
	require.Equal(t, 255, code)
	require.Contains(t, b.stderr, "No valid meta data found")
	require.Contains(t, b.stderr, "magic number is 0x00000000")
}

func TestMarkedIsReported(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force - v08 IMG internal create-md --effective-size 100000")
	dev, err := meta.OpenDevice(b.image, meta.DeviceOptions{AllowFile: true})
	require.NoError(t, err)
	img, err := meta.Open(dev, dev.Size(), meta.V08, meta.FlexInternal)
	require.NoError(t, err)
	img.Super.Flags |= meta.PrimaryInd
	require.NoError(t, img.MarkAL(meta.NewActivity(67), 3, 9))
	require.NoError(t, img.WriteSuperblock())
	require.NoError(t, dev.Close())
	require.Equal(t, "Marked additional 4096 KB as out-of-sync based on AL.\n", b.ok("--force - v08 IMG internal apply-al"))
	require.Empty(t, b.stderr)
}

// Scripts that feed a dump through a pipe need no file.
func TestRestoreFromPipe(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force - v09 IMG internal create-md 3 --effective-size 100000 -b set-all")
	dump := b.ok("--force - v09 IMG internal dump-md")
	b.ok("--force - v09 IMG internal wipe-md")
	r, w, err := os.Pipe()
	require.NoError(t, err)
	go func() {
		_, _ = w.WriteString(dump)
		w.Close()
	}()
	b.stdin = r
	b.ok("--force - v09 IMG internal restore-md")
	require.Equal(t, uncommented(dump), uncommented(b.ok("--force - v09 IMG internal dump-md")))
}

// With -v -v the order of what is written can be seen: the superblock last, after
// everything it refers to is on stable storage.
func TestOrderOfWrites(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("-v -v --force - v09 IMG internal create-md 3")
	require.Contains(t, b.stderr, `pwrite length=32768 offset=67072000
zeroout length=8192 offset=67063808
fsync
pwrite length=4096 offset=67104768
fsync
pread length=4096 offset=67104768
`)
}

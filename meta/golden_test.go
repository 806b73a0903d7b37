package meta_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"drbdutils/meta"

	"github.com/stretchr/testify/require"
)

// golden reads a file of results that drbd-utils 9.34 produced.
func golden(t *testing.T, name string, v any) {
	f, err := os.Open("../testdata/meta/" + name)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(z).Decode(v))
}

// layoutCase is one run of create-md on an empty file, then write-dev-uuid.
type layoutCase struct {
	ID       string `json:"id"`
	Format   string
	Index    string
	Size     int64
	Create   string
	MDStart  int64  `json:"md_start"`
	MDEnd    int64  `json:"md_end"`
	ALOffset int64  `json:"al_offset"`
	BMOffset int64  `json:"bm_offset"`
	SBOffset int64  `json:"sb_offset"`
	SBSum    string `json:"sb_sha256"`
	MDSum    string `json:"md_sha256"`
	Dump     string
}

// options translates the recorded command line.
func (c layoutCase) options(t *testing.T) meta.CreateOptions {
	v, err := meta.ParseVersion(c.Format)
	require.NoError(t, err)
	idx, err := meta.ParseIndex(v, c.Index)
	require.NoError(t, err)
	o := meta.CreateOptions{Version: v, Index: idx, Geometry: meta.DefaultGeometry}
	_, rest, _ := strings.Cut(c.Create, " create-md")
	words := strings.Fields(strings.ReplaceAll(rest, "=", " "))
	if v == meta.V09 {
		o.Geometry.MaxPeers = number(t, words[0])
		words = words[1:]
	}
	for len(words) > 0 {
		used := 2
		switch words[0] {
		case "-s", "--al-stripes":
			o.Geometry.ALStripes = number(t, words[1])
		case "-z", "--al-stripe-size-kB":
			o.Geometry.ALStripeBlocks = number(t, words[1]) / 4
		case "-B", "--bitmap-block-size":
			o.Geometry.BytesPerBit = number(t, words[1])
		case "-p", "--peer-max-bio-size":
			o.PeerMaxBio = number(t, words[1])
		case "-Z", "--effective-size":
			o.EffectiveSize = uint64(number(t, words[1]))
		case "-D", "--diskful-peers":
			if strings.HasPrefix(words[1], "0x") {
				o.DiskfulPeers = number(t, words[1])
				break
			}
			for id := range strings.SplitSeq(words[1], ",") {
				o.DiskfulPeers |= 1 << number(t, id)
			}
		case "-b", "--initialize-bitmap":
			o.Bitmap = map[string]meta.Init{"set-all": meta.InitSetAll, "skip": meta.InitSkip, "pwrite": meta.InitWrite, "automatic": meta.InitAutomatic}[words[1]]
		case "--uptodate", "--consistent", "--peers-outdated":
			o.UUIDs.UpToDate = o.UUIDs.UpToDate || words[0] == "--uptodate"
			o.UUIDs.Consistent = o.UUIDs.Consistent || words[0] == "--consistent"
			o.UUIDs.PeersOutdated = o.UUIDs.PeersOutdated || words[0] == "--peers-outdated"
			used = 1
		case "--initial-current-uuid":
			u, err := meta.ParseUUID(words[1])
			require.NoError(t, err)
			o.UUIDs.Current = u
		default:
			require.Fail(t, "option not known to the test", words[0])
		}
		words = words[used:]
	}
	return o
}

func number(t *testing.T, s string) uint32 {
	unit := uint64(1)
	switch s[len(s)-1] {
	case 'k', 'K':
		unit = 1 << 10
	case 'M':
		unit = 1 << 20
	}
	n, err := strconv.ParseUint(strings.TrimRight(s, "kKMs"), 0, 32)
	require.NoError(t, err)
	return uint32(n * unit)
}

// generated matches what a dump contains besides the metadata.
var generated = regexp.MustCompile(`(?m)^# (<DATE>|<HOST>>.*)\n|^# \[.*\n|^# Apply.*\n`)

func TestCreateMatchesReference(t *testing.T) {
	var cases []layoutCase
	golden(t, "layouts.json.gz", &cases)
	require.Len(t, cases, 93)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			d, o := newSparse(c.Size), c.options(t)
			_, err := meta.Create(d, c.Size, o)
			require.NoError(t, err)
			img, err := meta.Open(d, c.Size, o.Version, o.Index)
			require.NoError(t, err)
			if o.Version >= meta.V08 {
				img.Super.DeviceUUID = 0x0123456789ABCDEF
				require.NoError(t, img.WriteSuperblock())
			}
			p := img.Place
			require.Equal(t, []int64{c.MDStart, c.MDEnd, c.ALOffset, c.BMOffset, c.SBOffset},
				[]int64{p.Start, p.End, p.AL, p.Bitmap, p.Superblock})
			require.Equal(t, c.SBSum, d.sum(t, c.SBOffset, c.SBOffset+4096))
			if c.MDEnd-c.MDStart < 2<<30 { // more takes long to sum up
				require.Equal(t, c.MDSum, d.sum(t, c.MDStart, c.MDEnd))
			}
			requireDump(t, c.Dump, d, c.Size, o.Version, o.Index)
		})
	}
}

func requireDump(t *testing.T, want string, d meta.Disk, size int64, v meta.Version, idx meta.Index) {
	img, err := meta.Open(d, size, v, idx)
	require.NoError(t, err)
	var got bytes.Buffer
	require.NoError(t, img.Dump(&got, meta.DumpOptions{}))
	want = generated.ReplaceAllString(want, "")
	if v == meta.V07 { // the reference calls all v07 metadata unclean
		want = strings.Replace(want, "This_is_an_unclean_meta_data_dump._Don't_trust_the_bitmap.\n\n", "", 1)
	}
	require.Equal(t, want, generated.ReplaceAllString(got.String(), ""))
}

// hexAt is [offset, hexadecimal bytes].
type hexAt [2]any

func (h hexAt) put(t *testing.T, b []byte, unit int) {
	data, err := hex.DecodeString(h[1].(string))
	require.NoError(t, err)
	copy(b[int(h[0].(float64))*unit:], data)
}

// applyState is the metadata before or after apply-al.
type applyState struct {
	RC         int
	Superblock []hexAt           `json:"superblock_nonzero"`
	ALSum      string            `json:"al_sha256"`
	ALBlocks   []json.RawMessage `json:"al_blocks"`
	ALSectors  []hexAt           `json:"al_nonzero_512"`
	Bitmap     [][3]any          `json:"bitmap_rle"`
}

type applyCase struct {
	ID           string `json:"id"`
	Format       string
	Index        string
	Size         int64 `json:"device_size"`
	SBOffset     int64 `json:"superblock_offset"`
	ALOffset     int64 `json:"al_offset"`
	BMOffset     int64 `json:"bm_offset"`
	ALBytes      int64 `json:"al_bytes"`
	Before       applyState
	Runs         []applyState
	Reference922 *struct {
		Same   *bool    `json:"same_md_bytes"`
		Bitmap [][3]any `json:"bitmap_rle"`
	} `json:"drbdmeta_9_22"`
}

// transaction is an activity log block as recorded.
type transaction struct {
	Magic        string
	TR           uint32
	CRC          string `json:"crc32c"`
	Type         uint16
	Updates      uint16    `json:"n_updates"`
	ContextSize  uint16    `json:"context_size"`
	ContextStart uint16    `json:"context_start"`
	Changed      [][2]uint `json:"updates"`
	Context      map[string]uint32
}

func (tr transaction) block(t *testing.T) []byte {
	hex32 := func(s string) uint32 {
		n, err := strconv.ParseUint(s, 0, 32)
		require.NoError(t, err)
		return uint32(n)
	}
	b := bytes.Repeat([]byte{0xFF}, 4096)
	be := binary.BigEndian
	clear(b[:36])
	be.PutUint32(b, hex32(tr.Magic))
	be.PutUint32(b[4:], tr.TR)
	be.PutUint32(b[8:], hex32(tr.CRC))
	be.PutUint16(b[12:], tr.Type)
	be.PutUint16(b[14:], tr.Updates)
	be.PutUint16(b[16:], tr.ContextSize)
	be.PutUint16(b[18:], tr.ContextStart)
	for i, u := range tr.Changed {
		be.PutUint16(b[36+2*i:], uint16(u[0]))
		be.PutUint32(b[164+4*i:], uint32(u[1]))
	}
	for i, extent := range tr.Context {
		n, err := strconv.Atoi(i)
		require.NoError(t, err)
		be.PutUint32(b[420+4*(n):], extent)
	}
	return b
}

// initialised is an activity log block that create-md wrote.
func initialised() []byte {
	b := make([]byte, 4096)
	copy(b, []byte{0x69, 0xcb, 0x65, 0xa2, 0, 0, 0, 0, 0x70, 0x9c, 0xc6, 0x51, 0xff, 0xff})
	return b
}

func (s applyState) al(t *testing.T, n int64) []byte {
	area := make([]byte, n)
	for i, raw := range s.ALBlocks {
		var word string
		var tr transaction
		switch {
		case json.Unmarshal(raw, &word) != nil:
			require.NoError(t, json.Unmarshal(raw, &tr))
			copy(area[i*4096:], tr.block(t))
		case word == "INITIALIZED":
			copy(area[i*4096:], initialised())
		}
	}
	for _, h := range s.ALSectors {
		h.put(t, area, 512)
	}
	return area
}

func (s applyState) superblock(t *testing.T) []byte {
	b := make([]byte, 4096)
	for _, h := range s.Superblock {
		h.put(t, b, 1)
	}
	return b
}

func rle(t *testing.T, runs [][3]any) []byte {
	b := make([]byte, 4<<20)
	for _, r := range runs {
		v, err := strconv.ParseUint(r[1].(string), 16, 8)
		require.NoError(t, err)
		for i := range int(r[2].(float64)) {
			b[int(r[0].(float64))+i] = byte(v)
		}
	}
	return b
}

func write(t testing.TB, d meta.Disk, off int64, b []byte) {
	_, err := d.WriteAt(b, off)
	require.NoError(t, err)
}

func TestApplyALMatchesReference(t *testing.T) {
	var cases []applyCase
	golden(t, "apply.json.gz", &cases)
	require.Len(t, cases, 46)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			d := newSparse(c.Size)
			al := c.Before.al(t, c.ALBytes)
			write(t, d, c.ALOffset, al)
			require.Equal(t, c.Before.ALSum, d.sum(t, c.ALOffset, c.ALOffset+c.ALBytes), "the case is as recorded")
			write(t, d, c.SBOffset, c.Before.superblock(t))
			v, err := meta.ParseVersion(c.Format)
			require.NoError(t, err)
			idx, err := meta.ParseIndex(v, c.Index)
			require.NoError(t, err)
			room := bitmapRoom(c)
			write(t, d, c.BMOffset, rle(t, c.Before.Bitmap)[:room])
			for i, run := range c.Runs {
				img, err := meta.Open(d, c.Size, v, idx)
				require.NoError(t, err)
				_, err = img.ApplyAL()
				require.Equal(t, run.RC, exitCode(err), "run %d: %v", i, err)
				requireApplied(t, c, run, d, room)
			}
		})
	}
}

// bitmapRoom is how much of the bitmap area to compare.
func bitmapRoom(c applyCase) int64 {
	if c.BMOffset < c.SBOffset {
		return c.ALOffset - c.BMOffset
	}
	return min(4<<20, c.Size-c.BMOffset)
}

func exitCode(err error) int {
	switch err {
	case nil:
		return 0
	case meta.ErrNoLog:
		return 1
	case meta.ErrBadLog:
		return 2
	}
	return -1
}

func requireApplied(t *testing.T, c applyCase, run applyState, d *sparse, room int64) {
	sb := make([]byte, 4096)
	_, err := d.ReadAt(sb, c.SBOffset)
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(run.superblock(t)), hex.EncodeToString(sb))
	require.Equal(t, run.ALSum, d.sum(t, c.ALOffset, c.ALOffset+c.ALBytes))
	want := run.Bitmap
	if r := c.Reference922; r != nil && r.Same != nil && !*r.Same && r.Bitmap != nil {
		want = r.Bitmap // newer releases lose the last extent
	}
	got := make([]byte, room)
	_, err = d.ReadAt(got, c.BMOffset)
	require.NoError(t, err)
	if !bytes.Equal(rle(t, want)[:room], got) {
		require.Equal(t, hex.EncodeToString(bytes.TrimRight(rle(t, want)[:room], "\x00")), hex.EncodeToString(bytes.TrimRight(got, "\x00")))
	}
}

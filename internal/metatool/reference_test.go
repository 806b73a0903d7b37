package metatool_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"drbdutils/meta"

	"github.com/stretchr/testify/require"
)

// referencePath is where Debian and Ubuntu install drbdmeta.
const referencePath = "/usr/sbin/drbdmeta"

// twin is a pair of images: what drbdmeta of drbd-utils does to one, we do to the
// other.
type twin struct {
	*bench
	theirs string
}

func newTwin(t *testing.T, size int64) *twin {
	w := &twin{bench: newBench(t, size)}
	w.theirs = w.dir + "/theirs"
	require.NoError(t, os.WriteFile(w.theirs, nil, 0o600))
	require.NoError(t, os.Truncate(w.theirs, size))
	return w
}

// both runs a command with both tools. Exit codes must agree: releases before
// 9.32 turn every failure into 1.
func (w *twin) both(line string) (ours, theirs string) {
	w.Helper()
	code, ours := w.run(line)
	words := strings.Fields(strings.NewReplacer("IMG", w.theirs, "DIR", w.dir).Replace(line))
	cmd := exec.Command(referencePath, words...)
	out, err := cmd.Output()
	require.Equal(w, err == nil, code == 0, "%s: %d %s, %v %s", line, code, w.stderr, err, out)
	return ours, string(out)
}

// same compares the images. What skip names is left out.
func (w *twin) same(why string, skip ...meta.Place) {
	w.Helper()
	ours, err := os.Open(w.image)
	require.NoError(w, err)
	defer ours.Close()
	theirs, err := os.Open(w.theirs)
	require.NoError(w, err)
	defer theirs.Close()
	a, b := make([]byte, 1<<20), make([]byte, 1<<20)
	for off := int64(0); ; off += int64(len(a)) {
		n, err := ours.ReadAt(a, off)
		m, _ := theirs.ReadAt(b, off)
		require.Equal(w, n, m)
		if !bytes.Equal(a[:n], b[:n]) {
			w.difference(why, a[:n], b[:n], off, skip)
		}
		if err == io.EOF {
			return
		}
		require.NoError(w, err)
	}
}

// difference says where the images differ.
func (w *twin) difference(why string, a, b []byte, off int64, skip []meta.Place) {
	w.Helper()
	for i := range a {
		at := off + int64(i)
		skipped := len(skip) > 0 && at >= skip[0].AL && at < skip[0].AL+skip[0].ALBytes
		if a[i] != b[i] && !skipped {
			require.Fail(w, why, "first difference at %d: %02x here, %02x in the reference", at, a[i], b[i])
		}
	}
}

// change applies the same change to both images.
func (w *twin) change(v meta.Version, idx meta.Index, f func(img *meta.Image)) *meta.Image {
	var last *meta.Image
	for _, path := range []string{w.theirs, w.image} {
		dev, err := meta.OpenDevice(path, meta.DeviceOptions{AllowFile: true})
		require.NoError(w, err)
		img, err := meta.Open(dev, dev.Size(), v, idx)
		require.NoError(w, err)
		f(img)
		require.NoError(w, img.WriteSuperblock())
		require.NoError(w, dev.Close())
		last = img
	}
	return last
}

// layout is a random layout that release 9.22 knows, too.
type layout struct {
	format, index string
	peers         int
	size          int64
	options       string
}

func randomLayout(rng *rand.Rand) layout {
	l := layout{format: "v09", index: []string{"internal", "internal", "flex-external", "0"}[rng.IntN(4)]}
	l.size = 1<<20 + rng.Int64N(60<<20)&^511
	if l.index == "0" {
		l.size += 128 << 20
	}
	l.peers = []int{1, 2, 3, 5, 7, 15, 31}[rng.IntN(7)]
	if rng.IntN(3) == 0 {
		l.format, l.peers = "v08", 1
	}
	if rng.IntN(2) == 0 {
		l.options = fmt.Sprintf(" --al-stripes %d --al-stripe-size-kB %d", 1+rng.IntN(5), 32+4*rng.IntN(30))
	}
	return l
}

func (l layout) create() string {
	if l.format == "v09" {
		return fmt.Sprintf(" create-md %d%s", l.peers, l.options)
	}
	return " create-md" + l.options
}

// parts of a dump that releases before 9.33 do not write, or write differently.
var newerParts = regexp.MustCompile(`(?m)^members .*\n|^ *#.*\n|^    flags 0x[0-9A-F]{8};\n`)

func TestAgainstReference(t *testing.T) {
	if _, err := os.Stat(referencePath); err != nil && os.Getenv("CI") == "" {
		t.Skip("needs drbdmeta of drbd-utils")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 30 {
		l := randomLayout(rng)
		t.Run(fmt.Sprintf("%d %s %s %d%s", i, l.format, l.index, l.size, l.options), func(t *testing.T) {
			compareLayout(t, l, rng)
		})
	}
}

func compareLayout(t *testing.T, l layout, rng *rand.Rand) {
	w := newTwin(t, l.size)
	v, err := meta.ParseVersion(l.format)
	require.NoError(t, err)
	idx, err := meta.ParseIndex(v, l.index)
	require.NoError(t, err)
	device := "--force - " + l.format + " IMG " + l.index
	w.both(device + l.create())
	w.same("create-md")
	w.both(device + " write-dev-uuid 0123456789ABCDEF")
	w.dirty(v, idx, rng)
	w.same("the test itself")

	ours, theirs := w.both(device + " dump-md")
	require.Equal(t, newerParts.ReplaceAllString(theirs, ""), newerParts.ReplaceAllString(ours, ""))

	dump := regexp.MustCompile(`(?m)^members .*\n`).ReplaceAllString(ours, "")
	require.NoError(t, os.WriteFile(w.dir+"/dump", []byte(dump), 0o600))
	w.both(device + " wipe-md")
	w.both(device + " restore-md DIR/dump")
	p := w.change(v, idx, func(*meta.Image) {}).Place
	w.same("restore-md", p) // which leaves the activity log as it was

	w.crash(v, idx, rng)
	w.both(device + " apply-al")
	w.same("apply-al")
	if v == meta.V08 {
		w.both(strings.Replace(device, "v08", "v09", 1) + " create-md 1")
		w.same("convert to v09")
		w.both(device + " create-md")
		w.same("convert to v08")
	}
}

// dirty makes the bitmap random in some places.
func (w *twin) dirty(v meta.Version, idx meta.Index, rng *rand.Rand) {
	type run struct {
		slot         int
		first, count int64
	}
	var list []run
	w.change(v, idx, func(img *meta.Image) {
		img.Super.Flags |= meta.Consistent | meta.WasUpToDate
		img.Super.Current = 0x1122334455667788
		img.Super.EffectiveSize = min(img.Place.UsableSectors(img.Super.Geometry()), 400<<11)
		b := img.Bitmap()
		for range 50 {
			if len(list) < 50 {
				n := 1 + rng.Int64N(2000)
				list = append(list, run{rng.IntN(b.Slots()), rng.Int64N(b.Bits()), n})
			}
		}
		for _, r := range list {
			require.NoError(w, b.Set(r.slot, r.first, min(r.count, b.Bits()-r.first)))
		}
	})
}

// crash leaves the metadata as a primary that crashed does. The last extents are
// not written to: newer releases of the reference lose them.
func (w *twin) crash(v meta.Version, idx meta.Index, rng *rand.Rand) {
	seed := rng.Uint64()
	w.change(v, idx, func(img *meta.Image) {
		rng := rand.New(rand.NewPCG(seed, 1))
		require.NoError(w, img.ResetAL())
		a := meta.NewActivity(67 + int(seed%1200))
		extents := max(1, uint32(img.Super.EffectiveSize>>13))
		for range rng.IntN(100) {
			require.NoError(w, img.MarkAL(a, rng.IntN(len(a.Slots)), rng.Uint32N(extents)))
		}
		img.Super.Flags |= meta.PrimaryInd
		img.Super.Flags &^= meta.ALClean
		img.Super.Unclean84 = v == meta.V08
	})
}

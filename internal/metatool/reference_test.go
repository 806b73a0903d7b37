package metatool_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
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

// span is a range of bytes.
type span struct{ start, end int64 }

// same compares the images. What skip names is left out.
func (w *twin) same(why string, skip ...span) {
	w.Helper()
	ours, err := os.Open(w.image)
	require.NoError(w, err)
	defer ours.Close()
	theirs, err := os.Open(w.theirs)
	require.NoError(w, err)
	defer theirs.Close()
	a, b := make([]byte, 1<<20), make([]byte, 1<<20)
	for off := int64(0); ; off += int64(len(a)) {
		off = min(nextData(ours, off), nextData(theirs, off))
		if off == math.MaxInt64 {
			return
		}
		n, _ := ours.ReadAt(a, off)
		m, _ := theirs.ReadAt(b, off)
		require.Equal(w, n, m)
		if !bytes.Equal(a[:n], b[:n]) {
			w.difference(why, a[:n], b[:n], off, skip)
		}
	}
}

// nextData returns where a sparse file holds data next, from off on.
func nextData(f *os.File, off int64) int64 {
	const seekData = 3
	next, err := f.Seek(off, seekData)
	if err != nil {
		return math.MaxInt64
	}
	return next
}

// difference says where the images differ.
func (w *twin) difference(why string, a, b []byte, off int64, skip []span) {
	w.Helper()
	for i := range a {
		at := off + int64(i)
		skipped := func(s span) bool { return at >= s.start && at < s.end }
		if a[i] != b[i] && !slices.ContainsFunc(skip, skipped) {
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

// How many random layouts are compared, and where the random numbers start:
// go test ./internal/metatool -run TestAgainstReference -layouts 10000 -seed 7
var (
	layouts = flag.Int("layouts", 12, "random layouts to compare with the installed drbdmeta")
	seed    = flag.Uint64("seed", 5, "start of the random numbers")
)

func TestAgainstReference(t *testing.T) {
	if _, err := os.Stat(referencePath); err != nil && os.Getenv("CI") == "" {
		t.Skip("needs drbdmeta of drbd-utils")
	}
	commands := 0
	for i := range *layouts {
		rng := rand.New(rand.NewPCG(*seed, uint64(i)))
		l := randomLayout(rng)
		t.Run(fmt.Sprintf("%d %s %s %d %d%s", i, l.version, l.index, l.peers, l.size, l.options), func(t *testing.T) {
			w := &walk{twin: newTwin(t, l.size), layout: l, rng: rng}
			w.run()
			commands += w.commands
		})
	}
	t.Logf("%d commands on %d layouts, from seed %d: every byte the same", commands, *layouts, *seed)
}

// layout is a random layout that release 9.22 knows, too.
type layout struct {
	version meta.Version
	index   string
	peers   int
	size    int64
	options string
}

func randomLayout(rng *rand.Rand) layout {
	l := layout{
		version: []meta.Version{meta.V07, meta.V08, meta.V08, meta.V09, meta.V09, meta.V09}[rng.IntN(6)],
		index:   []string{"internal", "internal", "flex-internal", "flex-external", "flex-external", "0", "1"}[rng.IntN(7)],
		size:    1<<20 + rng.Int64N(8<<20)&^511,
		peers:   1,
	}
	if rng.IntN(4) == 0 {
		l.size += rng.Int64N(250<<20) &^ 511
	}
	switch {
	case l.index == "0", l.version == meta.V07 && l.index == "internal":
		l.size += 128 << 20
	case l.index == "1":
		l.size += 256 << 20
	}
	if l.version == meta.V09 {
		l.peers = []int{1, 2, 3, 5, 7, 15, 31}[rng.IntN(7)]
	}
	if l.version >= meta.V08 && rng.IntN(2) == 0 {
		l.options = fmt.Sprintf(" --al-stripes %d --al-stripe-size-kB %d", 1+rng.IntN(6), 32+4*rng.IntN(30))
	}
	if rng.IntN(3) == 0 {
		l.options += []string{" -b pwrite", " -b skip", " --initialize-bitmap automatic", " -p 1M", " --peer-max-bio-size 4096", " -p 0"}[rng.IntN(6)]
	}
	return l
}

// index returns the layout's name as a number.
func (l layout) parsed(t require.TestingT) meta.Index {
	idx, err := meta.ParseIndex(l.version, l.index)
	require.NoError(t, err)
	return idx
}

// on returns the start of a command line.
func (l layout) on() string { return fmt.Sprintf("--force - %s IMG %s ", l.version, l.index) }

func (l layout) create() string {
	if l.version == meta.V09 {
		return fmt.Sprintf("create-md %d%s", l.peers, l.options)
	}
	return "create-md" + l.options
}

// A walk is a random sequence of commands. After each of them both images are the
// same, and so is the output where programs read it.
type walk struct {
	*twin
	layout
	rng      *rand.Rand
	commands int
}

func (w *walk) run() {
	// Releases before 9.29 do not initialise all of a bitmap that is larger than needed.
	if w.rng.IntN(2) == 0 && w.parsed(w) == meta.FlexInternal {
		w.scribble()
	}
	w.do(w.create())
	steps := []func(){
		w.setGI, w.setGI, w.show, w.devUUID, w.bits, w.crash, w.crash, w.dumpAndRestore, w.forgetPeer, w.wrongArguments,
		func() { w.do("outdate") }, func() { w.do("invalidate") },
		w.createAgain, w.wipe,
	}
	w.devUUID()
	w.bits()
	w.dumpAndRestore()
	w.crash()
	for range 6 {
		steps[w.rng.IntN(len(steps))]()
	}
	if w.version == meta.V08 {
		w.convert()
	}
	if w.parsed(w) == meta.FlexInternal && w.version >= meta.V08 {
		w.grow()
	}
}

// do runs a command with both tools and compares the images.
func (w *walk) do(command string) {
	w.Helper()
	w.commands++
	w.both(w.on() + command)
	w.same(command)
}

// scribble fills the images with something that is no metadata.
func (w *walk) scribble() {
	noise := make([]byte, 64<<10)
	for i := range noise {
		noise[i] = byte(w.rng.Uint32())
	}
	for _, path := range []string{w.image, w.theirs} {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		require.NoError(w, err)
		for off := int64(128 << 10); off+int64(len(noise)) <= w.size; off += max(64<<10, w.size/64) &^ 511 {
			_, err := f.WriteAt(noise, off)
			require.NoError(w, err)
		}
		require.NoError(w, f.Close())
	}
}

// node returns an option for a random peer, where there are peers.
func (w *walk) node() string {
	if w.version != meta.V09 {
		return ""
	}
	return fmt.Sprintf(" --node-id %d", w.rng.IntN(32))
}

// setGI sets some of the identifiers and flags.
func (w *walk) setGI() {
	var fields []string
	uuids, flags := 4, 12
	if w.version == meta.V08 {
		flags = 7
	}
	if w.version == meta.V07 {
		uuids, flags = 5, 3
	}
	for i := range w.rng.IntN(uuids + flags + 1) {
		switch {
		case w.rng.IntN(3) == 0:
			fields = append(fields, "")
		case i >= uuids || w.version == meta.V07 && i == 0:
			fields = append(fields, fmt.Sprint(w.rng.IntN(2)))
		case w.version == meta.V07:
			fields = append(fields, fmt.Sprint(w.rng.Int32()))
		default:
			fields = append(fields, fmt.Sprintf([]string{"%x", "0x%X", "%016X"}[w.rng.IntN(3)], w.rng.Uint64()))
		}
	}
	if len(fields) == 0 || strings.Join(fields, "") == "" {
		fields = []string{"1"}
	}
	w.do("set-gi" + w.node() + " " + strings.Join(fields, ":"))
	w.show()
}

// show compares what only reads.
func (w *walk) show() {
	for _, command := range []string{"get-gi" + w.node(), "show-gi" + w.node(), "dstate", "read-dev-uuid"} {
		if command == "dstate" && w.version == meta.V07 {
			continue // the reference says Inconsistent, whatever the flag
		}
		w.commands++
		ours, theirs := w.both(w.on() + command)
		require.Equal(w, theirs, ours, command)
	}
}

func (w *walk) devUUID() { w.do(fmt.Sprintf("write-dev-uuid %016X", w.rng.Uint64())) }

// forgetPeer frees a slot. Releases after 9.22 take the identifiers of the entry
// from another place, so these are not compared.
func (w *walk) forgetPeer() {
	if w.version != meta.V09 {
		return
	}
	node := w.rng.IntN(32)
	w.commands++
	w.both(fmt.Sprintf("%sforget-peer --node-id %d", w.on(), node))
	w.change(w.version, w.parsed(w), func(img *meta.Image) {
		img.Super.Peers[node].BitmapUUID, img.Super.Peers[node].BitmapDagtag = 0, 0
	})
	w.same("forget-peer")
}

func (w *walk) wipe() {
	w.do("wipe-md")
	w.do("get-gi" + w.node())
	w.do("wipe-md")
	w.createAgain()
}

// createAgain overwrites the metadata. Releases before 9.29 leave the end of an
// bitmap as it is that is larger than needed, so that has to be zero before.
func (w *walk) createAgain() {
	if w.parsed(w) != meta.FlexInternal {
		for _, path := range []string{w.image, w.theirs} {
			require.NoError(w, os.Truncate(path, 0))
			require.NoError(w, os.Truncate(path, w.size))
		}
	}
	w.do(w.create())
}

// wrongArguments tries what both refuse.
func (w *walk) wrongArguments() {
	w.do([]string{
		"set-gi" + w.node() + " 1:2:3:4:5:6:7:8:9", "create-md 99 -s 0", "create-md 3 -z 1", "no-such-command",
		"get-gi --node-id 32", "dump-md --node-id 1", "restore-md /nonexistent", "create-md 1 -p 2M", "verify-dump /nonexistent",
	}[w.rng.IntN(9)])
}

// bits makes superblock and bitmap look used.
func (w *walk) bits() {
	size := w.rng.Uint64N(400 << 11)
	seed := w.rng.Uint64()
	w.change(w.version, w.parsed(w), func(img *meta.Image) {
		rng := rand.New(rand.NewPCG(seed, 1))
		img.Super.Flags |= meta.Consistent | meta.ALClean
		img.Super.Unclean84 = false
		if w.version >= meta.V08 {
			img.Super.Flags |= meta.WasUpToDate
			img.Super.Current = 0x1122334455667788
		}
		img.Super.EffectiveSize = min(img.Place.UsableSectors(img.Super.Geometry()), size&^7+8)
		b := img.Bitmap()
		for range rng.IntN(80) {
			first := rng.Int64N(b.Bits())
			require.NoError(w, b.Set(rng.IntN(b.Slots()), first, min(1+rng.Int64N(2000), b.Bits()-first)))
		}
		for id := range rng.IntN(5) {
			if w.version == meta.V09 {
				img.Super.Peers[id] = meta.Peer{
					BitmapUUID: meta.UUID(rng.Uint64()), BitmapDagtag: rng.Uint64(), BitmapIndex: int32(rng.IntN(w.peers+1) - 1),
					Flags: meta.PeerFlags(rng.Uint32() & 0x1001F),
				}
			}
		}
	})
	w.same("the test itself")
}

// parts of a dump that releases before 9.33 do not write, or write differently.
var newerParts = regexp.MustCompile(`(?m)^members .*\n|^ *#.*\n|^    flags 0x[0-9A-F]{8};\n`)

func (w *walk) dumpAndRestore() {
	if w.version == meta.V07 {
		return // of which the reference cannot make a dump that can be restored
	}
	w.do("apply-al")
	w.commands++
	ours, theirs := w.both(w.on() + "dump-md")
	require.Equal(w, newerParts.ReplaceAllString(theirs, ""), newerParts.ReplaceAllString(ours, ""))

	dump := regexp.MustCompile(`(?m)^members .*\n`).ReplaceAllString(ours, "")
	require.NoError(w, os.WriteFile(w.dir+"/dump", []byte(dump), 0o600))
	w.do("verify-dump DIR/dump")
	if w.rng.IntN(2) == 0 {
		w.do("wipe-md")
	}
	w.commands++
	w.both(w.on() + "restore-md DIR/dump")
	img := w.change(w.version, w.parsed(w), func(*meta.Image) {})
	p, used := img.Place, img.Bitmap().Bytes()
	// The reference leaves the activity log as it was, and the last slot decides
	// how much it writes of all slots.
	skip := []span{{p.AL, p.AL + p.ALBytes}, {p.Bitmap + used - 4096, p.Bitmap + used}}
	if w.peers&(w.peers-1) == 0 {
		skip = skip[:1]
	}
	w.same("restore-md", skip...)
	w.equalise(skip)
}

// equalise copies what differs from our image to theirs.
func (w *walk) equalise(list []span) {
	from, err := os.Open(w.image)
	require.NoError(w, err)
	defer from.Close()
	to, err := os.OpenFile(w.theirs, os.O_WRONLY, 0)
	require.NoError(w, err)
	defer to.Close()
	for _, s := range list {
		b := make([]byte, s.end-s.start)
		_, err = from.ReadAt(b, s.start)
		require.NoError(w, err)
		_, err = to.WriteAt(b, s.start)
		require.NoError(w, err)
	}
}

// crash leaves the metadata as a node that crashed does, most often a primary, and
// applies the log.
func (w *walk) crash() {
	if w.version == meta.V07 {
		return // whose log only old kernels write
	}
	seed := w.rng.Uint64()
	w.change(w.version, w.parsed(w), func(img *meta.Image) {
		rng := rand.New(rand.NewPCG(seed, 1))
		require.NoError(w, img.ResetAL())
		a := meta.NewActivity(67 + int(seed%1200))
		extents := 1 + uint32(img.Super.EffectiveSize>>13)
		for range rng.IntN(100) {
			extent := rng.Uint32N(extents)
			if rng.IntN(10) == 0 {
				extent = 0xFFFFFFFF // a slot becomes free
			}
			require.NoError(w, img.MarkAL(a, rng.IntN(len(a.Slots)), extent))
		}
		img.Super.Flags |= meta.PrimaryInd
		if rng.IntN(5) == 0 {
			img.Super.Flags &^= meta.PrimaryInd
		}
		img.Super.Flags &^= meta.ALClean
		img.Super.Unclean84 = w.version == meta.V08
	})
	if w.rng.IntN(4) == 0 {
		w.damageLog()
	}
	w.do("apply-al")
}

// damageLog overwrites a block of the activity log.
func (w *walk) damageLog() {
	at := w.rng.Int64()
	for _, path := range []string{w.image, w.theirs} {
		dev, err := meta.OpenDevice(path, meta.DeviceOptions{AllowFile: true})
		require.NoError(w, err)
		img, err := meta.Open(dev, dev.Size(), w.version, w.parsed(w))
		require.NoError(w, err)
		_, err = dev.WriteAt(make([]byte, 512), img.Place.AL+at%img.Place.ALBytes&^511)
		require.NoError(w, err)
		require.NoError(w, dev.Close())
	}
}

// convert goes from v08 to v09 and back.
func (w *walk) convert() {
	w.do("apply-al")
	w.version, w.peers, w.options = meta.V09, 1, ""
	w.do("create-md 1 -p 8192") // without -p, releases before 9.33 forget it
	w.show()
	w.version = meta.V08
	w.do("create-md -p 4096")
	w.show()
}

// grow enlarges the images by so little that the bitmap keeps its size: where it
// changes, the reference moves the bits to a wrong place. What it leaves behind in
// the old place is not compared.
func (w *walk) grow() {
	for _, path := range []string{w.image, w.theirs} {
		require.NoError(w, os.Truncate(path, w.size))
	}
	idx := w.parsed(w)
	old := w.change(w.version, idx, func(*meta.Image) {})
	size := w.size + 4096*(1+w.rng.Int64N(4096))
	place, err := meta.NewPlace(idx, size, old.Super.Geometry())
	require.NoError(w, err)
	if place.BitmapBytes != old.Place.BitmapBytes || place.Start < old.Place.End {
		return
	}
	_ = os.MkdirAll("/var/lib/drbd", 0o755) // where the reference remembers sizes
	const minor = "1048575"
	line := strings.Replace(w.on(), " - ", " "+minor+" ", 1)
	w.Cleanup(func() { _ = os.Remove("/var/lib/drbd/drbd-minor-" + minor + ".lkbd") })
	w.both(line + "write-dev-uuid 77") // which remembers the size
	for _, path := range []string{w.image, w.theirs} {
		require.NoError(w, os.Truncate(path, size))
	}
	w.both(line + "get-gi" + w.node())
	w.both(line + "check-resize")
	w.commands += 3
	ours, theirs := w.region(w.image, place), w.region(w.theirs, place)
	require.True(w, bytes.Equal(ours, theirs), "check-resize")
	w.both(line + "check-resize")
}

// region reads a metadata area.
func (w *walk) region(path string, p meta.Place) []byte {
	f, err := os.Open(path)
	require.NoError(w, err)
	defer f.Close()
	b := make([]byte, p.End-p.Start)
	_, err = f.ReadAt(b, p.Start)
	require.NoError(w, err)
	return b
}

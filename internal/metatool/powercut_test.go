package metatool

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"drbdutils/internal/cli"
	"drbdutils/meta"

	"github.com/stretchr/testify/require"
)

// How many orders of writes are tried between two flushes, of each kind: one write
// alone, all but one, any of them.
var orders = flag.Int("orders", 3, "orders of writes to try between two flushes")

// A device that loses its power while drbdmeta works is afterwards as it was, or
// as it was to be, or is refused with a hint; and the command, given once more,
// finishes its work. Tried are all moments, and between two flushes orders in which
// a disk may have written what it was given.
func TestPowerCutInTool(t *testing.T) {
	total := 0
	for _, c := range powerCuts() {
		t.Run(c.name, func(t *testing.T) {
			r := &powerRig{T: t, cut: c, dir: memoryDir(t)}
			r.play()
			t.Logf("%d states after a power cut: %v", r.states, r.seen)
			total += r.states
		})
	}
	t.Logf("%d states after a power cut in all", total)
}

// A powerCut is a command whose power is cut.
type powerCut struct {
	name     string
	from, to meta.Version // format before and after
	index    string
	peers    uint32
	stripes  uint32
	blocks   uint32 // per stripe
	grow     int64  // by how much the device grows before
	command  string
	again    string // what finishes the work if the metadata is gone; "": the command
}

const powerSize = 2 << 20

func powerCuts() []powerCut {
	var list []powerCut
	layouts := []powerCut{
		{index: "internal", stripes: 1, blocks: 8},
		{index: "internal", stripes: 3, blocks: 11},
		{index: "flex-external", stripes: 5, blocks: 9},
	}
	commands := map[string]string{
		"create-md": "create-md %s --effective-size 2000", "restore-md": "restore-md DUMP", "apply-al": "apply-al", "wipe-md": "wipe-md",
		"set-gi": "set-gi %s 1:2:3:4:1:1", "outdate": "outdate", "invalidate": "invalidate", "convert": "create-md %s",
		"check-resize": "check-resize", "forget-peer": "forget-peer %s",
	}
	for _, l := range layouts {
		for _, v := range []meta.Version{meta.V08, meta.V09} {
			for _, name := range slices.Sorted(maps.Keys(commands)) {
				c := l
				c.from, c.to, c.peers, c.command = v, v, 31, commands[name]
				argument := map[string]string{"create-md": "7", "convert": "1", "set-gi": "--node-id 2", "forget-peer": "--node-id 2"}[name]
				if v == meta.V08 {
					c.peers, argument = 1, ""
				}
				if strings.Contains(c.command, "%s") {
					c.command = fmt.Sprintf(c.command, argument)
				}
				switch {
				case name == "forget-peer" && v == meta.V08, name == "check-resize" && l.index != "internal":
					continue
				case name == "convert":
					c.to, c.peers = 17-v, 1
					if c.to == meta.V09 {
						c.command = "create-md 1"
					}
				case name == "wipe-md":
					c.again = "create-md 1"
				}
				grows := []int64{0}
				if name == "check-resize" {
					grows = []int64{4096, 40960, 1 << 20}
				}
				for _, c.grow = range grows {
					c.name = fmt.Sprintf("%s %s %s %dx%d", name, v, l.index, l.stripes, l.blocks)
					if c.grow > 0 {
						c.name += fmt.Sprint(" grown by ", c.grow)
					}
					list = append(list, c)
				}
			}
		}
	}
	return list
}

// memoryDir returns a directory where a flush costs nothing.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "drbdmeta")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// A powerRig is a device, and what drbdmeta remembers in files besides it.
type powerRig struct {
	*testing.T
	cut powerCut
	dir string

	image    []byte            // before the command
	files    map[string]string // of /var/lib/drbd, before
	ops      []powerOp
	old, new string
	states   int
	seen     map[string]int
}

// powerOp is a write to the device, or a flush if data is nil.
type powerOp struct {
	off   int64
	data  []byte
	files map[string]string // when it was given
}

// powerDisk records what is written.
type powerDisk struct {
	*meta.Device
	rig *powerRig
}

func (d *powerDisk) WriteAt(p []byte, off int64) (int, error) {
	d.rig.record(powerOp{off: off, data: bytes.Clone(p)})
	return d.Device.WriteAt(p, off)
}

func (d *powerDisk) Zero(off, n int64) error {
	d.rig.record(powerOp{off: off, data: make([]byte, n)})
	return d.Device.Zero(off, n)
}

func (d *powerDisk) Sync() error {
	d.rig.record(powerOp{})
	return d.Device.Sync()
}

func (r *powerRig) record(o powerOp) {
	o.files = r.remembered()
	r.ops = append(r.ops, o)
}

func (r *powerRig) libDir() string { return filepath.Join(r.dir, libDir) }

// remembered returns the files that drbdmeta keeps.
func (r *powerRig) remembered() map[string]string {
	files := map[string]string{}
	entries, _ := os.ReadDir(r.libDir())
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(r.libDir(), e.Name()))
		require.NoError(r, err)
		files[e.Name()] = string(text)
	}
	return files
}

func (r *powerRig) device() string { return filepath.Join(r.dir, "device") }

// run runs drbdmeta, and records what it writes if record is set.
func (r *powerRig) run(v meta.Version, command string, record bool) (code int, out, errs string) {
	line := fmt.Sprintf("--force 7 %s %s %s %s", v, r.device(), r.cut.index, strings.ReplaceAll(command, "DUMP", r.dir+"/dump"))
	var stdout, stderr bytes.Buffer
	t := newTool(cli.Env{
		Name: "drbdmeta", Args: strings.Fields(line), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Getenv: func(name string) string { return map[string]string{cli.FakeVariable: r.dir}[name] },
	})
	if record {
		t.watch = func(d *meta.Device) meta.Disk { return &powerDisk{d, r} }
	}
	code = t.main(r.Context())
	return code, stdout.String(), stderr.String()
}

func (r *powerRig) ok(v meta.Version, command string, record bool) {
	r.Helper()
	code, out, errs := r.run(v, command, record)
	require.Zero(r, code, "%s: %s%s", command, out, errs)
}

func (r *powerRig) play() {
	r.seen = map[string]int{}
	r.prepare()
	r.old = r.state()
	r.ok(r.cut.to, r.cut.command, true)
	r.new = r.state()
	require.NotEqual(r, r.old, r.new)
	require.NotEmpty(r, r.ops)
	r.record(powerOp{}) // the files are as they stay
	rng := rand.New(rand.NewPCG(1, 2))
	stable, pending := bytes.Clone(r.image), []powerOp(nil)
	for _, o := range r.ops {
		if o.data != nil {
			pending = append(pending, o)
			r.try(stable, pending, o.files)
			continue
		}
		r.reorder(stable, pending, o.files, rng)
		for _, p := range pending {
			copy(stable[p.off:], p.data)
		}
		r.try(stable, nil, o.files)
		pending = nil
	}
}

// prepare makes metadata that have something to lose.
func (r *powerRig) prepare() {
	c := r.cut
	require.NoError(r, os.WriteFile(r.device(), make([]byte, powerSize), 0o600))
	idx, err := meta.ParseIndex(c.from, c.index)
	require.NoError(r, err)
	dev, err := meta.OpenDevice(r.device(), meta.DeviceOptions{AllowFile: true})
	require.NoError(r, err)
	g := meta.Geometry{MaxPeers: c.peers, BytesPerBit: 4096, ALStripes: c.stripes, ALStripeBlocks: c.blocks}
	img, err := meta.Create(dev, powerSize, meta.CreateOptions{Version: c.from, Index: idx, Geometry: g, EffectiveSize: 3000})
	require.NoError(r, err)
	r.fill(img)
	require.NoError(r, dev.Close())
	r.dump(g)
	r.ok(c.from, "write-dev-uuid ABCDEF", false) // which remembers the size
	require.NoError(r, os.Truncate(r.device(), powerSize+c.grow))
	r.image, err = os.ReadFile(r.device())
	require.NoError(r, err)
	r.files = r.remembered()
}

func (r *powerRig) fill(img *meta.Image) {
	b := img.Bitmap()
	for slot := range b.Slots() {
		require.NoError(r, b.Set(slot, int64(7*slot), 100))
	}
	a := meta.NewActivity(1237)
	for i := range 3 {
		require.NoError(r, img.MarkAL(a, 1236-i, uint32(i)))
	}
	img.Super.Current, img.Super.Flags = 0x1234567812345678, meta.Consistent|meta.WasUpToDate|meta.PrimaryInd
	if r.cut.from == meta.V09 {
		img.Super.Peers[2] = meta.Peer{BitmapUUID: 0xFEDCBA, BitmapIndex: 0, Flags: meta.PeerDeviceSeen}
	}
	require.NoError(r, img.WriteSuperblock())
}

// dump writes a dump of other metadata than those on the device.
func (r *powerRig) dump(g meta.Geometry) {
	path := filepath.Join(r.dir, "other")
	require.NoError(r, os.WriteFile(path, make([]byte, powerSize), 0o600))
	dev, err := meta.OpenDevice(path, meta.DeviceOptions{AllowFile: true})
	require.NoError(r, err)
	defer dev.Close()
	img, err := meta.Create(dev, powerSize, meta.CreateOptions{Version: r.cut.from, Index: meta.FlexInternal, Geometry: g, EffectiveSize: 2900})
	require.NoError(r, err)
	require.NoError(r, img.Bitmap().Set(0, 200, 150))
	var text bytes.Buffer
	require.NoError(r, img.Dump(&text, meta.DumpOptions{}))
	require.NoError(r, os.WriteFile(r.dir+"/dump", text.Bytes(), 0o600))
}

var dumpComments = regexp.MustCompile(`(?m)^ *#.*\n|"device": .*\n`)

// state is what drbdmeta sees, "none" where it sees no metadata.
func (r *powerRig) state() string {
	for _, v := range slices.Compact([]meta.Version{r.cut.to, r.cut.from}) {
		code, dump, errs := r.run(v, "dump-md", false)
		if code == 0 {
			_, picture, _ := r.run(v, "explain --json", false)
			return dumpComments.ReplaceAllString(dump+picture, "")
		}
		require.Equal(r, exitNoMetadata, code, errs)
		require.Contains(r, errs, "create-md", "it says how to go on")
	}
	return "none"
}

// reorder tries orders in which the disk may write what it was given.
func (r *powerRig) reorder(stable []byte, pending []powerOp, files map[string]string, rng *rand.Rand) {
	parts := atoms(pending)
	for _, i := range rng.Perm(len(parts))[:min(*orders, len(parts))] {
		r.try(stable, parts[i:i+1], files)
		r.try(stable, slices.Concat(parts[:i], parts[i+1:]), files)
	}
	for range min(*orders, len(parts)) {
		some := slices.Clone(parts)
		rng.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		r.try(stable, some[:rng.IntN(len(some)+1)], files)
	}
}

// atoms cuts writes into what a disk writes wholly or not at all.
func atoms(ops []powerOp) (list []powerOp) {
	for _, o := range ops {
		for part := range slices.Chunk(o.data, meta.BlockSize) {
			list = append(list, powerOp{off: o.off, data: part})
			o.off += int64(len(part))
		}
	}
	return list
}

// try checks the state that a power cut leaves, and that one can go on from it.
func (r *powerRig) try(stable []byte, pending []powerOp, files map[string]string) {
	r.states++
	content := bytes.Clone(stable)
	for _, o := range pending {
		copy(content[o.off:], o.data)
	}
	require.NoError(r, os.WriteFile(r.device(), content, 0o600))
	require.NoError(r, os.RemoveAll(r.libDir()))
	require.NoError(r, os.MkdirAll(r.libDir(), 0o700))
	for name, text := range files {
		require.NoError(r, os.WriteFile(filepath.Join(r.libDir(), name), []byte(text), 0o600))
	}
	now := r.state()
	switch {
	case now == r.old:
		r.seen["old"]++
	case now == r.new:
		r.seen["new"]++
	case now == "none":
		r.seen["refused"]++
	case r.cut.command == "apply-al": // some of the bits are set already
		r.seen["between"]++
		require.Contains(r, now, uncleanToken())
	default:
		require.Fail(r, "neither old nor new", now)
	}
	r.ok(r.cut.to, cmp.Or(r.cut.again, r.cut.command), false)
	if r.cut.again == "" && !strings.HasPrefix(r.cut.command, "create-md") {
		require.Equal(r, r.new, r.state(), "the command, given once more, finishes its work")
	}
}

func uncleanToken() string { return "This_is_an_unclean_meta_data_dump" }

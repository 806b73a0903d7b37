package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"drbdutils/meta"
)

// A metaCase is a command of drbdmeta on a disk in a file. DISK in its arguments is
// the file, or a loop device on it.
type metaCase struct {
	name   string
	args   string
	loop   bool
	before func() error // makes the disk as it has to be before each run
}

// volume is a size and a number of peers to measure with.
type volume struct {
	name  string
	bytes int64
	peers uint32
}

var volumes = []volume{
	{"1 GiB, 1 peer", 1 << 30, 1},
	{"1 TiB, 7 peers", 1 << 40, 7},
	{"4 TiB, 7 peers", 4 << 40, 7},
}

// metaBench compares drbdmeta on large disks: sparse files, and loop devices where
// there are some. The dumps take 5 GB of room in the temporary directory.
type metaBench struct {
	dir, disk, text string
	original, ours  string
}

func compareMeta(original, ours string, runs int) error {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &metaBench{dir: dir, disk: filepath.Join(dir, "disk"), text: filepath.Join(dir, "dump"),
		original: filepath.Join(original, "drbdmeta"), ours: filepath.Join(ours, "drbdmeta")}
	fmt.Printf("%-48s %10s %10s %6s %10s %10s %6s %6s %6s  %s\n", "ms and MiB; first the original, then ours",
		"time", "", "ratio", "processor", "", "ratio", "memory", "", "exit codes")
	for _, c := range b.cases() {
		theirs, mine, err := b.measure(c, runs)
		if err != nil {
			return err
		}
		fmt.Printf("%-48s %10.1f %10.1f %6.2f %10.1f %10.1f %6.2f %6.1f %6.1f  %d, %d\n", c.name,
			theirs.ms(), mine.ms(), mine.ms()/theirs.ms(), theirs.cpu(), mine.cpu(), mine.cpu()/theirs.cpu(),
			theirs.mib(), mine.mib(), theirs.code, mine.code)
	}
	return nil
}

func (b *metaBench) cases() []metaCase {
	var list []metaCase
	for _, v := range volumes {
		create := fmt.Sprintf("--force - v09 DISK internal create-md %d", v.peers)
		blank := func() error { return b.blank(v) }
		list = append(list,
			metaCase{"create-md, file, " + v.name, create, false, blank},
			metaCase{"create-md, loop device, " + v.name, create, true, blank})
	}
	large := volumes[len(volumes)-1]
	for _, random := range []bool{false, true} {
		name := map[bool]string{false: "sparse", true: "random"}[random]
		list = append(list,
			metaCase{"dump-md, " + name + " bitmap, " + large.name, "--force - v09 DISK internal dump-md", false, func() error { return b.used(large, random) }},
			metaCase{"restore-md, " + name + " bitmap, " + large.name, "--force - v09 DISK internal restore-md DUMP", false, func() error { return b.dumped(large, random) }})
	}
	for _, v := range volumes {
		list = append(list,
			metaCase{"apply-al, full log, " + v.name, "--force - v09 DISK internal apply-al", false, func() error { return b.crashed(v, true) }},
			metaCase{"apply-al, clean log, " + v.name, "--force - v09 DISK internal apply-al", false, func() error { return b.crashed(v, false) }})
	}
	return list
}

// blank makes an empty disk.
func (b *metaBench) blank(v volume) error {
	if err := os.WriteFile(b.disk, nil, 0o600); err != nil {
		return err
	}
	return os.Truncate(b.disk, v.bytes)
}

// create makes a disk with metadata and has change change them.
func (b *metaBench) create(v volume, change func(d *meta.Device, img *meta.Image) error) error {
	if err := b.blank(v); err != nil {
		return err
	}
	d, err := meta.OpenDevice(b.disk, meta.DeviceOptions{AllowFile: true})
	if err != nil {
		return err
	}
	defer d.Close()
	g := meta.DefaultGeometry
	g.MaxPeers = v.peers
	img, err := meta.Create(d, v.bytes, meta.CreateOptions{Version: meta.V09, Index: meta.FlexInternal, Geometry: g, Bitmap: meta.InitSkip})
	if err != nil {
		return err
	}
	img.Super.EffectiveSize = img.Place.UsableSectors(g)
	if err := change(d, img); err != nil {
		return err
	}
	return img.WriteSuperblock()
}

// used makes a disk whose bitmap is random, or random in a few places. It stays
// for the following runs, which only read it.
func (b *metaBench) used(v volume, random bool) error {
	made := filepath.Join(b.dir, fmt.Sprintf("random-%t", random))
	if _, err := os.Stat(made); err == nil {
		return nil
	}
	err := b.create(v, func(d *meta.Device, img *meta.Image) error {
		rng := rand.NewChaCha8([32]byte{1})
		step := int64(64 << 20)
		if random {
			step = 1 << 20
		}
		noise := make([]byte, 1<<20)
		for off := img.Place.Bitmap; off+int64(len(noise)) <= img.Place.AL; off += step {
			rng.Read(noise)
			if _, err := d.WriteAt(noise, off); err != nil {
				return err
			}
		}
		return d.Sync()
	})
	if err != nil {
		return err
	}
	return os.WriteFile(made, nil, 0o600)
}

// dumped makes a dump of such a disk, without what releases before 9.27 cannot read,
// and an empty disk.
func (b *metaBench) dumped(v volume, random bool) error {
	made := filepath.Join(b.dir, fmt.Sprintf("dumped-%t", random))
	if _, err := os.Stat(made); err == nil {
		return b.blank(v)
	}
	if err := b.used(v, random); err != nil {
		return err
	}
	out, err := os.Create(b.text)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(b.ours, "--force", "-", "v09", b.disk, "internal", "dump-md")
	cmd.Stdout = &withoutMembers{w: out}
	if err := cmd.Run(); err != nil {
		return err
	}
	if err := os.WriteFile(made, nil, 0o600); err != nil {
		return err
	}
	return b.blank(v)
}

// withoutMembers leaves a line out of the start of a dump.
type withoutMembers struct {
	w    io.Writer
	done bool
}

func (m *withoutMembers) Write(p []byte) (int, error) {
	n := len(p)
	if at := bytes.Index(p, []byte("\nmembers ")); at >= 0 && !m.done {
		end := at + 1 + bytes.IndexByte(p[at+1:], '\n')
		p = append(append([]byte{}, p[:at]...), p[end:]...)
		m.done = true
	}
	_, err := m.w.Write(p)
	return n, err
}

// crashed makes a disk as a primary leaves it when it crashes: with a log full of
// extents all over the disk, or an empty one.
func (b *metaBench) crashed(v volume, full bool) error {
	return b.create(v, func(_ *meta.Device, img *meta.Image) error {
		if !full {
			return nil
		}
		extents := uint64(v.bytes / meta.ExtentSize)
		a := meta.NewActivity(6433) // which 7 transactions describe
		for i := range a.Slots {
			a.Slots[i] = uint32(uint64(i) * extents / uint64(len(a.Slots)))
		}
		for i := range 8 {
			if err := img.MarkAL(a, i, a.Slots[i]); err != nil {
				return err
			}
		}
		img.Super.Flags |= meta.PrimaryInd
		img.Super.Flags &^= meta.ALClean
		return nil
	})
}

// measure runs both tools by turns, so that what else the machine does slows both.
// The first run of each shows how much memory it takes.
func (b *metaBench) measure(c metaCase, runs int) (theirs, mine *result, err error) {
	theirs, mine = &result{}, &result{}
	for i := range runs + 1 {
		for _, turn := range []struct {
			tool string
			r    *result
		}{{b.original, theirs}, {b.ours, mine}} {
			if err := b.run(turn.tool, c, turn.r, i == 0); err != nil {
				return nil, nil, err
			}
		}
	}
	return theirs, mine, nil
}

// run runs a tool once.
func (b *metaBench) run(tool string, c metaCase, r *result, memory bool) error {
	if err := c.before(); err != nil {
		return err
	}
	disk, done, err := b.attach(c.loop)
	if err != nil {
		return err
	}
	defer done()
	args := strings.Fields(strings.NewReplacer("DISK", disk, "DUMP", b.text).Replace(c.args))
	if memory {
		r.peak, err = peakMemory(exec.Command(tool, args...))
		return err
	}
	r.add(exec.Command(tool, args...))
	return nil
}

func (r *result) add(cmd *exec.Cmd) {
	began := time.Now()
	_ = cmd.Run() // the exit code is shown
	r.times = append(r.times, time.Since(began))
	r.cpus = append(r.cpus, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	r.code = cmd.ProcessState.ExitCode()
}

// attach puts a loop device on the disk, if one is wanted.
func (b *metaBench) attach(loop bool) (disk string, done func(), err error) {
	if !loop {
		return b.disk, func() {}, nil
	}
	out, err := exec.Command("losetup", "--find", "--show", b.disk).Output()
	if err != nil {
		return "", nil, fmt.Errorf("losetup: %w", err)
	}
	disk = strings.TrimSpace(string(out))
	return disk, func() { _ = exec.Command("losetup", "--detach", disk).Run() }, nil
}

package metatool

import (
	"errors"
	"io"
	"os"

	"drbdutils/meta"
)

// dumpFile opens the dump that the command line names, or the standard input.
func (t *tool) dumpFile() (io.ReaderAt, func(), error) {
	if len(t.args) > 0 {
		f, err := os.Open(t.args[0])
		if err != nil {
			return nil, nil, fail(exitUsage, "%v", err)
		}
		return f, func() { f.Close() }, nil
	}
	if f, ok := t.env.Stdin.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return f, func() {}, nil
		}
	}
	return t.spool()
}

// spool copies the standard input to a file: a dump is read twice, so that
// nothing is written before all of it is known to be correct.
func (t *tool) spool() (io.ReaderAt, func(), error) {
	f, err := os.CreateTemp("", "drbdmeta-*")
	if err != nil {
		return nil, nil, fail(exitUsage, "%v", err)
	}
	os.Remove(f.Name())
	if _, err := io.Copy(f, t.env.Stdin); err != nil {
		f.Close()
		return nil, nil, fail(exitUsage, "read standard input: %v", err)
	}
	return f, func() { f.Close() }, nil
}

// parse reads a dump and says what is wrong with it.
func (t *tool) parse(r io.ReaderAt) (*meta.Dump, error) {
	d, err := meta.ParseDump(r, t.version)
	if err != nil {
		name := "standard input"
		if len(t.args) > 0 {
			name = t.args[0]
		}
		return nil, fail(exitBadValue, "parse error in %s: %v", name, err)
	}
	return d, nil
}

func (t *tool) verifyDump() error {
	r, done, err := t.dumpFile()
	if err != nil {
		return err
	}
	defer done()
	if _, err := t.parse(r); err != nil {
		return err
	}
	t.printf("input file parsed ok\n")
	return nil
}

func (t *tool) restoreMD() error {
	if t.version == meta.V06 {
		return fail(exitBadValue, "Format v06 is a file of counters: use create-md and set-gi")
	}
	_, err := t.open()
	if err == nil && !t.ask("Valid meta-data found, overwrite?") {
		return silent(exitNoMetadata)
	}
	if err != nil && !errors.Is(err, meta.ErrNoMetadata) {
		return err
	}
	r, done, err := t.dumpFile()
	if err != nil {
		return err
	}
	defer done()
	d, err := t.parse(r)
	if err != nil {
		return err
	}
	al := t.striping(d)
	if err := t.checkRestore(d, al); err != nil {
		return err
	}
	img, err := d.Restore(t.disk, t.dev.Size(), t.index, al, t.progress("restoring bitmap"))
	if err != nil {
		return err
	}
	t.sayRestored(d, img)
	t.remember(img)
	t.printf("Successfully restored meta data\n")
	return nil
}

// striping returns the activity log geometry that the options ask for, zero if
// that of the dump is to be used.
func (t *tool) striping(d *meta.Dump) meta.Geometry {
	if !t.opt.has("al-stripes") && !t.opt.has("al-stripe-size-kB") {
		return meta.Geometry{}
	}
	g := t.opt.geometry
	if g.ALStripes != d.Super.ALStripes || g.ALStripeBlocks != d.Super.ALStripeBlocks {
		t.remark("activity log: %d stripes of %d kB as the options say, not %d of %d kB as the dump says",
			g.ALStripes, g.ALStripeBlocks*4, d.Super.ALStripes, d.Super.ALStripeBlocks*4)
	}
	return g
}

// checkRestore looks for data where the dump is to be restored.
func (t *tool) checkRestore(d *meta.Dump, al meta.Geometry) error {
	g := d.Super.Geometry()
	if al.ALStripes != 0 {
		g.ALStripes, g.ALStripeBlocks = al.ALStripes, al.ALStripeBlocks
	}
	if g.ALStripes == 0 {
		g.ALStripes, g.ALStripeBlocks = meta.DefaultGeometry.ALStripes, meta.DefaultGeometry.ALStripeBlocks
	}
	place, err := meta.NewPlace(t.index, t.dev.Size(), g)
	if err != nil {
		return fail(exitBadValue, "%v", err)
	}
	return t.checkExistingData(place, g)
}

func (t *tool) sayRestored(d *meta.Dump, img *meta.Image) {
	if img.ClippedFrom != 0 {
		t.printf("# la-size-sect was too big (%d), truncated (%d)!\n", img.ClippedFrom, img.Super.EffectiveSize)
	}
	if d.TooLong(img) {
		t.remark("the bitmap of the dump is longer than the device: the rest is left out")
	}
}

package metatool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	"drbdutils/meta"
)

// checkResize moves internal metadata to the end of a device that grew.
func (t *tool) checkResize() error {
	img, err := t.open()
	switch {
	case err == nil:
		return t.inPlace(img)
	case !errors.Is(err, meta.ErrNoMetadata):
		return err
	case t.index != meta.FlexInternal:
		return fail(exitNoMetadata, "Only internal meta data can be moved after a resize")
	}
	old, err := t.openLastKnown()
	if errors.Is(err, meta.ErrNoMetadata) {
		if t.opt.verbose > 0 {
			t.remark("%v", err)
		}
		return fail(exitNoMetadata, "no suitable meta data found :(")
	}
	if err != nil {
		return err
	}
	return t.move(old)
}

// inPlace finishes a move that was cut off after the metadata were in place.
func (t *tool) inPlace(img *meta.Image) error {
	if t.index == meta.FlexInternal {
		if old, err := t.openLastKnown(); err == nil && img.LeftBehind(old) {
			if err := img.ZeroOld(old.Place); err != nil {
				return err
			}
		}
	}
	t.remember(img)
	return nil
}

// move moves metadata to the end of the device. Where the old place overlaps the
// new one, a copy is kept until that is done.
func (t *tool) move(old *meta.Image) error {
	overlaps, err := old.Overlaps(t.dev.Size())
	if errors.Is(err, meta.ErrNoRoom) || errors.Is(err, meta.ErrTooSmall) {
		return fail(exitNoMetadata, "cannot move the meta data of %s: %v.\nMake the device larger, or restore its former size.", t.path, err)
	}
	if err != nil {
		return err
	}
	if overlaps && !t.opt.dryRun {
		if old, err = t.backUp(old); err != nil {
			return fail(exitNoMetadata, "cannot move the meta data of %s: a copy has to be kept meanwhile: %v", t.path, err)
		}
	}
	img, err := old.MoveTo(t.disk, t.dev.Size(), t.opt.bitmap, t.progress("moving bitmap"))
	if err != nil {
		return err
	}
	t.printf("Internal drbd meta data successfully moved.\n")
	t.printf("Old meta data region zeroed.\n")
	t.remember(img)
	return nil
}

// moveOrCreate asks whether metadata from before the device grew are wanted.
func (t *tool) moveOrCreate(old *meta.Image, o meta.CreateOptions) error {
	if t.opt.has("al-stripes") || t.opt.has("al-stripe-size-kB") {
		if g := old.Super.Geometry(); g.ALStripes != o.Geometry.ALStripes || g.ALStripeBlocks != o.Geometry.ALStripeBlocks {
			return fail(exitUsage, "the meta data found have %d activity log stripes of %d kB: move them first, with check-resize",
				g.ALStripes, g.ALStripeBlocks*4)
		}
	}
	lines := []string{
		fmt.Sprintf("There are %s meta data on %s at byte offset %d,", t.version, t.path, old.Place.Superblock),
		fmt.Sprintf("from when the device had %d byte; it has %d byte now.", old.Place.DiskSize, t.dev.Size()),
	}
	if t.ask("Move the internal meta-data from its last-known position?", append(lines, worth(old)...)...) {
		if err := t.checkExistingData(old.Place, old.Super.Geometry()); err != nil {
			return err
		}
		return t.move(old)
	}
	// compat: drbd-utils creates new meta data without asking again.
	if old.Super.EffectiveSize != 0 && !t.ask("Discard that meta data and create new meta data?") {
		return t.cancelled()
	}
	return t.create(o)
}

// backupPath is the file that keeps metadata while they move.
func (t *tool) backupPath() string { return t.lastKnownPath() + ".moving" }

// backUp writes a copy of the metadata to a file, unless it comes from there.
// The file starts with a block that says which device it belongs to.
func (t *tool) backUp(old *meta.Image) (*meta.Image, error) {
	if _, err := os.Stat(t.backupPath()); err == nil {
		return old, nil
	}
	temp := t.backupPath() + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	header := make([]byte, meta.BlockSize)
	copy(header, meta.LastKnown{Size: old.Place.DiskSize, Path: t.path, Device: old.Super.DeviceUUID}.String())
	_, err = f.Write(header)
	if err == nil {
		_, err = io.Copy(f, old.Region())
	}
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = errors.Join(os.Rename(temp, t.backupPath()), syncDir(t.backupPath()))
	}
	if err != nil {
		os.Remove(temp)
		return nil, err
	}
	return t.openBackup()
}

// openBackup opens the copy that backUp made. errors.Is finds fs.ErrNotExist if
// there is none. The copy of another device, which had the minor before, is an
// error: written to this one it would destroy data.
func (t *tool) openBackup() (*meta.Image, error) {
	f, err := os.Open(t.backupPath()) // stays open: the metadata are read from it
	if err != nil {
		return nil, err
	}
	l, size, err := backupHeader(f)
	if err == nil && l.Path != t.path {
		err = fmt.Errorf("it keeps the meta data of %s, whose move to another place was cut off, not those of %s: "+
			"run check-resize on that device, or remove the file if the device is gone", l.Path, t.path)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", t.backupPath(), err)
	}
	return meta.OpenCopy(io.NewSectionReader(f, meta.BlockSize, size), size, l.Size, t.version)
}

// backupHeader reads the first block of a copy: whose it is, and how many bytes
// follow.
func backupHeader(f *os.File) (l meta.LastKnown, size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return l, 0, err
	}
	header := make([]byte, meta.BlockSize)
	if _, err := f.ReadAt(header, 0); err != nil {
		return l, 0, err
	}
	l, err = meta.ParseLastKnown(string(header))
	return l, info.Size() - meta.BlockSize, err
}

// dropBackup removes the copy: the metadata are in place. That of another device
// is still needed there.
func (t *tool) dropBackup() {
	if t.opt.dryRun {
		return
	}
	f, err := os.Open(t.backupPath())
	if err == nil {
		l, _, headerErr := backupHeader(f)
		f.Close()
		if headerErr == nil && l.Path != t.path {
			return
		}
		err = os.Remove(t.backupPath())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.remark("%v", err)
	}
}

// repairMD corrects the entries of nodes that were never there.
func (t *tool) repairMD() error {
	img, err := t.open()
	look := t.onlyLooks()
	if errors.Is(err, meta.ErrNoMetadata) && t.dev != nil {
		if old, lastErr := t.openLastKnown(); lastErr == nil {
			if look {
				return fail(exitNoMetadata, "the meta data have to be moved to the end of the device")
			}
			if err := t.move(old); err != nil {
				return err
			}
			img, err = t.open()
		}
	}
	if errors.Is(err, meta.ErrNoMetadata) {
		return t.noMetadata(err)
	}
	if err != nil || t.version != meta.V09 {
		return err
	}
	reference, wrong := img.Super.RepairDay0()
	if len(wrong) == 0 {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(wrong)) {
		t.remark("node %d was never seen, but its bitmap uuid is %s instead of %s", id, wrong[id], reference)
	}
	if look {
		return silent(exitNoMetadata)
	}
	return t.save(img)
}

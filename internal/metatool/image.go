package metatool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"drbdutils/meta"
)

// open opens the device and the metadata in their place. Its error is
// meta.ErrNoMetadata where there is none.
func (t *tool) open() (*meta.Image, error) {
	err := t.openDevice()
	if err != nil && t.version == meta.V06 {
		t.remark("%v", err)
		return nil, meta.ErrNoMetadata
	}
	if err != nil {
		return nil, err
	}
	if t.opt.verbose >= showSuperblock {
		t.showSuperblock()
	}
	img, err := meta.Open(t.disk, t.dev.Size(), t.version, t.index)
	if err != nil {
		return nil, err
	}
	if img.ClippedFrom != 0 {
		t.printf("# la-size-sect was too big (%d), truncated (%d)!\n", img.ClippedFrom, img.Super.EffectiveSize)
	}
	return img, nil
}

// showSuperblock shows what lies where the superblock belongs.
func (t *tool) showSuperblock() {
	off, err := meta.SuperblockOffset(t.index, t.dev.Size())
	if err != nil || t.version == meta.V06 {
		return
	}
	if block, err := meta.RawSuperblock(t.disk, off); err == nil {
		_ = meta.WriteHexDump(t.env.Stderr, block, off)
	}
}

// openOrSilent is open for commands that say nothing where there is no metadata.
func (t *tool) openOrSilent() (*meta.Image, error) {
	img, err := t.open()
	if errors.Is(err, meta.ErrNoMetadata) {
		return nil, silent(exitNoMetadata)
	}
	return img, err
}

// openOrSay is open for commands that say that there is none.
func (t *tool) openOrSay() (*meta.Image, error) {
	img, err := t.open()
	if errors.Is(err, meta.ErrNoMetadata) {
		return nil, t.noMetadata(err)
	}
	return img, err
}

func (t *tool) noMetadata(reason error) error {
	if t.opt.verbose > 0 {
		t.remark("%s: %v", t.path, reason)
	}
	return fail(exitNoMetadata, "No valid meta data found\n"+
		"on %s. If it is the right device and new to DRBD, create-md writes them; if it was resized, check-resize finds them.", t.path)
}

// save writes the superblock and remembers how large the device is now.
func (t *tool) save(img *meta.Image) error {
	if err := img.WriteSuperblock(); err != nil {
		return err
	}
	t.remember(img)
	return nil
}

// lastKnownPath is the file that remembers the size of the device.
func (t *tool) lastKnownPath() string {
	dir := t.opt.varLib
	if dir == "" {
		dir = t.env.Path(libDir)
	}
	return filepath.Join(dir, fmt.Sprintf("drbd-minor-%d.lkbd", t.minor))
}

// remember keeps the size of a device with internal metadata. That it cannot is
// said, but does not matter now.
func (t *tool) remember(img *meta.Image) {
	if t.opt.dryRun || img.Super.Version < meta.V08 {
		return
	}
	defer t.dropBackup()
	if t.index != meta.FlexInternal {
		t.forget()
		return
	}
	l := meta.LastKnown{Size: t.dev.Size(), Path: t.path, Device: img.Super.DeviceUUID}
	if err := writeFile(t.lastKnownPath(), l.String()); err != nil {
		t.remark("cannot remember the size of %s: %v", t.path, err)
	}
}

// writeFile replaces a file, unless it has that content, so that after a crash it
// has the old content or the new.
func writeFile(path, text string) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == text {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return errors.Join(os.Rename(f.Name(), path), syncDir(path))
}

// syncDir makes the name of a file survive a crash.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// forget removes what remember keeps.
func (t *tool) forget() {
	if t.opt.dryRun {
		return
	}
	if err := os.Remove(t.lastKnownPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.remark("%v", err)
	}
}

// openLastKnown finds metadata that the device had before its size changed: in the
// copy that a move leaves when it is cut off, else on the device.
func (t *tool) openLastKnown() (*meta.Image, error) {
	if t.index != meta.FlexInternal || t.version < meta.V08 {
		return nil, meta.ErrNoMetadata
	}
	img, err := t.openBackup()
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return img, err
	}
	text, err := os.ReadFile(t.lastKnownPath())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", meta.ErrNoMetadata, err)
	}
	l, err := meta.ParseLastKnown(string(text))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", meta.ErrNoMetadata, t.lastKnownPath(), err)
	}
	img, err = meta.OpenLastKnown(t.disk, t.dev.Size(), t.version, l)
	if err != nil {
		return nil, err
	}
	if l.Device != 0 && l.Device != img.Super.DeviceUUID && !t.opt.force {
		return nil, fmt.Errorf("%w: what lies at %d has device uuid %s, expected was %s",
			meta.ErrNoMetadata, img.Place.Superblock, img.Super.DeviceUUID, l.Device)
	}
	return img, nil
}

package metatool

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"drbdutils/meta"
)

// minAttachable is the size below which DRBD 8.4 and 9 refuse a metadata device,
// in bytes.
const minAttachable = 1 << 20

func (t *tool) createMD() error {
	o, err := t.createOptions()
	if err != nil {
		return err
	}
	if err := t.openDevice(); err != nil {
		return err
	}
	if t.version == meta.V06 {
		return t.create(o)
	}
	if _, err := meta.SuperblockOffset(t.index, t.dev.Size()); err != nil {
		return err
	}
	if size := t.dev.Size(); size < minAttachable && !t.opt.force {
		return fail(exitBadValue, "%s has %d byte: the kernel attaches no device below %d.\nUse --force to create meta data all the same.", t.path, size, minAttachable)
	}
	found, err := t.detect()
	switch {
	case errors.Is(err, meta.ErrNoMetadata):
		if old, err := t.openLastKnown(); err == nil && !t.opt.force {
			return t.moveOrCreate(old, o)
		}
		return t.create(o)
	case err != nil:
		return err
	}
	return t.replace(found, o)
}

// createOptions translates the command line.
func (t *tool) createOptions() (meta.CreateOptions, error) {
	o := meta.CreateOptions{
		Version: t.version, Index: t.index, Geometry: t.opt.geometry,
		EffectiveSize: t.opt.effectiveSize, PeerMaxBio: t.opt.peerMaxBio, DiskfulPeers: t.opt.diskful,
		Bitmap: t.opt.bitmap, UUIDs: t.opt.uuids,
	}
	if t.version == meta.V09 {
		n, err := t.maxPeers()
		if err != nil {
			return o, err
		}
		o.Geometry.MaxPeers = n
	}
	if err := o.Geometry.Check(); err != nil {
		return o, fail(exitBadValue, "%v", err)
	}
	// compat: drbd-utils creates such metadata, but no kernel module accepts it.
	if g := o.Geometry; t.index >= 0 && g.BytesPerBit != meta.DefaultGeometry.BytesPerBit {
		return o, fail(exitBadValue, "--bitmap-block-size does not go with an indexed layout: no kernel would attach it")
	}
	return o, nil
}

// maxPeers reads the argument of create-md.
func (t *tool) maxPeers() (uint32, error) {
	if len(t.args) == 0 {
		return 0, fail(exitUsage, "USAGE: %s MINOR v09 ... create-md MAX_PEERS\n\n  MAX_PEERS argument missing", t.env.Name)
	}
	n, err := strconv.ParseUint(t.args[0], 10, 32)
	if err != nil {
		return 0, fail(exitUsage, "MAX_PEERS '%s' is not a valid number: how many peers with a disk can there ever be?", t.args[0])
	}
	if n < 1 || n >= meta.MaxPeers {
		return 0, fail(exitUsage, "MAX_PEERS argument not in allowed range 1 .. %d.", meta.MaxPeers-1)
	}
	return uint32(n), nil
}

// detect finds metadata of any format where create-md would put it.
func (t *tool) detect() (*meta.Image, error) {
	img, err := meta.Open(t.disk, t.dev.Size(), t.version, t.index)
	if err == nil || !errors.Is(err, meta.ErrNoMetadata) {
		return img, err
	}
	if !t.index.Internal() {
		return meta.Detect(t.disk, t.dev.Size(), t.index)
	}
	img, err = meta.Detect(t.disk, t.dev.Size(), meta.FlexInternal)
	if err == nil || !errors.Is(err, meta.ErrNoMetadata) {
		return img, err
	}
	img, err = meta.Open(t.disk, t.dev.Size(), meta.V07, meta.FixedInternal)
	if errors.Is(err, meta.ErrTooSmall) {
		return nil, meta.ErrNoMetadata
	}
	return img, err
}

// replace converts or overwrites metadata, if that is wanted.
func (t *tool) replace(found *meta.Image, o meta.CreateOptions) error {
	lines := []string{
		"", "A " + describe(t.version, t.index) + " meta data block is to be written,",
		"but a " + describe(found.Super.Version, found.Place.Index) + " meta data block is there already:",
		fmt.Sprintf("on %s at byte offset %d.", t.path, found.Place.Superblock),
	}
	lines = append(lines, worth(found)...)
	if found.Super.Version == t.version {
		if !t.ask("Overwrite the meta data that is there?", lines...) {
			return t.cancelled()
		}
		return t.create(o)
	}
	if t.ask(fmt.Sprintf("Convert the %s meta data to %s?", found.Super.Version, t.version), lines...) {
		return t.convert(found, o)
	}
	if !t.ask(fmt.Sprintf("Discard the %s meta data and create new %s meta data?", found.Super.Version, t.version)) {
		return t.cancelled()
	}
	return t.create(o)
}

// worth says what is lost with the metadata.
func worth(found *meta.Image) []string {
	sb := found.Super
	if sb.EffectiveSize == 0 {
		return nil
	}
	line := fmt.Sprintf("It describes %s of data", kib(sb.EffectiveSize/2))
	if sb.Version >= meta.V08 {
		line += fmt.Sprintf(", generation %s", sb.Current)
	}
	return []string{line + ". Without it, all of them have to be synchronised."}
}

// describe names a format and layout.
func describe(v meta.Version, idx meta.Index) string {
	switch {
	case idx == meta.FlexInternal && v == meta.V07:
		return "v07(plus) style flexible-size internal"
	case idx == meta.FlexInternal:
		return v.String() + " style flexible-size internal"
	case idx == meta.FixedInternal:
		return v.String() + " style fixed-size internal"
	case idx == meta.FlexExternal:
		return v.String() + " style flexible-size external"
	}
	return v.String() + " style external"
}

// create checks for other data and writes new metadata.
func (t *tool) create(o meta.CreateOptions) error {
	if t.version != meta.V06 {
		place, err := meta.NewPlace(o.Index, t.dev.Size(), o.Geometry)
		if err != nil {
			return err
		}
		if err := t.checkExistingData(place, o.Geometry); err != nil {
			return err
		}
		t.printf("initializing activity log\n")
	}
	o.Progress = t.progress("initializing bitmap")
	t.out.Flush()
	img, err := meta.Create(t.disk, t.dev.Size(), o)
	if errors.Is(err, meta.ErrCannotZero) {
		return fail(exitBadValue, "%v", err)
	}
	if err != nil {
		return err
	}
	t.created(img)
	return nil
}

func (t *tool) created(img *meta.Image) {
	t.printf("Writing meta data...\n")
	t.remember(img)
	t.printf("New drbd meta data block successfully created.\n")
}

// convert changes the format of metadata.
func (t *tool) convert(found *meta.Image, o meta.CreateOptions) error {
	if t.version == meta.V09 && o.Geometry.MaxPeers != 1 {
		t.printf("max-peers is 1 after a conversion, not %d: use dump-md and restore-md to get more\n\n", o.Geometry.MaxPeers)
	}
	if t.version == meta.V07 {
		t.printf("Converting to v07 keeps the size and nothing else: all data will be synchronised.\n")
	}
	if !t.index.Internal() {
		if err := t.checkExistingData(found.Place, found.Super.Geometry()); err != nil {
			return err
		}
	}
	if t.opt.has("effective-size") {
		found.Super.EffectiveSize = o.EffectiveSize
	}
	if t.opt.has("peer-max-bio-size") {
		found.Super.PeerMaxBioSize = o.PeerMaxBio
	}
	img, err := found.Convert(t.version, t.index)
	if errors.Is(err, meta.ErrCannotConvert) {
		return fail(exitBadValue, "%v.\nUse dump-md, wipe-md and restore-md instead.", err)
	}
	if err != nil {
		return err
	}
	t.created(img)
	return nil
}

// checkExistingData refuses or asks where a device is not empty.
func (t *tool) checkExistingData(p meta.Place, g meta.Geometry) error {
	f, err := meta.FindData(t.disk, t.dev.Size())
	if err != nil || f == nil {
		return err
	}
	if f.LVM {
		f.Bytes = t.sizeOfPV()
	}
	t.printf("md_offset %d\nal_offset %d\nbm_offset %d\n\nFound %s\n", p.Superblock, p.AL, p.Bitmap, f.Name)
	if !p.Index.Internal() {
		if f.Known {
			return t.refuseData("\nThis would corrupt existing data.\n", true)
		}
		return t.confirmData()
	}
	used, usable := f.Bytes/1024, p.UsableSectors(g)/2
	if f.Bytes%1024 != 0 {
		used++
	}
	if f.Bytes != 0 {
		t.printf("%12d kB are in use\n", used)
	}
	if f.Known {
		t.printf("%12d kB would remain for data\n", usable)
	}
	switch {
	case f.Known && f.Bytes == 0:
		return t.refuseData("\nIts size is not known. The meta data might truncate existing data.\n", true)
	case used > usable:
		return t.refuseData("\nThe meta data would lie on top of those data. Shrink them first, or put\n"+
			"the meta data on another device (meta-disk).\n", false)
	case f.Known:
		t.printf("\nEven though it looks like the meta data would fit behind the data,\n" +
			"you still need to confirm: this is only a guess.\n")
	}
	return t.confirmData()
}

func (t *tool) refuseData(why string, mayIgnore bool) error {
	t.printf("%s", why)
	if mayIgnore && t.opt.ignoreSanity {
		t.printf("\nIgnoring that because of --ignore-sanity-checks.\n\n")
		return nil
	}
	t.printf("Operation refused.\n\n")
	return silent(exitDataInUse)
}

func (t *tool) confirmData() error {
	t.printf("\n ==> This might destroy existing data! <==\n")
	if !t.ask("Do you want to proceed?") {
		return t.cancelled()
	}
	return nil
}

// sizeOfPV asks LVM how much of the device it uses, in bytes; 0 if it does not say.
func (t *tool) sizeOfPV() uint64 {
	only := fmt.Sprintf(`devices{filter=["a|^%s$|","r|.*|"]}`, t.path)
	out, err := exec.Command("pvs", "--config", only, "--readonly", "--noheadings", "--nosuffix", "--units", "s", "-o", "pv_size", t.path).Output()
	sectors, parseErr := strconv.ParseUint(strings.TrimSpace(string(out)), 10, 54)
	if err != nil || parseErr != nil {
		return 0
	}
	return sectors * meta.SectorSize
}

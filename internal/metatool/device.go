package metatool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"drbdutils/meta"
)

// libDir is where drbdmeta remembers things about minors.
const libDir = "/var/lib/drbd"

// majorDRBD is the major number of DRBD devices.
const majorDRBD = 147

// noMinor stands for "-": there is no minor, so nothing to lock or to ask for.
const noMinor = -1

// minorOf returns the minor that the first argument names: a number, a path like
// /dev/drbd0, or any other path to a DRBD device.
func minorOf(word string) (int, error) {
	if word == "-" {
		return noMinor, nil
	}
	digits := strings.TrimPrefix(word, "/dev/drbd")
	if n, err := strconv.ParseUint(digits, 10, 20); err == nil {
		return int(n), nil
	}
	if info, err := os.Stat(word); err == nil && info.Mode()&os.ModeDevice != 0 {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && devMajor(uint64(st.Rdev)) == majorDRBD {
			return int(devMinor(uint64(st.Rdev))), nil
		}
	}
	// compat: drbd-utils takes anything else as "-", without a lock and without a
	// look at what is attached.
	return 0, fail(exitUsage, "'%s' is no DRBD device: it is a minor number, /dev/drbdN, or - for none", word)
}

// lock keeps other tools away from the minor, and makes sure that nothing is
// changed below an attached device.
func (t *tool) lock(ctx context.Context) (unlock func(), err error) {
	if t.minor == noMinor {
		return func() {}, nil
	}
	unlock, err = t.env.LockMinor(uint32(t.minor))
	if err != nil {
		return nil, fail(exitUsage, "%v", err)
	}
	attached, err := t.attached(ctx)
	switch {
	case err != nil:
	case !attached:
		return unlock, nil
	case t.cmd.modifies && !t.onlyLooks():
		err = fail(exitUsage, "Device '%d' is configured!", t.minor)
	default:
		t.stale = true
		return unlock, nil
	}
	unlock()
	return nil, err
}

// onlyLooks reports whether a repair is not to be made, only talked about.
func (t *tool) onlyLooks() bool { return t.cmd.name == "repair-md" && t.opt.dryRun }

// openDevice opens the device, once. Layouts that share the disk with data want
// it alone.
func (t *tool) openDevice() error {
	if t.dev != nil {
		return nil
	}
	o := meta.DeviceOptions{
		Exclusive: t.index.Internal() || t.index == meta.FlexExternal,
		// The disks of a node without a kernel are files.
		AllowFile: t.opt.force || t.cmd.anyFile || t.version == meta.V06 || t.env.NetlinkSocket() != "",
	}
	dev, err := meta.OpenDevice(t.path, o)
	if errors.Is(err, syscall.EBUSY) {
		dev, err = t.openShared(o, err)
	}
	switch {
	case errors.Is(err, meta.ErrNotBlockDevice):
		return fail(exitUsage, "'%s' is not a block device!%s", t.path, t.aboutFiles())
	case err != nil:
		return t.openError(err)
	}
	if dev.ReadOnly() && t.cmd.modifies && !t.opt.dryRun {
		dev.Close()
		return fail(exitUsage, "%s is read-only, so %s cannot change it.\nblockdev --setrw makes a device writable, if its driver allows that.", t.path, t.cmd.name)
	}
	t.dev, t.disk = dev, dev
	if t.watch != nil {
		t.disk = t.watch(dev)
	}
	if t.opt.verbose >= showAccess {
		t.disk = &traced{Device: dev, tool: t}
	}
	if t.opt.dryRun {
		t.disk = &dryRun{Disk: t.disk, tool: t}
	}
	return nil
}

// aboutFiles says how a regular file can be used.
func (t *tool) aboutFiles() string {
	if info, err := os.Stat(t.path); err == nil && info.Mode().IsRegular() {
		return "\nIt is a file: --force takes it as a device."
	}
	return ""
}

func (t *tool) openError(err error) error {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fail(exitUsage, "open(%s) failed: %v%s", t.path, err, wayOut(err))
}

// wayOut says what helps if a device cannot be opened.
func wayOut(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "\nIs the name right, and the volume group or driver active that provides the device?"
	case errors.Is(err, fs.ErrPermission):
		return "\nThis needs root."
	}
	return ""
}

// openShared opens a device that somebody else uses, if that is wanted.
func (t *tool) openShared(o meta.DeviceOptions, busy error) (*meta.Device, error) {
	if t.opt.force || t.cmd.name != "apply-al" {
		ok := t.ask("Go on although the device is in use?",
			fmt.Sprintf("%v", t.openError(busy)),
			"Something else uses the device: a mounted file system, LVM, another DRBD minor.")
		if ok || t.cmd.anyFile {
			o.Exclusive = false
			return meta.OpenDevice(t.path, o)
		}
	} else {
		t.remark("%v\nStop what uses it (a mounted file system, LVM, another DRBD minor) first.", t.openError(busy))
	}
	t.printf("Operation canceled.\n")
	return nil, silent(exitUsage)
}

// close flushes what was printed and lets go of the device.
func (t *tool) close() {
	if t.dev != nil {
		t.dev.Close()
	}
}

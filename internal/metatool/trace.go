package metatool

import (
	"slices"

	"drbdutils/meta"
)

// How often -v has to be given to see more.
const (
	showAccess     = 2  // each access to the device
	showSuperblock = 3  // what the superblock holds
	showLog        = 10 // the activity log after a dump
	showBytes      = 11 // what is read and written
)

// traced shows each access to the device.
type traced struct {
	*meta.Device
	tool *tool
}

func (d *traced) ReadAt(p []byte, off int64) (int, error) {
	d.tool.remark("pread length=%d offset=%d", len(p), off)
	n, err := d.Device.ReadAt(p, off)
	d.show(p[:n], off)
	return n, err
}

func (d *traced) WriteAt(p []byte, off int64) (int, error) {
	d.tool.remark("pwrite length=%d offset=%d", len(p), off)
	d.show(p, off)
	return d.Device.WriteAt(p, off)
}

func (d *traced) show(p []byte, off int64) {
	if d.tool.opt.verbose >= showBytes {
		_ = meta.WriteHexDump(d.tool.env.Stderr, p, off)
	}
}

func (d *traced) Zero(off, n int64) error {
	d.tool.remark("zeroout length=%d offset=%d", n, off)
	return d.Device.Zero(off, n)
}

func (d *traced) Sync() error {
	d.tool.remark("fsync")
	return d.Device.Sync()
}

// dryRun shows what would be written.
type dryRun struct {
	meta.Disk
	tool *tool
	last []byte // what was written last, to be read back
	at   int64
}

func (d *dryRun) WriteAt(p []byte, off int64) (int, error) {
	d.tool.remark("pwrite length=%d offset=%d SKIPPED", len(p), off)
	d.last, d.at = slices.Clone(p), off
	return len(p), nil
}

func (d *dryRun) ReadAt(p []byte, off int64) (int, error) {
	if off == d.at && len(p) == len(d.last) {
		return copy(p, d.last), nil
	}
	return d.Disk.ReadAt(p, off)
}

func (d *dryRun) Zero(off, n int64) error {
	d.tool.remark("zeroout length=%d offset=%d SKIPPED", n, off)
	return nil
}

func (d *dryRun) Sync() error { return nil }

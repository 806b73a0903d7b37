package meta

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ErrNotBlockDevice is what errors.Is finds when a path leads to something that
// is not a block device, and that was not allowed.
var ErrNotBlockDevice = errors.New("not a block device")

// DeviceOptions control OpenDevice.
type DeviceOptions struct {
	Exclusive bool // fail with EBUSY if a file system, LVM or DRBD uses the device
	AllowFile bool // take a regular file as a device, too
}

// A Device is a block device or an image file as a Disk. Block devices are read
// and written past the page cache, which the kernel module does not use either.
type Device struct {
	f      *os.File
	size   int64
	block  bool
	bounce []byte // aligned buffer, for direct I/O
}

var (
	_ Disk   = (*Device)(nil)
	_ Zeroer = (*Device)(nil)
)

// OpenDevice opens a device for reading and writing. errors.Is finds
// ErrNotBlockDevice, unix.EBUSY or what os.OpenFile returns.
func OpenDevice(path string, o DeviceOptions) (*Device, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	d := &Device{block: info.Mode()&os.ModeDevice != 0 && info.Mode()&os.ModeCharDevice == 0}
	if !d.block && !(o.AllowFile && info.Mode().IsRegular()) {
		return nil, fmt.Errorf("%s: %w", path, ErrNotBlockDevice)
	}
	if d.f, err = d.open(path, o); err != nil {
		return nil, err
	}
	if d.size, err = d.f.Seek(0, io.SeekEnd); err != nil {
		d.f.Close()
		return nil, err
	}
	return d, nil
}

func (d *Device) open(path string, o DeviceOptions) (*os.File, error) {
	flags := os.O_RDWR
	if !d.block {
		return os.OpenFile(path, flags, 0)
	}
	if o.Exclusive {
		flags |= unix.O_EXCL
	}
	f, err := os.OpenFile(path, flags|unix.O_DIRECT, 0)
	if errors.Is(err, unix.EINVAL) { // a driver without direct I/O
		return os.OpenFile(path, flags, 0)
	}
	if err != nil {
		return nil, err
	}
	// Anonymous memory starts at a page, which is aligned enough for any device.
	d.bounce, err = unix.Mmap(-1, 0, chunk, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("get memory for direct I/O: %w", err)
	}
	return f, nil
}

// Size returns the size of the device in bytes.
func (d *Device) Size() int64 { return d.size }

// ReadOnly reports whether the kernel lets nobody write to the device.
func (d *Device) ReadOnly() bool {
	n, err := unix.IoctlGetInt(int(d.f.Fd()), unix.BLKROGET)
	return d.block && err == nil && n != 0
}

// ReadAt implements io.ReaderAt.
func (d *Device) ReadAt(p []byte, off int64) (int, error) {
	if d.bounce == nil {
		return d.f.ReadAt(p, off)
	}
	done := 0
	for done < len(p) {
		part := d.bounce[:min(len(p)-done, len(d.bounce))]
		n, err := d.f.ReadAt(part, off+int64(done))
		done += copy(p[done:], part[:n])
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// WriteAt implements io.WriterAt.
func (d *Device) WriteAt(p []byte, off int64) (int, error) {
	if d.bounce == nil {
		return d.f.WriteAt(p, off)
	}
	done := 0
	for done < len(p) {
		part := d.bounce[:copy(d.bounce, p[done:])]
		n, err := d.f.WriteAt(part, off+int64(done))
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// Zero implements Zeroer. On a block device it does what BLKZEROOUT does.
func (d *Device) Zero(off, n int64) error {
	fd := int(d.f.Fd())
	err := unix.Fallocate(fd, unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	if err != nil && !d.block { // tmpfs can only punch
		err = unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCannotZero, err)
	}
	return nil
}

// Sync implements Disk.
func (d *Device) Sync() error { return d.f.Sync() }

// Close closes the device.
func (d *Device) Close() error {
	if d.bounce != nil {
		_ = unix.Munmap(d.bounce)
		d.bounce = nil
	}
	return d.f.Close()
}

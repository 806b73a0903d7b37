package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"drbdutils/schema"
)

// libDir is where the tools note how large lower devices were.
const libDir = "/var/lib/drbd"

func checkResize84(ctx context.Context, c *call) error {
	v, _, err := c.volume84(ctx)
	if err != nil {
		return err
	}
	return c.noteSize(v.Get(schema.DiskConf))
}

func checkResize9(ctx context.Context, c *call) error {
	_, d, err := c.device(ctx)
	if err != nil {
		return err
	}
	return c.noteSize(d.Disk)
}

// noteSize writes down the size of a lower device that has its metadata at its
// end: when the device has grown, drbdmeta finds them where the end was. For
// external metadata there is nothing to remember.
func (c *call) noteSize(disk *schema.Values) error {
	if disk == nil {
		return nil
	}
	path := c.Path(fmt.Sprintf("%s/drbd-minor-%d.lkbd", libDir, *c.minor))
	if index := disk.Int("meta_dev_idx"); index >= 0 || index == schema.MetaIndexFlexible { // external
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	lower := disk.Str("backing_dev")
	size, err := deviceSize(lower)
	if err != nil {
		return fail(exitNoState, "Could not open %s: %s.", lower, reason(err))
	}
	return replaceFile(path, fmt.Appendf(nil, "%d\t%s\n", size, lower))
}

// deviceSize returns the size of a block device in bytes.
func deviceSize(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Seek(0, io.SeekEnd)
}

// replaceFile gives a file new content, all or nothing. A file that begins with it
// already is not touched: drbdmeta may have added an identifier.
func replaceFile(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.HasPrefix(old, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, content, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

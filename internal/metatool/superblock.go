package metatool

import (
	"errors"
	"time"

	"drbdutils/internal/cli"
	"drbdutils/meta"
)

func (t *tool) dumpSuperblock() error {
	format := t.opt.output
	if format == "auto" {
		format = "bin"
		if cli.IsTerminal(t.env.Stdout) {
			format = "hex"
		}
	}
	return t.writeSuperblock(format)
}

func (t *tool) hexdumpSuperblock() error { return t.writeSuperblock("hex") }

// writeSuperblock writes the block where the superblock is, or should be. The
// exit code says whether it is one.
func (t *tool) writeSuperblock(format string) error {
	if format == "json" && t.version < meta.V08 {
		return fail(exitNoJSON, "JSON output is not available for format %s", t.version)
	}
	if err := t.openDevice(); err != nil {
		return err
	}
	off, err := meta.SuperblockOffset(t.index, t.dev.Size())
	if err != nil {
		return err
	}
	valid, code := "VALID_MD_FOUND", 0
	_, err = meta.Open(t.disk, t.dev.Size(), t.version, t.index)
	if errors.Is(err, meta.ErrNoMetadata) {
		valid, code = "NO_VALID_MD_FOUND", exitInvalid
		if old, err := t.openLastKnown(); err == nil {
			valid, code, off = "VALID_MD_FOUND_AT_LAST_KNOWN_LOCATION", exitLastKnown, old.Place.Superblock
		}
	} else if err != nil {
		return err
	}
	block, err := meta.RawSuperblock(t.disk, off)
	if err != nil {
		return err
	}
	if err := t.writeBlock(format, block, off, valid); err != nil {
		return err
	}
	if code != 0 {
		return silent(code)
	}
	return nil
}

func (t *tool) writeBlock(format string, block []byte, off int64, valid string) error {
	switch format {
	case "hex":
		return meta.WriteHexDump(t.out, block, off)
	case "json":
		node, err := t.env.Node()
		if err != nil {
			return err
		}
		return meta.WriteBlockJSON(t.out, block, meta.BlockInfo{
			Version: t.version, Time: time.Now(), Host: node, Path: t.path, Offset: off, Size: t.dev.Size(), Valid: valid,
		})
	}
	_, err := t.out.Write(block)
	return err
}

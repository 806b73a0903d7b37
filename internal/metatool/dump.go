package metatool

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"drbdutils/internal/cli"
	"drbdutils/meta"
)

func (t *tool) dumpMD() error {
	img, err := t.open()
	o := meta.DumpOptions{Header: t.dumpHeader()}
	if errors.Is(err, meta.ErrNoMetadata) && t.dev != nil {
		if old, lastErr := t.openLastKnown(); lastErr == nil {
			img, err = old, nil
			o.Notes = t.resizedNotes(old)
		}
	}
	if errors.Is(err, meta.ErrNoMetadata) {
		return t.noMetadata(err)
	}
	if err != nil {
		return err
	}
	if !img.Super.Dumpable() {
		t.remark("The meta data is \"unclean\": the activity log must be applied first (apply-al)")
		if !t.opt.force {
			return silent(exitNoMetadata)
		}
	}
	if err := img.Dump(t.out, o); err != nil || t.opt.verbose < showLog || t.version < meta.V07 {
		return err
	}
	return img.DumpAL(t.out)
}

// dumpHeader says when, where and by what the dump was made.
func (t *tool) dumpHeader() []string {
	now := time.Now()
	node, err := t.env.Node()
	if err != nil {
		node = "localhost"
	}
	return []string{
		now.Format("2006-01-02 15:04:05 -0700") + fmt.Sprintf(" [%d]", now.Unix()),
		fmt.Sprintf("%s> %s %s", node, t.env.Name, strings.Join(t.env.Args, " ")),
	}
}

// resizedNotes explains a dump from where the metadata was before.
func (t *tool) resizedNotes(old *meta.Image) []string {
	expected, _ := meta.SuperblockOffset(t.index, t.dev.Size())
	return []string{
		"", "## The device was resized, this is the meta data from its last known position.",
		fmt.Sprintf("## current size of %s: %d byte", t.path, t.dev.Size()),
		fmt.Sprintf("## expected position: md_offset %d", expected),
		fmt.Sprintf("## last known size of %s: %d byte", t.path, old.Place.DiskSize),
	}
}

// progress returns what shows a bar on a terminal, nil where there is none.
func (t *tool) progress(what string) meta.Progress {
	f, ok := t.env.Stderr.(*os.File)
	if !ok || !cli.IsTerminal(f) {
		return nil
	}
	last := -1
	return func(done, total int64) {
		percent := int(done * 100 / max(total, 1))
		if percent == last || total < 64<<20 {
			return
		}
		last = percent
		fmt.Fprintf(f, "\r%s [%-40s] %3d%%", what, strings.Repeat("#", percent*40/100), percent)
		if done == total {
			fmt.Fprintln(f)
		}
	}
}

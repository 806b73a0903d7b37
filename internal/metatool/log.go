package metatool

import (
	"errors"

	"drbdutils/meta"
)

func (t *tool) applyAL() error {
	if t.version == meta.V06 {
		return fail(exitNoMetadata, "Format v06 has no activity log")
	}
	img, err := t.openOrSay()
	if err != nil {
		return err
	}
	a, err := img.ApplyAL()
	if a != nil {
		t.sayLog(a)
	}
	switch {
	case errors.Is(err, meta.ErrNoLog):
		return fail(exitNoLog, "No valid block in the activity log: what was being written is not known.\n"+
			"If all data are to be synchronised anyway, use invalidate or create-md.")
	case errors.Is(err, meta.ErrBadLog):
		return fail(exitBadLog, "No valid AL update transaction found: what was being written is not known.\n"+
			"If all data are to be synchronised anyway, use invalidate or create-md.")
	case err != nil:
		return err
	}
	if a.Marked > 0 {
		t.printf("Marked additional %s as out-of-sync based on AL.\n", kib(uint64(a.Marked)*uint64(img.Super.BytesPerBit)/1024))
	}
	if a.Written || t.version == meta.V09 { // of which the original always writes the superblock
		t.remember(img)
	}
	return nil
}

// sayLog tells what was wrong with the log.
func (t *tool) sayLog(a *meta.Applied) {
	if a.Log.Bad > 0 && a.Log.Bad < a.Log.Blocks {
		t.remark("%d of %d blocks of the activity log are damaged", a.Log.Bad, a.Log.Blocks)
	}
	if a.Log.Skipped > 0 {
		t.remark("%d entries of the activity log have impossible slot numbers", a.Log.Skipped)
	}
	for _, extent := range a.OutOfRange {
		t.remark("extent %d of the activity log lies beyond the end of the data", extent)
	}
	if a.LogError != nil && a.Written {
		t.remark("%v: that does not matter, this node was not primary", a.LogError)
	}
}

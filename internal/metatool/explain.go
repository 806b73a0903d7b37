package metatool

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"drbdutils/meta"
)

// explanation is what explain says, in the order of its JSON.
type explanation struct {
	Device      string    `json:"device"`
	Bytes       int64     `json:"bytes"`
	Format      string    `json:"format"`
	Layout      string    `json:"layout"`
	Parts       []part    `json:"parts"`
	DiskState   string    `json:"disk_state"`
	CurrentUUID string    `json:"current_uuid,omitempty"`
	DeviceUUID  string    `json:"device_uuid,omitempty"`
	NodeID      *int32    `json:"node_id,omitempty"`
	SizeSectors uint64    `json:"agreed_size_sectors"`
	BytesPerBit uint32    `json:"bytes_per_bit"`
	Log         logReport `json:"activity_log"`
	Slots       []slot    `json:"bitmap_slots"`
}

// part is a range of the device.
type part struct {
	Name  string `json:"name"`
	Start int64  `json:"start"`
	End   int64  `json:"end"` // first byte after it
}

// logReport says whether the activity log has to be applied.
type logReport struct {
	NeedsApply bool   `json:"needs_apply"`
	Extents    int    `json:"extents"` // of 4 MiB
	Problem    string `json:"problem,omitempty"`
}

// slot says how much a peer misses.
type slot struct {
	Slot   int    `json:"slot"`
	NodeID *int   `json:"node_id,omitempty"`
	UUID   string `json:"bitmap_uuid,omitempty"`
	Dirty  int64  `json:"out_of_sync_kib"`
}

func (t *tool) explain() error {
	if t.version == meta.V06 {
		return fail(exitBadValue, "Format v06 is a file: there is no layout to explain")
	}
	img, err := t.open()
	if errors.Is(err, meta.ErrNoMetadata) && t.dev != nil {
		if old, lastErr := t.openLastKnown(); lastErr == nil {
			t.remark("The device was resized: the meta data are where they were when it had %d byte. check-resize moves them.", old.Place.DiskSize)
			img, err = old, nil
		}
	}
	if errors.Is(err, meta.ErrNoMetadata) {
		return fail(exitNoMetadata, "No valid meta data found: %s: %v", t.path, err)
	}
	if err != nil {
		return err
	}
	e, err := t.explanation(img)
	if err != nil {
		return err
	}
	if t.opt.json {
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		return enc.Encode(e)
	}
	t.printExplanation(e)
	return nil
}

func (t *tool) explanation(img *meta.Image) (*explanation, error) {
	sb := img.Super
	e := &explanation{
		Device: t.path, Bytes: t.dev.Size(), Format: sb.Version.String(),
		Layout: layoutName(t.index), Parts: parts(img.Place, t.dev.Size()),
		DiskState: sb.DiskState(), SizeSectors: sb.EffectiveSize, BytesPerBit: sb.BytesPerBit,
	}
	if sb.Version >= meta.V08 {
		e.CurrentUUID, e.DeviceUUID = sb.Current.String(), sb.DeviceUUID.String()
	}
	if sb.Version == meta.V09 {
		e.NodeID = &sb.NodeID
	}
	log, err := img.ReadAL()
	if log == nil {
		return nil, err
	}
	needed := sb.Flags.Has(meta.PrimaryInd) && (log.Updates || err != nil) || sb.Version >= meta.V08 && !sb.Clean()
	e.Log = logReport{NeedsApply: needed, Extents: len(log.Extents)}
	if err != nil {
		e.Log.Problem = err.Error()
	}
	return e, e.countSlots(img)
}

// countSlots says how much is out of sync in each slot, and whose it is.
func (e *explanation) countSlots(img *meta.Image) error {
	counts, err := img.Bitmap().Count()
	for i, n := range counts {
		s := slot{Slot: i, Dirty: n * int64(img.Super.BytesPerBit) / 1024}
		for id, p := range img.Super.Peers {
			if img.Super.Version == meta.V09 && int(p.BitmapIndex) == i {
				s.NodeID, s.UUID = &id, p.BitmapUUID.String()
			}
		}
		if img.Super.Version == meta.V08 {
			s.UUID = img.Super.Peers[0].BitmapUUID.String()
		}
		e.Slots = append(e.Slots, s)
	}
	return err
}

func layoutName(idx meta.Index) string {
	name, ok := map[meta.Index]string{
		meta.FixedInternal: "internal, fixed size", meta.FlexInternal: "internal", meta.FlexExternal: "external",
	}[idx]
	if !ok {
		name = fmt.Sprintf("external, index %d", idx)
	}
	return name
}

// parts lists what lies on the device, in order.
func parts(p meta.Place, size int64) []part {
	list := []part{
		{"superblock", p.Superblock, p.Superblock + meta.BlockSize},
		{"activity log", p.AL, p.AL + p.ALBytes},
		{"bitmap", p.Bitmap, p.Bitmap + p.BitmapBytes},
	}
	if p.Bitmap < p.Superblock {
		list[0], list[2] = list[2], list[0]
	}
	before, after := "data", "unused"
	if !p.Index.Internal() {
		before = "other slots"
		if p.Index >= 0 {
			after = "other slots"
		}
	}
	list = append([]part{{before, 0, p.Start}}, append(list, part{after, p.End, size})...)
	var filled []part
	for _, x := range list {
		if x.End > x.Start {
			filled = append(filled, x)
		}
	}
	return filled
}

func (t *tool) printExplanation(e *explanation) {
	t.printf("%s: %s, meta data %s, %s\n\n", e.Device, kib(uint64(e.Bytes)/1024), e.Format, e.Layout)
	t.printf("  %-14s %20s %20s %12s\n", "", "first byte", "last byte", "size")
	for _, p := range e.Parts {
		t.printf("  %-14s %20d %20d %12s\n", p.Name, p.Start, p.End-1, kib(uint64(p.End-p.Start+1023)/1024))
	}
	t.printf("\n  disk state     %s\n", e.DiskState)
	if e.CurrentUUID != "" {
		t.printf("  current uuid   %s\n  device uuid    %s\n", e.CurrentUUID, e.DeviceUUID)
	}
	if e.NodeID != nil {
		t.printf("  node id        %s\n", numberOr(int(*e.NodeID), "none yet"))
	}
	t.printf("  agreed size    %s\n", sizeOr(e.SizeSectors))
	t.printf("  activity log   %s\n", e.Log)
	for _, s := range e.Slots {
		t.printf("  bitmap %-7d %s out of sync%s\n", s.Slot, kib(uint64(s.Dirty)), s.owner())
	}
}

func numberOr(n int, none string) string {
	if n < 0 {
		return none
	}
	return fmt.Sprint(n)
}

func sizeOr(sectors uint64) string {
	if sectors == 0 {
		return "none yet: never attached"
	}
	return fmt.Sprintf("%s (%d sectors)", kib(sectors/2), sectors)
}

// String puts the report into words.
func (r logReport) String() string {
	var words []string
	if r.NeedsApply {
		words = append(words, "needs apply-al before the next attach")
	} else {
		words = append(words, "clean")
	}
	if r.Extents > 0 {
		words = append(words, fmt.Sprintf("%d extents of 4 MiB in use", r.Extents))
	}
	if r.Problem != "" {
		words = append(words, r.Problem)
	}
	return strings.Join(words, ", ")
}

// owner names the peer that a slot belongs to.
func (s slot) owner() string {
	switch {
	case s.NodeID != nil:
		return fmt.Sprintf(" with node %d, since %s", *s.NodeID, s.UUID)
	case s.UUID != "":
		return ", since " + s.UUID
	}
	return ", belongs to no node"
}

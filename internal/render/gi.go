package render

import (
	"fmt"
	"io"
	"strings"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// A giFlag is a bit of metadata flags and what show-gi says about it. The blanks
// in the texts are part of the format.
type giFlag struct {
	bit  uint32
	text string
}

// giFlags84 are the flags that DRBD 8.4 keeps for a device and its one peer.
var giFlags84 = []giFlag{
	{schema.MDConsistent, "-<  Data consistency flag  >"},
	{schema.MDWasUpToDate, "-<  Data was/is currently up-to-date  >"},
	{schema.MDPrimary, "-<  Node was/is currently primary  >"},
	{schema.MDConnected, "-<  Node was/is currently connected  >"},
	{schema.MDFullSync, "-<  Node was in the progress of setting all bits in the bitmap  >"},
	{schema.MDPeerOutdated, "-<  The peer's disk was out-dated or inconsistent  >"},
	{schema.MDCrashedPrimary, "-<  This node was a crashed primary, and has not seen its peer since   >"},
}

// giFlags9 are the flags that DRBD 9 keeps for a device, and for each peer.
var (
	giFlags9 = []giFlag{
		{schema.MDConsistent, "-<  Data consistency flag  >"},
		{schema.MDWasUpToDate, "-<  Data was/is currently up-to-date  >"},
		{schema.MDPrimary, "-<  Node was/is currently primary  >"},
		{schema.MDCrashedPrimary, "-<  This node was a crashed primary, and has not seen its peer since  >"},
		{schema.MDALClean, "-<  The activity-log was applied, the disk can be attached  >"},
		{schema.MDALDisabled, "-<  The activity-log was disabled, peer is completely out of sync  >"},
		{schema.MDPrimaryLostQuorum, "-<  This node was primary when it lost quorum  >"},
	}
	giPeerFlags9 = []giFlag{
		{schema.MDPeerConnected, "-<  Node was/is currently connected  >"},
		{schema.MDPeerIsOutdated, "-<  The peer's disk was out-dated or inconsistent  >"},
		{schema.MDPeerFencing, "-<   A fence policy other the dont-care was used  >"},
		{schema.MDPeerFullSync, "-<  Node was in the progress of marking all blocks as out of sync  >"},
		{schema.MDPeerDeviceSeen, "-<  At least once we saw this node with a backing device attached >"},
	}
)

// A giReport is one line of generation identifiers and flags.
type giReport struct {
	ids   [4]uint64
	flags []giFlag
	on    []bool
}

func (g *giReport) add(flags []giFlag, value uint64) {
	for _, f := range flags {
		g.flags = append(g.flags, f)
		g.on = append(g.on, uint32(value)&f.bit != 0)
	}
}

// line returns the identifiers in hexadecimal and the flags as 0 or 1.
func (g *giReport) line() string {
	var b strings.Builder
	for _, id := range g.ids {
		fmt.Fprintf(&b, "%016X:", id)
	}
	for i, on := range g.on {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteByte("01"[boolInt(on)])
	}
	return b.String()
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

const giLegend = `
       +--<  Current data generation UUID  >-
       |               +--<  Bitmap's base data generation UUID  >-
       |               |                 +--<  younger history UUID  >-
       |               |                 |         +-<  older history  >-
       V               V                 V         V
`

// giFlagColumn is the column of the first flag.
const giFlagColumn = 4 * len("0123456789ABCDEF:")

// drawing returns the line with a legend around it.
func (g *giReport) drawing() string {
	var b strings.Builder
	b.WriteString(giLegend + g.line() + "\n")
	b.WriteString(strings.Repeat(" ", giFlagColumn) + strings.TrimSuffix(strings.Repeat("^ ", len(g.flags)), " ") + "\n")
	for i, f := range g.flags {
		fmt.Fprintf(&b, "%*s+%s\n", giFlagColumn+2*i, f.text+"--", strings.Repeat(" |", len(g.flags)-1-i))
	}
	return b.String() + "\n"
}

// newGIReport returns a report of the flags of a generation's device and, for
// DRBD 9, of one peer.
func newGIReport(gen schema.Generation, ids [4]uint64, device, peer uint64) *giReport {
	g := &giReport{ids: ids}
	if gen == schema.V84 {
		g.add(giFlags84, device)
		return g
	}
	g.add(giFlags9, device)
	g.add(giPeerFlags9, peer)
	return g
}

// ShowGI returns the generation identifiers current, bitmap, younger and older
// history, and the flags of device and peer, with a legend that says what is what.
func ShowGI(gen schema.Generation, ids [4]uint64, device, peer uint32) string {
	text := newGIReport(gen, ids, uint64(device), uint64(peer)).drawing()
	if gen == schema.V84 {
		text += giSummary84(device)
	}
	return text
}

// GI writes the generation identifiers of a peer device of DRBD 9; legend says
// what is what.
func GI(w io.Writer, d *netlinkapi.Device, p *netlinkapi.PeerDevice, legend bool) error {
	history := nativeWords(d.Stats, "history_uuids", 2)
	ids := [4]uint64{
		num(d.Stats, "dev_current_uuid"), num(p.Stats, "peer_dev_bitmap_uuid"), history[0], history[1],
	}
	return writeGI(w, schema.V9, ids, num(d.Stats, "dev_disk_flags"), num(p.Stats, "peer_dev_flags"), legend)
}

// GI84 writes the generation identifiers of a volume of DRBD 8.4; legend says
// what is what.
func GI84(w io.Writer, v Volume84, legend bool) error {
	return writeGI(w, schema.V84, uuids84(v.info()), num(v.info(), "disk_flags"), 0, legend)
}

func writeGI(w io.Writer, gen schema.Generation, ids [4]uint64, device, peer uint64, legend bool) error {
	text := newGIReport(gen, ids, device, peer).line() + "\n"
	if legend {
		text = ShowGI(gen, ids, uint32(device), uint32(peer))
	}
	_, err := io.WriteString(w, text)
	return err
}

// giSummary84 tells the flags in words.
func giSummary84(flags uint32) string {
	pick := func(bit uint32, yes, no string) string {
		if flags&bit != 0 {
			return yes
		}
		return no
	}
	data := "Inconsistent"
	if flags&schema.MDConsistent != 0 {
		data = pick(schema.MDWasUpToDate, "UpToDate", "Outdated")
	}
	return fmt.Sprintf("flags:%s %s, %s, %s%s%s\nmeta-data: %s\n",
		pick(schema.MDCrashedPrimary, " crashed", ""),
		pick(schema.MDPrimary, "Primary", "Secondary"),
		pick(schema.MDConnected, "Connected", "StandAlone"),
		data,
		pick(schema.MDFullSync, ", need full sync", ""),
		pick(schema.MDPeerOutdated, ", peer Outdated", ""),
		pick(schema.MDALClean, "clean", "need apply-al"))
}

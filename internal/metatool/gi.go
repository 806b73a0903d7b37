package metatool

import (
	"errors"
	"fmt"
	"strings"

	"drbdutils/meta"
)

// node returns the node id of the peer that generation identifiers are about.
func (t *tool) node() int {
	if t.version != meta.V09 {
		if t.opt.nodeID > 0 {
			t.remark("--node-id %d is ignored: format %s knows one peer only", t.opt.nodeID, t.version)
		}
		return 0
	}
	return t.opt.nodeID
}

func (t *tool) getGI() error {
	node := t.node()
	img, err := t.openOrSilent()
	if err != nil {
		return err
	}
	t.printf("%s\n", img.Super.GI(node))
	return nil
}

func (t *tool) setGI() error {
	if len(t.args) == 0 {
		return fail(exitBadValue, "set-gi: the generation identifiers are missing")
	}
	node := t.node()
	img, err := t.openOrSilent()
	if err != nil {
		return err
	}
	before := img.Super.GI(node)
	if err := img.Super.SetGI(node, t.args[0]); err != nil {
		return fail(exitBadValue, "set-gi: %v", err)
	}
	t.printf("previously %s\n", before)
	t.printf("set GI to  %s\n", img.Super.GI(node))
	if !t.ask("Write new GI to disk?") {
		t.printf("Operation canceled.\n")
		return nil // compat: not writing is no failure here
	}
	return t.save(img)
}

// giLegend describes the flags of get-gi, left to right.
var giLegend = map[meta.GIFlag]string{
	{Device: meta.Consistent}:        "data is consistent",
	{Device: meta.WasUpToDate}:       "data is or was up to date",
	{Device: meta.PrimaryInd}:        "node is or was primary",
	{Device: meta.ConnectedInd}:      "node is or was connected",
	{Device: meta.FullSync}:          "all bits of the bitmap were being set",
	{Device: meta.PeerOutdated}:      "disk of the peer was outdated or inconsistent",
	{Device: meta.CrashedPrimary}:    "node crashed as primary and has not seen its peer since",
	{Device: meta.ALClean}:           "activity log is applied, the disk can be attached",
	{Device: meta.ALDisabled}:        "activity log was disabled, peers are wholly out of sync",
	{Device: meta.PrimaryLostQuorum}: "node was primary when it lost quorum",
	{Peer: meta.PeerConnected}:       "peer is or was connected",
	{Peer: meta.PeerIsOutdated}:      "disk of the peer was outdated or inconsistent",
	{Peer: meta.PeerFencing}:         "a fencing policy other than dont-care was in use",
	{Peer: meta.PeerFullSync}:        "all bits for the peer were being set",
	{Peer: meta.PeerDeviceSeen}:      "peer was seen with a disk at least once",
}

func (t *tool) showGI() error {
	node := t.node()
	img, err := t.openOrSilent()
	if err != nil {
		return err
	}
	if t.version < meta.V08 {
		t.showCounters(img.Super)
	} else {
		t.showUUIDs(img.Super, node)
	}
	t.showSize(img.Super)
	return nil
}

// showUUIDs prints the line of get-gi with an arrow to each of its parts.
func (t *tool) showUUIDs(sb *meta.Superblock, node int) {
	t.printf(`
       +--<  current data generation UUID  >-
       |               +--<  base of the bitmap: a data generation UUID  >-
       |               |                 +--<  younger history UUID  >-
       |               |                 |         +-<  older history UUID  >-
       V               V                 V         V
`)
	t.printf("%s\n", sb.GI(node))
	const column = 68 // of the first flag
	flags := t.version.GIFlags()
	t.printf("%*s%s\n", column, "", strings.Repeat("^ ", len(flags)-1)+"^")
	for i, f := range flags {
		label := "-<  " + giLegend[f] + "  >"
		t.printf("%*s-+%s\n", column+2*i-1, label+"-", strings.Repeat(" |", len(flags)-1-i))
	}
	t.printf("\n")
	if t.version == meta.V08 {
		t.printf("flags: %s\n", strings.Join(describe08(sb), ", "))
		clean := map[bool]string{true: "clean", false: "need apply-al"}[sb.Clean()]
		t.printf("meta-data: %s\n", clean)
	}
}

// describe08 puts the flags of a v08 superblock into words.
func describe08(sb *meta.Superblock) []string {
	pick := func(f meta.Flags, yes, no string) string {
		if sb.Flags.Has(f) {
			return yes
		}
		return no
	}
	role := pick(meta.CrashedPrimary, "crashed ", "") + pick(meta.PrimaryInd, "Primary", "Secondary")
	state := pick(meta.WasUpToDate, "UpToDate", "Outdated")
	words := []string{role, pick(meta.ConnectedInd, "Connected", "StandAlone"), pick(meta.Consistent, state, "Inconsistent")}
	if sb.Flags.Has(meta.FullSync) {
		words = append(words, "need full sync")
	}
	if sb.Flags.Has(meta.PeerOutdated) {
		words = append(words, "peer Outdated")
	}
	return words
}

// showCounters prints the generation counters of DRBD 0.6 and 0.7.
func (t *tool) showCounters(sb *meta.Superblock) {
	letter := func(f meta.Flags, yes, no string) string {
		if sb.Flags.Has(f) {
			return "1/" + yes
		}
		return "0/" + no
	}
	t.printf("\n%s\n%s\n", "   Consistent | Human | Timeout | Connected | Arbitrary | Role | Connection | WantFullSync",
		"   c=consistent i=inconsistent | p=primary s=secondary | c=connected n=not | y=yes n=no")
	t.printf("       %s | %3d | %3d | %3d | %3d | %s | %s | %s  \n\n", letter(meta.Consistent, "c", "i"),
		sb.Counters[0], sb.Counters[1], sb.Counters[2], sb.Counters[3],
		letter(meta.PrimaryInd, "p", "s"), letter(meta.ConnectedInd, "c", "n"), letter(meta.FullSync, "y", "n"))
}

func (t *tool) showSize(sb *meta.Superblock) {
	if sb.EffectiveSize == 0 {
		t.printf("zero size device -- never seen peer yet?\n")
		return
	}
	t.printf("last agreed size: %s (%d sectors)\n", kib(sb.EffectiveSize/2), sb.EffectiveSize)
	t.printf("last agreed max bio size: %d Byte\n", sb.PeerMaxBioSize)
}

func (t *tool) dstate() error {
	img, err := t.openOrSay()
	if err != nil {
		return err
	}
	t.printf("%s\n", img.Super.DiskState())
	return nil
}

func (t *tool) outdate() error {
	img, err := t.openOrSilent()
	if err != nil {
		return err
	}
	if t.version < meta.V08 {
		return fail(exitCannot, "Format %s has no way to say that data is outdated", t.version)
	}
	if !img.Super.Outdate() {
		return fail(exitCannot, "Device is inconsistent: it cannot be outdated")
	}
	return t.save(img)
}

func (t *tool) invalidate() error {
	img, err := t.openOrSilent()
	if err != nil {
		return err
	}
	img.Super.Invalidate()
	return t.save(img)
}

func (t *tool) readDevUUID() error {
	img, err := t.openOrSilent()
	if err != nil {
		return err
	}
	t.printf("%s\n", img.Super.DeviceUUID)
	return nil
}

func (t *tool) writeDevUUID() error {
	if len(t.args) == 0 {
		return fail(exitBadValue, "write-dev-uuid: the uuid is missing")
	}
	img, err := t.openOrSilent()
	if err != nil {
		return err
	}
	// compat: what is no number counts as 0.
	img.Super.DeviceUUID, _ = meta.ParseUUID(t.args[0])
	return t.save(img)
}

func (t *tool) forgetPeer() error {
	node := t.node()
	img, err := t.openOrSilent()
	if err != nil {
		return err
	}
	if t.version != meta.V09 {
		return fail(exitNoMetadata, "forget-peer needs format v09")
	}
	slot := img.Super.Peers[node].BitmapIndex
	img.Super.ForgetPeer(node)
	if err := t.save(img); err != nil {
		return err
	}
	if slot >= 0 && t.opt.verbose > 0 {
		t.remark("bitmap slot %d of node %d is free now; its content is left as it is", slot, node)
	}
	return nil
}

func (t *tool) wipeMD() error {
	img, err := t.open()
	if errors.Is(err, meta.ErrNoMetadata) {
		t.remark("Nothing to erase: %s holds no DRBD meta data", t.path)
		return nil
	}
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Erase the DRBD meta data of %s?", t.path)
	if !t.ask(question, worth(img)...) {
		return t.cancelled()
	}
	t.printf("Wiping meta data...\n")
	t.out.Flush()
	if err := img.Wipe(); err != nil {
		return err
	}
	t.forget()
	t.dropBackup()
	t.printf("DRBD meta data block successfully wiped out.\n")
	return nil
}

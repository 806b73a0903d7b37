package metatool

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"drbdutils/internal/render"
	"drbdutils/meta"
	"drbdutils/schema"
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
	gen, flags := schema.V9, sb.Flags
	if t.version == meta.V08 {
		gen = schema.V84
	}
	if !sb.Clean() { // the magic number of an attached 8.4 device says so, too
		flags &^= meta.ALClean
	}
	p := sb.Peers[node]
	ids := [4]uint64{uint64(sb.Current), uint64(p.BitmapUUID), uint64(sb.History[0]), uint64(sb.History[1])}
	t.printf("%s", render.ShowGI(gen, ids, uint32(flags), uint32(p.Flags)))
}

// counterNames are the columns of show-gi before v08, left to right.
var counterNames = []string{
	"Consistent", "HumanCnt", "TimeoutCnt", "ConnectedCnt", "ArbitraryCnt", "lastState", "ConnectedInd", "WantFullSync",
}

// showCounters prints the generation counters of DRBD 0.6 and 0.7.
func (t *tool) showCounters(sb *meta.Superblock) {
	letter := func(f meta.Flags, yes, no string) string {
		if sb.Flags.Has(f) {
			return "1/" + yes
		}
		return "0/" + no
	}
	t.printf("\n")
	for i, name := range slices.Backward(counterNames) {
		t.printf("%*s |%s\n", 10+6*i, name, strings.Repeat("     |", len(counterNames)-1-i))
	}
	t.printf("   --------%s\n", strings.Repeat("+-----", len(counterNames)-1)+"+")
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
	img.Super.DeviceUUID = leadingUUID(t.args[0])
	return t.save(img)
}

// leadingUUID returns the hexadecimal number that s begins with.
//
// compat: without digits it is 0, with too many the largest.
func leadingUUID(s string) meta.UUID {
	s = strings.TrimPrefix(strings.TrimLeft(s, " \t\n\v\f\r"), "+")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "0x"), "0X")
	rest := strings.TrimLeft(s, "0123456789abcdefABCDEF")
	n, _ := strconv.ParseUint(strings.TrimSuffix(s, rest), 16, 64)
	return meta.UUID(n)
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

package meta

import (
	"fmt"
	"strconv"
	"strings"
)

// A giFlag is one of the flags shown after the UUIDs.
type giFlag struct {
	Device Flags     // the device flag, or 0 for
	Peer   PeerFlags // a flag of the peer
}

var (
	giFlags07 = []giFlag{{Device: Consistent}, {Device: PrimaryInd}, {Device: ConnectedInd}, {Device: FullSync}}
	giFlags08 = []giFlag{
		{Device: Consistent}, {Device: WasUpToDate}, {Device: PrimaryInd}, {Device: ConnectedInd},
		{Device: FullSync}, {Device: PeerOutdated}, {Device: CrashedPrimary},
	}
	giFlags09 = []giFlag{
		{Device: Consistent}, {Device: WasUpToDate}, {Device: PrimaryInd}, {Device: CrashedPrimary},
		{Device: ALClean}, {Device: ALDisabled}, {Device: PrimaryLostQuorum},
		{Peer: PeerConnected}, {Peer: PeerIsOutdated}, {Peer: PeerFencing}, {Peer: PeerFullSync}, {Peer: PeerDeviceSeen},
	}
)

// giFlags returns the flags shown for a format, in order.
func (v Version) giFlags() []giFlag {
	switch v {
	case V09:
		return giFlags09
	case V08:
		return giFlags08
	}
	return giFlags07
}

// hasGIFlag reports whether a flag is set, for the peer of the given node id.
func (sb *Superblock) hasGIFlag(f giFlag, node int) bool {
	return f.Device != 0 && sb.Flags.Has(f.Device) || f.Peer != 0 && sb.Peers[node].Flags.Has(f.Peer)
}

func (sb *Superblock) setGIFlag(f giFlag, node int, on bool) {
	sb.Flags &^= f.Device
	sb.Peers[node].Flags &^= f.Peer
	if on {
		sb.Flags |= f.Device
		sb.Peers[node].Flags |= f.Peer
	}
}

// GI returns the generation identifiers as seen towards a peer, in one line:
// UUIDs of 16 digits, then flags as 0 or 1, separated by colons.
func (sb *Superblock) GI(node int) string {
	var fields []string
	flag := func(f giFlag) {
		fields = append(fields, map[bool]string{false: "0", true: "1"}[sb.hasGIFlag(f, node)])
	}
	flags := sb.Version.giFlags()
	if sb.Version < V08 { // the counters stand between the first flag and the others
		flag(flags[0])
		flags = flags[1:]
		for _, c := range sb.Counters {
			fields = append(fields, strconv.FormatUint(uint64(c), 10))
		}
	} else {
		for _, u := range []UUID{sb.Current, sb.Peers[node].BitmapUUID, sb.History[0], sb.History[1]} {
			fields = append(fields, u.String())
		}
	}
	for _, f := range flags {
		flag(f)
	}
	return strings.Join(fields, ":")
}

// SetGI changes what the line says, in the form that GI returns. Empty fields
// and those after the end of the line stay as they are. On an error nothing is
// changed.
func (sb *Superblock) SetGI(node int, line string) error {
	changed := *sb
	var targets []func(string) error
	flag := func(f giFlag) {
		targets = append(targets, func(s string) error { return changed.parseFlag(f, node, s) })
	}
	flags := sb.Version.giFlags()
	if sb.Version < V08 {
		flag(flags[0])
		flags = flags[1:]
		for i := range changed.Counters {
			targets = append(targets, func(s string) error { return parseCounter(s, &changed.Counters[i]) })
		}
	} else {
		for _, u := range []*UUID{&changed.Current, &changed.Peers[node].BitmapUUID, &changed.History[0], &changed.History[1]} {
			targets = append(targets, func(s string) (err error) { *u, err = ParseUUID(s); return err })
		}
	}
	for _, f := range flags {
		flag(f)
	}
	fields := strings.Split(line, ":")
	if len(fields) > len(targets) { // compat: drbd-utils ignores what is too much
		return fmt.Errorf("%d fields in %q: there are %d", len(fields), line, len(targets))
	}
	for i, text := range fields {
		if text == "" {
			continue
		}
		if err := targets[i](text); err != nil {
			return fmt.Errorf("field %d: %w", i+1, err)
		}
	}
	*sb = changed
	return nil
}

func (sb *Superblock) parseFlag(f giFlag, node int, s string) error {
	if s != "0" && s != "1" {
		return fmt.Errorf("%q is not 0 or 1", s)
	}
	sb.setGIFlag(f, node, s == "1")
	return nil
}

func parseCounter(s string, c *uint32) error {
	n, err := strconv.ParseUint(s, 0, 32)
	if err != nil {
		return fmt.Errorf("%q is not a number up to 4294967295", s)
	}
	*c = uint32(n)
	return nil
}

// DiskState is what the flags of a detached device say about its data.
func (sb *Superblock) DiskState() string {
	switch {
	case !sb.Flags.Has(Consistent):
		return "Inconsistent"
	case sb.Version < V08:
		return "Consistent"
	case !sb.Flags.Has(WasUpToDate):
		return "Outdated"
	case sb.Version == V08 && sb.Flags.Has(PeerOutdated):
		return "UpToDate"
	}
	return "Consistent"
}

// Outdate marks the data as out of date. It returns false if they are not even
// consistent.
func (sb *Superblock) Outdate() bool {
	if sb.Version < V08 || !sb.Flags.Has(Consistent) {
		return false
	}
	sb.Flags &^= WasUpToDate
	return true
}

// Invalidate marks the data as inconsistent and in need of a full sync.
func (sb *Superblock) Invalidate() {
	sb.Flags &^= Consistent
	if sb.Version >= V08 {
		sb.Flags &^= WasUpToDate
	}
	if sb.Version < V09 {
		sb.Flags |= FullSync
		return
	}
	for id := range sb.Peers {
		sb.Peers[id].Flags |= PeerFullSync
	}
}

// day0 returns the entry that remembers since when no new peer was seen: the
// last one that belongs to nobody.
func (sb *Superblock) day0() (Peer, bool) {
	for id := MaxPeers - 1; id >= 0; id-- {
		if sb.isDay0(id) {
			return sb.Peers[id], true
		}
	}
	return Peer{}, false
}

func (sb *Superblock) isDay0(id int) bool {
	p := sb.Peers[id]
	return int32(id) != sb.NodeID && p.BitmapIndex == NoBitmapSlot && p.Flags == 0
}

// ForgetPeer frees the bitmap slot of a peer. What the slot contains stays.
func (sb *Superblock) ForgetPeer(node int) {
	p, _ := sb.day0()
	sb.Peers[node] = Peer{BitmapUUID: p.BitmapUUID, BitmapDagtag: p.BitmapDagtag, BitmapIndex: NoBitmapSlot}
}

// RepairDay0 gives entries that belong to nobody the bitmap UUID of day 0. It
// returns that UUID, and by node id those that were wrong.
func (sb *Superblock) RepairDay0() (UUID, map[int]UUID) {
	ref, ok := sb.day0()
	wrong := map[int]UUID{}
	for id := range sb.Peers {
		if p := &sb.Peers[id]; ok && sb.isDay0(id) && p.BitmapUUID != ref.BitmapUUID {
			wrong[id] = p.BitmapUUID
			p.BitmapUUID = ref.BitmapUUID
		}
	}
	return ref.BitmapUUID, wrong
}

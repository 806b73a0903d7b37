package adm

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"strings"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// Evidence is what is known on this node about the state of its resources.
type evidence struct {
	node   string // this node's name
	absent bool   // there is no module
	state  *netlinkapi.Snapshot
	copies map[copyID]report // what this node has, as compared with a peer's copy
	log    []logLine         // what the module told the kernel's log

	usersOf func(device string) []string // who has a block device open
	silent  func(address string) bool    // nobody on the local network has the address
}

// A copyID is a copy of a volume here, as counted for one peer.
type copyID struct{ minor, peer int }

// An exam is a resource and what is known about its state.
type exam struct {
	selection
	evidence
	have *netlinkapi.Resource // nil: the module does not know it
}

func (e exam) is84() bool { return e.state.Generation == schema.V84 }

// deviceUsers returns who has the resource's devices open.
func (e exam) deviceUsers() []string {
	var all []string
	for _, device := range devicesOf(e.res) {
		all = append(all, e.usersOf(device)...)
	}
	return all
}

// investigate asks the module and the host.
func (t *tool) investigate(ctx context.Context) (evidence, error) {
	e := evidence{node: t.node, copies: map[copyID]report{}, usersOf: t.usersOf, silent: t.silent}
	ctx, cancel := t.limited(ctx, short)
	defer cancel()
	client, err := netlinkapi.Dial(ctx, netlinkapi.Options{Socket: t.env.NetlinkSocket()})
	if errors.Is(err, netlinkapi.ErrNoModule) {
		e.absent, e.state = true, netlinkapi.NewSnapshot(t.gen)
		return e, nil
	}
	if err != nil {
		return e, err
	}
	defer client.Close()
	if e.state, err = client.Snapshot(ctx, ""); err != nil {
		return e, err
	}
	if e.state.Generation == schema.V84 {
		err = e.askStatus(ctx, client)
	} else {
		e.readStatistics()
	}
	e.log = parseLog(readKernelLog(t.env.Path("/dev/kmsg")))
	return e, err
}

// kibPerBit is how much data one bit of the bitmap stands for.
const kibPerBit = 4

// askStatus learns what this node has from DRBD 8.4, which tells nothing about
// peers while it is StandAlone.
func (e *evidence) askStatus(ctx context.Context, client *netlinkapi.Client) error {
	for m, err := range client.Dump(ctx, netlinkapi.Request{Op: schema.GetStatus}) {
		if err != nil {
			return err
		}
		info := m.Get(schema.StateInfo)
		ids := identifiers(info, "uuids")
		if len(ids) < 2 {
			continue // no disk
		}
		e.copies[copyID{minor: int(m.Minor)}] = report{lineage{ids[0], ids[1], ids[2:]}, info.Uint("bits_oos") * kibPerBit}
	}
	return nil
}

// readStatistics learns what this node has from the statistics of DRBD 9.
func (e *evidence) readStatistics() {
	for _, r := range e.state.Resources {
		for _, c := range r.Connections {
			for _, p := range c.PeerDevices {
				d := r.Device(p.Volume)
				if d == nil || d.Stats.Uint("dev_current_uuid") == 0 {
					continue
				}
				e.copies[copyID{int(d.Minor), int(c.PeerNodeID)}] = report{
					lineage{d.Stats.Uint("dev_current_uuid"), p.Stats.Uint("peer_dev_bitmap_uuid"), identifiers(d.Stats, "history_uuids")},
					p.Stats.Uint("peer_dev_out_of_sync") / 2,
				}
			}
		}
	}
}

// identifiers returns generations that the module reports as native-endian words.
func identifiers(v *schema.Values, key string) []uint64 {
	raw := []byte(v.Str(key))
	ids := make([]uint64, 0, len(raw)/8)
	for ; len(raw) >= 8; raw = raw[8:] {
		ids = append(ids, binary.NativeEndian.Uint64(raw))
	}
	return ids
}

// knows reports whether the module told a fact, which another release or
// generation may not know.
func knows(v *schema.Values, key string) bool {
	return v != nil && v.Set.Field(key) != nil && v.Has(key)
}

// said reports whether the module told that something is so.
func said(v *schema.Values, key string) bool { return knows(v, key) && v.Bool(key) }

// silent reports whether the kernel asked the local network for an address and
// nobody answered. That it does not know an address means nothing.
func (t *tool) silent(address string) bool {
	text, _ := os.ReadFile(t.env.Path("/proc/net/arp"))
	for line := range strings.Lines(string(text)) {
		// IP address, HW type, flags, HW address, mask, device
		if words := strings.Fields(line); len(words) == 6 && words[0] == address {
			return words[2] == "0x0"
		}
	}
	return false
}

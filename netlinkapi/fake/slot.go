package fake

import (
	"slices"

	"drbdutils/meta"
	"drbdutils/schema"
)

// A disk of DRBD 9 has a bitmap slot for each peer.

// takeSlot gives the peer a bitmap slot on the disk, unless it has one or needs
// none.
func (pd *peerDevice) takeSlot() schema.Code {
	pd.slot = meta.NoBitmapSlot
	if pd.disk == nil {
		return schema.NoError
	}
	sb := pd.disk.image.Super
	entry := pd.entry()
	if entry.BitmapIndex == meta.NoBitmapSlot {
		if !pd.opts.Bool("bitmap") || !pd.disk.conf.Bool("d_bitmap") {
			entry.Flags |= meta.PeerNodeExists
			return schema.NoError
		}
		slot := freeSlot(sb)
		if slot < 0 {
			return schema.ErrInvalidRequest
		}
		entry.BitmapUUID, entry.BitmapIndex = dayZero(sb), int32(slot)
		pd.startSlot(slot)
	}
	pd.slot = int(entry.BitmapIndex)
	return schema.NoError
}

// startSlot begins the bitmap of a peer that had none. What a peer that was never
// seen misses is what was written since the metadata is new.
func (pd *peerDevice) startSlot(slot int) {
	if slot < len(pd.disk.bits) && pd.disk.current() != uuidJustCreated {
		pd.disk.bits[slot].setAll()
	}
}

// unknown returns the entries of nodes that were never heard of.
func unknown(sb *meta.Superblock) []*meta.Peer {
	var list []*meta.Peer
	for id := range sb.Peers {
		if p := &sb.Peers[id]; int32(id) != sb.NodeID && p.BitmapIndex == meta.NoBitmapSlot && p.Flags == 0 {
			list = append(list, p)
		}
	}
	return list
}

// dayZero is the generation that the data began with, 0 if it did not yet: what all
// nodes miss that were never heard of.
func dayZero(sb *meta.Superblock) meta.UUID {
	if list := unknown(sb); len(list) > 0 {
		return list[len(list)-1].BitmapUUID
	}
	return 0
}

// freeSlot returns the lowest slot that no peer has, or -1.
func freeSlot(sb *meta.Superblock) int {
	for slot := range int(sb.MaxPeers) {
		if !slices.ContainsFunc(sb.Peers[:], func(p meta.Peer) bool { return p.BitmapIndex == int32(slot) }) {
			return slot
		}
	}
	return -1
}

// checkNode refuses metadata of another node, or with too few slots.
func (d *device) checkNode(disk *disk) schema.Code {
	sb := disk.image.Super
	own := int32(d.res.opts.Uint("node_id"))
	if sb.NodeID != meta.NoNodeID && sb.NodeID != own {
		return schema.ErrInvalidRequest
	}
	sb.NodeID = own
	sb.Peers[own].Flags |= meta.PeerNodeExists
	d.disk = disk
	defer func() { d.disk = nil }()
	for _, pd := range d.peers {
		if code := pd.takeSlot(); code != schema.NoError {
			return code
		}
	}
	return schema.NoError
}

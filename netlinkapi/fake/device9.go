package fake

import (
	"fmt"
	"slices"

	"drbdutils/meta"
	"drbdutils/schema"
)

// What DRBD 9 does to volumes otherwise than 8.4: a disk has a bitmap slot for each
// peer, and state changes are seen by all of them.

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

// self is the node id of this node.
func (r *resource) self() int { return int(r.opts.Uint("node_id")) }

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

// initial9 returns what the metadata says of the disk. Data of a node that may have
// missed something is merely Consistent, where fencing makes the difference.
func (d *device) initial9() schema.DiskState {
	flags := d.disk.flags
	switch {
	case !flags.Has(meta.Consistent):
		return schema.Inconsistent
	case !flags.Has(meta.WasUpToDate):
		return schema.Outdated
	}
	for _, p := range d.disk.image.Super.Peers {
		if p.Flags.Has(meta.PeerFencing) && !p.Flags.Has(meta.PeerIsOutdated) {
			return schema.Consistent
		}
	}
	return schema.UpToDate
}

// awake9 is awake for DRBD 9.
func (d *device) awake9() func() {
	return func() {
		next := d.initial9()
		if d.replicated() {
			d.negotiated, next = next, schema.Negotiating
		}
		d.own.disk = next
		for _, pd := range d.peers {
			known := pd.entry().Flags
			if pd.conn.state < wfReportParams && known.Has(meta.PeerIsOutdated) {
				pd.part.pdsk = schema.Outdated
			}
		}
	}
}

func (m *Module) detach9(r *request) schema.Code {
	d := r.device
	if r.parms.Bool("intentional_diskless_detach") {
		d.conf.SetBool("intentional_diskless", true)
	}
	if c := d.neededBy(); c != nil && !r.parms.Bool("force_detach") {
		return r.declined(c)
	}
	return d.detach9(r.parms.Bool("force_detach"))
}

// detach9 takes the disk away. Without force it refuses to take the last current
// data from a Primary.
func (d *device) detach9(force bool) schema.Code {
	if d.own.disk == schema.Diskless {
		return schema.StateDone
	}
	if !force && d.own.role == schema.Primary && !d.peerUpToDate() {
		return schema.StateNoUpToDateDisk
	}
	d.flush()
	d.setDisk(schema.Detaching)
	d.setDisk(schema.Diskless)
	return schema.StateDone
}

func (m *Module) newCurrentUUID9(r *request) schema.Code {
	d := r.device
	clear, fresh := r.parms.Bool("clear_bm"), d.disk.current() == uuidJustCreated
	if d.replicated() && (!fresh || !clear && !r.parms.Bool("force_resync")) {
		return schema.ErrConnected
	}
	for _, pd := range d.peers {
		pd.clearBitmapUUID()
	}
	if clear {
		for _, b := range d.disk.bits {
			b.clearAll()
		}
		d.flush()
	}
	d.newCurrentUUID()
	if fresh && (clear || d.replicated()) {
		d.skipInitial(clear)
	}
	return schema.NoError
}

// skipInitial gives peers with fresh metadata the new generation, with a resync or
// without.
func (d *device) skipInitial(clear bool) {
	d.forced = !clear
	for _, pd := range d.peers {
		if pd.part.conn != connected || pd.peer == nil || pd.peer.uuids.at(uuidCurrent) != uuidJustCreated {
			continue
		}
		if clear {
			pd.setBitmapUUID(0)
		}
		p := pd.reportPacket(reportUUIDs)
		p.SkipInitial = clear
		pd.conn.link.send(p)
	}
	d.alSuspended = d.alSuspended && !clear
	d.res.attempt(nil, true, func() {
		d.own.disk = schema.UpToDate
		for _, pd := range d.peers {
			if clear && pd.part.conn == connected && pd.part.pdsk >= schema.Inconsistent {
				pd.part.pdsk = schema.UpToDate
			}
		}
	})
	d.save()
	d.report(reportState)
}

func (m *Module) outdate9(r *request) schema.Code {
	d := r.device
	switch {
	case d.own.disk == schema.Outdated:
		return schema.StateNothingToDo
	case d.own.disk == schema.Diskless:
		return schema.StateIsDiskless
	case d.own.disk < schema.Outdated:
		return schema.StateLowerThanOutdated
	case d.own.role == schema.Primary:
		return schema.StateNoUpToDateDisk
	}
	return d.setDisk(schema.Outdated)
}

func (m *Module) invalidate9(r *request) schema.Code {
	d := r.device
	from := r.parms.Int("sync_from_peer_node_id")
	if !r.parms.Has("sync_from_peer_node_id") {
		from = -1
	}
	for _, pd := range d.peers {
		if pd.part.conn == connected && pd.part.pdsk == schema.UpToDate && (from < 0 || int(from) == pd.conn.node) {
			return pd.request(change{Conn: new(startingSyncT)})
		}
	}
	if d.replicated() || d.own.role == schema.Primary {
		return schema.StateNoUpToDateDisk
	}
	code := d.setDisk(schema.Inconsistent)
	for _, b := range d.disk.bits {
		b.setAll()
	}
	d.flush()
	return code
}

func (m *Module) resize9(r *request) schema.Code {
	d := r.device
	if slices.ContainsFunc(d.peers, func(pd *peerDevice) bool { return pd.part.conn > connected }) {
		return schema.ErrResizeResync
	}
	if d.disk.regrow() != nil {
		return schema.ErrMetaIO
	}
	if want := r.parms.Uint("resize_size"); want > d.disk.size {
		return schema.ErrDiskTooSmall
	}
	return d.resizeTo(r.parms.Uint("resize_size"), r.parms.Bool("no_resync"))
}

// down9 takes a resource away with all that belongs to it.
func (m *Module) down9(r *request) schema.Code {
	res := r.resource
	if code := res.demote(false); !code.OK() {
		r.refuse(code, "failed to demote")
		r.nameOpeners()
		return code
	}
	for _, c := range slices.Clone(res.conns) {
		if code := c.disconnect(false); !code.OK() {
			return r.refuse(code, "failed to disconnect")
		}
		c.remove()
	}
	for _, d := range slices.Clone(res.devices) {
		if code := d.detach9(false); !code.OK() {
			return r.refuse(code, "failed to detach")
		}
		d.remove()
	}
	res.remove()
	return schema.NoError
}

// client reports whether the device has no disk on purpose.
func (d *device) client() bool { return d.conf.Bool("intentional_diskless") }

// client reports whether the peer has no disk on purpose.
func (pd *peerDevice) client() bool { return pd.peerClient }

// diskTexts are what DRBD 9 says when it refuses a disk.
var diskTexts = map[schema.Code]string{
	schema.ErrMetaInvalid: "Meta data magic not found. Did you \"drbdadm create-md\"?\n",
}

// explain adds a word to a refusal of DRBD 9.
func (r *request) explain(code schema.Code) schema.Code {
	if text, ok := diskTexts[code]; ok && r.resource.m.gen == schema.V9 {
		r.texts = append(r.texts, text)
	}
	return code
}

// neededBy returns the connection to a Primary without any other current data than
// that here.
func (d *device) neededBy() *connection {
	for _, pd := range d.peers {
		alone := pd.part.pdsk < schema.UpToDate && !d.peerUpToDate()
		if pd.conn.peer == schema.Primary && alone && d.own.disk == schema.UpToDate {
			return pd.conn
		}
	}
	return nil
}

// declined says which peer refused.
func (r *request) declined(c *connection) schema.Code {
	return r.refuse(schema.StateFailedByPeer,
		fmt.Sprintf("Declined by peer %s (id: %d), see the kernel log there", c.net.Str("name"), c.node))
}

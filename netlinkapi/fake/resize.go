package fake

import (
	"slices"

	"drbdutils/meta"
	"drbdutils/schema"
)

func (m *Module) resizeCmd(r *request) schema.Code {
	pd := r.peer
	switch {
	case pd.state().conn > connected:
		return schema.ErrResizeResync
	case pd.state().role == schema.Secondary && pd.state().peer == schema.Secondary:
		return schema.ErrNoPrimary
	}
	return pd.resizeTo(r.parms.Uint("resize_size"), r.parms.Bool("no_resync"))
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

// agreeSize takes the smaller size of both disks when the peers meet. It refuses
// to cut off data.
func (pd *peerDevice) agreeSize(p packet) bool {
	pd.peerSize = p.Offered
	if pd.disk != nil && p.Wanted > 0 {
		pd.agreeWish(p.Wanted)
	}
	if !pd.attached() {
		if pd.own.disk == schema.Diskless && p.Size > 0 {
			pd.size = p.Size
		}
		return true
	}
	if pd.bestSize() < pd.size && pd.own.disk >= schema.Outdated {
		return false
	}
	pd.resize(pd.bestSize(), false)
	return true
}

// agreeWish takes the smaller of what the administrators of both ends want.
func (pd *peerDevice) agreeWish(theirs uint64) {
	if mine := pd.disk.conf.Uint("disk_size"); mine == 0 || theirs < mine {
		pd.disk.conf.SetUint("disk_size", theirs)
	}
}

// bestSize is the size, in sectors, that all disks can have. As long as no peer said
// what its disk has, a device does not grow.
func (d *device) bestSize() uint64 {
	size, known := d.disk.offered(), false
	for _, pd := range d.peers {
		if pd.peerSize > 0 {
			size, known = min(size, pd.peerSize), true
		}
	}
	if !known && d.size > 0 {
		size = min(size, d.size)
	}
	return size
}

// resize gives the device and its bitmaps another size, in sectors, and reports
// whether it grew. What is added is in sync nowhere, unless it counts as clean.
func (d *device) resize(size uint64, clean bool) (grew bool) {
	if size == d.size {
		return false
	}
	grew = size > d.size
	for slot, old := range d.disk.bits {
		b := old.resized(size)
		if b.bits > old.bits && !clean {
			b.mark(old.bits, b.bits-old.bits)
		}
		d.disk.bits[slot] = b
	}
	d.size = size
	d.flush()
	d.save()
	return grew
}

// resizeTo carries out the administrator's wish for a size; 0 is all there is.
func (d *device) resizeTo(wanted uint64, clean bool) schema.Code {
	d.disk.conf.SetUint("disk_size", wanted)
	if d.disk.regrow() != nil {
		return schema.ErrMetaIO
	}
	grew := d.fitSize(clean)
	d.report(reportUUIDs)
	for _, pd := range d.peers {
		pd.tellSize(clean)
		if grew {
			pd.syncGrown(clean)
		}
	}
	return schema.NoError
}

// fitSize resizes to what all disks can have, with an empty activity log.
func (d *device) fitSize(clean bool) (grew bool) {
	if size := d.bestSize(); size != d.size {
		grew = d.resize(size, clean)
		if d.disk.resetLog() != nil {
			d.ioError()
		}
	}
	return grew
}

func (pd *peerDevice) tellSize(clean bool) {
	if l := pd.conn.link; l != nil && pd.part.conn >= connected {
		l.send(packet{
			Kind: resized, Volume: pd.volume, Size: pd.size, Clean: clean,
			Offered: pd.disk.offered(), Wanted: pd.disk.conf.Uint("disk_size"),
		})
	}
}

// peerResized follows the peer, and answers until both have the same size.
func (pd *peerDevice) peerResized(p packet) {
	pd.peerSize = p.Offered
	if !pd.attached() {
		pd.size = p.Size
		return
	}
	pd.disk.conf.SetUint("disk_size", p.Wanted)
	if pd.disk.regrow() != nil {
		pd.ioError()
		return
	}
	before := pd.size
	grew := pd.fitSize(p.Clean)
	if pd.size != before || pd.size != p.Size {
		pd.tellSize(p.Clean)
	}
	if grew {
		pd.syncGrown(p.Clean)
	}
}

// syncGrown brings what was added to the same content on both disks. A Primary
// has it already.
func (pd *peerDevice) syncGrown(clean bool) {
	s := pd.state()
	if clean || s.conn != connected || s.pdsk < schema.Inconsistent {
		return
	}
	source := pd.conn.link.resolves
	if s.role != s.peer {
		source = s.role == schema.Primary
	}
	if source {
		pd.startSource()
		return
	}
	if pd.res.m.gen == schema.V84 {
		pd.set(change{Conn: new(wfSyncUUID)}, true)
	}
}

// regrow looks at the sizes of the disks anew. Internal metadata moves to the end
// of a disk that grew.
func (d *disk) regrow() error {
	dataSize, err := sizeOf(d.data)
	if err != nil {
		return err
	}
	mdSize, err := sizeOf(d.md)
	if err != nil {
		return err
	}
	idx, old := d.image.Place.Index, d.image
	if place, err := meta.SuperblockOffset(idx, mdSize); err != nil || place != old.Place.Superblock {
		if err := d.moveMeta(old, idx, mdSize); err != nil {
			return err
		}
	}
	d.size = d.image.Place.UsableSectors(d.image.Super.Geometry())
	if !idx.Internal() {
		d.size = min(d.size, uint64(dataSize/512))
	}
	return nil
}

// moveMeta writes the metadata where it belongs on a disk of another size.
func (d *disk) moveMeta(old *meta.Image, idx meta.Index, size int64) error {
	image, err := meta.Create(d.md, size, meta.CreateOptions{
		Version: old.Super.Version, Index: idx, Geometry: old.Super.Geometry(), Bitmap: meta.InitSkip,
	})
	if err != nil {
		return err
	}
	now, was := image.Super, old.Super
	now.DeviceUUID, now.Current, now.Peers, now.History = was.DeviceUUID, was.Current, was.Peers, was.History
	now.Members, now.NodeID = was.Members, was.NodeID
	d.image = image
	for _, b := range d.bits {
		b.touchAll()
	}
	return d.resetLog()
}

// resetLog makes the activity log empty.
func (d *disk) resetLog() error {
	if !d.logged() {
		return nil
	}
	d.log = newActivityLog(int(d.conf.Uint("al_extents")))
	if d.version == meta.V08 { // DRBD 9 does not count them
		d.alWrites += d.logBlocks()
	}
	return d.image.ResetAL()
}

// logBlocks is the size of the activity log, in blocks of 4 KiB.
func (d *disk) logBlocks() uint64 {
	return uint64(d.image.Super.ALStripes * d.image.Super.ALStripeBlocks)
}

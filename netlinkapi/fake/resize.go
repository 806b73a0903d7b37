package fake

import (
	"drbdutils/meta"
	"drbdutils/schema"
)

// agreeSize takes the smaller size of both disks when the peers meet. It refuses
// to cut off data.
func (d *device) agreeSize(p packet) bool {
	d.peerSize = p.Offered
	if !d.attached() {
		if d.state.disk == schema.Diskless && p.Size > 0 {
			d.size = p.Size
		}
		return true
	}
	if d.bestSize() < d.size && d.state.disk >= schema.Outdated {
		return false
	}
	d.resize(d.bestSize(), false)
	return true
}

// bestSize is the size, in sectors, that both disks can have.
func (d *device) bestSize() uint64 {
	size := d.disk.offered()
	if d.peerSize > 0 {
		size = min(size, d.peerSize)
	}
	return size
}

// resize gives the device and its bitmap another size, in sectors, and reports
// whether it grew. What is added is in sync nowhere, unless it counts as clean.
func (d *device) resize(size uint64, clean bool) (grew bool) {
	if size == d.size {
		return false
	}
	grew = size > d.size
	before := d.disk.bits.bits
	d.disk.bits = d.disk.bits.resized(size)
	if after := d.disk.bits.bits; after > before && !clean {
		d.disk.bits.mark(before, after-before)
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
	d.tellSize(clean)
	if grew {
		d.syncGrown(clean)
	}
	return schema.NoError
}

// fitSize resizes to what both disks can have, with an empty activity log.
func (d *device) fitSize(clean bool) (grew bool) {
	if size := d.bestSize(); size != d.size {
		grew = d.resize(size, clean)
		if d.disk.resetLog() != nil {
			d.ioError()
		}
	}
	return grew
}

func (d *device) tellSize(clean bool) {
	if l := d.res.conn.link; l != nil && d.state.conn >= connected {
		l.send(packet{
			Kind: resized, Volume: d.volume, Size: d.size, Clean: clean,
			Offered: d.disk.offered(), Wanted: d.disk.conf.Uint("disk_size"),
		})
	}
}

// peerResized follows the peer, and answers until both have the same size.
func (d *device) peerResized(p packet) {
	d.peerSize = p.Offered
	if !d.attached() {
		d.size = p.Size
		return
	}
	d.disk.conf.SetUint("disk_size", p.Wanted)
	if d.disk.regrow() != nil {
		d.ioError()
		return
	}
	before := d.size
	grew := d.fitSize(p.Clean)
	if d.size != before || d.size != p.Size {
		d.tellSize(p.Clean)
	}
	if grew {
		d.syncGrown(p.Clean)
	}
}

// syncGrown brings what was added to the same content on both disks. A Primary
// has it already.
func (d *device) syncGrown(clean bool) {
	if clean || d.state.conn != connected || d.state.pdsk < schema.Inconsistent {
		return
	}
	source := d.res.conn.link.resolves
	if d.state.role != d.state.peer {
		source = d.state.role == schema.Primary
	}
	if source {
		d.startSource()
		return
	}
	d.set(change{Conn: new(wfSyncUUID)}, true)
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
		geometry := old.Super.Geometry()
		d.image, err = meta.Create(d.md, mdSize, meta.CreateOptions{Version: meta.V08, Index: idx, Geometry: geometry, Bitmap: meta.InitSkip})
		if err != nil {
			d.image = old
			return err
		}
		d.image.Super.DeviceUUID = old.Super.DeviceUUID
		d.bits.touchAll()
		if err := d.resetLog(); err != nil {
			return err
		}
	}
	d.size = d.image.Place.UsableSectors(d.image.Super.Geometry())
	if !idx.Internal() {
		d.size = min(d.size, uint64(dataSize/512))
	}
	return nil
}

// resetLog makes the activity log empty.
func (d *disk) resetLog() error {
	if !d.logged() {
		return nil
	}
	d.log = newActivityLog(int(d.conf.Uint("al_extents")))
	d.alWrites += uint64(d.image.Super.ALStripes * d.image.Super.ALStripeBlocks)
	return d.image.ResetAL()
}

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
	g := pd.disk.wants(r.parms)
	if code := pd.checkLayout(g, r.parms.Bool("resize_force")); code != schema.NoError {
		return code
	}
	return pd.resizeTo(sizeWish{sectors: r.parms.Uint("resize_size"), clean: r.parms.Bool("no_resync"), layout: g})
}

func (m *Module) resize9(r *request) schema.Code {
	d := r.device
	if slices.ContainsFunc(d.peers, func(pd *peerDevice) bool { return pd.part.conn > connected }) {
		return schema.ErrResizeResync
	}
	want := sizeWish{
		sectors: r.parms.Uint("resize_size"), clean: r.parms.Bool("no_resync"), force: r.parms.Bool("resize_force"),
		layout: d.disk.image.Super.Geometry(), // compat: 9.3.3 takes another one, and does nothing
	}
	if want.sectors > d.disk.room(want.layout) {
		return schema.ErrDiskTooSmall
	}
	d.askSizes()
	if d.disk == nil {
		return schema.ErrNoDisk
	}
	return d.resizeTo(want)
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
	if size := pd.bestSize(); size < pd.size && pd.own.disk >= schema.Outdated {
		pd.say("The peer's disk size is too small! (%d < %d sectors)", size, pd.size)
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

// A sizeWish is what an administrator wants of a device.
type sizeWish struct {
	sectors uint64        // 0 is all there is
	clean   bool          // what is added counts as in sync
	force   bool          // peers that are away count as large enough
	layout  meta.Geometry // of the metadata
}

// resizeTo carries it out.
func (d *device) resizeTo(want sizeWish) schema.Code {
	d.disk.conf.SetUint("disk_size", want.sectors)
	if code := d.layOut(want); code != schema.NoError {
		return code
	}
	size := d.bestSize()
	if d.res.m.gen == schema.V9 && !want.force && d.alone() {
		size = min(size, d.size)
	}
	grew := d.setSize(size, want.clean)
	d.report(reportUUIDs)
	for _, pd := range d.peers {
		pd.tellSize(want.clean)
		if grew {
			pd.syncGrown(want.clean)
		}
	}
	return schema.NoError
}

// wants returns the layout that a request asks for.
func (d *disk) wants(parms *schema.Values) meta.Geometry {
	g := d.image.Super.Geometry()
	if v, ok := parms.Get("al_stripes"); ok {
		g.ALStripes = uint32(v.Num)
	}
	if v, ok := parms.Get("al_stripe_size"); ok {
		g.ALStripeBlocks = uint32(v.Num) * 1024 / blockSize
	}
	return g
}

// Limits of the activity log when its layout is changed, in KiB.
const (
	minLogKiB = 32
	maxLogKiB = 16 << 20
)

// checkLayout refuses another layout of the metadata.
func (pd *peerDevice) checkLayout(g meta.Geometry, force bool) schema.Code {
	kib := uint64(g.ALStripes) * uint64(g.ALStripeBlocks) * blockSize / 1024
	switch {
	case g == pd.disk.image.Super.Geometry():
	case kib > maxLogKiB:
		return schema.ErrLayoutTooBig
	case kib < minLogKiB:
		return schema.ErrLayoutTooSmall
	case pd.part.conn != connected && !force:
		return schema.ErrLayoutConnected
	}
	return schema.NoError
}

// layOut gives the metadata the layout that is wanted, on a disk that may have another
// size now. It refuses what would make the device smaller without anybody saying so.
func (d *device) layOut(want sizeWish) schema.Code {
	if want.layout != d.disk.image.Super.Geometry() {
		room := d.disk.room(want.layout)
		switch {
		case room < d.size && want.sectors == 0:
			return schema.ErrImplicitShrink
		case room < want.sectors:
			return schema.ErrLayoutNoFit
		}
	}
	if d.disk.regrow(want.layout) != nil {
		return schema.ErrMetaIO
	}
	return schema.NoError
}

// setSize resizes, with an empty activity log.
func (d *device) setSize(size uint64, clean bool) (grew bool) {
	if size == d.size {
		return false
	}
	grew = d.resize(size, clean)
	if d.disk.resetLog() != nil {
		d.ioError()
	}
	return grew
}

func (pd *peerDevice) tellSize(clean bool) {
	pd.send(packet{
		Kind: resized, Volume: pd.volume, Size: pd.size, Clean: clean,
		Offered: pd.disk.offered(), Wanted: pd.disk.conf.Uint("disk_size"),
	})
}

// send sends the peer a packet, and reports whether there is one to get it.
func (pd *peerDevice) send(p packet) bool {
	l := pd.conn.link
	if l == nil || pd.part.conn < connected {
		return false
	}
	l.send(p)
	return true
}

// askSizes has the peers say, in DRBD 9, what their disks could have by now.
func (d *device) askSizes() {
	var asked []*peerDevice
	for _, pd := range d.peers {
		if pd.send(packet{Kind: sizeAsk, Volume: pd.volume}) {
			pd.sizeKnown = false
			asked = append(asked, pd)
		}
	}
	for _, pd := range asked {
		d.res.m.wait(func() bool { return pd.sizeKnown || pd.part.conn < connected })
	}
}

// saySize answers that, with what there is room for.
func (pd *peerDevice) saySize() {
	if pd.attached() {
		pd.offer(pd.disk.room(pd.disk.image.Super.Geometry()))
	} else {
		pd.offer(0)
	}
}

func (pd *peerDevice) offer(sectors uint64) {
	pd.send(packet{Kind: sizeTold, Volume: pd.volume, Offered: sectors})
}

func (pd *peerDevice) noteSize(p packet) {
	pd.peerSize, pd.sizeKnown = p.Offered, true
	pd.res.m.changed.Broadcast()
}

// peerResized follows the peer. In DRBD 8.4, both answer until they have the same
// size; in 9, it was agreed on before.
func (pd *peerDevice) peerResized(p packet) {
	pd.peerSize = p.Offered
	if !pd.attached() {
		pd.size = p.Size
		return
	}
	pd.disk.conf.SetUint("disk_size", p.Wanted)
	if pd.disk.regrow(pd.disk.image.Super.Geometry()) != nil {
		pd.ioError()
		return
	}
	before, grew := pd.size, false
	if pd.res.m.gen == schema.V9 {
		grew = pd.setSize(p.Size, p.Clean)
		for _, other := range pd.device.peers {
			other.offer(pd.disk.offered())
		}
	} else if grew = pd.setSize(pd.bestSize(), p.Clean); pd.size != before || pd.size != p.Size {
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

// regrow looks at the sizes of the disks anew. Internal metadata moves to the end of a
// disk that grew, and all of it to where another layout wants it.
func (d *disk) regrow(layout meta.Geometry) error {
	mdSize, err := sizeOf(d.md)
	if err != nil {
		return err
	}
	idx, old := d.image.Place.Index, d.image
	place, err := meta.SuperblockOffset(idx, mdSize)
	if err != nil || place != old.Place.Superblock || layout != old.Super.Geometry() {
		if err := d.moveMeta(old, idx, mdSize, layout); err != nil {
			return err
		}
	}
	d.size = d.room(layout)
	return nil
}

// room is the size, in sectors, that the disk could have with a layout of the
// metadata; 0 if that does not fit.
func (d *disk) room(layout meta.Geometry) uint64 {
	mdSize, err := sizeOf(d.md)
	if err != nil {
		return 0
	}
	idx := d.image.Place.Index
	place, err := meta.NewPlace(idx, mdSize, layout)
	if err != nil {
		return 0
	}
	size := place.UsableSectors(layout)
	if dataSize, err := sizeOf(d.data); err == nil && !idx.Internal() {
		size = min(size, uint64(dataSize/512))
	}
	return size
}

// moveMeta writes the metadata where it belongs on a disk of another size.
func (d *disk) moveMeta(old *meta.Image, idx meta.Index, size int64, layout meta.Geometry) error {
	image, err := meta.Create(d.md, size, meta.CreateOptions{
		Version: old.Super.Version, Index: idx, Geometry: layout, Bitmap: meta.InitSkip,
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

package fake

import (
	"strings"

	"drbdutils/meta"
	"drbdutils/schema"
)

func (m *Module) attach(r *request) schema.Code {
	d := r.device
	if d.own.disk > schema.Diskless {
		m.freed = m.freed || strings.HasPrefix(m.cfg.Version, "9.3.")
		return schema.ErrDiskConfigured
	}
	conf, code := r.options(m, schema.DiskConf, nil)
	if code != schema.NoError {
		return code
	}
	conf = m.clamped(conf)
	if code := m.checkDiskOptions(d, conf); code != schema.NoError {
		return code
	}
	if code := m.claim(conf); code != schema.NoError {
		return code
	}
	disk, code := m.openDisk(conf)
	if code != schema.NoError {
		return r.explain(code)
	}
	if m.gen == schema.V9 {
		if code := d.checkNode(disk); code != schema.NoError {
			disk.close()
			return code
		}
	}
	r.resource.attached = true
	return d.attach(disk)
}

// claim refuses a disk that another device holds.
func (m *Module) claim(conf *schema.Values) schema.Code {
	for _, other := range m.minors {
		if other.disk == nil {
			continue
		}
		if other.disk.conf.Str("backing_dev") == conf.Str("backing_dev") {
			return m.claimed()
		}
		if other.disk.conf.Str("backing_dev") == conf.Str("meta_dev") {
			return schema.ErrClaimMetaDisk
		}
	}
	return schema.NoError
}

// claimed is how a disk in use is refused: DRBD 9 fails to open it.
func (m *Module) claimed() schema.Code {
	if m.gen == schema.V9 {
		return schema.ErrOpenDisk
	}
	return schema.ErrClaimDisk
}

// diskTexts are what DRBD 9 says when it refuses a disk.
var diskTexts = map[schema.Code]string{
	schema.ErrMetaUnclean: "Found unclean meta data. Did you \"drbdadm apply-al\"?\n",
	schema.ErrMetaInvalid: "Meta data magic not found. Did you \"drbdadm create-md\"?\n",
}

// explain adds a word to a refusal of DRBD 9.
func (r *request) explain(code schema.Code) schema.Code {
	if text, ok := diskTexts[code]; ok && r.resource.m.gen == schema.V9 {
		r.texts = append(r.texts, text)
	}
	return code
}

// attach gives the device its disk and decides what its data is worth.
func (d *device) attach(disk *disk) schema.Code {
	d.frozen, d.failed, d.forced = true, false, false
	defer func() { d.frozen = false }()
	attaching := func() { d.own.disk = schema.Attaching }
	if code := d.res.attempt(nil, false, attaching); !code.OK() {
		disk.close()
		return code
	}
	code := d.take(disk)
	if !code.OK() && code != schema.NoError {
		disk.close()
		d.disk = nil
		d.setDisk(schema.Diskless)
	}
	return code
}

// take looks at a disk that is being attached.
func (d *device) take(disk *disk) schema.Code {
	other := d.exposed != 0 && d.exposed&^uuidPrimary != disk.current()&^uuidPrimary
	if !d.replicated() && d.own.role == schema.Primary && other {
		return schema.ErrDataNotCurrent
	}
	size := disk.offered()
	if disk.agree > 0 {
		size = min(size, disk.agree) // it grows when the peer is there, or by command
	}
	if d.replicated() && d.size > 0 {
		if size < d.size {
			return schema.ErrDiskTooSmall
		}
		size = d.size
	}
	if err := disk.start(size); err != nil {
		return schema.ErrMetaIO
	}
	d.disk, d.size, d.backing = disk, size, disk.conf.Str("backing_dev")
	if d.res.m.gen == schema.V9 {
		d.conf.SetBool("intentional_diskless", false)
	}
	d.res.m.noteDependency(d)
	d.noteCrash()
	d.degraded = disk.flags.Has(meta.PrimaryInd) && !disk.flags.Has(meta.ConnectedInd)
	d.alSuspended = disk.hopeless() && !d.replicated()
	d.frozen = false
	if code := d.res.attempt(nil, false, d.awake()); !code.OK() {
		return code
	}
	if d.disk != nil && d.own.disk != schema.Negotiating {
		d.markRole()
		d.noteState(d.res.snapshot())
	}
	d.save()
	return schema.NoError
}

// noteCrash finds out whether the disk is one of a Primary that went down. In DRBD 9
// one that the node had before says nothing new.
func (d *device) noteCrash() {
	if d.res.m.gen == schema.V9 && d.exposed != 0 {
		return
	}
	flags, waited := d.disk.flags, d.own.role == schema.Primary && d.res.susp.noData
	d.crashed = flags.Has(meta.CrashedPrimary) || flags.Has(meta.PrimaryInd) && !waited
}

// replicated reports whether any peer is connected.
func (d *device) replicated() bool {
	for _, pd := range d.peers {
		if pd.part.conn >= connected {
			return true
		}
	}
	return false
}

// hopeless reports whether everything is out of sync anyway.
func (d *disk) hopeless() bool {
	for _, b := range d.bits {
		if b.set != b.bits {
			return false
		}
	}
	return true
}

// awake returns what makes the state what the metadata says. A peer that is
// connected has to agree first.
func (d *device) awake() func() {
	if d.res.m.gen == schema.V9 {
		return d.awake9()
	}
	return func() {
		for _, pd := range d.peers {
			next := d.disk.initial(pd.state())
			if pd.part.conn == connected {
				d.negotiated = next.disk
				next.disk, next.pdsk = schema.Negotiating, pd.part.pdsk
				d.frozen = true
			}
			pd.put(next)
		}
	}
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

// initial returns what the metadata says of the disk, and of the peer's.
func (disk *disk) initial(s state) state {
	switch {
	case !disk.flags.Has(meta.Consistent):
		s.disk = schema.Inconsistent
	case disk.flags.Has(meta.WasUpToDate):
		s.disk = schema.Consistent
	default:
		s.disk = schema.Outdated
	}
	if disk.flags.Has(meta.PeerOutdated) {
		s.pdsk = schema.Outdated
	}
	if s.disk == schema.Consistent && (s.pdsk == schema.Outdated || disk.conf.Uint("fencing") == fencingDontCare) {
		s.disk = schema.UpToDate
	}
	return s
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

// markRole sets the mark of the current UUID as the role says. The disk learns it
// when the superblock is written for another reason.
func (d *device) markRole() {
	u := &d.disk.image.Super.Current
	*u &^= uuidPrimary
	if d.own.role == schema.Primary {
		*u |= uuidPrimary
	}
}

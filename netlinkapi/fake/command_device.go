package fake

import (
	"math"

	"drbdutils/meta"
	"drbdutils/schema"
)

func (m *Module) attach(r *request) schema.Code {
	d := r.device
	if d.state.disk > schema.Diskless {
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
		return code
	}
	return d.attach(disk)
}

// claim refuses a disk that another device holds.
func (m *Module) claim(conf *schema.Values) schema.Code {
	for _, other := range m.minors {
		if other.disk == nil {
			continue
		}
		if other.disk.conf.Str("backing_dev") == conf.Str("backing_dev") {
			return schema.ErrClaimDisk
		}
		if other.disk.conf.Str("backing_dev") == conf.Str("meta_dev") {
			return schema.ErrClaimMetaDisk
		}
	}
	return schema.NoError
}

// Limits that the module enforces on al-extents.
const (
	minALExtents = 67
	maxALExtents = 65534
)

// clamped moves options into the limits of the module.
func (m *Module) clamped(conf *schema.Values) *schema.Values {
	return conf.SetUint("al_extents", min(max(conf.Uint("al_extents"), minALExtents), maxALExtents))
}

// checkDiskOptions refuses options that contradict the state or other devices.
func (m *Module) checkDiskOptions(d *device, conf *schema.Values) schema.Code {
	net := d.res.conn.net
	if conf.Uint("fencing") == fencingStonith && net != nil && net.Uint("wire_protocol") == protocolA {
		return schema.ErrStonithProtoA
	}
	return m.checkResyncAfter(d, conf.Int("resync_after"))
}

// checkResyncAfter refuses a dependency that ends at the device itself.
func (m *Module) checkResyncAfter(d *device, after int64) schema.Code {
	if after < -1 || after > maxMinor {
		return schema.ErrResyncAfter
	}
	for after >= 0 {
		other := m.minors[uint32(after)]
		if other == d {
			return schema.ErrResyncAfterCycle
		}
		if other == nil || other.disk == nil {
			return schema.NoError
		}
		after = other.disk.conf.Int("resync_after")
	}
	return schema.NoError
}

// attach gives the device its disk and decides what its data is worth.
func (d *device) attach(disk *disk) schema.Code {
	d.frozen, d.failed = true, false
	defer func() { d.frozen = false }()
	if code := d.set(change{Disk: new(schema.Attaching)}, false); !code.OK() {
		disk.close()
		return code
	}
	fail := func(code schema.Code) schema.Code {
		disk.close()
		d.disk = nil
		d.set(change{Disk: new(schema.Diskless)}, true)
		return code
	}
	other := d.exposed != 0 && d.exposed&^uuidPrimary != disk.uuids.at(uuidCurrent)
	if d.state.conn < connected && d.state.role == schema.Primary && other {
		return fail(schema.ErrDataNotCurrent)
	}
	size := disk.offered()
	if d.state.conn >= connected && d.size > 0 {
		if size < d.size {
			return fail(schema.ErrDiskTooSmall)
		}
		size = d.size
	}
	if err := disk.start(size); err != nil {
		return fail(schema.ErrMetaIO)
	}
	d.disk, d.size = disk, size
	d.crashed = disk.flags.Has(meta.CrashedPrimary) || disk.flags.Has(meta.PrimaryInd) && !(d.state.role == schema.Primary && d.res.susp.noData)
	d.degraded = disk.flags.Has(meta.PrimaryInd) && !disk.flags.Has(meta.ConnectedInd)
	d.alSuspended = disk.bits.set == disk.bits.bits
	next := disk.initial(d.state)
	if d.state.conn == connected {
		d.negotiated = next.disk
		next.disk, next.pdsk = schema.Negotiating, d.state.pdsk
	}
	d.frozen = next.disk == schema.Negotiating
	if code := d.set(change{Disk: &next.disk, PDsk: &next.pdsk}, false); !code.OK() {
		return fail(code)
	}
	if d.disk != nil && d.state.disk != schema.Negotiating {
		d.markRole()
	}
	d.save()
	return schema.NoError
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

// markRole sets the mark of the current UUID as the role says. The disk learns it
// when the superblock is written for another reason.
func (d *device) markRole() {
	u := &d.disk.uuids[uuidCurrent]
	*u &^= uuidPrimary
	if d.state.role == schema.Primary {
		*u |= uuidPrimary
	}
}

func (m *Module) diskOptions(r *request) schema.Code {
	d := r.device
	if d.disk == nil {
		return schema.ErrNoDisk
	}
	conf, code := r.options(m, schema.DiskConf, d.disk.conf)
	if code == schema.NoError {
		code = m.checkDiskOptions(d, m.clamped(conf))
	}
	if code == schema.NoError {
		d.disk.conf = conf
		d.noteLogging()
	}
	return code
}

// noteLogging stores whether the activity log can be relied on after a crash.
func (d *device) noteLogging() {
	before := d.disk.flags
	d.disk.flags &^= meta.ALDisabled
	if !d.disk.logged() {
		d.disk.flags |= meta.ALDisabled
	}
	if d.disk.flags != before {
		d.save()
	}
}

func (m *Module) detach(r *request) schema.Code {
	parms, code := r.parms(m, schema.DetachParms)
	if code != schema.NoError {
		return code
	}
	return r.device.detach(parms.Bool("force_detach"))
}

func (d *device) detach(force bool) schema.Code {
	d.frozen = true
	defer func() { d.frozen = false }()
	failed := change{Disk: new(schema.Failed)}
	code := schema.StateDone
	if force {
		code = d.set(failed, true)
	} else {
		code = d.request(failed)
	}
	if code == schema.StateIsDiskless {
		return schema.StateNothingToDo
	}
	return code
}

func (m *Module) resizeCmd(r *request) schema.Code {
	d := r.device
	parms, code := r.parms(m, schema.ResizeParms)
	switch {
	case code != schema.NoError:
		return code
	case d.disk == nil:
		return schema.ErrNoDisk
	case d.state.conn > connected:
		return schema.ErrResizeResync
	case d.state.role == schema.Secondary && d.state.peer == schema.Secondary:
		return schema.ErrNoPrimary
	}
	return d.resizeTo(parms.Uint("resize_size"), parms.Bool("no_resync"))
}

func (m *Module) promote(r *request) schema.Code {
	parms, code := r.parms(m, schema.SetRoleParms)
	if code != schema.NoError {
		return code
	}
	return r.device.promote(parms.Bool("assume_uptodate"))
}

// promotions is how often a promotion is tried in other ways when it is refused.
const promotions = 4

// promote makes the node Primary for a device. With force, data that is not
// known to be current is taken for UpToDate.
func (d *device) promote(force bool) schema.Code {
	want := change{Role: new(schema.Primary)}
	forced := false
	code := schema.StateUnknownError
	for range promotions {
		code = d.request(want)
		low := d.state.disk >= schema.Inconsistent && d.state.disk < schema.UpToDate
		switch {
		case code == schema.StateNoUpToDateDisk && force && low && !forced:
			want.Disk, forced = new(schema.UpToDate), true
			continue
		case code == schema.StatePrimaryNop && want.PDsk == nil:
			fenced := d.res.conn.fencePeer(d.res.m.ctx)
			if !fenced && force {
				want.PDsk = new(schema.Outdated)
			}
			if fenced || force {
				continue
			}
		}
		break
	}
	if !code.OK() || code == schema.StateNothingToDo {
		return code
	}
	if net := d.res.conn.net; net != nil {
		net.SetBool("discard_my_data", false)
	}
	if d.disk != nil {
		alone := d.state.conn < connected || d.state.pdsk <= schema.Failed
		if alone && d.disk.uuids[uuidBitmap] == 0 || forced {
			d.newCurrentUUID()
		}
		d.markRole()
	}
	if forced {
		d.report(reportUUIDs)
	}
	d.report(reportState)
	return code
}

func (m *Module) demote(r *request) schema.Code { return r.device.demote() }

func (d *device) demote() schema.Code {
	code := d.request(change{Role: new(schema.Secondary)})
	if !code.OK() || code == schema.StateNothingToDo {
		return code
	}
	if d.disk != nil {
		d.flush()
		d.save()
		d.markRole()
	}
	d.report(reportState)
	return code
}

func (m *Module) newCurrentUUID(r *request) schema.Code {
	d := r.device
	parms, code := r.parms(m, schema.NewCUUIDParms)
	if code != schema.NoError {
		return code
	}
	if d.disk == nil {
		return schema.ErrNoDisk
	}
	clear := parms.Bool("clear_bm")
	skip := clear && d.state.conn == connected && d.disk.uuids[uuidCurrent] == uuidJustCreated
	if !skip && d.state.conn != standAlone {
		return schema.ErrConnected
	}
	d.disk.uuids.clearBitmap()
	d.newCurrentUUID()
	if clear {
		d.disk.bits.clearAll()
		d.flush()
	}
	if skip {
		p := d.reportPacket(reportUUIDs)
		p.SkipInitial = true
		d.res.conn.link.send(p)
		d.disk.uuids[uuidBitmap] = 0
		d.set(change{Disk: new(schema.UpToDate), PDsk: new(schema.UpToDate)}, true)
	}
	d.save()
	return schema.NoError
}

func (m *Module) startVerify(r *request) schema.Code {
	parms, code := r.parms(m, schema.StartOvParms)
	if code != schema.NoError {
		return code
	}
	const perBlock = blockSize / 512
	d := r.device
	d.verifyTo = math.MaxUint64
	if start, ok := parms.Get("ov_start_sector"); ok { // else from where the last one stopped
		d.verifyFrom = start.Num / perBlock
	}
	if stop, ok := parms.Get("ov_stop_sector"); ok {
		d.verifyTo = stop.Num / perBlock
	}
	return r.device.request(change{Conn: new(verifyS)})
}

func (m *Module) invalidate(r *request) schema.Code {
	d := r.device
	if d.disk == nil {
		return schema.ErrNoDisk
	}
	d.frozen = true
	defer func() { d.frozen = false }()
	if d.state.conn == standAlone && d.state.role == schema.Secondary {
		code := d.request(change{Disk: new(schema.Inconsistent)})
		if code.OK() {
			d.disk.bits.setAll()
			d.flush()
		}
		return code
	}
	return d.request(change{Conn: new(startingSyncT)})
}

func (m *Module) invalidateRemote(r *request) schema.Code {
	d := r.device
	if d.disk == nil {
		return schema.ErrNoDisk
	}
	d.frozen = true
	defer func() { d.frozen = false }()
	if d.state.conn == standAlone && d.state.role == schema.Primary {
		code := d.request(change{PDsk: new(schema.Inconsistent)})
		if code.OK() {
			d.disk.bits.setAll()
			d.flush()
		}
		return code
	}
	return d.request(change{Conn: new(startingSyncS)})
}

func (m *Module) pauseSync(r *request) schema.Code {
	if r.device.set(change{UserISP: new(true)}, false) == schema.StateNothingToDo {
		return schema.ErrPauseIsSet
	}
	return schema.NoError
}

func (m *Module) resumeSync(r *request) schema.Code {
	d := r.device
	if d.set(change{UserISP: new(false)}, false) != schema.StateNothingToDo {
		return schema.NoError
	}
	paused := d.state.conn == pausedSyncS || d.state.conn == pausedSyncT
	switch {
	case paused && d.state.aftrISP:
		return schema.ErrPausedByDependency
	case paused && d.state.peerISP:
		return schema.ErrPausedByPeer
	}
	return schema.ErrPauseIsClear
}

func (m *Module) suspendIO(r *request) schema.Code {
	susp := r.resource.susp
	susp.user = true
	return r.resource.suspend(susp)
}

func (m *Module) resumeIO(r *request) schema.Code { return r.resource.suspend(suspension{}) }

func (m *Module) outdate(r *request) schema.Code {
	return r.device.request(change{Disk: new(schema.Outdated)})
}

// Which of the wait timeouts holds.
const (
	timeoutDefault  = 0
	timeoutDegraded = 1
	timeoutOutdated = 2
)

func (m *Module) timeoutType(r *request) schema.Code {
	d := r.device
	kind := timeoutDefault
	switch {
	case d.state.pdsk == schema.Outdated:
		kind = timeoutOutdated
	case d.disk != nil && d.degraded:
		kind = timeoutDegraded
	}
	r.reply = append(r.reply, m.set(schema.TimeoutParms).SetUint("timeout_type", uint64(kind)))
	return schema.NoError
}

package fake

import (
	"math"

	"drbdutils/meta"
	"drbdutils/schema"
)

func (m *Module) diskOptions(r *request) schema.Code {
	d := r.device
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
	return r.peer.detach(r.parms.Bool("force_detach"))
}

func (pd *peerDevice) detach(force bool) schema.Code {
	pd.frozen = true
	defer func() { pd.frozen = false }()
	failed := change{Disk: new(schema.Failed)}
	code := schema.StateDone
	if force {
		code = pd.set(failed, true)
	} else {
		code = pd.request(failed)
	}
	if code == schema.StateIsDiskless {
		return schema.StateNothingToDo
	}
	return code
}

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

func (m *Module) promote(r *request) schema.Code {
	return r.peer.promote(r.parms.Bool("assume_uptodate"))
}

// promotions is how often a promotion is tried in other ways when it is refused.
const promotions = 4

// promote makes the node Primary for a device. With force, data that is not
// known to be current is taken for UpToDate.
func (pd *peerDevice) promote(force bool) schema.Code {
	want := change{Role: new(schema.Primary)}
	forced := false
	code := schema.StateUnknownError
	for range promotions {
		code = pd.request(want)
		low := pd.state().disk >= schema.Inconsistent && pd.state().disk < schema.UpToDate
		switch {
		case code == schema.StateNoUpToDateDisk && force && low && !forced:
			want.Disk, forced = new(schema.UpToDate), true
			continue
		case code == schema.StatePrimaryNop && want.PDsk == nil:
			fenced := pd.conn.fencePeer(pd.res.m.ctx)
			if !fenced && force {
				want.PDsk = new(schema.Outdated)
			}
			continue
		}
		break
	}
	if !code.OK() || code == schema.StateNothingToDo {
		return code
	}
	if pd.conn.net != nil {
		pd.conn.keepData()
	}
	if pd.disk != nil {
		alone := pd.state().conn < connected || pd.state().pdsk <= schema.Failed
		if alone && pd.bitmapUUID() == 0 || forced {
			pd.newCurrentUUID()
		}
		pd.markRole()
	}
	if forced {
		pd.forced = true
		pd.report(reportUUIDs)
	}
	pd.report(reportState)
	return code
}

func (m *Module) demote(r *request) schema.Code { return r.peer.demote() }

func (pd *peerDevice) demote() schema.Code {
	code := pd.request(change{Role: new(schema.Secondary)})
	if !code.OK() || code == schema.StateNothingToDo {
		return code
	}
	if pd.disk != nil {
		pd.flush()
		pd.save()
		pd.markRole()
	}
	pd.report(reportState)
	return code
}

func (m *Module) newCurrentUUID(r *request) schema.Code {
	pd := r.peer
	clear := r.parms.Bool("clear_bm")
	skip := clear && pd.state().conn == connected && pd.disk.current() == uuidJustCreated
	if !skip && pd.state().conn != standAlone {
		return schema.ErrConnected
	}
	pd.clearBitmapUUID()
	pd.newCurrentUUID()
	if clear {
		pd.bits().clearAll()
		pd.flush()
	}
	if skip {
		p := pd.reportPacket(reportUUIDs)
		p.SkipInitial = true
		pd.conn.link.send(p)
		pd.setBitmapUUID(0)
		pd.set(change{Disk: new(schema.UpToDate), PDsk: new(schema.UpToDate)}, true)
	}
	pd.save()
	return schema.NoError
}

func (m *Module) startVerify(r *request) schema.Code {
	const perBlock = blockSize / 512
	pd := r.peer
	pd.verifyTo = math.MaxUint64
	if start, ok := r.parms.Get("ov_start_sector"); ok { // else from where the last one stopped
		pd.verifyFrom = start.Num / perBlock
	}
	if stop, ok := r.parms.Get("ov_stop_sector"); ok {
		pd.verifyTo = stop.Num / perBlock
	}
	return r.peer.request(change{Conn: new(verifyS)})
}

func (m *Module) invalidate(r *request) schema.Code {
	pd := r.peer
	pd.frozen = true
	defer func() { pd.frozen = false }()
	if pd.state().conn == standAlone && pd.state().role == schema.Secondary {
		code := pd.request(change{Disk: new(schema.Inconsistent)})
		if code.OK() {
			pd.bits().setAll()
			pd.flush()
		}
		return code
	}
	return pd.request(change{Conn: new(startingSyncT)})
}

func (m *Module) invalidateRemote(r *request) schema.Code {
	pd := r.peer
	pd.frozen = true
	defer func() { pd.frozen = false }()
	if pd.state().conn == standAlone && pd.state().role == schema.Primary {
		code := pd.request(change{PDsk: new(schema.Inconsistent)})
		if code.OK() {
			pd.bits().setAll()
			pd.flush()
		}
		return code
	}
	return pd.request(change{Conn: new(startingSyncS)})
}

func (m *Module) pauseSync(r *request) schema.Code {
	if r.peer.set(change{UserISP: new(true)}, false) == schema.StateNothingToDo {
		return schema.ErrPauseIsSet
	}
	return schema.NoError
}

func (m *Module) resumeSync(r *request) schema.Code {
	pd := r.peer
	if pd.set(change{UserISP: new(false)}, false) != schema.StateNothingToDo {
		return schema.NoError
	}
	paused := pd.state().conn == pausedSyncS || pd.state().conn == pausedSyncT
	switch {
	case paused && pd.state().aftrISP:
		return schema.ErrPausedByDependency
	case paused && pd.state().peerISP:
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
	return r.peer.request(change{Disk: new(schema.Outdated)})
}

// Which of the wait timeouts holds.
const (
	timeoutDefault  = 0
	timeoutDegraded = 1
	timeoutOutdated = 2
)

func (m *Module) timeoutType(r *request) schema.Code {
	pd := r.peer
	kind := timeoutDefault
	switch {
	case pd.state().pdsk == schema.Outdated:
		kind = timeoutOutdated
	case pd.disk != nil && pd.degraded:
		kind = timeoutDegraded
	}
	r.reply = append(r.reply, m.set(schema.TimeoutParms).SetUint("timeout_type", uint64(kind)))
	return schema.NoError
}

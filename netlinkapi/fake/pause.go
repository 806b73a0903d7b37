package fake

import (
	"slices"

	"drbdutils/schema"
)

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

// maySync reports whether no resync that this one has to wait for runs.
func (d *device) maySync() bool {
	seen := map[*device]bool{}
	for d != nil && d.disk != nil && !seen[d] {
		seen[d] = true
		after := d.disk.conf.Int("resync_after")
		if after < 0 {
			return true
		}
		d = d.res.m.minors[uint32(after)]
		if d != nil && d.syncing() {
			return false
		}
	}
	return true
}

// syncing reports whether a resync with any peer runs or is paused.
func (d *device) syncing() bool {
	for _, pd := range d.peers {
		if s := pd.state(); s.conn.syncing() || s.paused() {
			return true
		}
	}
	return false
}

// noteDependency keeps account of the devices whose resyncs wait for others, or did.
func (m *Module) noteDependency(d *device) {
	if d.disk.conf.Int("resync_after") < 0 || slices.Contains(m.dependent, d) {
		return
	}
	m.dependent = append(m.dependent, d)
	slices.SortFunc(m.dependent, func(a, b *device) int { return int(a.minor) - int(b.minor) })
}

// reviewPauses pauses and resumes resyncs that depend on others.
func (m *Module) reviewPauses() {
	for _, d := range slices.Clone(m.dependent) {
		if m.gen == schema.V9 {
			d.res.review()
			continue
		}
		for _, pd := range d.peers {
			if wait := !d.maySync(); d.attached() && wait != pd.part.aftrISP {
				pd.set(change{AftrISP: &wait}, true)
			}
		}
	}
}

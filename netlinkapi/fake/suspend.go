package fake

import (
	"slices"

	"drbdutils/schema"
)

// suspension says why a resource holds back I/O.
type suspension struct {
	user, noData, fencing bool
	quorum                bool // DRBD 9: quorum was lost
	failIO                bool // DRBD 9: I/O fails instead: the node was demoted by force
}

func (s suspension) any() bool { return s.user || s.noData || s.fencing || s.quorum }

// blocked reports whether the device holds back I/O.
func (d *device) blocked() bool {
	if d.res.m.gen == schema.V9 && !d.res.susp.user {
		return d.res.susp.any() && d.res.role == schema.Primary || d.frozen && d.replicated()
	}
	return d.res.susp.any() || d.frozen
}

func (m *Module) suspendIO(r *request) schema.Code {
	susp := r.resource.susp
	susp.user = true
	return r.resource.suspend(susp)
}

func (m *Module) resumeIO(r *request) schema.Code { return r.resource.suspend(suspension{}) }

// suspend changes why I/O is held back.
func (r *resource) suspend(susp suspension) schema.Code {
	if susp == r.susp {
		return schema.StateNothingToDo
	}
	r.commit(func() { r.susp = susp })
	return schema.StateDone
}

// onNoDataSuspend is the word of on-no-data-accessible that suspends I/O.
const onNoDataSuspend = 1

// reviewSuspension suspends I/O where the options ask for it: when no current
// data can be reached, and while it is not known that a lost peer is fenced. Data
// that is back lifts the first, a peer that is back or fenced the second.
func (r *resource) reviewSuspension(old snapshot) {
	r.susp.noData = r.opts.Uint("on_no_data") == onNoDataSuspend && r.anyPeer(func(s state) bool {
		return s.role == schema.Primary && s.disk < schema.UpToDate && s.pdsk < schema.UpToDate
	})
	if r.m.gen == schema.V9 {
		r.reviewSuspension9(old)
		return
	}
	c := r.only()
	if c.fencing() != fencingStonith || !r.anyPeer(state.unfenced) {
		r.susp.fencing = false
	} else if c.before.devices != nil && c.state.lost() {
		r.susp.fencing = true
	}
}

// onNoQuorumSuspend is the word of on-no-quorum that suspends I/O.
const onNoQuorumSuspend = 1

// reviewSuspension9 suspends I/O where the options ask for it: when quorum gets
// lost, and when a Primary loses all current data.
func (r *resource) reviewSuspension9(old snapshot) {
	lost, missing, noData := false, false, false
	for _, d := range r.devices {
		missing = missing || !d.own.quorum
		lost = lost || !d.own.quorum && old.devices[d].quorum
		noData = noData || !d.accessible()
	}
	suspends := r.opts.Uint("on_no_quorum") == onNoQuorumSuspend
	r.susp.quorum = r.susp.quorum && (missing || r.generationDue()) || missing && lost && suspends
	r.susp.noData = r.role == schema.Primary && noData && r.opts.Uint("on_no_data") == onNoDataSuspend
}

func (r *resource) anyPeer(match func(state) bool) bool {
	for _, pd := range r.peers() {
		if match(pd.state()) {
			return true
		}
	}
	return false
}

// resumed begins the generations that were put off while I/O was suspended.
// In DRBD 9, quorum that is back lifts the suspension afterwards.
func (r *resource) resumed(old suspension) {
	back := r.susp.quorum && !slices.ContainsFunc(r.devices, func(d *device) bool { return !d.own.quorum })
	if !back && (!old.any() || r.susp.any()) {
		return
	}
	for _, d := range r.devices {
		if d.newGeneration && d.disk != nil {
			d.newGeneration = false
			d.newCurrentUUID()
			d.report(reportUUIDs)
		}
	}
	if back {
		r.commit(func() { r.susp.quorum = false })
	}
}

// generationDue reports whether a generation is to begin when I/O goes on.
func (r *resource) generationDue() bool {
	return slices.ContainsFunc(r.devices, func(d *device) bool { return d.newGeneration && d.disk != nil })
}

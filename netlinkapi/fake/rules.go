package fake

import "drbdutils/schema"

// surroundings are what the rules look at besides the states of one device.
type surroundings struct {
	configured   bool // there is a net configuration
	twoPrimaries bool // and it allows two primaries
	peerPrimary  bool // the peer is Primary for some volume
	open         bool // the device is in use here
	fencing      bool // the fencing policy is not dont-care
	verifyAlg    bool // a verify algorithm is configured
}

// A stateRule refuses states. The first rule that matches gives the code.
type stateRule struct {
	code schema.Code
	bad  func(s state, e surroundings) bool
}

// stateRules are the rules of DRBD 8.4 in their order.
var stateRules = []stateRule{
	{schema.StateTwoPrimaries, func(s state, e surroundings) bool {
		return e.configured && !e.twoPrimaries && s.role == schema.Primary && s.peer == schema.Primary
	}},
	{schema.StateOtherVolPrimary, func(s state, e surroundings) bool {
		return e.configured && !e.twoPrimaries && s.role == schema.Primary && e.peerPrimary
	}},
	{schema.StateDeviceInUse, func(s state, e surroundings) bool {
		return s.role == schema.Secondary && e.open
	}},
	{schema.StateNoUpToDateDisk, func(s state, _ surroundings) bool {
		return s.role == schema.Primary && s.conn < connected && s.disk < schema.UpToDate
	}},
	{schema.StatePrimaryNop, func(s state, e surroundings) bool {
		return e.fencing && s.unfenced()
	}},
	{schema.StateNoUpToDateDisk, func(s state, _ surroundings) bool {
		return s.role == schema.Primary && s.disk <= schema.Inconsistent && s.pdsk <= schema.Inconsistent
	}},
	{schema.StateNoLocalDisk, func(s state, _ surroundings) bool {
		return s.conn > connected && s.disk < schema.Inconsistent
	}},
	{schema.StateNoRemoteDisk, func(s state, _ surroundings) bool {
		return s.conn > connected && s.pdsk < schema.Inconsistent
	}},
	{schema.StateNoUpToDateDisk, func(s state, _ surroundings) bool {
		return s.conn > connected && s.disk < schema.UpToDate && s.pdsk < schema.UpToDate
	}},
	{schema.StateConnectedOutdates, func(s state, _ surroundings) bool {
		serves := s.conn == connected || s.conn == wfBitMapS || s.conn == syncSource || s.conn == pausedSyncS
		return serves && s.disk == schema.Outdated
	}},
	{schema.StateNoVerifyAlg, func(s state, e surroundings) bool {
		return s.conn.verifying() && !e.verifyAlg
	}},
	{schema.StateConnectedOutdates, func(s state, _ surroundings) bool {
		return s.conn >= connected && s.pdsk == schema.DUnknown
	}},
}

// valid returns why a state may not be, or StateDone.
func (s state) valid(e surroundings) schema.Code {
	for _, r := range stateRules {
		if r.bad(s, e) {
			return r.code
		}
	}
	return schema.StateDone
}

// A transitionRule refuses ways from one state to another.
type transitionRule struct {
	code schema.Code
	bad  func(old, new state) bool
}

// transitionRules are the rules of DRBD 8.4 in their order.
var transitionRules = []transitionRule{
	{schema.StateResyncRunning, func(old, new state) bool {
		return new.conn.startsSync() && old.conn > connected
	}},
	{schema.StateAlreadyStandAlone, func(old, new state) bool {
		return new.conn == disconnecting && old.conn == standAlone
	}},
	{schema.StateIsDiskless, func(old, new state) bool {
		return new.disk > schema.Attaching && old.disk == schema.Diskless
	}},
	{schema.StateNoNetConfig, func(old, new state) bool {
		return new.conn == wfConnection && old.conn < unconnected
	}},
	{schema.StateLowerThanOutdated, func(old, new state) bool {
		return new.disk == schema.Outdated && old.disk < schema.Outdated && old.disk != schema.Attaching
	}},
	{schema.StateTransient, func(old, new state) bool {
		return new.conn == disconnecting && old.conn == unconnected
	}},
	{schema.StateNeedConnection, func(old, new state) bool {
		return new.conn.verifying() && old.conn < connected
	}},
	{schema.StateResyncRunning, func(old, new state) bool {
		return new.conn.verifying() && new.conn != old.conn && old.conn > connected
	}},
	{schema.StateNeedConnection, func(old, new state) bool {
		return new.conn.startsSync() && old.conn < connected
	}},
	{schema.StateNeedConnection, func(old, new state) bool {
		return (new.conn == syncSource || new.conn == syncTarget) && old.conn < wfReportParams
	}},
	{schema.StateInterrupted, func(old, new state) bool { // 8.4: graceful outdate needs a connection
		return new.conn == disconnecting && new.pdsk == schema.Outdated &&
			old.conn < connected && old.pdsk > schema.Outdated
	}},
}

// reachable returns why one state may not follow the other, or StateDone.
func reachable(old, new state) schema.Code {
	for _, r := range transitionRules {
		if r.bad(old, new) {
			return r.code
		}
	}
	return schema.StateDone
}

// reachable84 is reachable for DRBD 8.4, which tells the last of several reasons.
func reachable84(old, new state) schema.Code {
	code := schema.StateDone
	for _, r := range transitionRules {
		if r.bad(old, new) {
			code = r.code
		}
	}
	return code
}

// clusterWide reports whether the peer must agree to a change.
func clusterWide(old, new state) bool {
	if old.conn < connected {
		return false
	}
	if new.conn == disconnecting {
		return true
	}
	if old.conn == connected && (new.conn == verifyS || new.conn == wfReportParams) {
		return true
	}
	return new.conn >= connected &&
		(old.role != schema.Primary && new.role == schema.Primary ||
			!old.conn.startsSync() && new.conn.startsSync() ||
			old.conn == connected && (new.conn == wfBitMapS || new.conn == wfBitMapT) ||
			old.disk != schema.Failed && new.disk == schema.Failed)
}

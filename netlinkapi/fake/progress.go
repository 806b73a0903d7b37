package fake

import (
	"time"

	"drbdutils/schema"
)

// progressFields are the statistics of DRBD 9 about a resync or verify, all 0 while
// there is none.
var progressFields = []string{
	"peer_dev_rs_total", "peer_dev_ov_start_sector", "peer_dev_ov_stop_sector", "peer_dev_ov_position",
	"peer_dev_ov_left", "peer_dev_ov_skipped", "peer_dev_rs_same_csum", "peer_dev_rs_dt_start_ms",
	"peer_dev_rs_paused_ms", "peer_dev_rs_dt0_ms", "peer_dev_rs_db0_sectors", "peer_dev_rs_dt1_ms",
	"peer_dev_rs_db1_sectors", "peer_dev_rs_c_sync_rate",
}

const perBlock = blockSize / 512 // sectors

// progress adds how far a resync or verify is.
func (pd *peerDevice) progress(v *schema.Values) {
	for _, key := range progressFields {
		v.SetUint(key, 0)
	}
	v.SetUint("peer_dev_uuid_flags", pd.uuidFlags)
	state := pd.part.conn
	if !state.syncing() && !state.verifying() || len(pd.sync.marks) == 0 {
		return
	}
	run := &pd.sync
	left := pd.left()
	v.SetUint("peer_dev_rs_total", run.total*perBlock)
	v.SetUint("peer_dev_rs_dt_start_ms", uint64(time.Since(run.started).Milliseconds()))
	pd.speed(v, "peer_dev_rs_dt0_ms", "peer_dev_rs_db0_sectors", run.marks[0], left)
	pd.speed(v, "peer_dev_rs_dt1_ms", "peer_dev_rs_db1_sectors", run.marks[len(run.marks)-1], left)
	if state == syncTarget || state == verifyS {
		v.SetUint("peer_dev_rs_c_sync_rate", uint64(pd.rate()>>10))
	}
	if state.verifying() {
		v.SetUint("peer_dev_ov_left", left*perBlock).SetUint("peer_dev_ov_position", run.cursor*perBlock)
		v.SetUint("peer_dev_ov_start_sector", run.start*perBlock).SetUint("peer_dev_ov_stop_sector", pd.verifyStop())
	}
}

// verifyStop is the sector that a verify stops before, as far as it is one to choose.
func (pd *peerDevice) verifyStop() uint64 {
	switch {
	case pd.part.conn == verifyT:
		return 0
	case pd.sync.end < pd.bits().bits:
		return pd.sync.end * perBlock
	}
	return ^uint64(0)
}

// speed adds what was done since a mark.
func (pd *peerDevice) speed(v *schema.Values, dt, db string, mark syncMark, left uint64) {
	v.SetUint(dt, uint64(time.Since(mark.at).Milliseconds()))
	v.SetUint(db, (mark.left-min(left, mark.left))*perBlock)
}

// What a node says of its generations besides the UUIDs: bits of
// peer_dev_uuid_flags.
const (
	saysDiscard      = 1 << 0
	saysCrashed      = 1 << 1
	saysInconsistent = 1 << 2
	saysStable       = 1 << 5  // not about to take over what a Primary writes
	saysReconnect    = 1 << 8  // was connected before
	saysUnallocated  = 1 << 12 // has a bitmap UUID for peers that it does not know
)

// says returns these flags.
func (pd *peerDevice) says() uint64 {
	var flags uint64
	for flag, on := range map[uint64]bool{
		saysDiscard:      pd.conn.discards(),
		saysCrashed:      pd.crashed,
		saysInconsistent: pd.worth() == schema.Inconsistent,
		saysStable:       pd.stable(),
		saysReconnect:    pd.conn.again,
		saysUnallocated:  pd.disk != nil && pd.disk.current() != uuidJustCreated,
	} {
		if on {
			flags |= flag
		}
	}
	return flags
}

// stable reports whether no other node decides on what the data here is.
func (d *device) stable() bool {
	if d.own.role == schema.Primary {
		return true
	}
	for _, pd := range d.peers {
		if pd.part.conn >= connected && pd.conn.peer == schema.Primary {
			return false
		}
	}
	return true
}

// sayStable tells the peers when that changed.
func (r *resource) sayStable() {
	for _, d := range r.devices {
		if now := d.stable(); now != d.wasStable {
			d.wasStable = now
			d.report(reportUUIDs)
		}
	}
}

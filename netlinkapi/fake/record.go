package fake

import (
	"drbdutils/meta"
	"drbdutils/schema"
)

// What the superblock records of the state, so that it is known after a crash.

// stateFlags are the flags in the superblock that follow from the state.
const stateFlags = meta.Consistent | meta.PrimaryInd | meta.ConnectedInd | meta.WasUpToDate |
	meta.PeerOutdated | meta.CrashedPrimary | meta.ALClean | meta.HaveQuorum

// noteState stores what must be known after a crash. A disk that fails or is
// being detached keeps what it knew.
func (d *device) noteState(old snapshot) {
	if !d.attached() {
		return
	}
	for _, pd := range d.peers {
		if pd.part.conn.verifying() && !old.peers[pd].conn.verifying() {
			pd.beginVerify()
		}
	}
	fresh := d.res.m.gen == schema.V9 && d.disk.current() == uuidJustCreated
	if old.devices[d].disk < schema.Consistent && d.own.disk >= schema.Consistent && !fresh {
		d.exposed = d.disk.current()
	}
	attaching := d.res.m.gen == schema.V9 && old.devices[d].disk == schema.Attaching
	if d.own.disk == schema.Negotiating || attaching { // for the time being the disk knows best
		return
	}
	flags := d.disk.flags &^ stateFlags
	for flag, on := range d.facts() {
		if on {
			flags |= flag
		}
	}
	if changed := d.notePeers(); changed || flags != d.disk.flags {
		d.disk.flags = flags
		d.save()
	}
}

// facts are the flags of the device and whether they hold.
func (d *device) facts() map[meta.Flags]bool {
	facts := map[meta.Flags]bool{
		meta.CrashedPrimary: d.crashed,
		meta.PrimaryInd:     d.own.role == schema.Primary,
		meta.Consistent:     d.own.disk > schema.Inconsistent,
		meta.WasUpToDate:    d.own.disk > schema.Outdated,
	}
	if d.res.m.gen == schema.V9 {
		facts[meta.HaveQuorum] = d.own.quorum
		facts[meta.CrashedPrimary] = d.crashed || d.own.role == schema.Primary
		return facts
	}
	s := d.only().state()
	if s.pdsk < schema.Inconsistent && s.peer == schema.Primary {
		facts[meta.PrimaryInd] = true
	}
	facts[meta.ConnectedInd] = s.conn > wfReportParams
	facts[meta.PeerOutdated] = s.pdsk >= schema.Inconsistent && s.pdsk <= schema.Outdated
	return facts
}

// notePeers stores in DRBD 9 what is known of each peer, and reports whether that
// is news.
func (d *device) notePeers() (changed bool) {
	if d.res.m.gen != schema.V9 {
		return false
	}
	members := uint64(1) << d.res.self()
	for _, pd := range d.peers {
		entry := pd.entry()
		flags := entry.Flags &^ (meta.PeerConnected | meta.PeerIsOutdated | meta.PeerFencing)
		if pd.conn.fencing() != fencingDontCare {
			flags |= meta.PeerFencing
		}
		if pd.part.conn > wfReportParams {
			flags |= meta.PeerConnected
			members |= 1 << pd.conn.node
		}
		if pd.part.pdsk >= schema.Inconsistent && pd.part.pdsk <= schema.Outdated {
			flags |= meta.PeerIsOutdated
		}
		if pd.part.pdsk >= schema.Inconsistent && pd.part.pdsk != schema.DUnknown {
			flags |= meta.PeerDeviceSeen
		}
		changed = changed || flags != entry.Flags
		entry.Flags = flags
	}
	changed = changed || members != d.disk.image.Super.Members
	d.disk.image.Super.Members = members
	return changed
}

package fake

import (
	"slices"

	"drbdutils/meta"
	"drbdutils/schema"
)

// The places of a device's UUIDs.
const (
	uuidCurrent = iota
	uuidBitmap
	uuidHistory
	uuidHistoryEnd = uuidHistory + meta.MaxPeers - 1 // DRBD 8.4 keeps two
	uuidCount      = uuidHistoryEnd + 1
)

const (
	uuidPrimary     = 1       // lowest bit: the node was Primary with this generation
	uuidJustCreated = 4       // fresh metadata
	uuidSyncOffset  = 1 << 48 // a resync's UUID is its bitmap UUID plus this
)

// uuids are the generation identifiers of a copy as it stands towards one peer:
// current, bitmap, and the history from the youngest on.
type uuids [uuidCount]uint64

// at returns a UUID without its mark.
func (u uuids) at(i int) uint64 { return u[i] &^ uuidPrimary }

// remember moves a UUID to the history.
func (u *uuids) remember(id uint64) {
	copy(u[uuidHistory+1:], u[uuidHistory:uuidHistoryEnd])
	u[uuidHistory] = id
}

// learn moves a UUID to the history unless it is there, or says nothing.
func (u *uuids) learn(id uint64) {
	id &^= uuidPrimary
	if id != 0 && id != uuidJustCreated && id != u.at(uuidCurrent) && !slices.Contains(u[uuidHistory:], id) {
		u.remember(id)
	}
}

// startBitmap sets the bitmap UUID and moves the one before to the history.
func (u *uuids) startBitmap(id uint64) {
	if u[uuidBitmap] != 0 {
		u.remember(u[uuidBitmap])
	}
	u[uuidBitmap] = id
}

// caughtUp returns the UUIDs of a target when its resync is done, in DRBD 9: it has
// the source's generation, and remembers its own.
func (u uuids) caughtUp(source uuids) uuids {
	own := u[uuidCurrent]
	u[uuidCurrent], u[uuidBitmap] = source.at(uuidCurrent), 0
	for i := uuidHistoryEnd; i >= uuidHistory; i-- {
		u.learn(source[i])
	}
	u.learn(source[uuidBitmap])
	u.learn(own)
	return u
}

// caughtUp84 is caughtUp for DRBD 8.4, where the target has a generation of its own
// during the resync.
func (u uuids) caughtUp84(source uuids) uuids {
	during := u[uuidCurrent]
	copy(u[uuidBitmap:], source[uuidBitmap:])
	u.startBitmap(during)
	u.clearBitmap()
	u[uuidCurrent] = source.at(uuidCurrent)
	return u
}

// clearBitmap moves the bitmap UUID to the history.
func (u *uuids) clearBitmap() {
	if u[uuidBitmap] != 0 {
		u.remember(u[uuidBitmap])
		u[uuidBitmap] = 0
	}
}

// uuids returns the generations of the disk here as they stand towards the peer.
func (pd *peerDevice) uuids() (u uuids) {
	sb := pd.disk.image.Super
	u[uuidCurrent], u[uuidBitmap] = uint64(sb.Current), uint64(pd.entry().BitmapUUID)
	for i, id := range sb.History {
		u[uuidHistory+i] = uint64(id)
	}
	return u
}

// setUUIDs changes them. The disk learns it with the next save.
func (pd *peerDevice) setUUIDs(u uuids) {
	sb := pd.disk.image.Super
	sb.Current, pd.entry().BitmapUUID = meta.UUID(u[uuidCurrent]), meta.UUID(u[uuidBitmap])
	for i := range sb.History {
		sb.History[i] = meta.UUID(u[uuidHistory+i])
	}
}

// entry is what the superblock says of the peer. DRBD 8.4 has one for all.
func (pd *peerDevice) entry() *meta.Peer { return &pd.disk.image.Super.Peers[pd.conn.node] }

func (pd *peerDevice) bitmapUUID() uint64 { return uint64(pd.entry().BitmapUUID) }

// setBitmapUUID sets it. DRBD 9 keeps no mark of a Primary there.
func (pd *peerDevice) setBitmapUUID(id uint64) {
	if pd.res.m.gen == schema.V9 {
		id &^= uuidPrimary
	}
	pd.entry().BitmapUUID = meta.UUID(id)
}

// missesNext reports whether the peer's bitmap is to begin with the generation
// that ends now.
func (pd *peerDevice) missesNext() bool {
	return pd.res.m.gen == schema.V84 || pd.slot >= 0 && pd.bitmapUUID() == 0 && pd.part.pdsk != schema.UpToDate
}

// clearBitmapUUID moves the bitmap UUID to the history.
func (pd *peerDevice) clearBitmapUUID() {
	u := pd.uuids()
	if pd.res.m.gen == schema.V9 {
		u.learn(u[uuidBitmap])
		u[uuidBitmap] = 0
	}
	u.clearBitmap()
	pd.setUUIDs(u)
}

// side is what a node knows of one copy of the data when generations are compared.
type side struct {
	uuids    uuids
	role     schema.Role
	disk     schema.DiskState
	changed  uint64 // blocks written since the bitmap UUID, 4 KiB each
	crashed  bool   // was Primary when it went down
	discard  bool   // its administrator gives its changes up
	resolves bool   // decides where both are alike; true on exactly one side
}

// verdict is the outcome of a comparison of generations, seen from this node.
type verdict int

const (
	unrelated     verdict = -1000
	splitBrain    verdict = -100 // no common bitmap
	fullTarget    verdict = -2
	target        verdict = -1
	inSync        verdict = 0
	source        verdict = 1
	fullSource    verdict = 2
	splitBrainMap verdict = 100 // both have a bitmap since the common generation
)

func (v verdict) split() bool { return v == splitBrain || v == splitBrainMap }
func (v verdict) full() bool  { return v == fullSource || v == fullTarget }

// compare tells how two copies of the data relate, by the order of checks of
// DRBD 8.4. It corrects the UUIDs of a side that missed the end of a resync, or
// its start.
func compare(self, peer *side) verdict {
	mine, theirs := self.uuids.at(uuidCurrent), peer.uuids.at(uuidCurrent)
	fresh := func(id uint64) bool { return id == uuidJustCreated || id == 0 }
	switch {
	case mine == uuidJustCreated && theirs == uuidJustCreated:
		return inSync
	case fresh(mine) && theirs != uuidJustCreated:
		return fullTarget
	case fresh(theirs) && mine != uuidJustCreated:
		return fullSource
	case mine == theirs:
		return compareSame(self, peer)
	}
	if v := behindOf(&self.uuids, &peer.uuids); v != inSync {
		return -v
	}
	if v := behindOf(&peer.uuids, &self.uuids); v != inSync {
		return v
	}
	if self.uuids.at(uuidBitmap) == peer.uuids.at(uuidBitmap) && self.uuids.at(uuidBitmap) != 0 {
		return splitBrainMap
	}
	if common(self.uuids, peer.uuids) {
		return splitBrain
	}
	return unrelated
}

// compareSame compares copies of the same current generation.
func compareSame(self, peer *side) verdict {
	switch {
	case peer.uuids[uuidBitmap] == 0 && self.uuids[uuidBitmap] != 0:
		missedEnd(&self.uuids, peer.uuids)
		return source
	case self.uuids[uuidBitmap] == 0 && peer.uuids[uuidBitmap] != 0:
		missedEnd(&peer.uuids, self.uuids)
		return target
	case self.crashed && peer.role == schema.Primary: // that one goes on with its data
		return target
	case peer.crashed && self.role == schema.Primary:
		return source
	case self.crashed && peer.crashed:
		if self.resolves {
			return target
		}
		return source
	case self.crashed:
		return source
	case peer.crashed:
		return target
	}
	return inSync
}

// missedEnd corrects the UUIDs of a sync source that did not see the resync end.
func missedEnd(u *uuids, other uuids) {
	if u.at(uuidBitmap) == other.at(uuidHistory) && u.at(uuidHistory) == other.at(uuidHistory+1) {
		u.clearBitmap()
	}
}

// behindOf returns source if old's current generation is the one that new's
// bitmap, or the start of a resync that old never heard of, is based on,
// fullSource if it is older, and inSync if it is none of new's.
func behindOf(old, new *uuids) verdict {
	id := old.at(uuidCurrent)
	if id == new.at(uuidBitmap) {
		return source
	}
	if id == new.at(uuidHistory) && id+uuidSyncOffset == new.at(uuidBitmap) {
		new[uuidBitmap] = new[uuidHistory]
		copy(new[uuidHistory:], new[uuidHistory+1:])
		new[uuidHistoryEnd] = 0
		return source
	}
	for i := uuidHistory; i <= uuidHistoryEnd; i++ {
		if id == new.at(i) {
			return fullSource
		}
	}
	return inSync
}

// common reports whether two histories share a generation.
func common(a, b uuids) bool {
	for i := uuidHistory; i <= uuidHistoryEnd; i++ {
		for j := uuidHistory; j <= uuidHistoryEnd; j++ {
			if a.at(i) == b.at(j) && a.at(i) != 0 {
				return true
			}
		}
	}
	return false
}

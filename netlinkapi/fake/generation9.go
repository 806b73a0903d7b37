package fake

import (
	"math/rand/v2"

	"drbdutils/meta"
	"drbdutils/schema"
)

// How a generation begins in DRBD 9: the Primary makes it up with the first write
// that a peer misses, and the peers that are there take part in it.

// shareGeneration begins a generation with the peers that have current data. A
// Primary without a disk is one of those that miss it.
func (d *device) shareGeneration() {
	var lost uint64
	if d.disk == nil {
		lost = 1 << d.res.self()
		d.exposed = rand.Uint64() | uuidPrimary
	} else {
		lost = d.lost()
		d.newCurrentUUID()
	}
	for _, pd := range d.peers {
		if pd.part.conn >= connected && pd.part.pdsk == schema.UpToDate {
			pd.conn.link.send(packet{Kind: newUUID, Volume: d.volume, UUID: d.exposed, Lost: lost})
		}
	}
}

// lost returns the nodes that miss the next generation, a bit for each.
func (d *device) lost() uint64 {
	var nodes uint64
	for _, pd := range d.peers {
		if pd.missesNext() {
			nodes |= 1 << pd.conn.node
		}
	}
	return nodes
}

// takeGeneration takes part in a generation of the peer's: for the nodes that do
// not, the bitmaps here begin with the one that ends.
func (pd *peerDevice) takeGeneration(p packet) {
	if pd.disk == nil {
		pd.exposed = p.UUID
		return
	}
	before := pd.disk.current()
	for _, other := range pd.device.peers {
		if p.Lost&(1<<other.conn.node) != 0 && other.slot >= 0 && other.bitmapUUID() == 0 {
			other.setBitmapUUID(before)
			other.missed = pd.own.quorum && other.conn.state < wfReportParams
		}
	}
	pd.disk.image.Super.Current = meta.UUID(p.UUID &^ uuidPrimary)
	pd.exposed = p.UUID
	pd.save()
	if pd.peer != nil {
		pd.peer.uuids[uuidCurrent] = p.UUID
	}
}

// confirm lets data that was outdated, because a Primary was out of reach, count again
// when a peer that no longer depends on a Primary says that it has the same.
func (pd *peerDevice) confirm(before uint64, p packet) {
	became := p.Says&saysStable != 0 && before&saysStable == 0
	switch {
	case p.Parts&heardStable != 0:
		pd.report(reportUUIDs | sameAsMine)
	case p.Parts&sameAsMine != 0 && pd.sameAsPeer():
		pd.setDisk(max(pd.own.disk, pd.part.pdsk))
	case became && pd.sameAsPeer():
		pd.report(reportUUIDs | heardStable)
	}
}

// sameAsPeer reports whether data that is not taken for current here is of the peer's
// generation.
func (pd *peerDevice) sameAsPeer() bool {
	stale := pd.own.disk == schema.Outdated || pd.own.disk == schema.Consistent
	return stale && pd.disk != nil && pd.part.conn == connected && pd.part.pdsk != schema.DUnknown &&
		pd.peer.uuids.at(uuidCurrent) == pd.disk.current()&^uuidPrimary
}

// tellSynced tells the peers that are in sync which blocks this one has now.
func (pd *peerDevice) tellSynced(p packet) {
	for _, other := range pd.device.peers {
		if other != pd && other.part.conn == connected && other.slot >= 0 && other.outOfSync() == 0 {
			p.Kind, p.ID = peerSynced, uint32(pd.conn.node)
			other.conn.link.send(p)
		}
	}
}

// otherSynced notes that a peer of the sender has blocks.
func (pd *peerDevice) otherSynced(p packet) {
	if c := pd.res.connectionTo(int(p.ID)); c != nil && pd.disk != nil {
		pd.device.with(c).bits().clearBytes(p.Offset, p.Length, pd.size*512)
	}
}

// overtaken gives up what a suspended Primary did not get written: others went on
// without it. It may connect at the next attempt.
func (c *connection) overtaken() {
	c.res.attempt(c, true, func() {
		c.edit(change{Conn: new(disconnecting)})()
		for _, d := range c.res.devices {
			d.newGeneration = false
			d.own.disk = min(d.own.disk, schema.Outdated)
		}
	})
}

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
		}
	}
	pd.disk.image.Super.Current = meta.UUID(p.UUID &^ uuidPrimary)
	pd.exposed = p.UUID
	pd.save()
	if pd.peer != nil {
		pd.peer.uuids[uuidCurrent] = p.UUID
	}
}

// overtaken gives up what a suspended Primary did not get written: others went on
// without it. It may connect at the next attempt.
func (pd *peerDevice) overtaken() {
	pd.newGeneration = false
	pd.setDisk(schema.Outdated)
	pd.helper("pri-on-incon-degr")
}

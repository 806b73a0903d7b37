package fake

import (
	"math/rand/v2"

	"drbdutils/meta"
	"drbdutils/schema"
)

// How a generation begins in DRBD 9: the Primary makes it up with the first write
// that a peer misses, and the peers that are there take part in it.

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

func (m *Module) newCurrentUUID9(r *request) schema.Code {
	d := r.device
	clear, fresh := r.parms.Bool("clear_bm"), d.disk.current() == uuidJustCreated
	if d.replicated() && (!fresh || !clear && !r.parms.Bool("force_resync")) {
		return schema.ErrConnected
	}
	for _, pd := range d.peers {
		pd.clearBitmapUUID()
	}
	if clear {
		for _, b := range d.disk.bits {
			b.clearAll()
		}
		d.flush()
	}
	d.newCurrentUUID()
	if fresh && (clear || d.replicated()) {
		d.skipInitial(clear)
	}
	return schema.NoError
}

// skipInitial gives peers with fresh metadata the new generation, with a resync or
// without.
func (d *device) skipInitial(clear bool) {
	d.forced = !clear
	for _, pd := range d.peers {
		if pd.part.conn != connected || pd.peer == nil || pd.peer.uuids.at(uuidCurrent) != uuidJustCreated {
			continue
		}
		if clear {
			pd.setBitmapUUID(0)
		}
		p := pd.reportPacket(reportUUIDs)
		p.SkipInitial = clear
		pd.conn.link.send(p)
	}
	d.alSuspended = d.alSuspended && !clear
	d.res.attempt(nil, true, func() {
		d.own.disk = schema.UpToDate
		for _, pd := range d.peers {
			if clear && pd.part.conn == connected && pd.part.pdsk >= schema.Inconsistent {
				pd.part.pdsk = schema.UpToDate
			}
		}
	})
	d.save()
	d.report(reportState)
}

// newCurrentUUID begins a new generation: what peers have is the base of their
// bitmaps.
func (d *device) newCurrentUUID() {
	base := d.disk.current()
	if base == uuidJustCreated && d.res.m.gen == schema.V9 {
		base = rand.Uint64() &^ uuidPrimary
		for _, p := range unknown(d.disk.image.Super) {
			p.BitmapUUID = meta.UUID(base)
		}
	}
	for _, pd := range d.peers {
		if pd.missesNext() {
			pd.setBitmapUUID(base) // with its mark: which side was Primary first shows there
			pd.missed = d.own.quorum && pd.conn.state < wfReportParams
		}
	}
	d.setCurrent(rand.Uint64())
}

// setCurrent sets the current UUID with the mark of the role.
func (d *device) setCurrent(id uint64) {
	id &^= uuidPrimary
	if d.own.role == schema.Primary {
		id |= uuidPrimary
	}
	d.disk.image.Super.Current = meta.UUID(id)
	d.exposed = id
	d.save()
}

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
	return stale && pd.part.conn == connected && pd.part.pdsk != schema.DUnknown && pd.has(pd.peer.uuids)
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

package fake

import (
	"drbdutils/meta"
	"drbdutils/schema"
)

// Values of the quorum option that are no number of nodes.
const (
	quorumMajority = 1024
	quorumAll      = 1025
)

// votes is how the nodes stand that may have data of a device, or break a tie.
type votes struct {
	upToDate, present int // reached: with current data, and the others
	outdated, unknown int // not reached: those whose data is old or that lost quorum, and the others
	diskless, missing int // without a disk on purpose: reached or not
	quorate           int // of those with current data, those that have quorum themselves
}

// all is how many nodes count. Where those that are not reached cannot take over, they
// do not.
func (v votes) all() int {
	if v.unknown == 0 {
		return v.reached()
	}
	return v.reached() + v.outdated + v.unknown
}

func (v votes) reached() int { return v.upToDate + v.present }

// share returns how many of all an option asks for.
func share(option uint64, all int) int {
	switch option {
	case quorumMajority:
		return all/2 + 1
	case quorumAll:
		return all
	}
	return int(option)
}

// hasQuorum reports whether enough of the nodes are reached. Of an even number half is
// enough for a node that had quorum, if it reaches most of those without a disk. A node
// that lacks a disk has quorum when one with current data has it.
func (d *device) hasQuorum() bool {
	opts := d.res.opts
	if d.res.m.gen == schema.V84 || opts.Uint("quorum") == 0 {
		return true
	}
	v := d.votes()
	all := v.all()
	needs := share(opts.Uint("quorum"), all)
	switch {
	case v.reached() >= needs && v.upToDate >= share(opts.Uint("quorum_min_redundancy"), all):
		return true
	case d.own.quorum && all > 0 && all%2 == 0 && v.reached() == needs-1 && v.diskless >= share(quorumMajority, v.diskless+v.missing):
		return true
	}
	return d.own.disk == schema.Diskless && v.quorate > 0
}

// votes counts the nodes.
func (d *device) votes() (v votes) {
	switch {
	case d.own.disk == schema.Diskless && d.client():
		v.diskless++
	case d.own.disk == schema.Diskless:
		v.unknown++
	case d.own.disk == schema.UpToDate:
		v.upToDate++
	case d.own.disk > schema.Attaching:
		v.present++
	}
	for _, pd := range d.peers {
		pd.vote(&v)
	}
	d.strangers(&v)
	return v
}

// strangers counts the nodes without a connection that the disk has a bitmap for.
func (d *device) strangers(v *votes) {
	if d.disk == nil {
		return
	}
	for id, p := range d.disk.image.Super.Peers {
		switch {
		case p.BitmapIndex == meta.NoBitmapSlot || d.res.connectionTo(id) != nil:
		case p.Flags.Has(meta.PeerIsOutdated):
			v.outdated++
		default:
			v.unknown++
		}
	}
}

// vote counts the peer. One that nothing is read from does not count at all.
func (pd *peerDevice) vote(v *votes) {
	there, diskless := pd.part.conn >= connected, !pd.opts.Bool("bitmap")
	switch {
	case !pd.conn.net.Bool("allow_remote_read"), diskless && !pd.opts.Bool("peer_tiebreaker"):
	case diskless && !there:
		v.missing++
	case diskless && pd.part.pdsk == schema.Diskless:
		v.diskless++
	case !there && (pd.part.pdsk <= schema.Outdated || pd.missed):
		v.outdated++
	case !there:
		v.unknown++
	case pd.part.pdsk != schema.UpToDate:
		v.present++
	default:
		v.upToDate++
		if pd.quorate {
			v.quorate++
		}
	}
}

package fake

import (
	"slices"

	"drbdutils/meta"
	"drbdutils/schema"
)

// Values of the quorum option that are no number of nodes.
const (
	quorumMajority = 1024
	quorumAll      = 1025
)

// hasQuorum reports whether enough of the nodes that have, or may have, data of the
// device are reached.
func (d *device) hasQuorum() bool {
	if d.res.m.gen == schema.V84 || d.res.opts.Uint("quorum") == 0 {
		return true
	}
	if d.own.disk == schema.Diskless {
		return slices.ContainsFunc(d.peers, func(pd *peerDevice) bool { return pd.quorate && pd.conn.state == wfReportParams })
	}
	v := d.votes()
	enough := v.present >= v.needs(d.res.opts.Uint("quorum"))
	tie := v.all > 0 && 2*v.present == v.all && v.tiebreaker >= v.diskless/2+1
	return (enough || tie && d.own.quorum) && d.redundant(v)
}

// needs is how many nodes have to be there.
func (v votes) needs(want uint64) int {
	switch {
	case want == quorumAll:
		return v.all
	case want < quorumMajority:
		return int(want)
	}
	return v.all/2 + 1
}

// votes is who counts for quorum and who is there.
type votes struct {
	all, present         int
	upToDate             int // of those present
	diskless, tiebreaker int // nodes that may break a tie, and those that are connected
}

// votes counts the nodes with a disk. A node whose data is known to be older than
// that here does not count.
func (d *device) votes() votes {
	v := votes{}
	if d.own.disk > schema.Failed {
		v.all, v.present = 1, 1
	}
	if d.own.disk == schema.UpToDate {
		v.upToDate = 1
	}
	for _, pd := range d.peers {
		d.vote(&v, pd)
	}
	v.all += d.unconfigured()
	return v
}

// unconfigured counts the nodes without a connection that the disk has a bitmap for
// and that may have current data.
func (d *device) unconfigured() (nodes int) {
	if d.disk == nil {
		return 0
	}
	for id, p := range d.disk.image.Super.Peers {
		if p.BitmapIndex != meta.NoBitmapSlot && d.res.connectionTo(id) == nil && !p.Flags.Has(meta.PeerIsOutdated) {
			nodes++
		}
	}
	return nodes
}

func (d *device) vote(v *votes, pd *peerDevice) {
	there := pd.conn.state == wfReportParams
	diskless := pd.client() || !pd.opts.Bool("bitmap")
	switch {
	case diskless && !pd.opts.Bool("peer_tiebreaker"):
	case diskless:
		v.diskless++
		if there {
			v.tiebreaker++
		}
	case there:
		v.all++
		if pd.part.pdsk > schema.Failed {
			v.present++
		}
		if pd.part.pdsk == schema.UpToDate {
			v.upToDate++
		}
	case pd.part.pdsk > schema.Outdated && !pd.missed:
		v.all++
	}
}

// redundant applies quorum-minimum-redundancy.
func (d *device) redundant(v votes) bool {
	want := d.res.opts.Uint("quorum_min_redundancy")
	switch {
	case want == 0:
		return true
	case want == quorumMajority:
		return v.upToDate >= v.all/2+1
	case want == quorumAll:
		return v.upToDate >= v.all
	}
	return uint64(v.upToDate) >= want
}

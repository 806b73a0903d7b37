package fake

import "drbdutils/schema"

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
	want := d.res.opts.Uint("quorum")
	v := d.votes()
	need := uint64(v.all/2 + 1)
	switch {
	case want == quorumAll:
		need = uint64(v.all)
	case want < quorumMajority:
		need = want
	}
	enough := uint64(v.present) >= need
	if !enough && want == quorumMajority && 2*v.present == v.all {
		enough = v.tiebreaker || v.fenced
	}
	return enough && d.redundant(v)
}

// votes is who counts for quorum and who is there.
type votes struct {
	all, present int
	upToDate     int  // of those present
	tiebreaker   bool // a diskless node is connected
	fenced       bool // those that are missing are known to be outdated
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
	return v
}

func (d *device) vote(v *votes, pd *peerDevice) {
	there := pd.conn.state == wfReportParams
	diskless := pd.client() || !pd.opts.Bool("bitmap")
	switch {
	case diskless && there:
		v.tiebreaker = v.tiebreaker || pd.opts.Bool("peer_tiebreaker")
	case diskless:
	case there:
		v.all++
		if pd.part.pdsk > schema.Failed {
			v.present++
		}
		if pd.part.pdsk == schema.UpToDate {
			v.upToDate++
		}
	default:
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

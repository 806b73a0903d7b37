package render

import (
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// uuidStable is the bit of peer_dev_uuid_flags that says that the peer's data is
// at rest: it is no target of a resync.
const uuidStable = 0x20

// promotion tells whether a resource of DRBD 9 could become primary here, and how
// good a choice that were: the higher the score the better. Cluster managers
// promote the node with the highest one.
func promotion(r *netlinkapi.Resource) (may bool, score uint64) {
	if len(r.Devices) == 0 || on(r.Info, "res_fail_io") {
		return false, 0
	}
	fewest, ownGood, allAttached, allStable := uint64(99), uint64(0), true, true
	for _, d := range r.Devices {
		replicas, stable := replicasOf(r, d)
		if replicas == 0 || !quorum(d) {
			return false, 0
		}
		fewest = min(fewest, replicas)
		allStable = allStable && stable
		switch d.DiskState() {
		case schema.UpToDate:
			ownGood++
		case schema.Consistent, schema.Inconsistent:
		default:
			allAttached = false
		}
	}
	score = 100*min(ownGood, 99) + fewest
	if allAttached {
		score += 10000
	}
	return allStable && !anyPrimary(r), score
}

// replicasOf counts the good copies of a volume, and tells whether one of them
// is at rest.
func replicasOf(r *netlinkapi.Resource, d *netlinkapi.Device) (replicas uint64, stable bool) {
	if d.DiskState() == schema.UpToDate {
		replicas, stable = 1, true
	}
	for _, c := range r.Connections {
		p := c.PeerDevice(d.Volume)
		if p == nil || p.DiskState() != schema.UpToDate {
			continue
		}
		replicas++
		if !has(p.Stats, "peer_dev_uuid_flags") || num(p.Stats, "peer_dev_uuid_flags")&uuidStable != 0 {
			stable = true
		}
	}
	return replicas, stable
}

func anyPrimary(r *netlinkapi.Resource) bool {
	if r.Role() == schema.Primary {
		return true
	}
	for _, c := range r.Connections {
		if c.Role() == schema.Primary {
			return true
		}
	}
	return false
}

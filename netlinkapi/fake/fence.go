package fake

import (
	"context"
	"slices"

	"drbdutils/schema"
)

// Exit codes of the fence-peer helper.
const (
	peerInconsistent = 3
	peerOutdated     = 4
	peerDown         = 5
	peerPrimary      = 6
	peerStonithed    = 7
)

// fencing is the policy towards the peer: in DRBD 8.4 the strictest of all disks that are
// good enough to take over with.
func (c *connection) fencing() uint64 {
	if c.res.m.gen == schema.V9 {
		return c.net.Uint("fencing_policy")
	}
	policy := uint64(fencingDontCare)
	for _, d := range c.res.devices {
		if d.disk != nil && d.own.disk >= schema.Consistent {
			policy = max(policy, d.disk.conf.Uint("fencing"))
		}
	}
	return policy
}

// fencePeer calls the fence-peer helper and draws its conclusions. It reports
// whether the peer's data is known to be no longer current.
func (c *connection) fencePeer(ctx context.Context) bool {
	if c.state >= wfReportParams {
		return false
	}
	var seen change
	switch c.helper(ctx, "fence-peer") {
	case peerInconsistent:
		seen.PDsk = new(schema.Inconsistent)
	case peerOutdated, peerStonithed:
		seen.PDsk = new(schema.Outdated)
	case peerDown:
		if !c.res.hasCurrentData() {
			return false
		}
		seen.PDsk = new(schema.Outdated)
	case peerPrimary:
		seen.Disk = new(schema.Outdated)
	default:
		return false
	}
	if before := c.res.snapshot(); c.state < wfReportParams {
		c.set(seen, true)
		c.res.m.tell(c.res.changes(before)...) // as the module: for the device, and for the connection
	}
	return seen.PDsk != nil
}

// hasCurrentData reports whether any disk here is UpToDate.
func (r *resource) hasCurrentData() bool {
	return slices.ContainsFunc(r.devices, func(d *device) bool { return d.own.disk == schema.UpToDate })
}

// fenceLost has the peer fenced when a Primary lost it without knowing whether
// its data is still current.
func (c *connection) fenceLost(ctx context.Context) {
	if c.fencing() == fencingDontCare || c.res.highestRole() != schema.Primary {
		return
	}
	for _, pd := range c.peers() {
		if pd.part.pdsk >= schema.DUnknown {
			c.res.m.work.Go(func() {
				c.res.m.mu.Lock()
				defer c.res.m.mu.Unlock()
				c.fencePeer(ctx)
			})
			return
		}
	}
}

// unfenceLater lifts the fencing in DRBD 9, once the peer has current data of all volumes.
func (c *connection) unfenceLater() {
	behind := slices.ContainsFunc(c.peers(), func(pd *peerDevice) bool { return pd.part.pdsk != schema.UpToDate })
	if c.res.m.gen == schema.V9 && !behind && c.fencing() != fencingDontCare {
		c.res.helperLater(helperCall{c: c, name: "unfence-peer", ctx: c.context()})
	}
}

// unfencePeer lifts the fencing once the peer has current data again.
func (c *connection) unfencePeer() {
	if c.fencing() != fencingDontCare {
		c.helper(c.res.m.ctx, "unfence-peer")
	}
}

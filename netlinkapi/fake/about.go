package fake

import (
	"drbdutils/meta"
	"drbdutils/schema"
)

// What the module tells of its objects, in notifications and dumps alike.

// about returns a notification about the resource.
func (r *resource) about(a schema.Action) notice {
	return notice{
		op: schema.ResourceState, minor: schema.NoMinor, ctx: r.context(), action: a,
		info: r.info(), stats: r.statistics(),
	}.gone()
}

func (r *resource) context() *schema.Values {
	return r.m.set(schema.CfgContext).SetStr("ctx_resource_name", r.name)
}

func (r *resource) info() *schema.Values {
	v := r.m.set(schema.ResourceInfo).SetUint("res_role", uint64(r.highestRole())).
		SetBool("res_susp", r.susp.user).SetBool("res_susp_nod", r.susp.noData).SetBool("res_susp_fen", r.susp.fencing)
	return setKnown(setKnown(v, "res_susp_quorum", r.susp.quorum), "res_fail_io", r.susp.failIO)
}

// setKnown sets what only DRBD 9 tells.
func setKnown(v *schema.Values, key string, on bool) *schema.Values {
	if v.Set.Field(key) != nil {
		v.SetBool(key, on)
	}
	return v
}

// How writes are kept in order.
const (
	orderNone  = 0
	orderDrain = 1
	orderFlush = 2
)

// writeOrdering returns the best method that all disks allow. Before the first
// disk came, DRBD 9 knows none.
func (r *resource) writeOrdering() uint64 {
	order := uint64(orderFlush)
	if r.m.gen == schema.V9 && !r.attached {
		return orderNone
	}
	for _, d := range r.devices {
		if d.disk == nil {
			continue
		}
		if order == orderFlush && !d.disk.conf.Bool("disk_flushes") {
			order = orderDrain
		}
		if order == orderDrain && !d.disk.conf.Bool("disk_drain") {
			order = orderNone
		}
	}
	return order
}

func (r *resource) statistics() *schema.Values {
	return r.m.set(schema.ResourceStats).SetUint("res_stat_write_ordering", r.writeOrdering())
}

// about returns a notification about the connection.
func (c *connection) about(a schema.Action) notice {
	n := notice{
		op: schema.ConnectionState, minor: schema.NoMinor, ctx: c.context(), action: a,
		info: c.info(), stats: c.statistics(),
	}.gone()
	if c.res.m.gen == schema.V9 {
		n.paths = &c.paths
	}
	return n
}

// context names the connection: the resource, and in DRBD 9 the peer, in 8.4 the
// addresses while it is configured.
func (c *connection) context() *schema.Values { return c.identify(c.res.context()) }

func (c *connection) identify(ctx *schema.Values) *schema.Values {
	switch {
	case c.res.m.gen == schema.V9:
		ctx.SetUint("ctx_peer_node_id", uint64(c.node)).SetStr("ctx_conn_name", c.net.Str("name"))
	case c.my != "":
		ctx.SetStr("ctx_my_addr", c.my).SetStr("ctx_peer_addr", c.peerAddr)
	}
	return ctx
}

func (c *connection) info() *schema.Values {
	return c.res.m.set(schema.ConnectionInfo).
		SetUint("conn_connection_state", uint64(min(c.state, wfReportParams))).
		SetUint("conn_role", uint64(c.role()))
}

func (c *connection) statistics() *schema.Values {
	v := c.res.m.set(schema.ConnectionStats).SetBool("conn_congested", false)
	return setKnown(setKnown(v, "ap_in_flight", false), "rs_in_flight", false)
}

// about returns a notification about the device.
func (d *device) about(a schema.Action) notice {
	return notice{
		op: schema.DeviceState, minor: d.minor, ctx: d.context(), action: a,
		info: d.info(), stats: d.statistics(),
	}.gone()
}

func (d *device) context() *schema.Values {
	return d.res.context().SetUint("ctx_volume", uint64(d.volume))
}

func (d *device) info() *schema.Values {
	v := d.res.m.set(schema.DeviceInfo).SetUint("dev_disk_state", uint64(d.own.disk))
	if d.res.m.gen == schema.V84 {
		return v
	}
	backing := ""
	if d.disk != nil && d.own.disk >= schema.Failed {
		backing = d.disk.conf.Str("backing_dev")
	}
	return v.SetBool("is_intentional_diskless", d.client()).SetBool("dev_has_quorum", d.own.quorum).
		SetStr("backing_dev_path", backing).SetBool("dev_is_open", d.open > 0)
}

func (d *device) statistics() *schema.Values {
	v := d.res.m.set(schema.DeviceStats)
	v.SetUint("dev_size", d.size).SetUint("dev_read", d.count.read).SetUint("dev_write", d.count.written)
	v.SetUint("dev_al_writes", d.alWrites()).SetUint("dev_bm_writes", d.bmWrites())
	v.SetUint("dev_upper_pending", 0).SetUint("dev_lower_pending", 0)
	v.SetBool("dev_upper_blocked", d.blocked())
	v.SetBool("dev_lower_blocked", false).SetBool("dev_al_suspended", d.alSuspended)
	v.SetUint("dev_exposed_data_uuid", d.exposed)
	if !d.shown() {
		return v.SetUint("dev_current_uuid", 0).SetUint("dev_disk_flags", 0).SetBytes("history_uuids", nil)
	}
	shown, room := meta.MaxPeers, meta.MaxPeers
	if d.res.m.gen == schema.V84 { // two, and room for two more
		shown, room = history84, 2*history84
	}
	history := make([]byte, 0, 8*room)
	for _, id := range d.disk.image.Super.History[:shown] {
		history = native.AppendUint64(history, uint64(id))
	}
	return v.SetUint("dev_current_uuid", d.disk.current()).
		SetUint("dev_disk_flags", uint64(d.disk.flags)).SetBytes("history_uuids", history[:8*room])
}

// aboutPeers returns notifications about the device as the peers have it.
func (d *device) aboutPeers(a schema.Action) []notice {
	var list []notice
	for _, pd := range d.peers {
		if pd.conn.net != nil {
			list = append(list, pd.about(a))
		}
	}
	return list
}

// about returns a notification about the device as the peer has it.
func (pd *peerDevice) about(a schema.Action) notice {
	return notice{
		op: schema.PeerDeviceState, minor: schema.NoMinor, ctx: pd.context(), action: a,
		info: pd.info(), stats: pd.statistics(),
	}.gone()
}

func (pd *peerDevice) context() *schema.Values { return pd.conn.identify(pd.device.context()) }

func (pd *peerDevice) info() *schema.Values {
	v := pd.res.m.set(schema.PeerDeviceInfo).
		SetUint("peer_repl_state", uint64(max(pd.part.conn, wfReportParams))).
		SetUint("peer_disk_state", uint64(pd.part.pdsk)).
		SetBool("peer_resync_susp_user", pd.part.userISP).
		SetBool("peer_resync_susp_peer", pd.part.peerISP).
		SetBool("peer_resync_susp_dependency", pd.part.aftrISP)
	return setKnown(setKnown(v, "peer_is_intentional_diskless", pd.client()), "peer_resync_susp_max_parallel", false)
}

func (pd *peerDevice) statistics() *schema.Values {
	v := pd.res.m.set(schema.PeerDeviceStats)
	v.SetUint("peer_dev_received", pd.received).SetUint("peer_dev_sent", pd.sent)
	v.SetUint("peer_dev_pending", 0).SetUint("peer_dev_unacked", 0)
	v.SetUint("peer_dev_out_of_sync", pd.outOfSync()*blockSize/512)
	v.SetUint("peer_dev_resync_failed", 0)
	if pd.res.m.gen == schema.V9 {
		pd.progress(v)
	}
	if !pd.shown() {
		return v.SetUint("peer_dev_bitmap_uuid", 0).SetUint("peer_dev_flags", 0)
	}
	return v.SetUint("peer_dev_bitmap_uuid", pd.bitmapUUID()).SetUint("peer_dev_flags", pd.peerFlags())
}

// haveBitmap is the flag of a peer that the module keeps in memory only.
const haveBitmap = 0x80000000

// peerFlags are the flags of the peer. DRBD 8.4 has only those of the device and
// expresses them so.
func (pd *peerDevice) peerFlags() uint64 {
	if pd.res.m.gen == schema.V9 {
		flags := uint64(pd.entry().Flags)
		if pd.slot >= 0 {
			flags |= haveBitmap
		}
		return flags
	}
	var flags uint64
	if pd.disk.flags.Has(meta.ConnectedInd) {
		flags |= schema.MDPeerConnected
	}
	if pd.disk.flags.Has(meta.Consistent) && !pd.disk.flags.Has(meta.WasUpToDate) {
		flags |= schema.MDPeerIsOutdated
	}
	if pd.disk.flags.Has(meta.FullSync) {
		flags |= schema.MDPeerFullSync
	}
	return flags
}

// configured returns context and options, as in a status of DRBD 8.4: with secrets
// only for those who may see them.
func (pd *peerDevice) configured(secrets bool) []*schema.Values {
	sets := []*schema.Values{pd.context(), pd.res.opts}
	if pd.shown() {
		sets = append(sets, pd.disk.conf)
	}
	if pd.conn.net != nil {
		sets = append(sets, pd.conn.options(secrets))
	}
	return sets
}

// stateInfo returns the state and the counters of DRBD 8.4, without reason.
func (pd *peerDevice) stateInfo() *schema.Values {
	v := pd.res.m.set(schema.StateInfo)
	v.SetUint("current_state", uint64(pd.state().word(pd.res.susp)))
	v.SetUint("ed_uuid", pd.exposed).SetUint("capacity", pd.size)
	v.SetUint("send_cnt", pd.sent).SetUint("recv_cnt", pd.received)
	v.SetUint("read_cnt", pd.count.read).SetUint("writ_cnt", pd.count.written)
	v.SetUint("al_writ_cnt", pd.alWrites()).SetUint("bm_writ_cnt", pd.bmWrites())
	v.SetUint("ap_bio_cnt", 0).SetUint("ap_pending_cnt", 0).SetUint("rs_pending_cnt", 0)
	if !pd.shown() {
		return v
	}
	raw := make([]byte, 0, 32)
	all := pd.uuids()
	for _, id := range all[:uuidHistory+history84] {
		raw = native.AppendUint64(raw, id)
	}
	v.SetBytes("uuids", raw).SetUint("disk_flags", uint64(pd.disk.flags))
	v.SetUint("bits_total", pd.bits().bits).SetUint("bits_oos", pd.bits().set)
	if pd.part.conn >= syncSource && pd.part.conn <= pausedSyncT {
		v.SetUint("bits_rs_total", pd.sync.total).SetUint("bits_rs_failed", 0)
	}
	return v
}

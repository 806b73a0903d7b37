package fake

import (
	"drbdutils/meta"
	"drbdutils/schema"
)

// Reasons in sib_reason: why an old-style event, or a status, is sent.
const (
	sibStatus       = 1
	sibStateChange  = 2
	sibHelperPre    = 3
	sibHelperPost   = 4
	sibSyncProgress = 5
)

// notice is a notification about an object, before it gets its number.
type notice struct {
	op     schema.Op
	minor  uint32
	ctx    *schema.Values
	action schema.Action
	sets   []*schema.Values // info, absent when the object is gone, and statistics
}

// body returns the message after the netlink header.
func (n notice) body(m *Module) []byte {
	sets := append([]*schema.Values{n.ctx, m.set(schema.NotifyHeader).SetUint("nh_type", uint64(n.action))}, n.sets...)
	return m.body(n.op, n.minor, schema.NoError, sets...)
}

// set returns an empty set as this generation knows it.
func (m *Module) set(id schema.ID) *schema.Values { return id.In(m.gen).New() }

// body builds the part of a message after the netlink header. Sets that are nil
// are left out.
func (m *Module) body(op schema.Op, minor uint32, code schema.Code, sets ...*schema.Values) []byte {
	b := []byte{byte(op), familyVersion[m.gen], 0, 0}
	b = native.AppendUint32(b, minor)
	b = native.AppendUint32(b, uint32(code))
	for _, s := range sets {
		if s != nil {
			b = appendSet(b, s)
		}
	}
	return b
}

// tell multicasts notifications that belong together.
func (m *Module) tell(list ...notice) {
	for i, n := range list {
		if i < len(list)-1 {
			n.action |= schema.Continues
		}
		m.multicast(m.seq, n.body(m))
		m.seq++
	}
}

// tellEvent multicasts a DRBD_EVENT; edit adds what is special about it.
func (m *Module) tellEvent(d *device, edit func(info *schema.Values)) {
	info := d.stateInfo()
	edit(info)
	sets := append(d.configured(false), info)
	m.multicast(m.eventSeq, m.body(schema.StatusEvent, d.minor, schema.NoError, sets...))
	m.eventSeq++
}

func (m *Module) multicast(seq uint32, body []byte) {
	msg := endMessage(append(startMessage(header{kind: familyID, seq: seq}), body...))
	for _, f := range m.listeners {
		f(msg)
	}
}

// about returns a notification about the resource.
func (r *resource) about(a schema.Action) notice {
	n := notice{op: schema.ResourceState, minor: schema.NoMinor, ctx: r.context(), action: a}
	if a != schema.Destroy {
		n.sets = append(n.sets, r.info())
	}
	n.sets = append(n.sets, r.statistics())
	return n
}

func (r *resource) context() *schema.Values {
	return r.m.set(schema.CfgContext).SetStr("ctx_resource_name", r.name)
}

func (r *resource) info() *schema.Values {
	return r.m.set(schema.ResourceInfo).SetUint("res_role", uint64(r.role())).
		SetBool("res_susp", r.susp.user).SetBool("res_susp_nod", r.susp.noData).SetBool("res_susp_fen", r.susp.fencing)
}

// How writes are kept in order.
const (
	orderNone  = 0
	orderDrain = 1
	orderFlush = 2
)

// writeOrdering returns the best method that all disks allow.
func (r *resource) writeOrdering() uint64 {
	order := uint64(orderFlush)
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
	n := notice{op: schema.ConnectionState, minor: schema.NoMinor, ctx: c.context(), action: a}
	if a != schema.Destroy {
		n.sets = append(n.sets, c.info())
	}
	n.sets = append(n.sets, c.statistics())
	return n
}

// context names the connection: the resource, and the addresses while it is
// configured.
func (c *connection) context() *schema.Values { return c.address(c.res.context()) }

func (c *connection) address(ctx *schema.Values) *schema.Values {
	if c.my != "" {
		ctx.SetStr("ctx_my_addr", c.my).SetStr("ctx_peer_addr", c.peer)
	}
	return ctx
}

func (c *connection) info() *schema.Values {
	return c.res.m.set(schema.ConnectionInfo).
		SetUint("conn_connection_state", uint64(min(c.state, wfReportParams))).
		SetUint("conn_role", uint64(c.res.peerRole()))
}

func (c *connection) statistics() *schema.Values {
	return c.res.m.set(schema.ConnectionStats).SetBool("conn_congested", false)
}

// about returns a notification about the device.
func (d *device) about(a schema.Action) notice {
	n := notice{op: schema.DeviceState, minor: d.minor, ctx: d.context(), action: a}
	if a != schema.Destroy {
		n.sets = append(n.sets, d.info())
	}
	n.sets = append(n.sets, d.statistics())
	return n
}

func (d *device) context() *schema.Values {
	return d.res.context().SetUint("ctx_volume", uint64(d.volume))
}

func (d *device) info() *schema.Values {
	return d.res.m.set(schema.DeviceInfo).SetUint("dev_disk_state", uint64(d.state.disk))
}

func (d *device) statistics() *schema.Values {
	v := d.res.m.set(schema.DeviceStats)
	v.SetUint("dev_size", d.size).SetUint("dev_read", d.count.read).SetUint("dev_write", d.count.written)
	v.SetUint("dev_al_writes", d.alWrites()).SetUint("dev_bm_writes", d.bmWrites())
	v.SetUint("dev_upper_pending", 0).SetUint("dev_lower_pending", 0)
	v.SetBool("dev_upper_blocked", d.res.susp.any() || d.frozen)
	v.SetBool("dev_lower_blocked", false).SetBool("dev_al_suspended", d.alSuspended)
	v.SetUint("dev_exposed_data_uuid", d.exposed)
	if !d.shown() {
		return v.SetUint("dev_current_uuid", 0).SetUint("dev_disk_flags", 0).SetBytes("history_uuids", nil)
	}
	history := make([]byte, 0, 32)
	for _, id := range []uint64{d.disk.uuids[uuidHistory], d.disk.uuids[uuidHistoryEnd], 0, 0} {
		history = native.AppendUint64(history, id)
	}
	return v.SetUint("dev_current_uuid", d.disk.uuids[uuidCurrent]).
		SetUint("dev_disk_flags", uint64(d.disk.flags)).SetBytes("history_uuids", history)
}

// aboutPeer returns a notification about the device as the peer has it.
func (d *device) aboutPeer(a schema.Action) notice {
	n := notice{op: schema.PeerDeviceState, minor: schema.NoMinor, ctx: d.peerContext(), action: a}
	if a != schema.Destroy {
		n.sets = append(n.sets, d.peerInfo())
	}
	n.sets = append(n.sets, d.peerStatistics())
	return n
}

func (d *device) peerContext() *schema.Values { return d.res.conn.address(d.context()) }

func (d *device) peerInfo() *schema.Values {
	return d.res.m.set(schema.PeerDeviceInfo).
		SetUint("peer_repl_state", uint64(max(d.state.conn, wfReportParams))).
		SetUint("peer_disk_state", uint64(d.state.pdsk)).
		SetBool("peer_resync_susp_user", d.state.userISP).
		SetBool("peer_resync_susp_peer", d.state.peerISP).
		SetBool("peer_resync_susp_dependency", d.state.aftrISP)
}

func (d *device) peerStatistics() *schema.Values {
	v := d.res.m.set(schema.PeerDeviceStats)
	v.SetUint("peer_dev_received", d.count.received).SetUint("peer_dev_sent", d.count.sent)
	v.SetUint("peer_dev_pending", 0).SetUint("peer_dev_unacked", 0)
	v.SetUint("peer_dev_out_of_sync", d.outOfSync()*blockSize/512)
	v.SetUint("peer_dev_resync_failed", 0)
	if !d.shown() {
		return v.SetUint("peer_dev_bitmap_uuid", 0).SetUint("peer_dev_flags", 0)
	}
	return v.SetUint("peer_dev_bitmap_uuid", d.disk.uuids[uuidBitmap]).SetUint("peer_dev_flags", d.peerFlags())
}

// peerFlags expresses the device's flags as those of a peer in DRBD 9.
func (d *device) peerFlags() uint64 {
	var flags uint64
	if d.disk.flags.Has(meta.ConnectedInd) {
		flags |= schema.MDPeerConnected
	}
	if d.disk.flags.Has(meta.Consistent) && !d.disk.flags.Has(meta.WasUpToDate) {
		flags |= schema.MDPeerIsOutdated
	}
	if d.disk.flags.Has(meta.FullSync) {
		flags |= schema.MDPeerFullSync
	}
	return flags
}

// configured returns context and options, as in a status: with secrets only for
// those who may see them.
func (d *device) configured(secrets bool) []*schema.Values {
	sets := []*schema.Values{d.peerContext(), d.res.opts}
	if d.shown() {
		sets = append(sets, d.disk.conf)
	}
	if d.res.conn.net != nil {
		sets = append(sets, d.res.conn.options(secrets))
	}
	return sets
}

// stateInfo returns the state and the counters, without reason.
func (d *device) stateInfo() *schema.Values {
	v := d.res.m.set(schema.StateInfo)
	v.SetUint("current_state", uint64(d.state.word(d.res.susp)))
	v.SetUint("ed_uuid", d.exposed).SetUint("capacity", d.size)
	v.SetUint("send_cnt", d.count.sent).SetUint("recv_cnt", d.count.received)
	v.SetUint("read_cnt", d.count.read).SetUint("writ_cnt", d.count.written)
	v.SetUint("al_writ_cnt", d.alWrites()).SetUint("bm_writ_cnt", d.bmWrites())
	v.SetUint("ap_bio_cnt", 0).SetUint("ap_pending_cnt", 0).SetUint("rs_pending_cnt", 0)
	if !d.shown() {
		return v
	}
	raw := make([]byte, 0, 32)
	for _, id := range d.disk.uuids {
		raw = native.AppendUint64(raw, id)
	}
	v.SetBytes("uuids", raw).SetUint("disk_flags", uint64(d.disk.flags))
	v.SetUint("bits_total", d.disk.bits.bits).SetUint("bits_oos", d.disk.bits.set)
	if d.state.conn >= syncSource && d.state.conn <= pausedSyncT {
		v.SetUint("bits_rs_total", d.sync.total).SetUint("bits_rs_failed", 0)
	}
	return v
}

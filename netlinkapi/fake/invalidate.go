package fake

import "drbdutils/schema"

func (m *Module) invalidate(r *request) schema.Code {
	return r.peer.invalidate(schema.Secondary, change{Disk: new(schema.Inconsistent)}, startingSyncT)
}

func (m *Module) invalidateRemote(r *request) schema.Code {
	return r.peer.invalidate(schema.Primary, change{PDsk: new(schema.Inconsistent)}, startingSyncS)
}

// invalidate marks everything as out of sync where the node is alone and has the role for
// that; otherwise it begins a resync.
func (pd *peerDevice) invalidate(role schema.Role, alone change, resync conn) schema.Code {
	pd.frozen = true
	defer func() { pd.frozen = false }()
	if s := pd.state(); s.conn != standAlone || s.role != role {
		return pd.request(change{Conn: &resync})
	}
	code := pd.request(alone)
	if code.OK() {
		pd.bits().setAll()
		pd.flush()
	}
	return code
}

func (m *Module) invalidate9(r *request) schema.Code {
	d := r.device
	from := r.parms.Int("sync_from_peer_node_id")
	if !r.parms.Has("sync_from_peer_node_id") {
		from = -1
	}
	if from >= 0 && d.res.connectionTo(int(from)) == nil {
		return m.crash()
	}
	for _, pd := range d.peers {
		if pd.part.conn == connected && pd.part.pdsk == schema.UpToDate && (from < 0 || int(from) == pd.conn.node) {
			d.frozen = true
			defer func() { d.frozen = false }()
			return pd.request(change{Conn: new(begins(startingSyncT, r.parms, "reset_bitmap"))})
		}
	}
	if d.replicated() || d.own.role == schema.Primary {
		return schema.StateNoUpToDateDisk
	}
	code := d.setDisk(schema.Inconsistent)
	for _, b := range d.disk.bits {
		b.setAll()
	}
	d.flush()
	return code
}

func (m *Module) invalidateRemote9(r *request) schema.Code {
	return r.peer.request(change{Conn: new(begins(startingSyncS, r.parms, "p_reset_bitmap"))})
}

// begins is the state in which a resync of everything begins in DRBD 9, or only of what
// is out of sync, if the bitmap is to stay.
func begins(all conn, parms *schema.Values, key string) conn {
	if reset, ok := parms.Get(key); ok && reset.Num == 0 {
		return map[conn]conn{startingSyncT: wfBitMapT, startingSyncS: wfBitMapS}[all]
	}
	return all
}

// asked returns a change that the peer asks for. Data that it wants to replace is
// outdated, in DRBD 9, from then on.
func (pd *peerDevice) asked(ch change) change {
	if pd.res.m.gen == schema.V9 && ch.Conn != nil && *ch.Conn == startingSyncT {
		ch.Disk = new(min(pd.own.disk, schema.Outdated))
	}
	return ch
}

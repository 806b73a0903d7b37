package fake

import "drbdutils/schema"

func (m *Module) invalidate(r *request) schema.Code {
	pd := r.peer
	pd.frozen = true
	defer func() { pd.frozen = false }()
	if pd.state().conn == standAlone && pd.state().role == schema.Secondary {
		code := pd.request(change{Disk: new(schema.Inconsistent)})
		if code.OK() {
			pd.bits().setAll()
			pd.flush()
		}
		return code
	}
	return pd.request(change{Conn: new(startingSyncT)})
}

func (m *Module) invalidate9(r *request) schema.Code {
	d := r.device
	from := r.parms.Int("sync_from_peer_node_id")
	if !r.parms.Has("sync_from_peer_node_id") {
		from = -1
	}
	for _, pd := range d.peers {
		if pd.part.conn == connected && pd.part.pdsk == schema.UpToDate && (from < 0 || int(from) == pd.conn.node) {
			return pd.request(change{Conn: new(startingSyncT)})
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

func (m *Module) invalidateRemote(r *request) schema.Code {
	pd := r.peer
	pd.frozen = true
	defer func() { pd.frozen = false }()
	if pd.state().conn == standAlone && pd.state().role == schema.Primary {
		code := pd.request(change{PDsk: new(schema.Inconsistent)})
		if code.OK() {
			pd.bits().setAll()
			pd.flush()
		}
		return code
	}
	return pd.request(change{Conn: new(startingSyncS)})
}

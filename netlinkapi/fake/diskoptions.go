package fake

import (
	"drbdutils/meta"
	"drbdutils/schema"
)

func (m *Module) diskOptions(r *request) schema.Code {
	d := r.device
	conf, code := r.options(m, schema.DiskConf, d.disk.conf)
	if code == schema.NoError {
		code = m.checkDiskOptions(d, m.clamped(conf))
	}
	if code == schema.NoError {
		d.disk.conf = conf
		m.noteDependency(d)
		m.reviewPauses()
		d.noteLogging()
		for _, pd := range d.peers {
			pd.tellRates()
		}
	}
	return code
}

// noteLogging stores whether the activity log can be relied on after a crash.
func (d *device) noteLogging() {
	before := d.disk.flags
	d.disk.flags &^= meta.ALDisabled
	if !d.disk.logged() {
		d.disk.flags |= meta.ALDisabled
	}
	if d.disk.flags != before {
		d.save()
	}
}

// Limits that the module enforces on al-extents.
const (
	minALExtents = 67
	maxALExtents = 65534
)

// clamped moves options into the limits of the module.
func (m *Module) clamped(conf *schema.Values) *schema.Values {
	return conf.SetUint("al_extents", min(max(conf.Uint("al_extents"), minALExtents), maxALExtents))
}

// checkDiskOptions refuses options that contradict the state or other devices.
func (m *Module) checkDiskOptions(d *device, conf *schema.Values) schema.Code {
	for _, pd := range d.peers {
		if m.gen == schema.V84 && conf.Uint("fencing") == fencingStonith && pd.conn.net.Uint("wire_protocol") == protocolA {
			return schema.ErrStonithProtoA
		}
	}
	return m.checkResyncAfter(d, conf.Int("resync_after"))
}

// checkResyncAfter refuses a dependency that ends at the device itself.
func (m *Module) checkResyncAfter(d *device, after int64) schema.Code {
	if after < -1 || after > maxMinor {
		return schema.ErrResyncAfter
	}
	for after >= 0 {
		other := m.minors[uint32(after)]
		if other == d {
			return schema.ErrResyncAfterCycle
		}
		if other == nil || other.disk == nil {
			return schema.NoError
		}
		after = other.disk.conf.Int("resync_after")
	}
	return schema.NoError
}

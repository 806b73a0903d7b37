package fake

import (
	"syscall"

	"drbdutils/schema"
)

// endless is how often the answer to a dump filtered by an unknown resource is
// repeated. The real module never stops.
const endless = 64

// dump answers a dump: one message per object, then the end.
func (m *Module) dump(r *request) [][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.op == schema.GetInitialState {
		return m.dumpInitialState(r)
	}
	filter := r.context.Str("ctx_resource_name")
	list, known := m.filtered(filter)
	if !known && r.op != schema.GetResources {
		return m.dumpUnknown(r)
	}
	var out [][]byte
	add := func(minor uint32, sets ...*schema.Values) {
		b := startMessage(header{kind: familyID, flags: flagMulti, seq: r.seq, port: r.port})
		out = append(out, endMessage(append(b, m.body(r.op, minor, schema.NoError, sets...)...)))
	}
	dumpers[r.op](m, list, filter != "", add)
	return append(out, doneMessage(r.header, 0))
}

// filtered returns the resources that a filter leaves.
func (m *Module) filtered(name string) (list []*resource, known bool) {
	if name == "" {
		return m.resources, true
	}
	if r := m.resource(name); r != nil {
		return []*resource{r}, true
	}
	return nil, false
}

// dumpUnknown answers for an unknown resource: an old-style status ends with an
// error, the others say "unknown" again and again.
func (m *Module) dumpUnknown(r *request) [][]byte {
	if r.op == schema.GetStatus {
		return [][]byte{doneMessage(r.header, syscall.ENODEV)}
	}
	b := startMessage(header{kind: familyID, flags: flagMulti, seq: r.seq, port: r.port})
	msg := endMessage(append(b, m.body(r.op, schema.NoMinor, schema.ErrResourceUnknown)...))
	var out [][]byte
	for range endless {
		out = append(out, msg)
	}
	return out
}

// adder adds the message about one object to a dump.
type adder func(minor uint32, sets ...*schema.Values)

// dumpers list the objects of each dump, in the order of the module: with a
// filter by volume, else by minor.
var dumpers = map[schema.Op]func(m *Module, list []*resource, filtered bool, add adder){
	schema.GetStatus: func(m *Module, list []*resource, _ bool, add adder) {
		for _, r := range list {
			if len(r.devices) == 0 {
				sets := []*schema.Values{r.conn.context()}
				if r.conn.net != nil {
					sets = append(sets, r.conn.options(true))
				}
				add(schema.NoMinor, sets...)
			}
			for _, d := range r.devices {
				add(d.minor, d.status()...)
			}
		}
	},
	schema.GetResources: func(m *Module, _ []*resource, _ bool, add adder) {
		for _, r := range m.resources {
			add(schema.NoMinor, r.context(), r.opts, r.info(), r.statistics())
		}
	},
	schema.GetDevices: func(m *Module, list []*resource, filtered bool, add adder) {
		for _, d := range m.devicesOf(list, filtered) {
			var conf *schema.Values
			if d.shown() {
				conf = d.disk.conf
			}
			add(d.minor, d.context(), conf, d.info(), d.statistics())
		}
	},
	schema.GetConnections: func(m *Module, list []*resource, _ bool, add adder) {
		for _, r := range list {
			if c := r.conn; c.net != nil {
				add(schema.NoMinor, c.context(), c.options(true), c.info(), c.statistics())
			}
		}
	},
	schema.GetPeerDevices: func(m *Module, list []*resource, filtered bool, add adder) {
		for _, d := range m.devicesOf(list, filtered) {
			if d.res.conn.net == nil {
				continue
			}
			minor := d.minor
			if filtered { // the module puts the volume number there
				minor = d.volume
			}
			add(minor, d.peerContext(), d.peerInfo(), d.peerStatistics())
		}
	},
}

func (m *Module) devicesOf(list []*resource, filtered bool) []*device {
	if !filtered {
		return m.devices()
	}
	var devices []*device
	for _, r := range list {
		devices = append(devices, r.devices...)
	}
	return devices
}

// status returns the sets of an old-style status.
func (d *device) status() []*schema.Values {
	return append(d.configured(true), d.stateInfo().SetUint("sib_reason", sibStatus))
}

// dumpInitialState lists all objects as notifications. Its messages are not
// marked as parts of a dump.
func (m *Module) dumpInitialState(r *request) [][]byte {
	var out [][]byte
	add := func(body []byte) {
		out = append(out, endMessage(append(startMessage(header{kind: familyID, seq: r.seq}), body...)))
	}
	for _, res := range m.resources {
		list := []notice{res.about(schema.Exists), res.conn.about(schema.Exists)}
		for _, d := range res.devices {
			list = append(list, d.about(schema.Exists))
		}
		for _, d := range res.devices {
			list = append(list, d.aboutPeer(schema.Exists))
		}
		for i, n := range list {
			if i < len(list)-1 {
				n.action |= schema.Continues
			}
			add(n.body(m))
		}
	}
	end := m.set(schema.NotifyHeader).SetUint("nh_type", uint64(schema.Exists))
	add(m.body(schema.InitialStateDone, schema.NoMinor, schema.NoError, end))
	return append(out, doneMessage(r.header, 0))
}

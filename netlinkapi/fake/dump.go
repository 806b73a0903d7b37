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
	sel := selection{m: m, list: list, filtered: filter != "", secrets: !r.plain}
	if !known && r.op != schema.GetResources {
		return m.dumpUnknown(r)
	}
	var out [][]byte
	add := func(body []byte) {
		b := startMessage(header{kind: familyID, flags: flagMulti, seq: r.seq, port: r.port})
		out = append(out, endMessage(append(b, body...)))
	}
	if r.op == schema.GetConnections {
		for _, body := range sel.connections() {
			add(body)
		}
		return append(out, doneMessage(r.header, 0))
	}
	dumpers[r.op](sel, func(minor uint32, sets ...*schema.Values) {
		add(m.body(r.op, minor, schema.NoError, sets...))
	})
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

// selection is what a dump is to show.
type selection struct {
	m        *Module
	list     []*resource
	filtered bool // by name
	secrets  bool // are shown
}

// adder adds the message about one object to a dump.
type adder func(minor uint32, sets ...*schema.Values)

// dumpers list the objects of each dump, in the order of the module: with a
// filter by volume, else by minor.
var dumpers = map[schema.Op]func(s selection, add adder){
	schema.GetStatus: func(s selection, add adder) {
		for _, r := range s.list {
			if c := r.only(); len(r.devices) == 0 {
				sets := []*schema.Values{c.context()}
				if c.net != nil {
					sets = append(sets, c.options(s.secrets))
				}
				add(schema.NoMinor, sets...)
			}
			for _, d := range r.devices {
				add(d.minor, d.only().status(s.secrets)...)
			}
		}
	},
	schema.GetResources: func(s selection, add adder) {
		for _, r := range s.m.resources {
			add(schema.NoMinor, r.context(), r.opts, r.info(), r.statistics())
		}
	},
	schema.GetDevices: func(s selection, add adder) {
		for _, d := range s.devices() {
			var conf *schema.Values
			if d.shown() {
				conf = d.disk.conf
			}
			add(d.minor, d.context(), conf, d.conf, d.info(), d.statistics())
		}
	},
	schema.GetPeerDevices: func(s selection, add adder) {
		for _, d := range s.devices() {
			for _, pd := range d.peers {
				if pd.conn.net == nil {
					continue
				}
				minor := d.minor
				if s.filtered { // the module puts the volume number there
					minor = d.volume
				}
				add(minor, pd.context(), pd.info(), pd.statistics(), pd.opts)
			}
		}
	},
	schema.GetPaths: func(s selection, add adder) {
		for _, r := range s.list {
			for _, c := range r.conns {
				for _, p := range c.paths {
					add(schema.NoMinor, p.context(), p.info())
				}
			}
		}
	},
}

// connections returns the bodies of the messages about connections.
func (s selection) connections() [][]byte {
	m := s.m
	var bodies [][]byte
	for _, r := range s.list {
		for _, c := range r.conns {
			if c.net == nil {
				continue
			}
			b := m.body(schema.GetConnections, schema.NoMinor, schema.NoError, c.context(), c.options(s.secrets))
			if m.gen == schema.V9 {
				b = appendPaths(b, c.paths)
			}
			bodies = append(bodies, m.appendSets(b, c.info(), c.statistics()))
		}
	}
	return bodies
}

func (s selection) devices() []*device {
	if !s.filtered {
		return s.m.devices()
	}
	var devices []*device
	for _, r := range s.list {
		devices = append(devices, r.devices...)
	}
	return devices
}

func (m *Module) getStatus(r *request) schema.Code {
	r.reply = r.peer.status(!r.plain)
	return schema.NoError
}

// status returns the sets of a status of DRBD 8.4.
func (pd *peerDevice) status(secrets bool) []*schema.Values {
	return append(pd.configured(secrets), pd.stateInfo().SetUint("sib_reason", sibStatus))
}

// Which of the wait timeouts holds.
const (
	timeoutDefault  = 0
	timeoutDegraded = 1
	timeoutOutdated = 2
)

func (m *Module) timeoutType(r *request) schema.Code {
	pd := r.peer
	kind := timeoutDefault
	switch {
	case pd.state().pdsk == schema.Outdated:
		kind = timeoutOutdated
	case pd.disk != nil && pd.degraded:
		kind = timeoutDegraded
	}
	r.reply = append(r.reply, m.set(schema.TimeoutParms).SetUint("timeout_type", uint64(kind)))
	return schema.NoError
}

// dumpInitialState lists all objects as notifications. Its messages are not
// marked as parts of a dump.
func (m *Module) dumpInitialState(r *request) [][]byte {
	var out [][]byte
	add := func(body []byte) {
		out = append(out, endMessage(append(startMessage(header{kind: familyID, seq: r.seq}), body...)))
	}
	for _, res := range m.resources {
		list := res.existing()
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

// existing returns a notification for the resource and each object in it.
func (r *resource) existing() []notice {
	list := []notice{r.about(schema.Exists)}
	for _, c := range r.conns {
		list = append(list, c.about(schema.Exists))
	}
	for _, c := range r.conns {
		for _, p := range c.paths {
			list = append(list, p.about(schema.Exists))
		}
	}
	for _, d := range r.devices {
		list = append(list, d.about(schema.Exists))
	}
	for _, d := range r.devices {
		for _, c := range r.conns {
			list = append(list, d.with(c).about(schema.Exists))
		}
	}
	return list
}

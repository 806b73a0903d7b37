package netlinkapi

import (
	"slices"

	"drbdutils/schema"
)

// NewSnapshot returns the state of a module that has no resources.
func NewSnapshot(g schema.Generation) *Snapshot {
	return &Snapshot{Generation: g, index: map[string]int{}}
}

// Apply changes the snapshot as a notification says and returns the resource
// before and after. The creation of something that is known, and changes of
// something that is not, change nothing: the module's notifications and its
// initial state may overlap.
func (s *Snapshot) Apply(m Message) Event {
	nh := schema.Action(m.Get(schema.NotifyHeader).Uint("nh_type"))
	e := Event{Message: m, Action: nh &^ schema.Continues, More: nh&schema.Continues != 0}
	name := m.Get(schema.CfgContext).Str("ctx_resource_name")
	e.Old = s.Resource(name)
	e.New = e.Old
	switch {
	case m.Op == schema.HelperEvent || m.Op == schema.InitialStateDone:
	case m.Op == schema.ResourceState:
		e.New = s.applyResource(name, e.Action, &m)
	case e.Old != nil:
		e.New = e.Old.with(s.Generation, e.Action, &m)
		s.Resources[s.index[name]] = e.New
	}
	return e
}

// applyResource applies a notification about a resource itself.
func (s *Snapshot) applyResource(name string, action schema.Action, m *Message) *Resource {
	old := s.Resource(name)
	switch action {
	case schema.Destroy:
		s.remove(name)
		return nil
	case schema.Rename:
		return s.rename(name, m.Get(schema.RenameInfo).Str("res_new_name"))
	case schema.Create, schema.Exists:
		if old == nil {
			old = &Resource{Name: name}
			s.index[name] = len(s.Resources)
			s.Resources = append(s.Resources, old)
		}
	}
	if old == nil {
		return nil
	}
	r := *old
	replace(&r.Options, m.Get(schema.ResourceOpts))
	replace(&r.Info, m.Get(schema.ResourceInfo))
	replace(&r.Stats, m.Get(schema.ResourceStats))
	s.Resources[s.index[name]] = &r
	return &r
}

func (s *Snapshot) remove(name string) {
	i, ok := s.index[name]
	if !ok {
		return
	}
	s.Resources = slices.Delete(s.Resources, i, i+1)
	delete(s.index, name)
	for ; i < len(s.Resources); i++ {
		s.index[s.Resources[i].Name] = i
	}
}

func (s *Snapshot) rename(from, to string) *Resource {
	old := s.Resource(from)
	if old == nil || to == "" || from == to {
		return old
	}
	s.remove(to) // whatever it was, it is gone
	i := s.index[from]
	r := *old
	r.Name = to
	delete(s.index, from)
	s.index[to] = i
	s.Resources[i] = &r
	return &r
}

// replace puts new values in the place of old ones, if there are new ones.
func replace(old **schema.Values, v *schema.Values) {
	if v != nil {
		*old = v
	}
}

// with returns a copy of r in which the part that a message is about is changed.
// Parts that stay the same are shared with r.
func (r *Resource) with(g schema.Generation, action schema.Action, m *Message) *Resource {
	c := *r
	ctx := m.Get(schema.CfgContext)
	switch m.Op {
	case schema.DeviceState:
		c.Devices = applyDevice(r.Devices, action, ctx, m)
	case schema.ConnectionState:
		c.Connections = applyConnection(g, r.Connections, action, ctx, m)
	case schema.PeerDeviceState, schema.PathState:
		c.Connections = applyBelow(r.Connections, action, ctx, m)
	}
	return &c
}

// edit returns a copy of list in which the element that fits is changed as the
// action says. The copy of the element, or a new one from create, goes through
// update.
func edit[T any](list []*T, action schema.Action, fits func(*T) bool, create func() T, update func(*T)) []*T {
	i := slices.IndexFunc(list, fits)
	switch {
	case action == schema.Destroy && i >= 0:
		return slices.Delete(slices.Clone(list), i, i+1)
	case i < 0 && action != schema.Create && action != schema.Exists:
		return list
	}
	list = slices.Clone(list)
	var t T
	if i < 0 {
		t = create()
		list = append(list, &t)
	} else {
		t = *list[i]
		list[i] = &t
	}
	update(&t)
	return list
}

func applyDevice(list []*Device, action schema.Action, ctx *schema.Values, m *Message) []*Device {
	volume := uint32(ctx.Uint("ctx_volume"))
	return edit(list, action,
		func(d *Device) bool { return d.Volume == volume },
		func() Device { return Device{Volume: volume, Minor: m.Minor} },
		func(d *Device) { d.update(m) })
}

func (d *Device) update(m *Message) {
	replace(&d.Disk, m.Get(schema.DiskConf))
	replace(&d.Conf, m.Get(schema.DeviceConf))
	replace(&d.Info, m.Get(schema.DeviceInfo))
	replace(&d.Stats, m.Get(schema.DeviceStats))
}

func applyConnection(g schema.Generation, list []*Connection, action schema.Action, ctx *schema.Values, m *Message) []*Connection {
	id := peerNodeID(ctx)
	return edit(list, action,
		func(c *Connection) bool { return c.PeerNodeID == id },
		func() Connection { return newConnection(ctx) },
		func(c *Connection) { c.update(g, m) })
}

// peerNodeID returns whom a message is about. DRBD 8.4 knows but one peer.
func peerNodeID(ctx *schema.Values) uint32 {
	if ctx == nil || ctx.Set.Field("ctx_peer_node_id") == nil {
		return 0
	}
	return uint32(ctx.Uint("ctx_peer_node_id"))
}

func newConnection(ctx *schema.Values) Connection { return Connection{PeerNodeID: peerNodeID(ctx)} }

func (c *Connection) update(g schema.Generation, m *Message) {
	replace(&c.Conf, m.Get(schema.NetConf))
	replace(&c.Info, m.Get(schema.ConnectionInfo))
	replace(&c.Stats, m.Get(schema.ConnectionStats))
	ctx := m.Get(schema.CfgContext)
	if g == schema.V9 {
		if name := ctx.Str("ctx_conn_name"); name != "" {
			c.Name = name
		}
	} else if path := pathOf(ctx); path.Local != "" {
		c.Name, c.Paths = name84, []*Path{&path}
	}
}

// name84 is the name of connections with addresses of DRBD 8.4, which gives them none.
const name84 = "peer"

func pathOf(ctx *schema.Values) Path {
	return Path{Local: Address(ctx.Str("ctx_my_addr")), Peer: Address(ctx.Str("ctx_peer_addr"))}
}

// applyBelow applies a notification about a part of a connection.
func applyBelow(list []*Connection, action schema.Action, ctx *schema.Values, m *Message) []*Connection {
	i := slices.IndexFunc(list, func(c *Connection) bool { return c.PeerNodeID == peerNodeID(ctx) })
	if i < 0 {
		return list
	}
	c := *list[i]
	if m.Op == schema.PathState {
		c.Paths = applyPath(c.Paths, action, ctx, m)
	} else {
		c.PeerDevices = applyPeerDevice(c.PeerDevices, action, ctx, m)
	}
	list = slices.Clone(list)
	list[i] = &c
	return list
}

// applyPath applies a notification about a path. One that changes without having
// been announced is taken for new: older modules forget to announce paths.
func applyPath(list []*Path, action schema.Action, ctx *schema.Values, m *Message) []*Path {
	path := pathOf(ctx)
	if action == schema.Change {
		action = schema.Create
	}
	return edit(list, action,
		func(p *Path) bool { return p.Local == path.Local && p.Peer == path.Peer },
		func() Path { return path },
		func(p *Path) { replace(&p.Info, m.Get(schema.PathInfo)) })
}

func applyPeerDevice(list []*PeerDevice, action schema.Action, ctx *schema.Values, m *Message) []*PeerDevice {
	volume := uint32(ctx.Uint("ctx_volume"))
	return edit(list, action,
		func(p *PeerDevice) bool { return p.Volume == volume },
		func() PeerDevice { return PeerDevice{Volume: volume} },
		func(p *PeerDevice) { p.update(m) })
}

func (p *PeerDevice) update(m *Message) {
	replace(&p.Options, m.Get(schema.PeerDeviceOpts))
	replace(&p.Info, m.Get(schema.PeerDeviceInfo))
	replace(&p.Stats, m.Get(schema.PeerDeviceStats))
}

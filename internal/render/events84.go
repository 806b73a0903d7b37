package render

import (
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// single writes the line of the one object that an event of DRBD 8.4 is about.
// Its tools print one for each event, in the order of arrival.
func (e *Events) single(ev *netlinkapi.Event) {
	if ev.Action == schema.Create || ev.Action == schema.Exists {
		ev.Old = nil // what has no addresses is created once more when it gets some
	}
	e.room.begin()
	keys := keys84(&ev.Message)
	volume := uint32(num(ev.Message.Get(schema.CfgContext), "ctx_volume"))
	old, now := e.groups84(ev.Message.Op, ev.Old, volume), e.groups84(ev.Message.Op, ev.New, volume)
	if ev.Action == schema.Destroy {
		e.line("destroy ", keys)
		return
	}
	if old == nil && now == nil && ev.Message.Op == schema.PeerDeviceState {
		old, now = e.stray(keys, &ev.Message)
	}
	e.object(keys, old, now, true)
}

// stray returns what there was and is to tell about a peer device whose connection
// has no addresses, and so was not created: only changes tell of it.
func (e *Events) stray(keys string, m *netlinkapi.Message) (old, now []group) {
	p := &netlinkapi.PeerDevice{Info: m.Get(schema.PeerDeviceInfo), Stats: m.Get(schema.PeerDeviceStats)}
	now = e.peerGroups(nil, p)
	if before := e.strays[keys]; before != nil {
		old = e.peerGroups(nil, before)
	} else {
		old = make([]group, len(now)) // everything is news
		for i := range old {
			old[i].words = make([]word, len(now[i].words))
		}
	}
	if e.strays == nil {
		e.strays = map[string]*netlinkapi.PeerDevice{}
	}
	e.strays[keys] = p
	return old, now
}

// keys84 names the object that a message of DRBD 8.4 is about. Its connections
// have a name while they have addresses.
func keys84(m *netlinkapi.Message) string {
	context := m.Get(schema.CfgContext)
	name, volume := context.Str("ctx_resource_name"), num(context, "ctx_volume")
	peer := " peer-node-id:0"
	if hasAddresses(context) {
		peer += " conn-name:peer"
	}
	switch m.Op {
	case schema.ResourceState:
		return resourceKeys(name)
	case schema.ConnectionState:
		return "connection name:" + name + peer
	case schema.DeviceState:
		return deviceKeys(name, uint32(volume), m.Minor)
	}
	return "peer-device name:" + name + peer + " volume:" + digits(volume)
}

func hasAddresses(context *schema.Values) bool {
	return has(context, "ctx_my_addr") && has(context, "ctx_peer_addr")
}

// groups84 returns what there is to tell about an object of a resource, nil if
// there is no such object.
func (e *Events) groups84(op schema.Op, r *netlinkapi.Resource, volume uint32) []group {
	switch op {
	case schema.ResourceState:
		return e.resourceGroups(r)
	case schema.ConnectionState:
		return e.connectionGroups(r.Connection(0))
	case schema.DeviceState:
		return e.deviceGroups(r.Device(volume))
	}
	return e.peerGroups(r, r.Connection(0).PeerDevice(volume))
}

package render

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strings"
	"time"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// Events writes what netlinkapi.Client.Watch yields as lines of events2. Lines
// of one change of the module's state go out together.
type Events struct {
	Options
	Full  bool             // print all groups of a changed object; implies Statistics
	Diff  bool             // print values as OLD->NEW
	Clock func() time.Time // for timestamps; nil: without
	Out   io.Writer

	buf     bytes.Buffer
	stamp   string
	goesOn  bool // the current change goes on
	live    bool // the initial state is over
	gen     schema.Generation
	changes []*change                         // of the current change of state
	order   order                             // of the current resource's objects
	strays  map[string]*netlinkapi.PeerDevice // told of without their connections, by their keys
	room    room                              // for the current object
}

// A change is what happened to one resource.
type change struct {
	old, now *netlinkapi.Resource
	rest     *netlinkapi.Resource // what there still was when the module said that the resource is gone
}

// Event takes the next event.
func (e *Events) Event(ev netlinkapi.Event, gen schema.Generation) error {
	e.gen = gen
	e.timestamp()
	e.goesOn = ev.More
	switch ev.Message.Op {
	case schema.InitialStateDone:
		e.line("exists -")
		e.live = true
	case schema.HelperEvent:
		e.helper(&ev)
	default:
		e.state(&ev)
	}
	if ev.More || e.buf.Len() == 0 {
		return nil
	}
	_, err := e.Out.Write(e.buf.Bytes())
	e.buf.Reset()
	return err
}

// Restart makes Events ready for another initial state.
func (e *Events) Restart() { e.live = false }

// timestamp notes the time. All lines of one change have the same: with DRBD 8.4,
// which tells one by one, that of the first.
func (e *Events) timestamp() {
	if e.Clock != nil && !(e.goesOn && e.gen == schema.V84) {
		e.stamp = e.Clock().Format("2006-01-02T15:04:05.000000-07:00") + " "
	}
}

func (e *Events) line(words ...string) {
	e.write(e.stamp)
	e.write(words...)
	e.write("\n")
}

func (e *Events) write(parts ...string) {
	for _, part := range parts {
		e.buf.WriteString(part)
	}
}

func (e *Events) state(ev *netlinkapi.Event) {
	told := ev.Message.Get(schema.NotifyHeader) != nil
	switch {
	case ev.Old == nil && ev.New == nil, ev.Message.Op.Notice(e.gen) == nil: // of something that is not known
	case ev.Action == schema.Rename:
		e.line("rename resource name:" + ev.Message.Get(schema.CfgContext).Str("ctx_resource_name") +
			" new_name:" + ev.Message.Get(schema.RenameInfo).Str("res_new_name"))
	case e.gen == schema.V84 && told:
		e.single(ev)
	default:
		e.collect(ev, told)
	}
	if ev.More {
		return
	}
	for _, c := range e.changes {
		if c.old == nil && c.now == nil {
			continue // came and went
		}
		e.order.turn(c)
		e.resource(c)
	}
	e.changes = e.changes[:0]
}

// collect joins an event with those of the same resource before it.
func (e *Events) collect(ev *netlinkapi.Event, told bool) {
	c := e.changeOf(ev.Old)
	c.now = ev.New
	if told && ev.New == nil {
		c.rest = ev.Old
	}
}

// changeOf returns the change that goes on from a resource's state: mostly the last.
func (e *Events) changeOf(r *netlinkapi.Resource) *change {
	for _, c := range slices.Backward(e.changes) {
		if r != nil && c.now == r {
			return c
		}
	}
	c := &change{old: r}
	e.changes = append(e.changes, c)
	return c
}

// An order is that in which objects of the same kind are listed.
//
// compat: the original copies its lists at each change of a resource, and every
// copy is backwards. It matters only where one change touches several such objects.
type order struct {
	forward map[string]bool // resources whose objects are not listed backwards
	ahead   bool            // so it is for the current one
}

// turn goes on to the next change of a resource.
func (o *order) turn(c *change) {
	if o.forward == nil {
		o.forward = map[string]bool{}
	}
	o.ahead = c.old != nil && c.now != nil && !o.forward[c.old.Name]
	if c.old != nil {
		delete(o.forward, c.old.Name)
	}
	if c.now != nil {
		o.forward[c.now.Name] = o.ahead
	}
}

// nth returns the element of a list whose turn it is.
func nth[T any](o *order, list []T, i int) T {
	if o.ahead {
		return list[i]
	}
	return list[len(list)-1-i]
}

// resource writes all that happened to a resource: parents appear before their
// children and go after them.
func (e *Events) resource(c *change) {
	name := cmp.Or(c.now, c.old).Name
	if c.now == nil { // what there still was goes with it, without a word
		e.gone(name, c.old, c.rest)
		e.line("destroy resource name:", name)
		return
	}
	e.room.begin()
	e.object(resourceKeys(name), e.resourceGroups(c.old), e.resourceGroups(c.now), false)
	e.changed(name, c)
	e.gone(name, c.old, c.now)
}

// changed writes what appeared or changed below a resource.
func (e *Events) changed(name string, c *change) {
	for i := range c.now.Connections {
		conn := nth(&e.order, c.now.Connections, i)
		old := c.old.Connection(conn.PeerNodeID)
		if old != nil && old.Info == conn.Info && old.Stats == conn.Stats {
			continue // what did not change is shared
		}
		e.room.begin()
		e.object(connectionKeys(name, conn), e.connectionGroups(old), e.connectionGroups(conn), false)
	}
	for i := range c.now.Devices {
		d := nth(&e.order, c.now.Devices, i)
		old := c.old.Device(d.Volume)
		if old != nil && old.Info == d.Info && old.Stats == d.Stats {
			continue
		}
		e.room.begin()
		e.object(deviceKeys(name, d.Volume, d.Minor), e.deviceGroups(old), e.deviceGroups(d), false)
	}
	for i := range c.now.Connections {
		conn := nth(&e.order, c.now.Connections, i)
		if old := c.old.Connection(conn.PeerNodeID); old != conn {
			e.belowConnection(name, c, old, conn)
		}
	}
}

func (e *Events) belowConnection(name string, c *change, old, conn *netlinkapi.Connection) {
	for i := range conn.PeerDevices {
		p := nth(&e.order, conn.PeerDevices, i)
		before := old.PeerDevice(p.Volume)
		if before != nil && before.Info == p.Info && before.Stats == p.Stats {
			continue
		}
		e.room.begin()
		e.object(peerDeviceKeys(name, conn, p), e.peerGroups(c.old, before), e.peerGroups(c.now, p), false)
	}
	for i := range conn.Paths {
		p := nth(&e.order, conn.Paths, i)
		before := old.Path(p.Local, p.Peer)
		if before != nil && before.Info == p.Info {
			continue
		}
		e.room.begin()
		e.object(pathKeys(name, conn, p), e.pathGroups(before), e.pathGroups(p), false)
	}
	e.goneBelow(name, old, conn)
}

// gone writes what is not there any more.
func (e *Events) gone(name string, before, after *netlinkapi.Resource) {
	if before == nil {
		return
	}
	for i := range before.Connections {
		old := nth(&e.order, before.Connections, i)
		if after.Connection(old.PeerNodeID) == nil {
			e.gonePaths(name, old, nil) // the volumes of the peer go without a word
			e.line("destroy ", connectionKeys(name, old))
		}
	}
	for i := range before.Devices {
		old := nth(&e.order, before.Devices, i)
		if after.Device(old.Volume) == nil {
			e.line("destroy device name:" + name + " volume:" + digits(uint64(old.Volume)))
		}
	}
}

func (e *Events) gonePaths(name string, old, conn *netlinkapi.Connection) {
	for i := range old.Paths {
		p := nth(&e.order, old.Paths, i)
		if conn.Path(p.Local, p.Peer) == nil {
			e.line("destroy ", pathKeys(name, old, p))
		}
	}
}

func (e *Events) goneBelow(name string, old, conn *netlinkapi.Connection) {
	if old == nil {
		return
	}
	e.gonePaths(name, old, conn)
	for i := range old.PeerDevices {
		p := nth(&e.order, old.PeerDevices, i)
		if conn.PeerDevice(p.Volume) == nil {
			e.line("destroy ", peerDeviceKeys(name, old, p))
		}
	}
}

// helper writes that the module calls a helper program, or what it returned. Only
// what the module told is written.
func (e *Events) helper(ev *netlinkapi.Event) {
	context, helper := ev.Message.Get(schema.CfgContext), ev.Message.Get(schema.Helper)
	var b strings.Builder
	b.WriteString(ev.Action.String() + " helper")
	add := func(key, value string) { b.WriteString(" " + key + ":" + value) }
	add("name", context.Str("ctx_resource_name"))
	e.helperPeer(context, add)
	if has(context, "ctx_volume") {
		add("volume", digits(num(context, "ctx_volume")))
	}
	if ev.Message.Minor != schema.NoMinor {
		add("minor", digits(uint64(ev.Message.Minor)))
	}
	add("helper", text(helper, "helper_name"))
	if ev.Action == schema.Response {
		add("status", digits(num(helper, "helper_status")))
	}
	e.line(b.String())
}

// helperPeer adds the peer that a helper is called for. DRBD 8.4 has only one,
// and tells its addresses.
func (e *Events) helperPeer(context *schema.Values, add func(key, value string)) {
	addresses := hasAddresses(context)
	if e.gen == schema.V84 {
		add("peer-node-id", "0")
		if addresses {
			add("conn-name", "peer")
		}
		return
	}
	if has(context, "ctx_peer_node_id") {
		add("peer-node-id", digits(num(context, "ctx_peer_node_id")))
	}
	if has(context, "ctx_conn_name") {
		add("conn-name", context.Str("ctx_conn_name"))
	}
	if addresses {
		add("local", netlinkapi.Address(context.Str("ctx_my_addr")).String())
		add("peer", netlinkapi.Address(context.Str("ctx_peer_addr")).String())
	}
}

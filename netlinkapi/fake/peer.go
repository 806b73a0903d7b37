package fake

import (
	"fmt"
	"slices"
	"time"

	"drbdutils/meta"
	"drbdutils/schema"
)

func (m *Module) newPeer(r *request) schema.Code {
	if r.conn != nil {
		text := fmt.Sprintf("Connection for peer node id %d already exists", r.conn.node)
		return r.refuse(schema.ErrInvalidRequest, text)
	}
	net, code := r.options(m, schema.NetConf, nil)
	if code != schema.NoError {
		return code
	}
	name := net.Str("name")
	if name == "" {
		return r.refuse(schema.ErrMandatoryTag, errMissing.Error())
	}
	if r.resource.named(name) != nil {
		return r.refuse(schema.ErrAlreadyExists, "name already exists")
	}
	if !slices.Contains(transports, net.Str("transport_name")) {
		return schema.ErrCreateTransport
	}
	c := &connection{res: r.resource, node: int(r.context.Uint("ctx_peer_node_id")), net: net}
	c.turn = redial/2 + time.Duration(r.resource.self())*time.Millisecond
	c.latency = (minLatency + time.Duration(r.resource.self())) * time.Microsecond
	if code := r.checkConnection(c, nil, net); code != schema.NoError {
		return code
	}
	r.resource.join(c)
	return schema.NoError
}

// transports are those that the fake pretends to have.
var transports = []string{"", "tcp", "lb-tcp", "rdma"}

// join adds a connection to the resource.
func (r *resource) join(c *connection) {
	r.conns = append(r.conns, c)
	for _, d := range r.devices {
		pd := newPeerDevice(d, c)
		if d.disk != nil {
			pd.takeSlot()
		}
	}
	c.announce()
	r.review()
}

// named returns the connection of a name.
func (r *resource) named(name string) *connection {
	for _, c := range r.conns {
		if c.net.Str("name") == name {
			return c
		}
	}
	return nil
}

// connectionTo returns the connection to a node.
func (r *resource) connectionTo(node int) *connection {
	for _, c := range r.conns {
		if c.node == node {
			return c
		}
	}
	return nil
}

func (m *Module) delPeer(r *request) schema.Code {
	if code := r.conn.disconnect(r.parms.Bool("force_disconnect")); !code.OK() {
		return code
	}
	r.conn.remove()
	return schema.NoError
}

// remove takes a connection that is StandAlone out of its resource.
func (c *connection) remove() {
	for _, p := range slices.Clone(c.paths) {
		p.remove()
	}
	c.res.conns = slices.DeleteFunc(c.res.conns, func(o *connection) bool { return o == c })
	var list []notice
	for _, pd := range c.peers() {
		list = append(list, pd.about(schema.Destroy))
		pd.device.peers = slices.DeleteFunc(pd.device.peers, func(o *peerDevice) bool { return o == pd })
	}
	c.res.m.tell(append(list, c.about(schema.Destroy))...)
	c.res.review()
}

func (m *Module) peerDeviceOptions(r *request) schema.Code {
	opts, code := r.options(m, schema.PeerDeviceOpts, r.peer.opts)
	if code == schema.NoError {
		r.peer.opts = opts
	}
	return code
}

// defaults returns a set with the built-in values.
func (m *Module) defaults(id schema.ID) *schema.Values {
	v := m.set(id)
	for i := range v.Set.Fields {
		if f := &v.Set.Fields[i]; f.Attr != 0 {
			v.SetAt(i, f.Default())
		}
	}
	return v
}

func (m *Module) forgetPeer(r *request) schema.Code {
	node := r.parms.Int("forget_peer_node_id")
	switch {
	case r.nests[schema.ForgetPeerParms] == nil:
		return r.refuse(schema.ErrMandatoryTag, errMissing.Error())
	case node < 0 || node >= meta.MaxPeers:
		return schema.ErrPeerNodeID
	case r.resource.connectionTo(int(node)) != nil:
		return schema.ErrNetConfigured
	}
	for _, d := range r.resource.devices {
		if d.disk == nil {
			continue
		}
		d.disk.image.Super.ForgetPeer(int(node))
		d.save()
	}
	return schema.NoError
}

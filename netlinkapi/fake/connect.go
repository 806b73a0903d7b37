package fake

import "drbdutils/schema"

func (m *Module) connect(r *request) schema.Code {
	my, peer := r.context.Str("ctx_my_addr"), r.context.Str("ctx_peer_addr")
	if my == "" || peer == "" {
		return r.refuse(schema.ErrInvalidRequest, "connection endpoint(s) missing")
	}
	for _, res := range m.resources {
		switch other := res.only(); {
		case other.net == nil:
		case other.my == my:
			return schema.ErrLocalAddr
		case other.peerAddr == peer:
			return schema.ErrPeerAddr
		}
	}
	c := r.resource.only()
	if c.running || c.state > standAlone {
		return schema.ErrNetConfigured
	}
	net, code := r.options(m, schema.NetConf, nil)
	if code == schema.NoError {
		code = c.checkOptions(nil, net)
	}
	if code != schema.NoError {
		return code
	}
	c.configure(net, my, peer)
	code = c.set(change{Conn: new(unconnected)}, true)
	c.start()
	if len(c.res.devices) == 0 {
		code = schema.StateDone
	}
	return code
}

func (m *Module) connect9(r *request) schema.Code {
	c := r.conn
	switch {
	case c.running || c.state > standAlone:
		return schema.ErrNetConfigured
	case len(c.paths) == 0:
		return r.refuse(schema.ErrInvalidRequest, "connection endpoint(s) missing")
	case r.parms.Bool("discard_my_data") && r.resource.role == schema.Primary:
		return schema.ErrDiscardImpossible
	}
	for _, pd := range c.peers() {
		if code := pd.takeSlot(); code != schema.NoError {
			return r.refuse(code, "Not enough free bitmap slots")
		}
	}
	c.discard, c.dry = r.parms.Bool("discard_my_data"), r.parms.Bool("tentative")
	code := c.set(change{Conn: new(unconnected)}, true)
	c.start()
	return code
}

// configure gives the connection of DRBD 8.4 addresses and options.
func (c *connection) configure(net *schema.Values, my, peer string) {
	c.net, c.my, c.peerAddr = net, my, peer
	c.announce()
}

// deconfigure forgets addresses and options.
func (c *connection) deconfigure() {
	var list []notice
	for _, pd := range c.peers() {
		list = append(list, pd.about(schema.Destroy))
	}
	c.res.m.tell(append(list, c.about(schema.Destroy))...)
	c.net, c.my, c.peerAddr = nil, "", ""
}

// discards reports whether the administrator gives the data here up.
func (c *connection) discards() bool {
	return c.discard || c.res.m.gen == schema.V84 && c.net.Bool("discard_my_data")
}

// tentative reports whether the ends only look whether they could connect.
func (c *connection) tentative() bool {
	return c.dry || c.res.m.gen == schema.V84 && c.net.Bool("tentative")
}

// keepData ends that: it holds for one time only.
func (c *connection) keepData() {
	c.discard = false
	if c.res.m.gen == schema.V84 && c.net != nil {
		c.net.SetBool("discard_my_data", false)
	}
}

package confparse

import (
	"slices"
	"strings"
)

// expandMeshes makes a connection of every pair of hosts in a mesh.
func (v *resolver) expandMeshes() {
	for _, m := range v.res.Meshes {
		v.expandMesh(m)
	}
}

// maxMesh is how many hosts a mesh may name. No more than half of them can be different ones,
// and each makes a connection to all others.
const maxMesh = 2 * (maxNodeID + 1)

func (v *resolver) expandMesh(m *Mesh) {
	if len(m.Hosts) > maxMesh {
		v.fail("host-count", m.Place, "the mesh names %d hosts; more than %d are not read", len(m.Hosts), maxMesh)
		return
	}
	hosts := make([]*Host, 0, len(m.Hosts))
	for _, name := range m.Hosts {
		if h := v.meshHost(m, name); h != nil {
			hosts = append(hosts, h)
		}
	}
	seen := map[[2]*Host]bool{}
	for i, a := range hosts {
		for _, b := range hosts[i+1:] {
			if a == b {
				continue
			}
			// compat: the reference makes a second connection of a pair that is named
			// again. So does this, or the peers would differ; but it says so.
			if seen[[2]*Host{a, b}] || seen[[2]*Host{b, a}] {
				v.warn("duplicate-connection", m.Place, "the mesh joins %s and %s twice", a.label(), b.label())
			}
			seen[[2]*Host{a, b}] = true
			c := v.implicitConnection(a, b, m.Place)
			c.Net.inherit(m.Net)
			v.res.Connections = append(v.res.Connections, c)
		}
	}
}

func (v *resolver) meshHost(m *Mesh, name string) *Host {
	h := v.hostNamed(name)
	switch {
	case h == nil:
		v.fail("host-unknown", m.Place, "the mesh names host %q, but there is no section for it", name).Hint = v.nearestHost(name)
		return nil
	case h.Proxy != nil:
		v.fail("proxy", m.Place, "host %s has a proxy in its section, which does not go together with a mesh; write an explicit connection", name)
		return nil
	case h.Address == nil:
		v.fail("address-missing", m.Place, "the mesh names host %q, which has no address", name)
		return nil
	}
	return h
}

// hostNamed returns the host section for a name, or nil.
func (v *resolver) hostNamed(name string) *Host {
	for _, h := range v.res.Hosts {
		if h.Answers(name) {
			return h
		}
	}
	return nil
}

// nearestHost returns the host that was probably meant.
func (v *resolver) nearestHost(name string) string {
	var names []string
	for _, h := range v.res.Hosts {
		names = append(names, h.Names...)
	}
	return nearest(name, names)
}

// implicitConnection joins two hosts by their own addresses.
func (v *resolver) implicitConnection(a, b *Host, place Place) *Connection {
	all := new(struct { // at once, since there are many
		conn  Connection
		path  Path
		ends  [2]Endpoint
		paths [1]*Path
		list  [2]*Endpoint
	})
	for i, h := range []*Host{a, b} {
		all.ends[i] = Endpoint{Host: h, Name: h.endpointName(), Address: h.Address, Proxy: h.Proxy, Place: h.Place}
		all.list[i] = &all.ends[i]
	}
	all.path = Path{Implicit: true, Place: place, Endpoints: all.list[:]}
	all.paths[0] = &all.path
	all.conn = Connection{Implicit: true, Paths: all.paths[:], Place: place, PeerNodeID: -1}
	return &all.conn
}

// endpointName returns the name by which an endpoint means the host, "" if only
// its address does.
func (h *Host) endpointName() string {
	if h.Kind == Stacked || len(h.Names) == 0 {
		return ""
	}
	return h.Names[0]
}

// addImplicit joins two hosts that neither a connection nor a mesh joins.
func (v *resolver) addImplicit() {
	r := v.res
	if len(r.Connections) > 0 {
		return
	}
	switch {
	case len(r.Hosts) > 2:
		v.warn("no-connection", r.Place, "more than two hosts, but neither connection nor connection-mesh sections: nothing is connected")
	case len(r.Hosts) == 2:
		v.addPair(r.Hosts[0], r.Hosts[1])
	}
}

// addPair joins two hosts that have addresses. One that has none keeps them
// apart.
func (v *resolver) addPair(a, b *Host) {
	if a.Address != nil && b.Address != nil {
		v.res.Connections = []*Connection{v.implicitConnection(a, b, v.res.Place)}
		return
	}
	for _, h := range []*Host{a, b} {
		if h.Address != nil {
			continue
		}
		d := v.fail("address-missing", h.Place, "on %s: there is no address", h.label())
		if a.Address != b.Address {
			d.Severity, d.Message = Warning, d.Message+": nothing is connected"
		}
	}
}

// findEndpoints gives each endpoint its host and address.
func (v *resolver) findEndpoints() {
	for _, c := range v.res.Connections {
		if c.Implicit {
			continue
		}
		for _, p := range c.Paths {
			if len(p.Endpoints) < 2 {
				v.fail("endpoints", p.Place, "a connection needs two endpoints, this one has %d", len(p.Endpoints))
			}
			for _, e := range p.Endpoints {
				v.findEndpoint(c, e)
			}
		}
		v.checkPeerDevices(c)
		v.compareEnds(c)
	}
	for _, c := range v.res.Connections {
		for _, p := range c.Paths {
			v.checkPath(p)
		}
	}
}

// compareEnds refuses paths that do not join the same hosts.
//
// compat: the reference takes them for further addresses of the first path's hosts.
func (v *resolver) compareEnds(c *Connection) {
	known := func(p *Path) bool {
		return len(p.Endpoints) == 2 && p.Endpoints[0].Host != nil && p.Endpoints[1].Host != nil
	}
	first := c.Paths[0]
	for _, p := range c.Paths[1:] {
		if !known(first) || !known(p) {
			return
		}
		a, b := p.Endpoints[0].Host, p.Endpoints[1].Host
		c, d := first.Endpoints[0].Host, first.Endpoints[1].Host
		if !(a == c && b == d || a == d && b == c) {
			v.fail("endpoints", p.Place, "this path joins %s and %s, an earlier one of the connection %s and %s",
				a.label(), b.label(), c.label(), d.label()).Other = first.Place
		}
	}
}

func (v *resolver) findEndpoint(c *Connection, e *Endpoint) {
	if e.Proxy != nil {
		v.completeProxy(e.Proxy)
	}
	if e.Name == "" {
		v.findByAddress(e)
		return
	}
	if e.Host = v.hostNamed(e.Name); e.Host == nil && e.Name == remoteName {
		e.Host = &Host{Kind: Remote, Names: []string{remoteName}, NodeID: c.PeerNodeID, Address: e.Address}
	}
	if e.Host == nil {
		v.fail("host-unknown", e.Place, "there is no section for host %q", e.Name).Hint = v.nearestHost(e.Name)
		return
	}
	if e.Address != nil {
		return
	}
	if e.Host.Address == nil {
		v.fail("address-missing", e.Place, "host %q has no address, neither here nor in its section", e.Name)
		return
	}
	a := *e.Host.Address
	if e.Port != "" {
		a.Port = e.Port
	}
	e.Address = &a
}

// remoteName stands for a peer in what drbdsetup show prints.
const remoteName = "_remote_host"

// findByAddress finds the host of an endpoint that is an address alone.
func (v *resolver) findByAddress(e *Endpoint) {
	for _, h := range v.res.Hosts {
		if h.Address != nil && e.Address != nil && *h.Address == *e.Address {
			e.Host = h
			return
		}
	}
	v.fail("host-unknown", e.Place, "no host section has the address %s", e.Address)
}

// checkPath refuses a path from an address to itself.
func (v *resolver) checkPath(p *Path) {
	if len(p.Endpoints) != 2 {
		return
	}
	a, b := p.Endpoints[0], p.Endpoints[1]
	if a.Address == nil || b.Address == nil || *a.Address != *b.Address || a.Address.isLoopback() {
		return
	}
	v.fail("same-address", p.Place, "%s is the address of both endpoints", a.Address)
}

func (a *Address) isLoopback() bool { return isLoopback(a.Addr) }

func isLoopback(addr string) bool { return strings.HasPrefix(addr, "127.") || addr == "::1" }

// checkPeerDevices refuses volumes in a connection that a host does not have.
func (v *resolver) checkPeerDevices(c *Connection) {
	for _, d := range c.PeerDevices {
		for _, e := range c.Paths[0].Endpoints {
			if e.Host != nil && e.Host.Kind != Remote && e.Host.Volume(d.Number) == nil {
				v.fail("volume-unknown", d.Place, "there is no volume %d on %s", d.Number, e.Host.label())
			}
		}
	}
}

// findPeers finds this node's end of each connection, and names the connection.
func (v *resolver) findPeers() {
	pairs := map[*Host]*Connection{}
	for _, c := range v.res.Connections {
		v.findEnds(c)
		if c.Peer == nil {
			continue
		}
		if first := pairs[c.Peer]; first != nil && !(c.Implicit && first.Implicit) {
			v.warn("duplicate-connection", c.Place, "there is another connection to %s", c.Peer.label()).Other = first.Place
		}
		pairs[c.Peer] = c
		c.Name = strings.Join(c.Peer.Names, "_")
		if name, ok := c.Net.Get("_name"); ok {
			c.Name = name.Value
		}
	}
}

// isMyProxy reports whether this node runs the proxy of an endpoint.
func (v *resolver) isMyProxy(e *Endpoint) bool {
	return e.Proxy != nil && slices.ContainsFunc(e.Proxy.Names, v.isMyName)
}

// findEnds finds the end of a connection that is this node's, or that of the
// host whose proxy it runs.
func (v *resolver) findEnds(c *Connection) {
	me := v.res.Me
	c.Ignored = true
	for _, p := range c.Paths {
		if len(p.Endpoints) != 2 {
			continue
		}
		i := slices.IndexFunc(p.Endpoints, func(e *Endpoint) bool {
			return e.Host == me && me != nil || me == nil && v.isMyProxy(e)
		})
		if i < 0 {
			continue
		}
		c.Ignored = false
		v.res.ProxyOnly = me == nil
		p.Me, p.Peer = p.Endpoints[i], p.Endpoints[1-i]
		c.Peer = p.Peer.Host
	}
}

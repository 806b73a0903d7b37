package confparse

import (
	"slices"
	"strconv"

	"drbdutils/schema"
)

// connectionRules are the statements of a connection section.
var connectionRules = []rule[*Connection]{
	{word: "host", read: readEndpoint},
	{word: "address", read: readEndpoint},
	{word: "_this_host", read: readEndpoint},
	{word: "_remote_host", read: readEndpoint},
	{word: "path", read: readPath},
	{word: "net", once: netOnce, read: readConnectionNet},
	{word: "disk", read: readConnectionDisk},
	{word: "volume", read: readPeerDevice},
	{word: "_peer_node_id", read: readPeerNodeID},
	{word: "_cstate", read: readState},
	{word: "_is_standalone", read: readStandAlone},
	{word: "skip", read: readSkip[*Connection]},
}

func readConnection(d *decoder, r *Resource, s *statement) {
	c := d.cursor(s, 1)
	w := &s.words[0]
	if c.at < len(s.words) {
		c.name("'{'")
		d.warn("connection-name", &s.words[min(1, len(s.words)-1)], "the name of a connection section has no effect; use the net option _name")
	}
	if !c.open() {
		return
	}
	conn := &Connection{Place: d.file.place(w), PeerNodeID: -1}
	walk(d, "connection", connectionRules, conn, s)
	if len(conn.Paths) == 0 && !d.show {
		d.fail("endpoints", w, "a connection needs two endpoints: host or address statements, or path sections")
	}
	r.Connections = append(r.Connections, conn)
}

// readEndpoint decodes an endpoint that stands in the connection itself, whose
// first path is then an implicit one.
func readEndpoint(d *decoder, c *Connection, s *statement) {
	switch {
	case len(c.Paths) == 0:
		c.Paths = append(c.Paths, &Path{Implicit: true, Place: c.Place})
	case !c.Paths[0].Implicit:
		d.fail("mixed-paths", &s.words[0], "an endpoint outside of the path sections").Other = c.Paths[0].Place
		return
	}
	d.endpoint(c.Paths[0], s)
}

func readPath(d *decoder, c *Connection, s *statement) {
	p := &Path{Place: d.file.place(&s.words[0])}
	if !d.cursor(s, 1).open() {
		return
	}
	if len(c.Paths) > 0 && c.Paths[0].Implicit {
		d.warn("mixed-paths", &s.words[0], "a path section beside endpoints without one makes a second path").Other = c.Paths[0].Place
	}
	walk(d, "path", pathRules, p, s)
	c.Paths = append(c.Paths, p)
}

// pathRules are the statements of a path section.
var pathRules = []rule[*Path]{
	{word: "host", read: readPathEndpoint},
	{word: "address", read: readPathEndpoint},
	{word: "_this_host", read: readPathEndpoint},
	{word: "_remote_host", read: readPathEndpoint},
}

func readPathEndpoint(d *decoder, p *Path, s *statement) { d.endpoint(p, s) }

// endpoint decodes one end of a path.
func (d *decoder) endpoint(p *Path, s *statement) {
	w := &s.words[0]
	e := &Endpoint{Place: d.file.place(w)}
	c := d.cursor(s, 1)
	switch w.text {
	case "host":
		e.Name = c.name("a host name").text
		if c.accept("address") {
			e.Address, e.written = c.address(), true
		} else if c.accept("port") {
			e.Port = c.port()
		}
	case "address":
		e.Address, e.written = c.address(), true
	default:
		e.Name, e.Address, e.written = w.text, c.address(), true
	}
	if d.via(c, e) || c.end() {
		p.Endpoints = append(p.Endpoints, e)
	}
	if len(p.Endpoints) == 3 {
		d.fail("endpoints", w, "a third endpoint; a connection is between two hosts").Other = p.Endpoints[0].Place
	}
}

// via decodes what may follow an endpoint, and reports whether it ended the
// statement.
func (d *decoder) via(c *cursor, e *Endpoint) bool {
	if !c.accept("via") {
		return false
	}
	switch {
	case c.accept("proxy"):
		e.Proxy = d.proxy(c)
		return e.Proxy != nil
	case c.accept("outside-address"):
		e.Outside = c.address()
	default:
		c.expect("'proxy' or 'outside-address'")
	}
	return false
}

func readConnectionNet(d *decoder, c *Connection, s *statement) {
	d.section(s, &schema.ConfigSections(d.gen).Net, lists{schema.ToNet: &c.Net})
}

// readConnectionDisk decodes the options of all peer devices of a connection.
//
// compat: a second section replaces the first.
func readConnectionDisk(d *decoder, c *Connection, s *statement) {
	if c.PeerDevice != nil {
		d.warn("duplicate", &s.words[0], "a second disk section replaces the first")
		c.PeerDevice = nil
	}
	d.section(s, &schema.ConfigSections(d.gen).PeerDisk, lists{schema.ToPeer: &c.PeerDevice})
}

func readPeerDevice(d *decoder, c *Connection, s *statement) {
	cur := d.cursor(s, 1)
	p := &PeerDevice{Number: cur.integer("a volume number"), Place: d.file.place(&s.words[0]), Connection: c}
	if !cur.open() {
		return
	}
	disks := 0
	for i := range s.block {
		child := &s.block[i]
		if inner := d.cursor(child, 0); !inner.accept("disk") || !inner.open() {
			inner.expect("a disk section")
			continue
		}
		if disks++; disks > 1 {
			d.unexpected(&child.words[0], "'}'", child.words[0].describe())
		}
		d.options(child, &schema.ConfigSections(d.gen).PeerDisk, lists{schema.ToPeer: &p.Options})
	}
	if disks == 0 {
		d.unexpected(&s.end, "a disk section", s.end.describe())
	}
	d.checkClosed(s, "volume")
	c.PeerDevices = append(c.PeerDevices, p)
}

func readPeerNodeID(d *decoder, c *Connection, s *statement) {
	cur := d.cursor(s, 1)
	c.PeerNodeID = cur.integer("a node id")
	cur.end()
}

func readState(d *decoder, c *Connection, s *statement) {
	cur := d.cursor(s, 1)
	c.State = cur.name("a connection state").text
	cur.end()
}

func readStandAlone(d *decoder, c *Connection, s *statement) {
	if d.cursor(s, 1).end() {
		c.State = schema.StandAlone.String()
	}
}

// meshRules are the statements of a connection-mesh section.
var meshRules = []rule[*Mesh]{
	{word: "hosts", read: readHosts},
	{word: "net", read: readMeshNet},
}

func readMesh(d *decoder, r *Resource, s *statement) {
	m := &Mesh{Place: d.file.place(&s.words[0])}
	if d.cursor(s, 1).open() {
		walk(d, "connection-mesh", meshRules, m, s)
		r.Meshes = append(r.Meshes, m)
	}
}

func readHosts(d *decoder, m *Mesh, s *statement) {
	c := d.cursor(s, 1)
	for first := true; first || c.at < len(s.words) && !c.failed; first = false {
		m.Hosts = append(m.Hosts, c.name("a host name").text)
	}
	c.end()
}

func readMeshNet(d *decoder, m *Mesh, s *statement) {
	d.section(s, &schema.ConfigSections(d.gen).Net, lists{schema.ToNet: &m.Net})
}

// families are the words that may stand before an IPv4 address.
var families = []string{"ipv4", "ssocks", "sdp", "sci"}

// address takes an address with its port, nil after a problem.
func (c *cursor) address() *Address {
	a := &Address{Family: "ipv4"}
	if c.accept("ipv6") {
		a.Family = "ipv6"
		c.mark("[")
		a.Addr = c.token(ipv6Token, "an IPv6 address")
		c.mark("]")
	} else {
		if w := c.peek(); c.at < len(c.s.words) && w.kind == wordToken && slices.Contains(families, w.text) {
			c.at++
			a.Family = w.text
		}
		c.adviseAddress()
		a.Addr = c.token(ipv4Token, "an IPv4 address, or ipv6, sdp or ssocks before another")
	}
	if a.Family == "sci" {
		a.Family = "ssocks"
	}
	if !c.accept(":") {
		c.expect("':' and a port")
	}
	a.Port = c.port()
	if c.failed {
		return nil
	}
	return a
}

// adviseAddress reports what is no IPv4 address, and how to write what was probably meant.
func (c *cursor) adviseAddress() {
	advice := ""
	switch w := c.peek(); {
	case c.failed || c.at >= len(c.s.words):
		return
	case w.kind == ipv6Token || w.text == "[":
		advice = "an IPv6 address is written as: ipv6 [fd00::1]:7000"
	case w.kind == wordToken || w.kind == quotedToken:
		advice = "names of hosts are not looked up; write the address"
	default:
		return
	}
	c.expect("an IPv4 address, or ipv6, sdp or ssocks before another")
	c.diags[len(c.diags)-1].Detail = advice
}

// token takes a word of a kind.
func (c *cursor) token(k kind, what string) string {
	if c.failed || c.at >= len(c.s.words) || c.peek().kind != k {
		c.expect(what)
		return ""
	}
	c.at++
	return c.s.words[c.at-1].text
}

// port takes a port, as written.
func (c *cursor) port() string {
	w := c.peek()
	text := c.token(integerToken, "a port")
	if c.failed {
		return ""
	}
	n, err := schema.ParseNumber(text, schema.One)
	if err != nil || n < 1 || n > 65535 {
		c.fail("value", w, "port: %s is out of range; allowed: 1..65535", strconv.Quote(text))
	}
	return text
}

package fake

import (
	"slices"
	"time"

	"drbdutils/schema"
)

// path is a pair of addresses by which a peer can be reached. DRBD 8.4 has one for
// each connection, as a part of it.
type path struct {
	conn        *connection
	my, peer    string // sockaddr bytes
	established bool
	turn        time.Duration // how much later than the first path it is tried
}

// about returns a notification about the path.
func (p *path) about(a schema.Action) notice {
	return notice{
		op: schema.PathState, minor: schema.NoMinor, ctx: p.context(), action: a, info: p.info(),
	} // with the info when it is gone, too
}

func (p *path) context() *schema.Values {
	return p.conn.context().SetStr("ctx_my_addr", p.my).SetStr("ctx_peer_addr", p.peer)
}

func (p *path) info() *schema.Values {
	return p.conn.res.m.set(schema.PathInfo).SetBool("path_established", p.established)
}

// establish notes whether the path works.
func (p *path) establish(on bool) {
	if p.established != on {
		p.established = on
		p.conn.res.m.tell(p.about(schema.Change))
	}
}

func (p *path) remove() {
	p.conn.paths = slices.DeleteFunc(p.conn.paths, func(o *path) bool { return o == p })
	p.conn.res.m.tell(p.about(schema.Destroy))
}

// appendPaths adds the addresses of all paths in one nest.
func appendPaths(b []byte, paths []*path) []byte {
	var nest []byte
	for _, p := range paths {
		nest = appendAttribute(nest, 1|attrMandatory, []byte(p.my))
		nest = appendAttribute(nest, 2|attrMandatory, []byte(p.peer))
	}
	return appendAttribute(b, uint16(schema.PathParms), nest)
}

// routes returns the ways by which a peer may be reached.
func (c *connection) routes() []*path {
	if c.res.m.gen == schema.V84 {
		return []*path{{conn: c, my: c.my, peer: c.peerAddr}}
	}
	return slices.Clone(c.paths)
}

// use makes a path the one by which the peer is reached.
func (c *connection) use(p *path) {
	c.my, c.peerAddr = p.my, p.peer
	p.establish(true)
}

func (m *Module) newPath(r *request) schema.Code {
	p := &path{conn: r.conn, my: r.parms.Str("my_addr"), peer: r.parms.Str("peer_addr")}
	if p.my == "" || p.peer == "" {
		return r.refuse(schema.ErrMandatoryTag, errMissing.Error())
	}
	if code := r.checkPath(m, p); code != schema.NoError {
		return code
	}
	p.turn = time.Duration(len(r.conn.paths)) * pathTime
	r.conn.paths = append(r.conn.paths, p)
	m.tell(p.about(schema.Create))
	r.conn.tryToo(p)
	return schema.NoError
}

// checkPath refuses addresses that are in use.
func (r *request) checkPath(m *Module, p *path) schema.Code {
	for _, c := range m.connections() {
		for _, other := range c.paths {
			switch {
			case c.res != r.resource && other.my == p.my:
				return schema.ErrLocalAddr
			case c.res != r.resource && other.peer == p.peer:
				return schema.ErrPeerAddr
			case c.res == r.resource && other.my == p.my && other.peer == p.peer:
				return schema.ErrAddressPair
			case c.res == r.resource && c != r.conn && sameHost(other.peer, p.peer) && other.my == p.my:
				return r.refuse(schema.ErrPathCollision, "path indistinguishable from path in another connection")
			}
		}
	}
	return schema.NoError
}

// sameHost reports whether two addresses differ in the port at most.
func sameHost(a, b string) bool {
	_, x, _ := splitAddress(a)
	_, y, _ := splitAddress(b)
	return x == y
}

func (m *Module) delPath(r *request) schema.Code {
	i := slices.IndexFunc(r.conn.paths, func(p *path) bool {
		return p.my == r.parms.Str("my_addr") && p.peer == r.parms.Str("peer_addr")
	})
	switch {
	case i < 0:
		return r.refuse(schema.ErrInvalidRequest, "no such path")
	case len(r.conn.paths) == 1 && r.conn.state >= unconnected:
		return r.refuse(schema.ErrInvalidRequest, "Can not delete last path, use disconnect first!")
	case r.conn.paths[i].established:
		return r.refuse(schema.ErrInvalidRequest, "del_path on transport failed")
	}
	r.conn.paths[i].remove()
	r.conn.tryAgain()
	return schema.NoError
}

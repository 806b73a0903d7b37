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

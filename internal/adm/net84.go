package adm

import (
	"drbdutils/confparse"
)

// endpoints84 returns the two addresses that name a connection of DRBD 8.4.
func (p planner) endpoints84(o object) (own, peer string, refused *refusal) {
	host, refused := p.peer84(o.res)
	if refused != nil && !p.dry {
		return "", "", refused
	}
	own, peer = "N/A", "N/A" // compat: a dry run goes on without an answer
	if a := o.res.Me.Address; a != nil {
		own = a.String()
	}
	switch proxy := o.res.Me.Proxy; {
	case proxy != nil && proxy.Inside != nil:
		peer = proxy.Inside.String()
	case host != nil && host.Address != nil:
		peer = host.Address.String()
	}
	return own, peer, nil
}

// peer84 returns the other host of a resource. Where there are several, the
// command line or the module that calls a handler has to name one.
func (p planner) peer84(r *confparse.Resource) (*confparse.Host, *refusal) {
	if r.Peer84 != nil {
		return r.Peer84, nil
	}
	for _, h := range r.Hosts {
		named := p.peerName != "" && h.Answers(p.peerName)
		called := p.peerAddress != "" && h.Address != nil && h.Address.Addr == p.peerAddress
		if h != r.Me && (named || called) {
			return h, nil
		}
	}
	return nil, refuse(exitBroken,
		"%s: in resource %s: there are several hosts; name one of them with --peer", r.Place, r.Name)
}

// onEndpoints calls drbdsetup for the connection between two addresses.
func (p planner) onEndpoints(o object) ([]Op, error) {
	own, peer, refused := p.endpoints84(o)
	if refused != nil {
		return nil, refused
	}
	line := append([]string{p.cmd.name, own, peer}, p.options...)
	return []Op{p.setup(o, line...)}, nil
}

// connect84 creates the connection of a resource, net options included.
func (p planner) connect84(o object) ([]Op, error) {
	own, peer, refused := p.endpoints84(o)
	if refused != nil {
		return nil, refused
	}
	line := []string{"connect", o.res.Name, own, peer}
	line = append(line, p.alternate84(o)...)
	op := p.setup(o, append(line, p.with(o.res.Net)...)...)
	return []Op{op}, nil
}

// alternate84 returns the options for a second link, if both hosts have one.
func (p planner) alternate84(o object) []string {
	host, refused := p.peer84(o.res)
	if refused != nil || o.res.Me.Alternate == nil || host.Alternate == nil {
		return nil
	}
	return []string{
		"--alternate-address", o.res.Me.Alternate.String(),
		"--alternate-peer-address", host.Alternate.String(),
	}
}

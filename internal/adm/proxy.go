package adm

import (
	"slices"
	"strconv"
	"strings"

	"drbdutils/confparse"
	"drbdutils/schema"
)

// DRBD Proxy is a program of its own that sits between this node and a peer. Its
// connections are made and removed by drbd-proxy-ctl.

// A tunnel is a connection through a proxy of this host.
type tunnel struct {
	name, oldName   string
	own, peer       *confparse.Proxy
	drbd            *confparse.Address // what the own proxy serves
	options         confparse.Options
	plugins         []string
	showsOptionsToo bool // the add command carries the options, too
}

// tunnel returns the tunnel of a resource's connection; ok is false if this host
// runs no proxy for it.
func (p planner) tunnel(o object) (tunnel, bool) {
	if p.gen == schema.V84 {
		return p.tunnel84(o)
	}
	for _, c := range o.res.Connections {
		if o.conn != nil && c != o.conn || len(c.Paths) == 0 {
			continue
		}
		if own, peer := p.proxyEnds(c.Paths[0]); own != nil {
			return newTunnel(o.res, own, peer), true
		}
	}
	return tunnel{}, false
}

// proxyEnds returns the end whose proxy runs here, and the other one.
func (p planner) proxyEnds(path *confparse.Path) (own, peer *confparse.Endpoint) {
	for i, e := range path.Endpoints {
		if e.Proxy != nil && len(path.Endpoints) == 2 && slices.Contains(e.Proxy.Names, p.node) {
			return e, path.Endpoints[1-i]
		}
	}
	return nil, nil
}

func newTunnel(r *confparse.Resource, own, peer *confparse.Endpoint) tunnel {
	t := tunnel{
		name: tunnelName(r, peer.Host.Names, own.Host.Names),
		own:  own.Proxy, peer: peer.Proxy, drbd: own.Address,
		options: own.Proxy.Options, showsOptionsToo: true,
	}
	t.oldName = tunnelName(r, peer.Proxy.Names, own.Proxy.Names)
	t.plugins = pluginTexts(own.Proxy.Plugins)
	return t
}

// tunnelName returns the name of a connection of the proxy.
func tunnelName(r *confparse.Resource, peer, own []string) string {
	return r.Name + "-" + strings.Join(peer, "_") + "-" + strings.Join(own, "_")
}

func (p planner) tunnel84(o object) (tunnel, bool) {
	host, refused := p.peer84(o.res)
	me := o.res.Me
	if refused != nil || me == nil || me.Proxy == nil || host.Proxy == nil || !slices.Contains(me.Proxy.Names, p.node) {
		return tunnel{}, false
	}
	name := tunnelName(o.res, host.Proxy.Names, me.Proxy.Names)
	return tunnel{
		name: name, oldName: name, own: me.Proxy, peer: host.Proxy, drbd: me.Address,
		options: me.Proxy.Options, plugins: pluginTexts(me.Proxy.Plugins),
	}, true
}

func pluginTexts(plugins confparse.Options) []string {
	var out []string
	for _, p := range plugins {
		text := p.Name
		if p.Value != "" {
			text += " " + p.Value
		}
		out = append(out, text)
	}
	return out
}

// proxyUp makes the tunnel of a connection.
func (p planner) proxyUp(o object) ([]Op, error) {
	t, ok := p.tunnel(o)
	if !ok {
		return nil, p.noProxy(o)
	}
	return p.tunnelUp(o, t), nil
}

// proxyDown removes the tunnel of a connection.
func (p planner) proxyDown(o object) ([]Op, error) {
	t, ok := p.tunnel(o)
	if !ok {
		return nil, p.noProxy(o)
	}
	return p.tunnelDown(o, t), nil
}

// runsProxy reports whether a node runs a proxy of a resource.
func runsProxy(r *confparse.Resource, node string) bool {
	here := func(p *confparse.Proxy) bool { return p != nil && slices.Contains(p.Names, node) }
	if slices.ContainsFunc(r.Hosts, func(h *confparse.Host) bool { return here(h.Proxy) }) {
		return true
	}
	for _, c := range r.Connections {
		for _, path := range c.Paths {
			if slices.ContainsFunc(path.Endpoints, func(e *confparse.Endpoint) bool { return here(e.Proxy) }) {
				return true
			}
		}
	}
	return false
}

func (p planner) noProxy(o object) error {
	if o.all {
		return nil
	}
	return refuse(exitConfig, "%s: in resource %s: there is no proxy on this host", o.res.Place, o.res.Name)
}

func (p planner) proxyCall(o object, words ...string) Op {
	var args []string
	for _, w := range words {
		args = append(args, "-c", w)
	}
	return Op{Prog: proxyCtl, Args: args, Class: short, Res: o.res.Name}
}

func (p planner) tunnelUp(o object, t tunnel) []Op {
	add := "add connection " + t.name + " " + plainAddress(t.own.Inside) + " " +
		plainAddress(t.peer.Outside) + " " + plainAddress(t.own.Outside) + " " + plainAddress(t.drbd)
	var set []string
	for _, option := range t.options {
		if t.showsOptionsToo {
			add += " " + option.Argument()
		}
		set = append(set, "set "+option.Name+" "+t.name+" "+option.Value)
	}
	set = append(set, t.setPlugins()...)
	ops := []Op{p.proxyCall(o, add)}
	if len(set) > 0 {
		ops = append(ops, p.proxyCall(o, set...))
	}
	return ops
}

func (t tunnel) setPlugins() []string {
	if len(t.plugins) == 0 {
		return nil
	}
	var set []string
	for i, text := range append(slices.Clone(t.plugins), "END") {
		set = append(set, "set plugin "+t.name+" "+strconv.Itoa(i)+" "+text)
	}
	return set
}

func (p planner) tunnelDown(o object, t tunnel) []Op {
	ops := []Op{p.proxyCall(o, "del connection "+t.name)}
	if t.oldName != t.name {
		old := p.proxyCall(o, "del connection "+t.oldName)
		old.Ignore = true
		ops = append(ops, old)
	}
	return ops
}

// plainAddress returns an address as the proxy writes it.
func plainAddress(a *confparse.Address) string {
	if a == nil {
		return "N/A"
	}
	return a.Addr + ":" + a.Port
}

// proxyNode adjusts what a host has to do with a resource that only has a proxy
// for it.
func (a *adjuster) proxyNode() error {
	return a.proxyFor(object{selection: a.selection})
}

// proxyFor makes the tunnel of a connection if it goes through a proxy here.
func (a *adjuster) proxyFor(o object) error {
	t, ok := a.tunnel(o)
	if !ok {
		return nil
	}
	if ops := a.adjustTunnel(o, t); len(ops) > 0 {
		a.ops(NetUp, "proxy-up", nil, ops).Why = "the tunnel is not as configured"
	}
	return nil
}

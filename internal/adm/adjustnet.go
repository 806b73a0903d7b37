package adm

import (
	"fmt"
	"slices"
	"strconv"

	"drbdutils/confparse"
)

// A chain is the order among connections: one is changed only after the one
// before is back, so that a resource never loses all its peers at once.
type chain struct {
	last       *Step   // of the connection before
	waits      []*Step // for connections to come back
	interrupts bool    // some step cuts a connection
}

// connections adjusts one connection after the other. Those that do not work
// come first: they cost nothing.
func (a *adjuster) connections() error {
	a.last = a.base
	for _, up := range []bool{false, true} {
		for _, o := range a.objects(perConnection) {
			have := a.runningConnection(o.conn)
			if established(have) != up {
				continue
			}
			if err := a.connection(o, have); err != nil {
				return err
			}
		}
	}
	if !a.peer {
		a.surplusPeers()
	}
	a.dropWaits()
	return nil
}

// runningConnection returns what runs of a connection. Peers are told apart by
// their node id.
func (a *adjuster) runningConnection(c *confparse.Connection) *confparse.Connection {
	if a.have == nil {
		return nil
	}
	for _, h := range a.have.Connections {
		if h.PeerNodeID == c.Peer.NodeID {
			return h
		}
	}
	return nil
}

// established reports whether a running connection is connected.
func established(c *confparse.Connection) bool { return c != nil && c.State == "Connected" }

// standAlone reports whether a running connection does not even try.
func standAlone(c *confparse.Connection) bool { return c.State == "StandAlone" || c.State == "" }

// connection adjusts one connection.
func (a *adjuster) connection(o object, have *confparse.Connection) error {
	if have == nil {
		return a.create(o, a.last)
	}
	if changes := diffOnly(o.conn.Net, have.Net, immutable...); len(changes) > 0 {
		a.interrupts = true
		removed := a.delPeer(have, "an option changes that holds for the life of a connection")
		removed.Changes = changes
		return a.create(o, removed)
	}
	return a.change(o, have)
}

// delPeer removes a running connection.
func (a *adjuster) delPeer(c *confparse.Connection, why string) *Step {
	op := a.setup(object{selection: a.selection}, "del-peer", a.res.Name, strconv.Itoa(c.PeerNodeID))
	step := a.ops(NetDown, "del-peer", a.last, []Op{op})
	step.Why = why
	return step
}

// create makes a connection from nothing.
func (a *adjuster) create(o object, after *Step) error {
	peer, err := a.make(NetUp, "new-peer", o, after, "the module has no connection to "+o.conn.Name, planner.newPeer)
	if err != nil {
		return err
	}
	if err := a.proxyFor(o); err != nil {
		return err
	}
	if _, err := a.make(NewPath, "new-path", o, peer, "the connection to "+o.conn.Name+" is new", planner.newPaths); err != nil {
		return err
	}
	for _, d := range a.selectedFirst(o.conn.PeerDevices) {
		if len(d.Options) > 0 && d.Volume != nil {
			a.peerDevice(o, d, nil, peer)
		}
	}
	return a.connect(o, peer)
}

// selectedFirst returns peer devices in the order of volumes, those of the
// selection before others.
func (a *adjuster) selectedFirst(devices []*confparse.PeerDevice) []*confparse.PeerDevice {
	sorted := slices.Clone(devices)
	slices.SortStableFunc(sorted, func(x, y *confparse.PeerDevice) int {
		if cx, cy := slices.Contains(a.selection.volumes, x.Volume), slices.Contains(a.selection.volumes, y.Volume); cx != cy {
			if cx {
				return -1
			}
			return 1
		}
		return x.Number - y.Number
	})
	return sorted
}

// peerDevice sets the options of one volume at one peer.
func (a *adjuster) peerDevice(o object, d *confparse.PeerDevice, have confparse.Options, after *Step) {
	verb := []string{"peer-device-options", a.res.Name, o.peerID(), strconv.Itoa(d.Number)}
	step := a.ops(PeerDevice, "peer-device-options", after, a.setDefaults(o, verb, d.Options, have))
	step.Changes = diff(d.Options, have)
	if len(step.Changes) == 0 {
		step.Why = fmt.Sprintf("volume %d is new to %s", d.Number, o.conn.Name)
	}
}

// connect connects, and waits until the connection is there.
func (a *adjuster) connect(o object, after *Step) error {
	ops, err := a.forConnect().connect(o)
	if err != nil {
		return err
	}
	c := a.ops(Connect, "connect", after, ops)
	c.Why = o.conn.Name + " is not connected"
	a.last = a.ops(Wait, "wait-connect", c, []Op{a.waitOp(o)})
	a.last.Why = "one connection after the other is changed"
	a.waits = append(a.waits, a.last)
	return nil
}

// forConnect returns the planner of the part of adjust that connects: it also gets
// adjust's own options for that.
func (a *adjuster) forConnect() planner {
	p := a.part("connect")
	own := slices.DeleteFunc(a.own("tentative", "discard-my-data"), func(o string) bool { return slices.Contains(a.raw, o) })
	p.options = slices.Concat(p.options, own)
	return p
}

// waitOp waits a little for a connection. That it takes longer is no failure.
func (a *adjuster) waitOp(o object) Op {
	t := strconv.Itoa(patience(a.res.Net))
	op := a.setup(o, "wait-connect-connection", a.res.Name, o.peerID(),
		"--wfc-timeout", t, "--degr-wfc-timeout", t, "--outdated-wfc-timeout", t)
	op.Rule = &Rule{Accept: []int{setupTimeout}}
	return op
}

// patience is how many seconds a connection may take to come back: twice the
// time in which a peer has to answer, which is configured in tenths.
func patience(net confparse.Options) int {
	for _, name := range []string{"socket-check-timeout", "ping-timeout"} {
		if o, ok := net.Get(name); ok {
			n, _ := strconv.Atoi(o.Value)
			return max(1, 2*n/10)
		}
	}
	return 1
}

// change adjusts a running connection.
func (a *adjuster) change(o object, have *confparse.Connection) error {
	head, cut := a.paths(o, have)
	if changes := diff(o.conn.Net, have.Net, immutable...); len(changes) > 0 {
		verb := []string{"net-options", a.res.Name, o.peerID()}
		step := a.ops(Net, "net-options", head, a.setDefaults(o, verb, o.conn.Net, have.Net, immutable...))
		step.Changes = changes
	}
	for _, d := range explicitFirst(o.conn.PeerDevices) {
		if d.Volume == nil {
			continue
		}
		running, options := a.runningPeerDevice(have, d)
		if !running || len(diff(d.Options, options)) > 0 {
			a.peerDevice(o, d, options, head)
		}
	}
	if standAlone(have) || cut {
		return a.connect(o, head)
	}
	return nil
}

// runningPeerDevice returns what runs of a volume at a peer. drbdsetup show says
// nothing about those that have no options. A volume whose minor changes is made
// anew, with the defaults.
func (a *adjuster) runningPeerDevice(c *confparse.Connection, d *confparse.PeerDevice) (running bool, options confparse.Options) {
	number := d.Number
	if have := a.runningVolume(number); have != nil && have.Minor != d.Volume.Minor {
		return true, nil
	}
	for _, h := range c.PeerDevices {
		if h.Number == number {
			return true, h.Options
		}
	}
	return a.runningVolume(number) != nil, nil
}

// paths adds and removes paths. Where the only one has to go, the connection is
// cut first.
func (a *adjuster) paths(o object, have *confparse.Connection) (head *Step, cut bool) {
	head = a.last
	surplus := pathsWithout(have.Paths, o.conn.Paths)
	if len(have.Paths) == 1 && len(surplus) == 1 {
		cut = true
		if !standAlone(have) {
			a.interrupts = true
			op := a.setup(o, "disconnect", a.res.Name, o.peerID())
			head = a.ops(NetDisconnect, "disconnect", head, []Op{op})
			head.Why = "its only path is replaced"
		}
	}
	for _, p := range surplus {
		a.pathStep(NetDown, "del-path", o, p, head, "the path is not in the configuration")
	}
	for _, p := range pathsWithout(o.conn.Paths, have.Paths) {
		a.pathStep(NewPath, "new-path", o, p, head, "the connection to "+o.conn.Name+" has no such path")
	}
	return head, cut
}

func (a *adjuster) pathStep(stage Stage, verb string, o object, p *confparse.Path, after *Step, why string) {
	op := a.setup(o, verb, a.res.Name, o.peerID(), p.Me.Address.String(), p.Target().String())
	a.ops(stage, verb, after, []Op{op}).Why = why
}

// pathsWithout returns the paths that are not among others.
func pathsWithout(paths, others []*confparse.Path) []*confparse.Path {
	return slices.DeleteFunc(slices.Clone(paths), func(p *confparse.Path) bool {
		return slices.ContainsFunc(others, func(q *confparse.Path) bool {
			return sameAddress(p.Me.Address, q.Me.Address) && sameAddress(p.Target(), q.Target())
		})
	})
}

// surplusPeers removes peers that the configuration does not have, after their
// replacements are connected.
func (a *adjuster) surplusPeers() {
	if a.have == nil {
		return
	}
	for _, h := range a.have.Connections {
		if !slices.ContainsFunc(a.res.Connections, func(c *confparse.Connection) bool {
			return !c.Ignored && c.Peer.NodeID == h.PeerNodeID
		}) {
			a.interrupts = true
			a.last = a.delPeer(h, "the peer is not in the configuration")
		}
	}
}

// dropWaits takes out waits that are good for nothing: all of them if no
// connection is cut or none was up, and one that nothing comes after.
func (a *adjuster) dropWaits() {
	useful := a.interrupts && a.have != nil && slices.ContainsFunc(a.have.Connections, established)
	for _, w := range a.waits {
		followed := false
		for _, s := range *a.plan {
			followed = followed || s.After == w
		}
		w.Moot = !useful || !followed
	}
}

package adm

import (
	"fmt"
	"slices"
	"strings"

	"drbdutils/confparse"
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// connections returns the connections that there should be. The model has none for
// DRBD 8.4, where a resource has one other host.
func (e exam) connections() []*confparse.Connection {
	if host := e.res.Peer84; len(e.peers) == 0 && host != nil {
		return []*confparse.Connection{{Name: host.Names[0], Peer: host}}
	}
	return e.peers
}

// connectionOf returns what runs of a connection. With DRBD 8.4 there is one, of
// which the module does not tell while it is StandAlone.
func (e exam) connectionOf(c *confparse.Connection) *netlinkapi.Connection {
	if !e.is84() {
		return e.have.Connection(uint32(max(c.Peer.NodeID, 0)))
	}
	if len(e.have.Connections) == 1 {
		return e.have.Connections[0]
	}
	return &netlinkapi.Connection{Info: schema.ConnectionInfo.In(schema.V84).New()}
}

// nameOf returns the name of the peer that a running connection leads to.
func (e exam) nameOf(have *netlinkapi.Connection) string {
	for _, c := range e.connections() {
		if e.is84() || c.Peer.NodeID == int(have.PeerNodeID) {
			return peerName(c)
		}
	}
	return have.Name
}

func peerName(c *confparse.Connection) string {
	if len(c.Peer.Names) > 0 {
		return c.Peer.Names[0]
	}
	return c.Name
}

// object names a connection as drbdadm takes it.
func (e exam) object(c *confparse.Connection) string {
	if e.is84() || len(e.res.Connections) < 2 {
		return e.res.Name
	}
	return e.res.Name + ":" + peerName(c)
}

// theirObject names a connection as drbdadm takes it on the peer.
func (e exam) theirObject(c *confparse.Connection) string {
	if e.object(c) == e.res.Name {
		return e.res.Name
	}
	return e.res.Name + ":" + e.node
}

// peerState looks at a connection and at what the peer has.
func (e exam) peerState(c *confparse.Connection) []finding {
	f := finding{About: "the connection to " + peerName(c), State: "missing"}
	have := e.connectionOf(c)
	if have == nil {
		f.Why = "the module has no such connection"
		f.Remedies = []remedy{e.here("to add it, which changes no data until the nodes have agreed", "drbdadm adjust "+e.res.Name)}
		return []finding{f}
	}
	f.State = have.State().String()
	if have.State() == schema.Connected {
		return e.peerDisks(c, have)
	}
	v := judge(e.log, e.topic(c.Name))
	f.Cause, f.Kernel = v.cause, v.text
	switch {
	case e.standsAlone(have):
		e.standAlone(&f, c, v)
	case v.cause != "":
		e.refused(&f, c)
	case have.State() == schema.Connecting:
		e.unreachable(&f, c)
	default:
		f.Why = "it was lost a moment ago and is about to be made again"
	}
	return []finding{f}
}

func (e exam) standsAlone(c *netlinkapi.Connection) bool {
	return c.State() == schema.StandAlone || c.State() == schema.Disconnecting
}

// standAlone says why nobody tries to connect any more.
func (e exam) standAlone(f *finding, c *confparse.Connection, v verdict) {
	f.Copies = e.partings(c, v)
	again := e.here("to try again, which changes no data unless the nodes agree", "drbdadm connect "+e.object(c))
	switch kin := worstKinship(f.Copies); {
	case v.cause == causeSplitBrain || v.cause == "" && kin == splitBrain:
		f.Cause = causeSplitBrain
		f.Why = "split brain: both nodes have changed data since they parted. Somebody has to say whose changes are lost; there is no way to keep both"
		f.Remedies = e.discardOne(f, c)
	case v.cause == causeUnrelated || v.cause == "" && kin == unrelated:
		f.Cause = causeUnrelated
		f.Why = "unrelated data: the copies never had a generation in common, so no part of one is of use for the other"
		f.Remedies = e.replaceOne(f, c)
	case v.cause != "":
		e.refused(f, c)
	case v.byCommand:
		f.Cause, f.Copies = causeStopped, nil
		f.Why = "it was disconnected by a command on this node"
		f.Remedies = []remedy{again}
	case slices.ContainsFunc(f.Copies, parting.ours):
		f.Cause = causeMaybe
		f.Why = "the kernel's log no longer tells why. This node has changed data since it parted from its peer. If the peer has, too, " +
			"this is a split brain: then the second number there is not 0, and the first is not the second one here. " +
			"If not, it was disconnected by a command, or refused for its secret, its settings or its size: to try again brings the reason into the log"
		f.Remedies = append([]remedy{again}, e.discardOne(f, c)...)
	default:
		f.Cause, f.Copies = causeStopped, nil
		f.Why = "it was disconnected by a command, or refused by one of the nodes; the kernel's log on both has the reason"
		f.Remedies = []remedy{again}
	}
}

// ours reports whether the copy here was changed since it parted from the peer's.
func (p parting) ours() bool {
	return p.Here.Lineage != nil && p.Here.Lineage.parted != 0
}

// worstKinship is the relation of the copies that are least alike.
func worstKinship(copies []parting) kinship {
	worst := sameData
	for _, p := range copies {
		if p.Here.Lineage != nil && p.Peer.Lineage != nil {
			worst = max(worst, p.Here.Lineage.compare(*p.Peer.Lineage))
		}
	}
	return worst
}

// partings returns what is known of both copies of every volume. What the peer has
// is known from the last time that the nodes compared them, if the kernel's log
// goes back that far.
func (e exam) partings(c *confparse.Connection, v verdict) []parting {
	var all []parting
	for _, vol := range e.volumes {
		p := parting{Volume: vol.Number, Ask: fmt.Sprintf("drbdadm get-gi %s/%d", e.theirObject(c), vol.Number)}
		here, ok := e.copies[copyID{vol.Minor, max(c.Peer.NodeID, 0)}]
		if !ok {
			here, ok = v.here[vol.Number] // it is not attached now
		}
		if ok {
			p.Here = here.account()
		}
		if peer, ok := v.peer[vol.Number]; ok {
			p.Peer, p.Ask = peer.account(), ""
		}
		all = append(all, p)
	}
	return all
}

func (r report) account() account { return account{&r.lineage, &r.kib} }

// discardOne are the two ways out of a split brain.
func (e exam) discardOne(f *finding, c *confparse.Connection) []remedy {
	f.UsedBy = e.deviceUsers()
	object, theirs, peer := e.object(c), e.theirObject(c), peerName(c)
	secondary := "drbdadm secondary " + e.res.Name
	return []remedy{
		e.here("to discard what was changed on "+e.node+loss(f.Copies, func(p parting) account { return p.Here }),
			secondary, "drbdadm connect --discard-my-data "+object).
			then(peer, "drbdadm connect "+theirs),
		e.on(peer, "to discard what was changed on "+peer+loss(f.Copies, func(p parting) account { return p.Peer }),
			secondary, "drbdadm disconnect "+theirs+" || true", "drbdadm connect --discard-my-data "+theirs).
			then(e.node, "drbdadm connect "+object),
	}
}

// replaceOne are the two ways to make unrelated copies one.
func (e exam) replaceOne(f *finding, c *confparse.Connection) []remedy {
	f.UsedBy = e.deviceUsers()
	replace := func(node, other string) remedy {
		return e.on(node, "to discard all data of the resource on "+node+"; "+other+"'s is copied there",
			"drbdadm down "+e.res.Name, "drbdadm create-md --force "+e.res.Name, "drbdadm up "+e.res.Name).
			then(other, "drbdadm connect "+e.res.Name)
	}
	peer := peerName(c)
	return []remedy{replace(e.node, peer), replace(peer, e.node)}
}

// loss says how much of a side would be lost.
func loss(copies []parting, side func(parting) account) string {
	var sum uint64
	for _, p := range copies {
		a := side(p)
		if a.Changed == nil {
			return " (how much that is, 'drbdadm explain' there tells)"
		}
		sum += *a.Changed
	}
	return fmt.Sprintf(" since (%d KiB)", sum)
}

// reasons are what the causes mean that the kernel's log names.
var reasons = map[cause]string{
	causeSecret:     "the nodes do not have the same shared-secret and cram-hmac-alg in their configuration",
	causeProtocol:   "the modules of the two nodes speak no common version of the protocol: one of them has to be upgraded",
	causeSize:       "the sizes do not fit: one node's disk is smaller than the data. Make it larger, or use a larger one",
	causeNodeID:     "the nodes' configurations give one of them different node-ids",
	causeHandler:    "a handler of the configuration said no",
	causeAddress:    "this node cannot use its own address, which must be that of one of its interfaces",
	causePeer:       "the peer refused this node, or was stopped; 'drbdadm explain' there tells why",
	causeInUse:      "this node should take the peer's data, which is newer, and cannot while it is Primary",
	causeNoData:     "this node should send its data to the peer, and has no usable copy: a third node has to have one",
	causeTwoPrimary: "this node and its peer were both Primary, which allow-two-primaries would have to permit: make one Secondary",
}

// refused says why the nodes do not go together.
func (e exam) refused(f *finding, c *confparse.Connection) {
	f.Why, f.Copies = reasons[f.Cause], nil
	if f.Cause == causeSettings {
		f.Why = "the nodes' configurations differ in what must be the same: " + settingOf(f.Kernel)
	}
	f.Remedies = []remedy{e.afterRefusal(f.Cause, c)}
}

// afterRefusal returns what makes the nodes go together again.
func (e exam) afterRefusal(why cause, c *confparse.Connection) remedy {
	peer, adjust := peerName(c), "drbdadm adjust "+e.res.Name
	switch why {
	case causePeer:
		return e.on(peer, "to learn why, and what would help", "drbdadm explain "+e.res.Name)
	case causeTwoPrimary, causeInUse:
		return e.here("to leave that to the peer, after whatever uses the device here was stopped",
			"drbdadm secondary "+e.res.Name, adjust).then(peer, adjust)
	case causeNodeID:
		return e.here("to get another number when that is done, on the node where it changed; I/O stops meanwhile",
			"drbdadm down "+e.res.Name, "drbdadm up "+e.res.Name)
	}
	return e.here("to try again when that is done, which changes no data unless the nodes agree", adjust).then(peer, adjust)
}

// settingOf returns the option that a message is about: "incompatible NAME
// settings", "Different NAME settings", "peer NAME VALUE not supported".
func settingOf(message string) string {
	for _, prefix := range []string{"incompatible ", "Different ", "peer "} {
		if rest, ok := strings.CutPrefix(message, prefix); ok {
			name, _, _ := strings.Cut(rest, " ")
			return name
		}
	}
	return "see the kernel's log"
}

// unreachable says that nobody answers, and where.
func (e exam) unreachable(f *finding, c *confparse.Connection) {
	f.Cause = causeUnreachable
	f.Why = "nobody answers at the peer's address"
	if address := targetOf(c); address != nil {
		f.Why = "nobody answers at " + address.String()
		if e.silent(address.Addr) {
			f.Why = "no machine answers at " + address.Addr + " on the local network"
		}
	}
	f.Why += ": the peer is off, its resource is down or StandAlone, or the network is cut"
	f.Remedies = []remedy{e.on(peerName(c), "to bring the peer's side up, which changes no data unless the nodes agree", "drbdadm adjust "+e.res.Name)}
}

// targetOf returns the address that a connection leads to.
func targetOf(c *confparse.Connection) *confparse.Address {
	for _, p := range c.Paths {
		if p.Peer != nil && p.Target() != nil {
			return p.Target()
		}
	}
	return c.Peer.Address
}

// peerDisks looks at the disks of a connected peer.
func (e exam) peerDisks(c *confparse.Connection, have *netlinkapi.Connection) []finding {
	var all []finding
	for _, p := range have.PeerDevices {
		if f := e.peerDisk(c, p); f.State != "" {
			all = append(all, f)
		}
	}
	return all
}

// peerDisk returns an empty finding if all is well.
func (e exam) peerDisk(c *confparse.Connection, p *netlinkapi.PeerDevice) finding {
	repl, disk := p.ReplState(), p.DiskState()
	left := p.Stats.Uint("peer_dev_out_of_sync") / 2
	f := finding{About: fmt.Sprintf("volume %d", p.Volume), State: repl.String()}
	switch repl {
	case schema.Established, schema.Ahead:
		if disk == schema.UpToDate || disk == schema.Diskless && said(p.Info, "peer_is_intentional_diskless") {
			return finding{}
		}
		f.About, f.State = fmt.Sprintf("the disk of volume %d on %s", p.Volume, peerName(c)), disk.String()
		f.Why = "the peer has no usable copy, and nobody is sending it one"
		f.Remedies = []remedy{e.on(peerName(c), "to learn why", "drbdadm explain "+e.res.Name)}
	case schema.PausedSyncS, schema.PausedSyncT:
		f.About, f.State = fmt.Sprintf("the resync of volume %d", p.Volume), "paused"
		f.Why = "somebody paused it, or it waits for another one (resync-after)"
		f.Remedies = []remedy{e.here("to go on with the resync", "drbdadm resume-sync "+e.res.Name)}
	case schema.VerifyS, schema.VerifyT:
		f.State, f.Why = "being verified", "the copies are compared; it is in use as usual"
	case schema.ReplOff:
		return finding{}
	default:
		f.Why = fmt.Sprintf("%d KiB are still to be copied; it will be in order when that is done", left)
	}
	return f
}

package adm

import (
	"context"
	"fmt"
	"io"
	"slices"

	"drbdutils/confparse"
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// drbdadm explain says in words why a resource is not as it should be, and what
// would help. It never chooses whose data is lost.

// A finding is one thing that is not as it should be.
type finding struct {
	About    string   `json:"about"`
	State    string   `json:"state"`
	Why      string   `json:"why"`
	Remedies []remedy `json:"remedies,omitempty"`
}

// A remedy is a command and what it costs.
type remedy struct {
	Command string `json:"command"`
	Effect  string `json:"effect"`
}

// diagnosis is what explain says about one resource.
type diagnosis struct {
	Resource string    `json:"resource"`
	Findings []finding `json:"findings"`
}

// explain is the command.
func explain(ctx context.Context, t *tool, chosen []selection) int {
	running, err := t.snapshot(ctx)
	if err != nil {
		t.complain("%s: %v", t.env.Name, err)
		return exitBroken
	}
	all := []diagnosis{}
	for _, s := range chosen {
		d := diagnosis{Resource: s.res.Name, Findings: []finding{}}
		if !s.res.Ignored {
			d.Findings = append(d.Findings, diagnose(s, running.Resource(s.res.Name))...)
		}
		all = append(all, d)
	}
	if t.planner.has("json") {
		return t.writeJSON(all)
	}
	for _, d := range all {
		d.write(t.out)
	}
	return 0
}

// snapshot returns the state of the module; without a module nothing runs.
func (t *tool) snapshot(ctx context.Context) (*netlinkapi.Snapshot, error) {
	client, err := netlinkapi.Dial(ctx, netlinkapi.Options{Socket: t.env.NetlinkSocket()})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.Snapshot(ctx, "")
}

func (d diagnosis) write(w io.Writer) {
	if len(d.Findings) == 0 {
		fmt.Fprintf(w, "%s: all is well\n", d.Resource)
		return
	}
	fmt.Fprintf(w, "%s:\n", d.Resource)
	for _, f := range d.Findings {
		fmt.Fprintf(w, "  %s is %s\n    %s\n", f.About, f.State, f.Why)
		for _, r := range f.Remedies {
			fmt.Fprintf(w, "      %s\n        %s\n", r.Command, r.Effect)
		}
	}
}

// diagnose compares a resource with how it should be. It is a pure function.
func diagnose(s selection, have *netlinkapi.Resource) []finding {
	name := s.res.Name
	if have == nil {
		return []finding{{
			About: "resource " + name, State: "not running", Why: "the module does not know it",
			Remedies: []remedy{{"drbdadm up " + name, "creates it as it is configured; changes no data"}},
		}}
	}
	var all []finding
	for _, v := range s.volumes {
		all = append(all, diagnoseDisk(s.res, v, have)...)
	}
	for _, c := range peersOf(s) {
		all = append(all, diagnosePeer(s.res, c, connectionOf(have, c))...)
	}
	return append(all, diagnoseRole(name, have)...)
}

// peersOf returns the connections that there should be. The model has none for
// DRBD 8.4, where a resource has one other host.
func peersOf(s selection) []*confparse.Connection {
	if host := s.res.Peer84; len(s.peers) == 0 && host != nil {
		return []*confparse.Connection{{Name: host.Names[0], Peer: host}}
	}
	return s.peers
}

// connectionOf returns what runs of a connection. With DRBD 8.4 there is one.
func connectionOf(have *netlinkapi.Resource, c *confparse.Connection) *netlinkapi.Connection {
	if found := have.Connection(uint32(max(c.Peer.NodeID, 0))); found != nil {
		return found
	}
	if len(have.Connections) == 1 {
		return have.Connections[0]
	}
	return nil
}

// diagnoseDisk looks at the local disk of a volume.
func diagnoseDisk(r *confparse.Resource, v *confparse.Volume, have *netlinkapi.Resource) []finding {
	object := fmt.Sprintf("%s/%d", r.Name, v.Number)
	about := "the disk of volume " + fmt.Sprint(v.Number)
	d := have.Device(uint32(v.Number))
	if d == nil {
		return []finding{{about, "missing", "the module has no such volume", []remedy{
			{"drbdadm adjust " + r.Name, "adds the volume; changes no data"}}}}
	}
	state := d.DiskState()
	if state == schema.UpToDate || v.Disk == "" && state == schema.Diskless {
		return nil
	}
	why, remedies := diskAdvice(r.Name, object, state)
	return []finding{{about, state.String(), why, remedies}}
}

func diskAdvice(name, object string, state schema.DiskState) (string, []remedy) {
	force := remedy{"drbdadm primary --force " + name,
		"declares the data on this node to be good; if a peer has newer data, that is lost"}
	switch state {
	case schema.Diskless, schema.Detaching, schema.Failed:
		return "it was detached, or given up after an I/O error; the kernel's log has the reason", []remedy{
			{"drbdadm attach " + object, "uses the disk again; what changed meanwhile is resynced from a peer"}}
	case schema.Inconsistent:
		return "it does not hold a usable copy: it is new, or a resync to it is not over", []remedy{
			{"drbdadm connect " + name, "gets the data from a peer that has it"}, force}
	case schema.Outdated:
		return "a peer went on without this node, and has newer data", []remedy{
			{"drbdadm connect " + name, "gets the newer data from the peer"}, force}
	case schema.Consistent:
		return "nobody can say whether a peer has newer data", []remedy{
			{"drbdadm connect " + name, "asks the peer"}, force}
	}
	return "it is about to become usable", nil
}

// diagnosePeer looks at a connection and at what the peer has.
func diagnosePeer(r *confparse.Resource, c *confparse.Connection, have *netlinkapi.Connection) []finding {
	about := "the connection to " + c.Name
	if c.Name == "" {
		about = "the connection to " + c.Peer.Names[0]
	}
	if have == nil {
		return []finding{{about, "missing", "the module has no such connection", []remedy{
			{"drbdadm adjust " + r.Name, "adds it; changes no data until the nodes have agreed"}}}}
	}
	state := have.State()
	switch {
	case state == schema.Connected:
		return diagnosePeerDisks(r, about, have)
	case state == schema.StandAlone:
		return []finding{standAloneAdvice(r, c, about, have)}
	case state == schema.Connecting:
		return []finding{{about, state.String(), waitingReason(c), []remedy{
			{"drbdadm up " + r.Name, "to be run on the peer, if the resource is down there"}}}}
	}
	return []finding{{about, state.String(), "it was lost a moment ago and is about to be made again", nil}}
}

func waitingReason(c *confparse.Connection) string {
	target := "the peer"
	if c.Peer.Address != nil {
		target = c.Peer.Address.String()
	}
	if len(c.Paths) > 0 && c.Paths[0].Peer != nil && c.Paths[0].Target() != nil {
		target = c.Paths[0].Target().String()
	}
	return "nobody answers at " + target + ": the peer is off, its resource is down or StandAlone, or the network is cut"
}

// standAloneAdvice names both sides of a split brain, which is the usual cause,
// and leaves the choice to a person.
func standAloneAdvice(r *confparse.Resource, c *confparse.Connection, about string, have *netlinkapi.Connection) finding {
	parted := changedSinceParting(have)
	f := finding{About: about, State: schema.StandAlone.String()}
	plain := remedy{"drbdadm connect " + r.Name, "tries again; it changes no data unless the nodes agree"}
	if parted == 0 {
		f.Why = "it was disconnected by hand, or the nodes do not fit together: secret, protocol or sizes; the kernel's log has the reason"
		f.Remedies = []remedy{plain}
		return f
	}
	f.Why = fmt.Sprintf("both nodes may have changed data since they parted (split brain); here it is %d KiB", parted)
	f.Remedies = []remedy{
		plain,
		{"drbdadm secondary " + r.Name + "; drbdadm connect --discard-my-data " + r.Name,
			fmt.Sprintf("on the node whose changes shall be lost; here that would be %d KiB; then 'drbdadm connect %s' on the other", parted, r.Name)},
	}
	return f
}

// changedSinceParting returns how much the local disk differs from what the peer
// last had, in KiB.
func changedSinceParting(have *netlinkapi.Connection) uint64 {
	var sectors uint64
	for _, p := range have.PeerDevices {
		sectors += p.Stats.Uint("peer_dev_out_of_sync")
	}
	return sectors / 2
}

// diagnosePeerDisks looks at the disks of a connected peer.
func diagnosePeerDisks(r *confparse.Resource, about string, have *netlinkapi.Connection) []finding {
	var all []finding
	for _, p := range have.PeerDevices {
		repl, disk := p.ReplState(), p.DiskState()
		switch {
		case repl == schema.Established || repl == schema.Ahead && disk == schema.UpToDate:
			if disk == schema.UpToDate || disk == schema.Diskless {
				continue
			}
			all = append(all, finding{fmt.Sprintf("the peer's disk of volume %d, over %s,", p.Volume, about), disk.String(),
				"the peer has no usable copy and nobody is sending it one", []remedy{
					{"drbdadm explain " + r.Name, "on the peer"}}})
		case slices.Contains([]schema.ReplState{schema.PausedSyncS, schema.PausedSyncT}, repl):
			all = append(all, finding{fmt.Sprintf("the resync of volume %d", p.Volume), "paused",
				"somebody paused it, or it waits for another one (resync-after)", []remedy{
					{"drbdadm resume-sync " + r.Name, "goes on with the resync"}}})
		case repl == schema.VerifyS || repl == schema.VerifyT:
			all = append(all, finding{fmt.Sprintf("volume %d", p.Volume), "being verified", "the copies are compared; it is in use as usual", nil})
		case repl != schema.ReplOff:
			all = append(all, finding{fmt.Sprintf("volume %d", p.Volume), repl.String(),
				fmt.Sprintf("%d KiB are still to be copied; it will be in order when that is done", p.Stats.Uint("peer_dev_out_of_sync")/2), nil})
		}
	}
	return all
}

// diagnoseRole says what keeps a Secondary from being promoted.
func diagnoseRole(name string, have *netlinkapi.Resource) []finding {
	if have.Role() == schema.Primary {
		return nil
	}
	for _, c := range have.Connections {
		if c.Role() == schema.Primary {
			return []finding{{"resource " + name, "not promotable", "a peer is Primary, and has to give that up first", []remedy{
				{"drbdadm secondary " + name, "on the peer, after whatever uses the device was stopped"}}}}
		}
	}
	return nil
}

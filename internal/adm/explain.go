package adm

import (
	"context"
	"fmt"
	"io"

	"drbdutils/schema"
)

// drbdadm explain says in words why a resource is not as it should be, and what
// would help. It never chooses whose data is lost.

// A finding is one thing that is not as it should be.
type finding struct {
	About    string    `json:"about"`
	State    string    `json:"state"`
	Cause    cause     `json:"cause,omitempty"`
	Why      string    `json:"why"`
	Kernel   string    `json:"kernel,omitempty"` // what the kernel's log says about it
	Copies   []parting `json:"copies,omitempty"`
	UsedBy   []string  `json:"used_by,omitempty"` // who has the device or disk open
	Remedies []remedy  `json:"remedies,omitempty"`
}

// A parting is what is known of two copies of a volume that went separate ways.
type parting struct {
	Volume int     `json:"volume"`
	Here   account `json:"here"`
	Peer   account `json:"peer"`
	Ask    string  `json:"ask,omitempty"` // what tells the peer's account, to be run there
}

// An account is one side's description of its copy.
type account struct {
	Lineage *lineage `json:"generations"` // nil: not known here
	Changed *uint64  `json:"changed_kib"` // since the copies parted; nil: not known here
}

// A remedy is what would help, and what it costs.
type remedy struct {
	Effect   string `json:"effect"`
	Commands []call `json:"commands"`
}

// A call is a command and the node on which it is to be run.
type call struct {
	Node    string `json:"node"`
	Command string `json:"command"`
}

// diagnosis is what explain says about one resource.
type diagnosis struct {
	Resource string    `json:"resource"`
	Findings []finding `json:"findings"`
	UsedBy   []string  `json:"used_by,omitempty"` // who keeps a Primary's devices open
}

// explain is the command.
func explain(ctx context.Context, t *tool, chosen []selection) int {
	know, err := t.investigate(ctx)
	if err != nil {
		t.complain("%s: ask the module: %v", t.env.Name, err)
		return exitBroken
	}
	all := []diagnosis{}
	for _, s := range chosen {
		d := diagnosis{Resource: s.res.Name, Findings: []finding{}}
		if !s.res.Ignored {
			e := exam{selection: s, evidence: know, have: know.state.Resource(s.res.Name)}
			d.Findings = append(d.Findings, e.diagnose()...)
			d.UsedBy = e.primaryUsers(len(chosen))
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

// primaryUsers returns who keeps this node from becoming Secondary. It is asked
// for one resource at a time: to look through all processes takes a while.
func (e exam) primaryUsers(resources int) []string {
	if resources > 1 || e.have == nil || e.have.Role() != schema.Primary {
		return nil
	}
	return e.deviceUsers()
}

// write prints the diagnosis for people.
func (d diagnosis) write(w io.Writer) {
	if len(d.Findings) == 0 {
		fmt.Fprintf(w, "%s: all is well\n", d.Resource)
	} else {
		fmt.Fprintf(w, "%s:\n", d.Resource)
	}
	for _, f := range d.Findings {
		f.write(w)
	}
	for _, user := range d.UsedBy {
		fmt.Fprintf(w, "  in use here: %s\n", user)
	}
}

func (f finding) write(w io.Writer) {
	fmt.Fprintf(w, "  %s is %s\n    %s\n", f.About, f.State, f.Why)
	for _, p := range f.Copies {
		fmt.Fprintf(w, "    volume %d here:     %s\n    volume %d the peer: %s\n", p.Volume, p.Here, p.Volume, p.Peer)
		if p.Ask != "" {
			fmt.Fprintf(w, "      '%s' there tells\n", p.Ask)
		}
	}
	if f.Kernel != "" {
		fmt.Fprintf(w, "    the kernel's log says: %s\n", f.Kernel)
	}
	for _, user := range f.UsedBy {
		fmt.Fprintf(w, "    in use: %s\n", user)
	}
	for _, r := range f.Remedies {
		fmt.Fprintf(w, "    %s:\n", r.Effect)
		for _, c := range r.Commands {
			fmt.Fprintf(w, "      %s# %s\n", c.Node, c.Command)
		}
	}
}

func (a account) String() string {
	text := "generations not known here"
	if a.Lineage != nil {
		text = a.Lineage.String()
	}
	if a.Changed != nil {
		text += fmt.Sprintf(", %d KiB changed since", *a.Changed)
	}
	return text
}

// diagnose compares a resource with how it should be. It is a pure function of
// configuration and evidence.
func (e exam) diagnose() []finding {
	if e.have == nil {
		return []finding{e.notRunning()}
	}
	all := e.suspended()
	for _, v := range e.volumes {
		all = append(all, e.disk(v)...)
	}
	for _, c := range e.connections() {
		all = append(all, e.peerState(c)...)
	}
	return append(all, e.promotion()...)
}

func (e exam) notRunning() finding {
	f := finding{About: "resource " + e.res.Name, State: "not running", Why: "the module does not know it"}
	if e.absent {
		f.Why = "the DRBD module is not loaded"
	}
	f.Remedies = []remedy{e.here("to create it as it is configured, which changes no data", "drbdadm up "+e.res.Name)}
	return f
}

// here is a remedy that is run on this node.
func (e exam) here(effect string, commands ...string) remedy {
	return e.on(e.node, effect, commands...)
}

// on is a remedy that is run on one node.
func (e exam) on(node, effect string, commands ...string) remedy {
	r := remedy{Effect: effect}
	for _, c := range commands {
		r.Commands = append(r.Commands, call{node, c})
	}
	return r
}

// then adds commands for another node to a remedy.
func (r remedy) then(node string, commands ...string) remedy {
	for _, c := range commands {
		r.Commands = append(r.Commands, call{node, c})
	}
	return r
}

// suspensions are the flags of a resource that say why I/O stands still.
var suspensions = []struct{ key, why string }{
	{"res_susp", "an administrator stopped it"},
	{"res_susp_nod", "no copy of the data can be reached (on-no-data-accessible)"},
	{"res_susp_fen", "the peer has to be fenced first: the fence-peer handler has not ended well"},
	{"res_susp_quorum", "too few nodes see each other (on-no-quorum)"},
}

// suspended says why the device does not answer.
func (e exam) suspended() []finding {
	var all []finding
	for _, s := range suspensions {
		if said(e.have.Info, s.key) {
			all = append(all, finding{About: "the I/O of resource " + e.res.Name, State: "suspended", Why: s.why, Remedies: []remedy{
				e.here("to let I/O go on; a peer that is out of reach may go on with its own copy, which is a split brain",
					"drbdadm resume-io "+e.res.Name)}})
		}
	}
	return all
}

// promotion says what keeps a Secondary from being promoted, and a Primary from being
// of use.
func (e exam) promotion() []finding {
	state := "not promotable"
	if e.have.Role() == schema.Primary {
		state = "of no use as Primary: its I/O stands still or fails, as on-no-quorum says"
	}
	var all []finding
	for _, d := range e.have.Devices {
		if knows(d.Info, "dev_has_quorum") && !d.Info.Bool("dev_has_quorum") {
			all = append(all, finding{About: "resource " + e.res.Name, State: state,
				Why: fmt.Sprintf("volume %d has no quorum: too few of its nodes see each other", d.Volume)})
		}
	}
	if e.have.Role() == schema.Primary {
		return all
	}
	for _, c := range e.have.Connections {
		if c.Role() == schema.Primary && !c.Conf.Bool("two_primaries") {
			all = append(all, finding{About: "resource " + e.res.Name, State: "not promotable",
				Why: "a peer is Primary, and has to give that up first", Remedies: []remedy{
					e.on(e.nameOf(c), "to make it Secondary, after whatever uses the device was stopped", "drbdadm secondary "+e.res.Name)}})
		}
	}
	if len(all) == 0 && !e.hasGoodData() {
		all = append(all, finding{About: "resource " + e.res.Name, State: "not promotable",
			Why: "no copy that is UpToDate can be reached", Remedies: []remedy{e.force()}})
	}
	return all
}

// hasGoodData reports whether every volume has a copy here, or at a connected
// peer, that is UpToDate.
func (e exam) hasGoodData() bool {
	for _, d := range e.have.Devices {
		good := d.DiskState() == schema.UpToDate
		for _, c := range e.have.Connections {
			p := c.PeerDevice(d.Volume)
			good = good || p != nil && p.DiskState() == schema.UpToDate
		}
		if !good {
			return false
		}
	}
	return true
}

// force is the way to promote without good data.
func (e exam) force() remedy {
	return e.here("to declare the copy on this node to be good; newer data that a peer may have is lost then",
		"drbdadm primary --force "+e.res.Name)
}

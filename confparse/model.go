package confparse

import (
	"drbdutils/schema"
)

// Config is the configuration of all resources, as seen by one node.
type Config struct {
	File       string            // canonical path of the main file; "STDIN"
	Generation schema.Generation // module it was judged for
	Node       string            // name of this node
	Global     Global
	Common     *Resource   // the common section: option lists only; nil without one
	Resources  []*Resource // in order of definition, those of other hosts included
	Defined    int         // how many the files define, wanted or not

	// Legacy says that the text is of DRBD 8.x: neither node ids, connections,
	// templates nor a required module version are in it.
	Legacy bool

	expanded, prepared bool
}

// Global is the global section. Times are in seconds, 0 is no limit.
type Global struct {
	Present               bool // there is a global section
	DisableIPVerification bool
	UdevAlwaysUseVNR      bool
	MinorCount            int    // 0: not set
	DialogRefresh         int    // default 1
	CmdTimeoutShort       int    // default 5
	CmdTimeoutMedium      int    // default 600
	CmdTimeoutLong        int    // default 0
	UsageCount            string // yes, no or ask, which is the default

	place Place
}

// Resource is one resource section, or the common section.
type Resource struct {
	Name  string
	Place Place // of the word "resource"
	Line  int   // of the brace after the name: what dump and the sh- commands print

	Ignored   bool      // no host section is for this node
	ProxyOnly bool      // ignored, but this node runs a proxy of it
	Stacked   bool      // this node's section is stacked-on-top-of
	Me        *Host     // this node's section, nil if Ignored
	Lower     *Resource // the resource below, if Stacked
	Peer84    *Host     // DRBD 8.4: the other host, nil if there are several or none

	Hosts       []*Host
	Connections []*Connection // explicit ones, then implicit ones, then those of meshes
	Meshes      []*Mesh
	Volumes     []*Volume // written at resource level, by number

	Template string // file that replaces the common section

	// Options by the list of the kernel that takes them, not by the section they
	// were written in.
	Net        Options
	Disk       Options // to attach
	Device     Options // to new-minor
	PeerDevice Options
	Options    Options
	Startup    Options
	Handlers   Options
	Proxy      Options
	Plugins    Options // of the proxy, one word list each

	StackedTimeouts bool
	BecomePrimaryOn []string // DRBD 8.4 only; "both" stands alone

	templatePlace Place
	template      *Resource // its common section
	secondMe      *Host     // DRBD 8.4: another floating section that is for this node
}

// HostKind tells the forms of host sections.
type HostKind uint8

// The forms of host sections.
const (
	On       HostKind = iota // on NAME...
	Floating                 // floating ADDRESS
	Stacked                  // stacked-on-top-of RESOURCE
	This                     // _this_host, of drbdsetup show
	Remote                   // _remote_host, of drbdsetup-84 show
)

// Host is what one node, or one stacked pair of nodes, has of a resource.
type Host struct {
	Kind       HostKind
	Names      []string // Floating: made from the address
	Place      Place
	Volumes    []*Volume // by number; complete, resource level included, after Expand
	Address    *Address  // nil without one
	Alternate  *Address  // DRBD 8.4: alternate-link-address
	NodeID     int       // -1 without one
	NodeIDMade bool      // worked out from the addresses, not written
	Options    Options   // written, but without effect
	Proxy      *Proxy
	LowerName  string // Stacked: the resource below
	Lower      *Resource

	idPlace Place
}

// Volume is a volume of a resource or of one host.
type Volume struct {
	Number   int
	Implicit bool // its statements stand in the section around it
	Place    Place

	DeviceName string // as written, "drbdN" completed to "/dev/drbdN"; "" without one
	Minor      int    // -1 without one
	Disk       string // backing device; "" diskless, also for "none" after Expand
	MetaDisk   string // path or "internal"; ""
	MetaIndex  string // "internal", "flexible" or a number; ""
	Tiebreaker *bool  // nil: not written

	DiskOptions   Options
	DeviceOptions Options
	PeerOptions   Options

	diskPlace, devicePlace, metaPlace Place
	deviceProblem                     *Diagnostic // judged once it is known whose device it is
	handed                            parts       // what the volume has from the resource level
}

// parts are statements of a volume.
type parts uint8

const (
	devicePart parts = 1 << iota
	diskPart
	metaPart
	allParts // the volume itself
)

// Connection is a connection between two hosts.
type Connection struct {
	Name     string // _name, else the peer's names joined by "_"; after Expand
	Place    Place
	Implicit bool // made from two host sections or a mesh
	Ignored  bool // this node is no endpoint
	Peer     *Host
	Paths    []*Path

	Net         Options
	PeerDevice  Options // its disk section
	PeerDevices []*PeerDevice

	// Of drbdsetup show only.
	PeerNodeID int    // -1 without one
	State      string // _cstate, "StandAlone" if it has _is_standalone; ""
}

// PeerDevice is one volume over one connection.
type PeerDevice struct {
	Number     int
	Implicit   bool // not written
	Place      Place
	Options    Options
	Connection *Connection
	Volume     *Volume // here; nil if this node is no endpoint
	PeerVolume *Volume // at the peer
}

// Path is a pair of addresses.
type Path struct {
	Place     Place
	Implicit  bool // no path section around the endpoints
	Endpoints []*Endpoint
	Me        *Endpoint // nil if this node is no endpoint
	Peer      *Endpoint
}

// Target returns the address that this node connects to: the inside of its own
// proxy, else the peer's outside-address, else the peer's address.
func (p *Path) Target() *Address {
	switch {
	case p.Me != nil && p.Me.Proxy != nil && p.Me.Proxy.Inside != nil:
		return p.Me.Proxy.Inside
	case p.Peer.Outside != nil:
		return p.Peer.Outside
	}
	return p.Peer.Address
}

// Endpoint is one end of a path.
type Endpoint struct {
	Name    string // as written; "" for an address alone
	Host    *Host  // nil while unresolved
	Address *Address
	Port    string // own port with the host's address
	Proxy   *Proxy
	Outside *Address // via outside-address
	Place   Place

	written bool // Address was written here, not taken from the host
}

// Proxy is a proxy at one end.
type Proxy struct {
	Names   []string
	Inside  *Address
	Outside *Address
	Options Options
	Plugins Options
	Place   Place
}

// Mesh is a connection-mesh section.
type Mesh struct {
	Hosts []string
	Net   Options
	Place Place
}

// Address is a network address as written.
type Address struct {
	Family string // ipv4, ipv6, ssocks, sdp; sci of DRBD 8.3 reads as ssocks
	Addr   string // digits, without brackets
	Port   string
}

// String returns the address as drbdsetup takes it: ipv4:10.1.0.1:7000 or
// ipv6:[fd00::1]:7000.
func (a *Address) String() string {
	if a.Family == "ipv6" {
		return a.Family + ":[" + a.Addr + "]:" + a.Port
	}
	return a.Family + ":" + a.Addr + ":" + a.Port
}

// Option is an option with its value as written.
type Option struct {
	Name      string // in its modern spelling
	Value     string
	Bare      bool // written without value
	Inherited bool // came from a wider section
	Unknown   bool // _unknown NAME in drbdsetup show: the module lacks it
	Field     *schema.Field
	Place     Place
}

// Argument returns the option as drbdsetup takes it, --name or --name=value.
func (o Option) Argument() string {
	if o.Bare {
		return "--" + o.Name
	}
	return "--" + o.Name + "=" + o.Value
}

// Options is a list of options in the order in which drbdadm passes them on.
type Options []Option

// Get returns the option of that name.
func (l Options) Get(name string) (Option, bool) {
	if i := l.index(name); i >= 0 {
		return l[i], true
	}
	return Option{}, false
}

func (l Options) index(name string) int {
	for i := range l {
		if l[i].Name == name {
			return i
		}
	}
	return -1
}

// Volume returns the volume of that number, or nil.
func (r *Resource) Volume(number int) *Volume { return volumeOf(r.Volumes, number) }

// Volume returns the host's volume of that number, or nil.
func (h *Host) Volume(number int) *Volume { return volumeOf(h.Volumes, number) }

func volumeOf(list []*Volume, number int) *Volume {
	for _, v := range list {
		if v.Number == number {
			return v
		}
	}
	return nil
}

// Resource returns the resource of that name, or nil.
func (c *Config) Resource(name string) *Resource {
	for _, r := range c.Resources {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// ByMinor returns the resource and the volume that have the minor number on
// this node, or nil.
func (c *Config) ByMinor(minor int) (*Resource, *Volume) {
	for _, r := range c.Resources {
		if r.Me == nil {
			continue
		}
		for _, v := range r.Me.Volumes {
			if v.Minor == minor {
				return r, v
			}
		}
	}
	return nil, nil
}

// Connection returns the resource's connection to the peer, which may be any of
// its host names or the connection's _name; nil if there is none.
func (r *Resource) Connection(peer string) *Connection {
	for _, c := range r.Connections {
		if c.Ignored || c.Peer == nil {
			continue
		}
		if name, ok := c.Net.Get("_name"); ok && name.Value == peer {
			return c
		}
		if c.Peer.Answers(peer) {
			return c
		}
	}
	return nil
}

// Answers reports whether the host section is for the host name, which may be
// short or complete and in either case.
func (h *Host) Answers(name string) bool {
	for _, own := range h.Names {
		if sameHost(own, name) {
			return true
		}
	}
	return false
}

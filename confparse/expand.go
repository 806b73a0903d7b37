package confparse

import (
	"slices"
	"strconv"
	"strings"

	"drbdutils/schema"
)

// Expand hands down options and volumes: from common to resources, from
// resources to hosts and connections, from hosts to peer devices. Everything
// but a plain dump wants that. A second call changes nothing.
func (c *Config) Expand() Diagnostics {
	if c.expanded {
		return nil
	}
	c.expanded = true
	all := make([]expander, len(c.Resources))
	parallel(len(all), func() func(int) {
		return func(i int) {
			all[i] = expander{gen: c.Generation, res: c.Resources[i]}
			all[i].expand(c.Common)
		}
	})
	var diags Diagnostics
	for i := range all {
		diags = append(diags, all[i].diags...)
	}
	return diags
}

// An expander hands options down in one resource.
type expander struct {
	gen   schema.Generation
	res   *Resource
	diags Diagnostics
}

func (e *expander) expand(common *Resource) {
	r := e.res
	if r.template != nil {
		common = r.template
	}
	if common != nil {
		e.fromCommon(common)
	}
	for _, h := range r.Hosts {
		e.toVolumes(h)
	}
	for _, c := range r.Connections {
		c.Net = slices.Grow(c.Net, len(r.Net)+1) // 1: the name that Prepare adds
		e.give(&c.Net, r.Net)
		for _, p := range c.Paths {
			for _, end := range p.Endpoints {
				e.toProxy(end.Proxy)
			}
		}
	}
	for _, h := range r.Hosts {
		e.toProxy(h.Proxy)
	}
	for _, c := range r.Connections {
		e.peerDevices(c)
	}
}

// give hands options down where a second source may not say something else.
//
// compat: DRBD 8.4 lets the first source win instead.
func (e *expander) give(to *Options, from Options) {
	have, offered := to.inherit(from)
	if have == nil || e.gen == schema.V84 {
		return
	}
	e.diags = append(e.diags, Diagnostic{
		Severity: Error, Code: "ambiguous", Place: offered.Place, Other: have.Place,
		Message: "resource " + e.res.Name + ": " + offered.Name + " is " + strconv.Quote(have.Value) + " in one section and " +
			strconv.Quote(offered.Value) + " in another of the same rank",
		Detail: "write it in one place, or in the innermost section, a volume of a host or of a connection",
	})
}

func (e *expander) fromCommon(common *Resource) {
	r := e.res
	e.give(&r.Net, common.Net)
	e.give(&r.Device, common.Device)
	e.give(&r.Disk, common.Disk)
	e.give(&r.PeerDevice, common.PeerDevice)
	e.give(&r.Startup, common.Startup)
	e.give(&r.Proxy, common.Proxy)
	e.give(&r.Handlers, common.Handlers)
	e.give(&r.Options, common.Options)
	r.Plugins.inherit(common.Plugins)
	r.StackedTimeouts = r.StackedTimeouts || common.StackedTimeouts
	if r.BecomePrimaryOn == nil {
		r.BecomePrimaryOn = common.BecomePrimaryOn
	}
}

// toVolumes hands options of disks and devices down to a host's volumes, and
// fills in what the module assumes.
func (e *expander) toVolumes(h *Host) {
	for _, v := range h.Volumes {
		e.toVolume(v, e.res.Device, e.res.Disk, e.res.PeerDevice)
		if from := e.res.Volume(v.Number); from != nil {
			e.toVolume(v, from.DeviceOptions, from.DiskOptions, from.PeerOptions)
		}
		if v.DeviceName == "" && v.Minor >= 0 {
			v.DeviceName = v.path()
		}
		if v.Disk == noDisk && e.gen == schema.V9 {
			v.Disk, v.MetaDisk, v.MetaIndex = "", "", ""
		}
	}
}

func (e *expander) toVolume(v *Volume, device, disk, peer Options) {
	e.give(&v.DeviceOptions, device)
	e.give(&v.DiskOptions, disk)
	e.give(&v.PeerOptions, peer)
}

func (e *expander) toProxy(p *Proxy) {
	if p != nil {
		e.give(&p.Options, e.res.Proxy)
		p.Plugins.inherit(e.res.Plugins)
	}
}

// peerDevices completes a connection's peer devices and their options.
func (e *expander) peerDevices(c *Connection) {
	if len(c.Paths) == 0 || len(c.Paths[0].Endpoints) != 2 {
		return
	}
	ends := c.Paths[0].Endpoints
	if ends[0].Host == nil || ends[1].Host == nil {
		return
	}
	for _, v := range ends[0].Host.Volumes {
		if !slices.ContainsFunc(c.PeerDevices, func(d *PeerDevice) bool { return d.Number == v.Number }) {
			c.PeerDevices = append(c.PeerDevices, &PeerDevice{Number: v.Number, Implicit: true, Place: v.Place, Connection: c})
		}
	}
	for _, d := range c.PeerDevices {
		e.give(&d.Options, c.PeerDevice)
		for _, end := range ends {
			v := end.Host.Volume(d.Number)
			if v == nil {
				continue
			}
			e.give(&d.Options, v.PeerOptions)
			if end.Host == e.res.Me {
				d.Volume = v
			} else {
				d.PeerVolume = v
			}
		}
	}
}

// Prepare makes of the expanded model what commands hand to the module: options
// that follow from other statements are added, names of other resources become
// minor numbers. It is not for what is shown to the user.
func (c *Config) Prepare() Diagnostics {
	if c.prepared {
		return nil
	}
	c.prepared = true
	var diags Diagnostics
	for _, r := range c.Resources {
		if r.Me == nil {
			continue
		}
		for _, v := range r.Me.Volumes {
			diags = append(diags, c.resyncAfter(r, v)...)
		}
		if c.Generation == schema.V84 {
			r.discardNode(c.Node)
			continue
		}
		for _, conn := range r.Connections {
			if !conn.Ignored {
				conn.prepare()
			}
		}
	}
	return diags
}

// prepare adds the name of a connection and what a missing disk means to it.
func (c *Connection) prepare() {
	if c.Net.index("_name") < 0 {
		c.Net = slices.Insert(c.Net, 0, made(schema.ToNet, "_name", c.Name))
	}
	for _, d := range c.PeerDevices {
		d.Options = append(d.Options, d.implied()...)
	}
}

// implied returns the options that follow from what the peer's volume is.
func (d *PeerDevice) implied() Options {
	v := d.PeerVolume
	if v == nil {
		return nil
	}
	var more Options
	add := func(name string) {
		if d.Options.index(name) < 0 {
			more = append(more, made(schema.ToPeer, name, "no"))
		}
	}
	if v.Disk == "" && d.Connection.Peer.Kind != Stacked {
		add("bitmap")
	}
	if v.Tiebreaker != nil && !*v.Tiebreaker {
		add("peer-tiebreaker")
	}
	return more
}

// made returns an option that nobody wrote.
func made(slot schema.Slot, name, value string) Option {
	return Option{Name: name, Value: value, Inherited: true, Field: slot.In(schema.V9).Option(name)}
}

// resyncAfter turns the resource that a disk resyncs after into the minor that
// the module wants. One that is not on this node is left out.
//
// compat: on a terminal, the reference refuses an unknown resource. Here a
// configuration means the same everywhere.
func (c *Config) resyncAfter(r *Resource, v *Volume) Diagnostics {
	i := v.DiskOptions.index("resync-after")
	if i < 0 {
		return nil
	}
	v.DiskOptions = slices.Clone(v.DiskOptions)
	o := &v.DiskOptions[i]
	if _, err := strconv.Atoi(o.Value); err == nil && c.Resource(o.Value) == nil {
		return nil
	}
	minor, problem := c.minorOf(o.Value)
	if problem == "" {
		o.Value = strconv.Itoa(minor)
		return nil
	}
	d := Diagnostic{Severity: Warning, Code: "resync-after", Place: o.Place,
		Message: "resource " + r.Name + ": resync-after " + strconv.Quote(o.Value) + ": " + problem}
	if minor < 0 {
		d.Severity = Error
	} else {
		v.DiskOptions = slices.Delete(v.DiskOptions, i, i+1)
	}
	return Diagnostics{d}
}

// minorOf returns the minor of RES or RES/VNR. With a problem it is -1 if that
// cannot be ignored.
func (c *Config) minorOf(name string) (minor int, problem string) {
	name, number, numbered := strings.Cut(name, "/")
	r := c.Resource(name)
	if r == nil || r.Me == nil {
		return 0, "there is no such resource on this node"
	}
	if numbered {
		n, err := strconv.Atoi(number)
		if v := r.Me.Volume(n); err == nil && v != nil {
			return v.Minor, ""
		}
		return 0, "there is no such volume"
	}
	if len(r.Me.Volumes) != 1 {
		return -1, "the resource has several volumes; write RESOURCE/VOLUME"
	}
	return r.Me.Volumes[0].Minor, ""
}

// discardNode turns discard-node-HOST, by which 8.4 lets the user name a host,
// into what the module knows.
//
// compat: a host that is not this one is the peer, whatever its name.
func (r *Resource) discardNode(node string) {
	i := r.Net.index("after-sb-0pri")
	if i < 0 {
		return
	}
	host, ok := strings.CutPrefix(r.Net[i].Value, "discard-node-")
	if !ok {
		return
	}
	r.Net[i].Value = "discard-remote"
	if host == node {
		r.Net[i].Value = "discard-local"
	}
}

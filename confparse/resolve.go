package confparse

import (
	"fmt"
	"hash/crc32"
	"net/netip"
	"slices"
	"strings"

	"drbdutils/schema"
)

// A resolver works out what the sections of one resource mean to each other.
type resolver struct {
	cfg   *Config
	src   *Source
	res   *Resource
	waits bool // until the resources below are resolved
	diags Diagnostics
}

// resolve works out hosts, volumes, connections and node ids of all resources.
func (c *Config) resolve(src *Source) Diagnostics {
	byName := make(map[string]*Resource, len(c.Resources))
	for _, r := range c.Resources {
		byName[r.Name] = r
	}
	all := make([]resolver, len(c.Resources))
	var stacked []int // these wait for what is below
	for i, r := range c.Resources {
		all[i] = resolver{cfg: c, src: src, res: r, waits: r.anyStacked()}
		if all[i].waits {
			stacked = append(stacked, i)
		}
	}
	parallel(len(all), func() func(int) {
		return func(i int) {
			if !all[i].waits {
				all[i].resolve()
			}
		}
	})
	c.resolveStacked(all, stacked, byName)
	var diags Diagnostics
	for i := range all {
		diags = append(diags, all[i].diags...)
		c.Legacy = c.Legacy && all[i].res.isLegacy()
	}
	return diags
}

// isLegacy reports whether nothing in the resource needs the language of DRBD 9.
func (r *Resource) isLegacy() bool {
	written := func(h *Host) bool { return h.NodeID >= 0 && !h.NodeIDMade }
	return len(r.Meshes) == 0 && r.Template == "" && !slices.ContainsFunc(r.Hosts, written) &&
		!slices.ContainsFunc(r.Connections, func(c *Connection) bool { return !c.Implicit })
}

func (v *resolver) fail(code string, p Place, format string, args ...any) *Diagnostic {
	v.diags = append(v.diags, Diagnostic{Severity: Error, Code: code, Place: p, Late: v.v9(),
		Message: "resource " + v.res.Name + ": " + fmt.Sprintf(format, args...)})
	return &v.diags[len(v.diags)-1]
}

func (v *resolver) warn(code string, p Place, format string, args ...any) *Diagnostic {
	d := v.fail(code, p, format, args...)
	d.Severity = Warning
	return d
}

func (v *resolver) v9() bool { return v.cfg.Generation == schema.V9 }

// resolve works everything out, in an order in which each step finds what it
// needs.
func (v *resolver) resolve() {
	if hosts := v.res.Hosts; v.v9() && len(hosts) > maxNodeID+1 {
		v.fail("host-count", hosts[maxNodeID+1].Place, "there are %d host sections, but not so many node ids", len(hosts))
		return
	}
	v.compareNames()
	v.findMe()
	for _, h := range v.res.Hosts {
		v.inherit(h)
		v.complete(h)
	}
	v.compareVolumes()
	if !v.v9() {
		v.findPeer()
		return
	}
	v.expandMeshes()
	v.addImplicit()
	v.findEndpoints()
	v.nodeIDs()
	v.findPeers()
}

// compareNames refuses two sections for one host.
func (v *resolver) compareNames() {
	first := map[string]*Host{}
	for _, h := range v.res.Hosts {
		var told *Host
		for _, name := range h.Names {
			other := first[name]
			if other == nil {
				first[name] = h
				continue
			}
			if other != h && other != told {
				d := v.fail("duplicate", h.Place, "a second section is for host %s", name)
				d.Other, d.Late = other.Place, false
				told = other
			}
		}
	}
}

// findMe finds the host section that is for this node.
func (v *resolver) findMe() {
	r := v.res
	for _, h := range r.Hosts {
		if !v.isMe(h) {
			continue
		}
		if r.Me != nil {
			if h.Kind == Floating && !v.v9() {
				r.secondMe = h // compat: 8.4 minds only where Validate is asked
				return
			}
			if n := len(v.diags); n == 0 || v.diags[n-1].Place != h.Place { // else it is said already
				v.fail("me-twice", h.Place, "a second section is for this node, %s", v.cfg.Node).Other = r.Me.Place
			}
			return
		}
		r.Me = h
	}
	if r.Me == nil {
		r.Ignored = true
		return
	}
	r.Stacked = r.Me.Kind == Stacked
	if r.Stacked {
		r.Lower = r.Me.Lower
	}
}

func (v *resolver) isMe(h *Host) bool {
	switch h.Kind {
	case On:
		return slices.ContainsFunc(h.Names, v.isMyName)
	case Floating:
		return h.Address != nil && v.isMyAddress(h.Address)
	case Stacked:
		return h.Lower != nil && !h.Lower.Ignored
	}
	return h.Kind == This
}

// isMyName reports whether a name is this node's.
func (v *resolver) isMyName(name string) bool {
	if v.v9() {
		return sameHost(name, v.cfg.Node)
	}
	return name == v.cfg.Node
}

func (v *resolver) isMyAddress(a *Address) bool {
	if a.Family == "ssocks" || a.Family == "sdp" || a.Addr == v.cfg.Node {
		return true
	}
	addr, err := netip.ParseAddr(a.Addr)
	return err == nil && v.src.Local != nil && v.src.Local(addr)
}

// inherit hands the volumes of the resource down to a host. What lies on another
// resource has its device for a disk.
//
// compat: the reference of 8.4 hands down what stands in front of the host section only.
// What stands behind is lost without a word, or missed. Here the order does not matter.
func (v *resolver) inherit(h *Host) {
	var last *Volume
	for _, from := range v.res.Volumes {
		if last != nil && last.Number == from.Number {
			continue
		}
		last = from
		to := h.Volume(from.Number)
		if to == nil {
			to = &Volume{Number: from.Number, Implicit: from.Implicit, Place: from.Place, Minor: -1, handed: allParts}
			insert(&h.Volumes, to)
		}
		to.take(from)
	}
	if h.Kind != Stacked || h.Lower == nil {
		return
	}
	unknown := v.res.Ignored
	if !v.v9() {
		unknown = h.Lower.Ignored
	}
	for _, vol := range h.Volumes {
		vol.MetaDisk, vol.MetaIndex, vol.handed = "internal", "internal", vol.handed|diskPart|metaPart
		if below := h.Lower.anyVolume(vol.Number); below != nil && !unknown {
			vol.Disk = below.path()
		}
	}
}

// anyVolume returns this node's volume of that number, or another host's.
func (r *Resource) anyVolume(number int) *Volume {
	if r.Me != nil {
		return r.Me.Volume(number)
	}
	for _, h := range r.Hosts {
		if vol := h.Volume(number); vol != nil {
			return vol
		}
	}
	return nil
}

// path returns the name of the volume's device.
func (v *Volume) path() string {
	if v.DeviceName != "" {
		return v.DeviceName
	}
	return fmt.Sprintf("/dev/drbd%d", v.Minor)
}

// take completes a volume by one of the resource level.
func (v *Volume) take(from *Volume) {
	if v.DeviceName == "" && v.Minor < 0 && (from.DeviceName != "" || from.Minor >= 0) {
		v.DeviceName, v.Minor, v.devicePlace, v.handed = from.DeviceName, from.Minor, from.devicePlace, v.handed|devicePart
	}
	if v.Disk == "" && from.Disk != "" {
		v.Disk, v.diskPlace, v.handed = from.Disk, from.diskPlace, v.handed|diskPart
	}
	if v.MetaDisk == "" && from.MetaDisk != "" {
		v.MetaDisk, v.MetaIndex, v.metaPlace, v.handed = from.MetaDisk, from.MetaIndex, from.metaPlace, v.handed|metaPart
	}
	if v.Tiebreaker == nil {
		v.Tiebreaker = from.Tiebreaker
	}
}

// complete checks that a host has all that its volumes need.
func (v *resolver) complete(h *Host) {
	for _, vol := range h.Volumes {
		v.completeVolume(h, vol)
	}
	if h.Address == nil && !v.v9() && h.Kind != This && h.Kind != Remote {
		v.fail("address-missing", h.Place, "on %s: there is no address", h.label())
	}
	if p := h.Proxy; p != nil {
		v.completeProxy(p)
	}
}

func (v *resolver) completeVolume(h *Host, vol *Volume) {
	if p := vol.deviceProblem; p != nil {
		// compat: the reference of DRBD 9 looks at the local host's devices only, so
		// that a file is good on one node and bad on another.
		d := *p
		if h != v.res.Me {
			d.Severity = Warning
		}
		v.diags = append(v.diags, d)
	}
	strict := h.Kind == On || h.Kind == Floating
	if vol.Minor < 0 && vol.DeviceName == "" && (strict || h.Kind == Stacked) {
		v.fail("device-missing", h.Place, "on %s: volume %d has no device", h.label(), vol.Number)
	}
	if !strict {
		return
	}
	any := vol.Disk != "" || vol.MetaDisk != ""
	switch {
	case v.v9() && !any, v.v9() && vol.Disk == noDisk:
		return
	case vol.Disk == "":
		v.fail("disk-missing", h.Place, "on %s: volume %d has no disk", h.label(), vol.Number)
	}
	if vol.MetaDisk != "" {
		return
	}
	if !v.v9() {
		v.fail("meta-disk-missing", h.Place, "on %s: volume %d has no meta-disk", h.label(), vol.Number)
		return
	}
	vol.MetaDisk, vol.MetaIndex, vol.handed = "internal", "internal", vol.handed|metaPart
}

// noDisk is the disk of a volume that shall have none.
const noDisk = "none"

func (v *resolver) completeProxy(p *Proxy) {
	if p.Inside == nil {
		v.fail("proxy", p.Place, "proxy on %s: there is no inside address", strings.Join(p.Names, " ")).Late = false
	}
	if p.Outside == nil {
		v.fail("proxy", p.Place, "proxy on %s: there is no outside address", strings.Join(p.Names, " ")).Late = false
	}
}

// label names a host section in messages.
func (h *Host) label() string { return strings.Join(h.Names, " ") }

// compareVolumes checks that all hosts have the same volumes.
func (v *resolver) compareVolumes() {
	hosts := v.res.Hosts
	for _, h := range hosts {
		if i := slices.IndexFunc(h.Volumes, func(o *Volume) bool { return o.Implicit }); i >= 0 && len(h.Volumes) > 1 {
			v.fail("mixed-volumes", v.res.Place, "on %s: there are volume sections beside device, disk or meta-disk statements", h.label()).Other = h.Volumes[i].Place
		}
		if h.Kind == Stacked && h.Lower != nil && v.v9() {
			v.compareWithLower(h)
		}
		if h != hosts[0] {
			v.compareHosts(hosts[0], h)
		}
	}
}

func (v *resolver) compareHosts(a, b *Host) {
	for _, vol := range a.Volumes {
		other := b.Volume(vol.Number)
		switch {
		case other == nil:
			v.fail("volume-sets", v.res.Place, "on %s: volume %d is missing; it is there on %s", b.label(), vol.Number, a.label())
		case other.Implicit != vol.Implicit:
			v.fail("volume-sets", v.res.Place, "volume 0 has a section on only one of %s and %s", a.label(), b.label())
		}
	}
	for _, vol := range b.Volumes {
		if a.Volume(vol.Number) == nil {
			v.fail("volume-sets", v.res.Place, "on %s: volume %d is missing; it is there on %s", a.label(), vol.Number, b.label())
		}
	}
}

// findPeer finds the other of two hosts, for DRBD 8.4.
func (v *resolver) findPeer() {
	r := v.res
	if r.Me == nil || len(r.Hosts) != 2 {
		return
	}
	r.Peer84 = r.Hosts[0]
	if r.Peer84 == r.Me {
		r.Peer84 = r.Hosts[1]
	}
}

// nodeIDs gives ids to two hosts that have none, and checks that all have one.
func (v *resolver) nodeIDs() {
	hosts := slices.DeleteFunc(slices.Clone(v.res.Hosts), func(h *Host) bool { return h.Kind == This })
	if v.implicitPair() {
		v.makeIDs(hosts[0], hosts[1])
	}
	first := true
	for i, h := range hosts {
		if h.NodeID < 0 && h.Kind != Remote {
			d := v.fail("node-id-missing", h.Place, "on %s: there is no node-id", h.label())
			if first {
				d.Detail = "each host needs a number of its own, from 0 to 31; only two hosts without connection sections get theirs by themselves"
			}
			first = false
			continue
		}
		for _, other := range hosts[:i] {
			if other.NodeID == h.NodeID {
				d := v.fail("duplicate", h.idPlace, "node-id %d is already that of %s", h.NodeID, other.label())
				d.Other, d.Late = other.idPlace, false
			}
		}
	}
}

// implicitPair reports whether the resource is of two hosts without ids that are
// joined by an implicit connection.
func (v *resolver) implicitPair() bool {
	c := v.res.Connections
	return len(v.res.Hosts) == 2 && len(c) == 1 && c[0].Implicit &&
		v.res.Hosts[0].NodeID < 0 && v.res.Hosts[1].NodeID < 0
}

// makeIDs gives node id 0 to the host whose address has the larger hash, as
// DRBD 9 does everywhere where an 8.4 configuration names none.
func (v *resolver) makeIDs(a, b *Host) {
	if a.Address == nil || b.Address == nil {
		return
	}
	ha, hb := addressHash(a.Address), addressHash(b.Address)
	if ha == hb && a.Proxy != nil && b.Proxy != nil && a.Proxy.Outside != nil && b.Proxy.Outside != nil {
		ha, hb = addressHash(a.Proxy.Outside), addressHash(b.Proxy.Outside)
	}
	switch {
	case ha == hb:
		d := v.fail("node-id-missing", v.res.Place, "node ids cannot be worked out, because both addresses are alike; write node-id statements")
		d.Exit, d.Late = 20, false
		return
	case ha > hb:
		a.NodeID, b.NodeID = 0, 1
	default:
		a.NodeID, b.NodeID = 1, 0
	}
	a.NodeIDMade, b.NodeIDMade = true, true
}

// addressHash is the CRC-32C of the address text, with a start value and without
// final inversion as DRBD 9's own tools have it.
func addressHash(a *Address) int32 {
	const start = 0x1a656f21
	table := crc32.MakeTable(crc32.Castagnoli)
	return int32(^crc32.Update(^uint32(start), table, []byte(a.Addr)))
}

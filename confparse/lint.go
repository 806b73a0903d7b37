package confparse

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"drbdutils/schema"
)

// Lint returns warnings about what is legal but unwise: settings that lose data,
// settings that do not work together, and names that the module refuses. It
// wants the model to be expanded.
func (c *Config) Lint() Diagnostics {
	l := linter{cfg: c, disks: map[use]used{}}
	for _, r := range c.Resources {
		l.name(r)
		l.hosts(r)
		for _, n := range netsOf(c, r) {
			l.net(r, n)
		}
		l.fencing(r)
	}
	return l.diags
}

type linter struct {
	cfg   *Config
	disks map[use]used // backing disks and metadata that are in use
	diags Diagnostics
}

func (l *linter) warn(code string, p Place, r *Resource, format string, args ...any) *Diagnostic {
	l.diags = append(l.diags, Diagnostic{Severity: Warning, Code: code, Place: p,
		Message: "resource " + r.Name + ": " + fmt.Sprintf(format, args...)})
	return &l.diags[len(l.diags)-1]
}

// maxName is the length of the longest name of a resource, in bytes. Limits of
// DRBD 9's module.
const (
	maxName   = 127
	maxVolume = 65534
	maxMinor  = 1<<20 - 1
)

// name finds names that drbdadm or the module cannot work with.
func (l *linter) name(r *Resource) {
	switch {
	case r.Name == "all":
		l.warn("name", r.Place, r, "the name stands for all resources; no command can name this one")
	case len(r.Name) > maxName:
		l.warn("name", r.Place, r, "the name is longer than the %d bytes that the module takes", maxName)
	case strings.ContainsFunc(r.Name, func(c rune) bool { return !isNameRune(c) }):
		l.warn("name", r.Place, r, "the module may refuse the name; it takes letters, digits and + . _ -")
	}
}

func isNameRune(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.ContainsRune("+._-", c)
}

func (l *linter) hosts(r *Resource) {
	used := map[*Host]bool{}
	for _, c := range r.Connections {
		for _, p := range c.Paths {
			for _, e := range p.Endpoints {
				used[e.Host] = true
			}
		}
	}
	for _, h := range r.Hosts {
		if len(r.Connections) > 0 && !used[h] {
			l.warn("unused-host", h.Place, r, "no connection goes to %s", h.label())
		}
		if h.NodeID == maxNodeID {
			l.warn("node-id", h.idPlace, r, "the module's largest node-id is %d", maxNodeID-1)
		}
		if h.Address != nil && l.badAddress(h.Address) {
			l.warn("address", h.Place, r, "%s is no address", h.Address.Addr)
		}
		for _, v := range h.Volumes {
			l.volume(r, h, v)
		}
	}
}

func (l *linter) badAddress(a *Address) bool {
	_, err := netip.ParseAddr(a.Addr)
	return err != nil
}

// volume finds numbers out of the module's range, and disks that are used twice.
func (l *linter) volume(r *Resource, h *Host, v *Volume) {
	if v.Number > maxVolume {
		l.warn("volume-number", v.Place, r, "the module's largest volume number is %d", maxVolume)
	}
	if v.Minor > maxMinor {
		l.warn("minor-number", v.devicePlace, r, "the largest minor number is %d", maxMinor)
	}
	if h.Kind == Stacked || v.Disk == "" || v.Disk == noDisk {
		return
	}
	l.storage(r, h, v.Disk, "disk "+v.Disk, v.diskPlace)
	if v.MetaIndex != "internal" && v.MetaDisk != "" {
		place := v.MetaDisk
		if v.MetaIndex != "flexible" {
			place += " [" + v.MetaIndex + "]" // several can share the device
		}
		l.storage(r, h, place, "meta-disk "+place, v.metaPlace)
		if first, ok := l.disks[use{kind: "storage", host: h.label(), name: v.MetaDisk}]; ok && place != v.MetaDisk {
			l.warn("storage", v.metaPlace, r, "the metadata lies on %s, which holds data of %s", v.MetaDisk, first.res.Name).Other = first.place
		}
	}
	if strings.HasPrefix(v.Disk, "/dev/drbd") {
		l.warn("storage", v.diskPlace, r, "%s is a DRBD device; to put one on top of another, use stacked-on-top-of", v.Disk)
	}
}

// storage claims a device, and reports who claimed it before.
func (l *linter) storage(r *Resource, h *Host, device, what string, p Place) {
	k := use{kind: "storage", host: h.label(), name: device}
	if first, ok := l.disks[k]; ok {
		l.warn("storage", p, r, "%s on %s is also used by %s", what, h.label(), first.res.Name).Other = first.place
		return
	}
	l.disks[k] = used{r, p}
}

// A lintedNet is the net options that hold for some connections.
type lintedNet struct {
	options Options
	place   Place
	paths   []*Path
}

// netsOf returns the net options of a resource's connections. DRBD 8.4 has one
// set for the resource.
func netsOf(c *Config, r *Resource) []lintedNet {
	if c.Generation == schema.V84 || len(r.Connections) == 0 {
		return []lintedNet{{r.Net, r.Place, nil}}
	}
	var nets []lintedNet
	for _, conn := range r.Connections {
		nets = append(nets, lintedNet{conn.Net, conn.Place, conn.Paths})
	}
	return nets
}

// discards are the policies that throw away the data of a node without asking.
var discards = []struct {
	option   string
	policies []string
}{
	{"after-sb-0pri", []string{"discard-younger-primary", "discard-older-primary", "discard-least-changes", "discard-local", "discard-remote"}},
	{"after-sb-1pri", []string{"discard-secondary", "violently-as0p"}},
	{"after-sb-2pri", []string{"violently-as0p"}},
	{"rr-conflict", []string{"violently", "auto-discard"}},
}

func (l *linter) net(r *Resource, n lintedNet) {
	for _, d := range discards {
		if o, ok := n.options.Get(d.option); ok && slices.Contains(d.policies, o.Value) {
			l.warn("discards-data", o.Place, r, "%s %s throws away changes of a node without asking", o.Name, o.Value)
		}
	}
	l.twoPrimaries(r, n)
	l.timeouts(r, n)
	if alg, ok := n.options.Get("cram-hmac-alg"); ok && alg.Value != "" {
		if secret, ok := n.options.Get("shared-secret"); !ok || secret.Value == "" {
			l.warn("authentication", alg.Place, r, "cram-hmac-alg without a shared-secret")
		}
		return
	}
	for _, p := range n.paths {
		if slices.ContainsFunc(p.Endpoints, func(e *Endpoint) bool { return isPublic(e.Address) }) {
			l.warn("authentication", p.Place, r, "a public address, but no cram-hmac-alg: any host can pretend to be the peer")
		}
	}
}

// isPublic reports whether an address can be reached from the internet.
func isPublic(a *Address) bool {
	if a == nil {
		return false
	}
	addr, err := netip.ParseAddr(a.Addr)
	if err != nil {
		return false
	}
	addr = addr.Unmap()
	return addr.IsGlobalUnicast() && !addr.IsPrivate()
}

// twoPrimaries wants what a filesystem on two primaries needs.
func (l *linter) twoPrimaries(r *Resource, n lintedNet) {
	two, ok := n.options.Get("allow-two-primaries")
	if !ok || two.Value != "yes" {
		return
	}
	if p, ok := n.options.Get("protocol"); ok && !strings.EqualFold(p.Value, "C") {
		l.warn("two-primaries", p.Place, r, "two primaries need protocol C, not %s", p.Value)
	}
	fencing, ok := n.options.Get("fencing")
	if l.cfg.Generation == schema.V84 {
		fencing, ok = r.Disk.Get("fencing")
	}
	if !ok || fencing.Value != "resource-and-stonith" {
		l.warn("two-primaries", two.Place, r, "two primaries diverge when they lose each other, unless fencing is resource-and-stonith").Detail =
			"and they need a cluster filesystem, such as GFS2 or OCFS2"
	}
}

// timeouts compares times that only work in a certain relation. timeout is in
// tenths of a second, the others in seconds.
func (l *linter) timeouts(r *Resource, n lintedNet) {
	timeout, ok := n.options.Get("timeout")
	if !ok || timeout.Field == nil {
		return
	}
	limit, err := timeout.Field.Parse(timeout.Value)
	if err != nil {
		return
	}
	set := schema.NetConf.In(l.cfg.Generation)
	for _, name := range []string{"connect-int", "ping-int"} {
		seconds := set.Option(name).Default()
		if o, ok := n.options.Get(name); ok {
			if seconds, err = o.Field.Parse(o.Value); err != nil {
				continue
			}
		}
		if limit.Num > seconds.Num*10 {
			l.warn("timeout", timeout.Place, r, "timeout is longer than %s; DRBD wants it to be shorter", name)
		}
	}
}

// fencing wants a handler where a policy calls one.
func (l *linter) fencing(r *Resource) {
	policy, ok := r.Net.Get("fencing")
	if l.cfg.Generation == schema.V84 {
		policy, ok = r.Disk.Get("fencing")
	}
	if !ok || policy.Value == "dont-care" {
		return
	}
	if _, ok := r.Handlers.Get("fence-peer"); !ok {
		l.warn("fencing", policy.Place, r, "fencing is %s, but there is no fence-peer handler to call", policy.Value)
	}
}

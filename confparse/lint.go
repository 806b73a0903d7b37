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
		if h.Address != nil && !ipOf(h.Address).IsValid() {
			l.warn("address", h.Place, r, "%s is no address", h.Address.Addr)
		}
		for _, v := range h.Volumes {
			l.volume(r, h, v)
		}
	}
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
	l.path(r, v.Disk, v.diskPlace, noDisk)
	if v.MetaIndex != "internal" {
		l.path(r, v.MetaDisk, v.metaPlace, "internal")
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

// path finds what is no path, and probably the word that stands in place of one.
func (l *linter) path(r *Resource, name string, p Place, word string) {
	if name == "" || strings.HasPrefix(name, "/") {
		return
	}
	l.warn("path", p, r, "%q is no absolute path; what it is depends on where drbdadm runs", name).Hint = nearest(name, []string{word})
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
	ends    [][2]*Address // of each path, nil where there is none
}

// netsOf returns the net options of a resource's connections. DRBD 8.4 has one
// set for the resource.
func netsOf(c *Config, r *Resource) []lintedNet {
	if c.Generation == schema.V84 || len(r.Connections) == 0 {
		n := lintedNet{r.Net, r.Place, nil}
		if len(r.Hosts) == 2 {
			n.ends = [][2]*Address{{r.Hosts[0].Address, r.Hosts[1].Address}}
		}
		return []lintedNet{n}
	}
	var nets []lintedNet
	for _, conn := range r.Connections {
		n := lintedNet{conn.Net, conn.Place, nil}
		for _, p := range conn.Paths {
			if len(p.Endpoints) == 2 {
				n.ends = append(n.ends, [2]*Address{p.Endpoints[0].Address, p.Endpoints[1].Address})
			}
		}
		nets = append(nets, n)
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
	for _, e := range n.ends {
		if text := openTo(e[0], e[1]); text != "" {
			l.warn("authentication", n.place, r, "%s, but there is no cram-hmac-alg: another host can pretend to be the peer", text)
			return
		}
	}
}

// openTo says who else can reach the ends of a path, "" if that is probably nobody.
func openTo(a, b *Address) string {
	from, to := ipOf(a), ipOf(b)
	if !from.IsValid() || !to.IsValid() {
		return ""
	}
	for _, ip := range []netip.Addr{from, to} {
		if ip.IsGlobalUnicast() && !ip.IsPrivate() {
			return ip.String() + " is a public address"
		}
	}
	// Networks of one site are seldom wider.
	bits := 16
	if from.Is6() {
		bits = 64
	}
	if net, err := from.Prefix(bits); err == nil && !net.Contains(to) && from.Is6() == to.Is6() {
		return from.String() + " and " + to.String() + " are in different networks"
	}
	return ""
}

// ipOf returns what an address says, the zero value if it is none.
func ipOf(a *Address) netip.Addr {
	if a == nil {
		return netip.Addr{}
	}
	ip, err := netip.ParseAddr(a.Addr)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap()
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

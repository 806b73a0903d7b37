package confparse

import (
	"fmt"
	"slices"
	"strconv"

	"drbdutils/schema"
)

// checkAcross refuses what two resources, or two volumes, cannot share: minors,
// device names, disks, addresses. Whether there may be anything is found out first, and fast.
func (c *Config) checkAcross() Diagnostics {
	quick := uses{gen: c.Generation, sieve: newSieve(4 * len(c.Resources))}
	quick.take(c)
	if !quick.suspect {
		return nil
	}
	exact := uses{gen: c.Generation, first: map[use]used{}}
	exact.take(c)
	return exact.diags
}

// uses is what has been used, and by whom. With a sieve it only finds out whether a
// use is suspect to be a second one.
type uses struct {
	gen     schema.Generation
	sieve   *sieve
	suspect bool
	first   map[use]used
	diags   Diagnostics
}

// A use is a thing on a host: it has a name, or is the minor of a number.
type use struct {
	kind  string
	host  string
	name  string
	minor int
}

func (k use) String() string {
	text := k.kind + " " + k.name
	if k.kind == "minor" {
		text += strconv.Itoa(k.minor)
	}
	if k.host != "" {
		text += " on " + k.host
	}
	return text
}

type used struct {
	res   *Resource
	place Place
}

// take goes through all resources.
func (u *uses) take(c *Config) {
	for _, r := range c.Resources {
		for _, h := range r.Hosts {
			if h.Kind == This || h.Kind == Remote {
				continue
			}
			for _, v := range h.Volumes {
				u.volume(r, h, v)
			}
		}
		u.addresses(r)
	}
}

func (u *uses) volume(r *Resource, h *Host, v *Volume) {
	for _, host := range h.Names {
		if v.Minor >= 0 {
			u.claim(use{kind: "minor", host: host, minor: v.Minor}, r, v.devicePlace)
		}
		if v.DeviceName != "" {
			u.claim(use{kind: "device", host: host, name: v.DeviceName}, r, v.devicePlace)
		}
		// compat: the reference finds a disk that is used twice only if both come
		// from the resource level. Others are reported by lint.
		if v.handed&diskPart != 0 && v.Disk != "" && v.Disk != noDisk && h.Kind != Stacked {
			u.claim(use{kind: "disk", host: host, name: v.Disk}, r, v.diskPlace)
		}
		if v.MetaIndex != "" && v.MetaIndex != "internal" {
			u.claim(use{kind: "meta-disk", host: host, name: v.MetaDisk + " [" + v.MetaIndex + "]"}, r, v.metaPlace)
		}
	}
}

// claim notes a use, and reports it if it is the second one.
func (u *uses) claim(k use, r *Resource, p Place) {
	if u.sieve != nil {
		u.suspect = u.sieve.add(u.sieve.mark(k, "")) || u.suspect
		return
	}
	first, ok := u.first[k]
	if !ok {
		u.first[k] = used{r, p}
		return
	}
	if n := len(u.diags); n > 0 && u.diags[n-1].Place == p && u.diags[n-1].Other == first.place {
		return // the same two statements, for another host or by another name
	}
	u.diags = append(u.diags, Diagnostic{
		Severity: Error, Code: "duplicate-" + k.kind, Place: p, Other: first.place,
		Message: fmt.Sprintf("resource %s: %s is already that of %s", r.Name, k, first.res.Name),
	})
}

// addresses claims the addresses of a resource. One resource may use an address
// several times, for several peers.
func (u *uses) addresses(r *Resource) {
	if u.gen == schema.V84 {
		for _, h := range r.Hosts {
			u.claim84(r, h.Names, h.Address, h.Place)
			u.claim84(r, h.Names, h.Alternate, h.Place)
			if p := h.Proxy; p != nil {
				u.claim84(r, p.Names, p.Inside, p.Place)
				u.claim84(r, p.Names, p.Outside, p.Place)
			}
		}
		return
	}
	for _, c := range r.Connections {
		for _, p := range c.Paths {
			for _, e := range p.Endpoints {
				u.address(r, e)
			}
		}
	}
}

func (u *uses) address(r *Resource, e *Endpoint) {
	if e.Address == nil || e.Address.isLoopback() {
		return
	}
	k := use{kind: e.Address.Family, host: e.Address.Port, name: e.Address.Addr}
	if u.sieve != nil {
		u.suspect = u.sieve.add(u.sieve.mark(k, r.Name)) || u.suspect
		return
	}
	first, ok := u.first[k]
	if !ok {
		u.first[k] = used{r, e.Place}
		return
	}
	if first.res != r {
		u.diags = append(u.diags, Diagnostic{
			Severity: Error, Code: "duplicate-address", Place: e.Place, Late: true, Other: first.place,
			Message: fmt.Sprintf("resource %s: %s is already an address of %s", r.Name, e.Address, first.res.Name),
		})
	}
}

// claim84 claims an address, whatever its family. Loopback addresses exist once per host; a host that is named twice
// uses them twice.
func (u *uses) claim84(r *Resource, hosts []string, a *Address, p Place) {
	if a == nil {
		return
	}
	if !a.isLoopback() {
		hosts = []string{""}
	}
	for _, host := range hosts {
		u.claim(use{kind: "address", host: host, name: a.Addr + ":" + a.Port}, r, p)
	}
}

// Validate makes the checks that commands which act, or show the configuration,
// want, but questions of scripts do not.
func (c *Config) Validate() Diagnostics {
	var diags Diagnostics
	for _, r := range c.Resources {
		v := validator{gen: c.Generation, res: r}
		v.validate()
		diags = append(diags, v.diags...)
	}
	return diags
}

type validator struct {
	gen   schema.Generation
	res   *Resource
	diags Diagnostics
}

func (v *validator) fail(code string, p Place, format string, args ...any) {
	v.diags = append(v.diags, Diagnostic{Severity: Error, Code: code, Place: p,
		Message: "resource " + v.res.Name + ": " + fmt.Sprintf(format, args...)})
}

func (v *validator) validate() {
	r := v.res
	if len(r.Hosts) == 0 && v.gen == schema.V9 {
		v.fail("no-hosts", r.Place, "there is no host section")
	}
	if !r.Ignored {
		v.proxies()
	}
	if v.gen != schema.V84 {
		return
	}
	for _, h := range r.Hosts {
		if h.Kind == Stacked {
			v.below(h)
		}
	}
	if r.secondMe != nil {
		v.fail("me-twice", r.secondMe.Place, "a second section is for this node")
	}
	v.becomePrimary()
}

// below checks that a stacked section of 8.4 has a volume below for each of its own.
func (v *validator) below(h *Host) {
	if h.Lower == nil {
		v.fail("stacked-unknown", h.Place, "there is no resource %q to be stacked on", h.LowerName)
		return
	}
	me := h.Lower.Me
	if me == nil {
		return
	}
	for _, vol := range h.Volumes {
		switch other := me.Volume(vol.Number); {
		case other == nil:
			v.fail("volume-sets", h.Place, "volume %d has no volume below in %s on %s", vol.Number, h.LowerName, me.label())
		case other.Implicit != vol.Implicit:
			v.fail("volume-sets", h.Place, "volume 0 has a section here, or in %s on %s, but not in both", h.LowerName, me.label())
		}
	}
}

// proxies refuses a proxy at one end only.
func (v *validator) proxies() {
	hosts := func(have bool) bool {
		return slices.ContainsFunc(v.res.Hosts, func(h *Host) bool { return (h.Proxy != nil) == have })
	}
	if hosts(true) && hosts(false) {
		v.fail("proxy", v.res.Place, "either all host sections have a proxy, or none")
		return
	}
	for _, c := range v.res.Connections {
		for _, p := range c.Paths {
			if len(p.Endpoints) == 2 && (p.Endpoints[0].Proxy == nil) != (p.Endpoints[1].Proxy == nil) {
				v.fail("proxy", p.Place, "either both endpoints have a proxy, or none")
			}
		}
	}
}

// becomePrimary checks the hosts that 8.4 promotes at boot.
func (v *validator) becomePrimary() {
	r := v.res
	for _, name := range r.BecomePrimaryOn {
		known := slices.ContainsFunc(r.Hosts, func(h *Host) bool { return slices.Contains(h.Names, name) })
		if name != "both" && !known {
			v.fail("become-primary-on", r.Place, "become-primary-on names %s, for which there is no section", name)
		}
	}
	two, _ := r.Net.Get("allow-two-primaries")
	if slices.Contains(r.BecomePrimaryOn, "both") && two.Value != "yes" {
		v.fail("become-primary-on", r.Place, "become-primary-on both needs the net option allow-two-primaries")
	}
}

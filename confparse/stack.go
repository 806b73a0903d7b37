package confparse

import "slices"

func (r *Resource) anyStacked() bool {
	return slices.ContainsFunc(r.Hosts, func(h *Host) bool { return h.Kind == Stacked })
}

// resolveStacked resolves resources that lie on others, the lower ones first.
func (c *Config) resolveStacked(all []resolver, stacked []int, byName map[string]*Resource) {
	waiting := map[string]int{}
	for _, i := range stacked {
		waiting[all[i].res.Name] = i
	}
	used := map[string]*Resource{}
	var visit func(i int)
	visit = func(i int) {
		r := all[i].res
		delete(waiting, r.Name)
		for _, h := range r.Hosts {
			if lower, ok := waiting[h.LowerName]; ok && h.Kind == Stacked {
				visit(lower)
			}
		}
		all[i].stack(byName, used)
		all[i].resolve()
	}
	for _, i := range stacked {
		if _, ok := waiting[all[i].res.Name]; ok {
			visit(i)
		}
	}
}

// stack joins the stacked sections with the resources below.
func (v *resolver) stack(byName map[string]*Resource, used map[string]*Resource) {
	for _, h := range v.res.Hosts {
		if h.Kind != Stacked {
			continue
		}
		lower := byName[h.LowerName]
		if lower == nil {
			if v.v9() {
				v.fail("stacked-unknown", h.Place, "there is no resource %q to be stacked on", h.LowerName)
			}
			continue
		}
		if other := used[lower.Name]; other != nil && other != v.res {
			v.fail("duplicate", h.Place, "resource %q already has %q on top", lower.Name, other.Name)
		}
		used[lower.Name] = v.res
		h.Lower = lower
		for _, below := range lower.Hosts {
			h.Names = append(h.Names, below.Names...)
		}
	}
}

// compareWithLower checks that each volume has one below.
//
// compat: other hosts of the lower resource than this one must not have more volumes,
// either. On a node that the resource is not for, the original does not compare; there it
// is no error.
func (v *resolver) compareWithLower(h *Host) {
	report := v.fail
	if v.res.Ignored {
		report = v.warn
	}
	for _, below := range h.Lower.Hosts {
		for _, vol := range h.Volumes {
			switch other := below.Volume(vol.Number); {
			case other == nil:
				report("volume-sets", v.res.Place, "volume %d has no volume below in %s on %s", vol.Number, h.LowerName, below.label())
			case other.Implicit != vol.Implicit && below != h.Lower.Me:
				report("volume-sets", v.res.Place, "volume 0 has a section here, or in %s on %s, but not in both", h.LowerName, below.label())
			}
		}
		for _, vol := range below.Volumes {
			if h.Volume(vol.Number) == nil && below != h.Lower.Me {
				report("volume-sets", v.res.Place, "volume %d is missing; %s has it on %s", vol.Number, h.LowerName, below.label())
			}
		}
	}
}

package adm

import (
	"cmp"
	"net/netip"
	"slices"

	"drbdutils/confparse"
	"drbdutils/schema"
)

// A Change is an option that the module has otherwise than the configuration
// wants.
type Change struct {
	Option   string
	Old, New string // as users write it, secrets left out
}

// diff returns the options that the module has otherwise than the configuration
// wants. An option that only one side mentions is equal if it is the default.
// Options named in except do not count, nor do those that the module does not
// know.
func diff(want, have confparse.Options, except ...string) []Change {
	skip := func(o confparse.Option) bool {
		return slices.Contains(except, o.Name) || o.Unknown
	}
	var changes []Change
	for _, w := range known(want, have) {
		if h := find1(have, w.Name); !skip(w) && !sameValue(w, h) {
			changes = append(changes, newChange(w.Name, h, &w))
		}
	}
	for _, h := range have {
		if _, both := want.Get(h.Name); !both && !skip(h) && !isDefault(h) {
			changes = append(changes, newChange(h.Name, &h, nil))
		}
	}
	return changes
}

// diffOnly is diff of the options of the given names.
func diffOnly(want, have confparse.Options, names ...string) []Change {
	pick := func(l confparse.Options) confparse.Options {
		return slices.DeleteFunc(slices.Clone(l), func(o confparse.Option) bool {
			return !slices.Contains(names, o.Name)
		})
	}
	return diff(pick(want), pick(have))
}

func newChange(name string, old, now *confparse.Option) Change {
	field := cmp.Or(old, now).Field
	return Change{Option: name, Old: publicText(old, field), New: publicText(now, field)}
}

// publicText returns an option's value for people to see; nil means the default.
func publicText(o *confparse.Option, field *schema.Field) string {
	switch {
	case o != nil && field != nil && field.Flags&schema.Sensitive != 0:
		return "(secret)"
	case o != nil:
		return valueText(*o)
	case field == nil || field.Kind == schema.String:
		return "none"
	}
	return field.Format(field.Default()) + " (default)"
}

// known returns the wanted options that the module knows.
func known(want, have confparse.Options) confparse.Options {
	var out confparse.Options
	for _, w := range want {
		if h, ok := have.Get(w.Name); !ok || !h.Unknown {
			out = append(out, w)
		}
	}
	return out
}

// find1 returns an option of a list, or nil.
func find1(list confparse.Options, name string) *confparse.Option {
	if o, ok := list.Get(name); ok {
		return &o
	}
	return nil
}

// sameValue compares a wanted option with what the module has.
func sameValue(want confparse.Option, have *confparse.Option) bool {
	if have == nil {
		return isDefault(want)
	}
	field := want.Field
	if field == nil {
		return want.Value == have.Value && want.Bare == have.Bare
	}
	w, errWant := field.Parse(valueText(want))
	h, errHave := field.Parse(valueText(*have))
	if errWant != nil || errHave != nil {
		return want.Value == have.Value
	}
	return w == h
}

// isDefault reports whether an option says what would hold without it.
func isDefault(o confparse.Option) bool {
	if o.Field == nil {
		return o.Value == "" && !o.Bare
	}
	v, err := o.Field.Parse(valueText(o))
	return err == nil && o.Field.IsDefault(v)
}

// valueText returns the value; an option without one means yes.
func valueText(o confparse.Option) string {
	if o.Bare {
		return "yes"
	}
	return o.Value
}

// sameAddress compares addresses by what they mean, not by how they are spelt.
func sameAddress(a, b *confparse.Address) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Family != b.Family || a.Port != b.Port {
		return false
	}
	x, errA := netip.ParseAddr(a.Addr)
	y, errB := netip.ParseAddr(b.Addr)
	if errA != nil || errB != nil {
		return a.Addr == b.Addr
	}
	return x.Unmap() == y.Unmap()
}

// sameStorage reports whether a running volume uses the disks that the
// configuration names.
//
// compat: the slot on a shared metadata disk is not compared.
func sameStorage(want, have *confparse.Volume) bool {
	if want.Disk == "" || have.Disk == "" {
		return want.Disk == have.Disk
	}
	return want.Disk == have.Disk && want.MetaDisk == have.MetaDisk
}

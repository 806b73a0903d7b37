package confparse

import (
	"slices"
	"strings"
)

// inherit puts options in front that the list does not have yet, one by one, so
// that their order is reversed, and marks them.
func (l *Options) inherit(from Options) {
	if len(from) == 0 {
		return
	}
	for _, o := range from {
		if l.index(o.Name) < 0 {
			o.Inherited = true
			*l = slices.Insert(*l, 0, o)
		}
	}
}

// inheritUnambiguous is inherit, but an option that was already inherited with
// another value is a conflict. It returns the two options of the first one.
func (l *Options) inheritUnambiguous(from Options) (have, offered *Option) {
	for i := range from {
		o := from[i]
		at := l.index(o.Name)
		if at < 0 {
			o.Inherited = true
			*l = slices.Insert(*l, 0, o)
			continue
		}
		if mine := &(*l)[at]; mine.Inherited && have == nil && !sameValue(mine, &o) {
			have, offered = mine, &from[i]
		}
	}
	return have, offered
}

// sameValue compares values as the module would: 1024k is 1M, and a resource
// alone is its volume 0.
func sameValue(a, b *Option) bool {
	if a.Value == b.Value {
		return true
	}
	if a.Name == "resync-after" {
		return strings.TrimSuffix(a.Value, "/0") == strings.TrimSuffix(b.Value, "/0")
	}
	if a.Field == nil || a.Field.Kind.Textual() {
		return false
	}
	va, errA := a.Field.Parse(a.Value)
	vb, errB := b.Field.Parse(b.Value)
	return errA == nil && errB == nil && va == vb
}

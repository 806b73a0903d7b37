package confparse

import (
	"slices"
	"strings"
)

// inherit puts options in front that the list does not have yet, one by one, so
// that their order is reversed, and marks them. An option that was already inherited
// with another value is a conflict; it returns the two options of the first one.
func (l *Options) inherit(from Options) (have, offered *Option) {
	room := 0
	for i := range from {
		if l.index(from[i].Name) < 0 {
			room++
		}
	}
	own := len(*l)
	all := slices.Grow(*l, room)[:own+room]
	copy(all[room:], all[:own])
	for i := range from {
		o := &from[i]
		if at := all[room:].index(o.Name); at >= 0 {
			if mine := &all[room+at]; have == nil && mine.Inherited && !sameValue(mine, o) {
				have, offered = mine, o
			}
			continue
		}
		room--
		all[room] = *o
		all[room].Inherited = true
	}
	*l = all[room:]
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

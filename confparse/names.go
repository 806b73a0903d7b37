package confparse

import "strings"

// sameHost compares host names as DRBD 9 does: in any case, and up to the first
// dot if one of them has no dot.
func sameHost(a, b string) bool {
	if strings.Contains(a, ".") && strings.Contains(b, ".") {
		return strings.EqualFold(a, b)
	}
	a, _, _ = strings.Cut(a, ".")
	b, _, _ = strings.Cut(b, ".")
	return strings.EqualFold(a, b)
}

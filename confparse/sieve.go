package confparse

import "hash/maphash"

// A sieve finds out what was possibly used before. It keeps hashes only, in a
// table without pointers: of tens of thousands of uses, hardly ever is one used twice.
type sieve struct {
	seed  maphash.Seed
	table []mark // a power of two long, at most half full
	count int
}

// A mark is the hash of a use, never 0, and that of its owner.
type mark struct{ use, owner uint64 }

func newSieve(uses int) *sieve {
	size := 64
	for size < 2*uses {
		size *= 2
	}
	return &sieve{seed: maphash.MakeSeed(), table: make([]mark, size)}
}

// mark returns the mark of a use. What a resource may use several times has it as
// its owner, everything else "".
func (s *sieve) mark(k use, owner string) mark {
	m := mark{use: k.hash(s.seed)}
	if owner != "" {
		m.owner = maphash.String(s.seed, owner)
	}
	return m
}

// add notes a mark and reports whether the same use was possibly noted before, by
// another owner.
func (s *sieve) add(m mark) bool {
	if 2*s.count >= len(s.table) {
		s.grow()
	}
	at := s.find(m.use)
	if s.table[at].use == 0 {
		s.table[at] = m
		s.count++
		return false
	}
	return m.owner == 0 || s.table[at].owner != m.owner
}

// find returns where a hash is in the table, or where it belongs.
func (s *sieve) find(hash uint64) int {
	mask := len(s.table) - 1
	at := int(hash) & mask
	for s.table[at].use != 0 && s.table[at].use != hash {
		at = (at + 1) & mask
	}
	return at
}

func (s *sieve) grow() {
	old := s.table
	s.table = make([]mark, 2*len(old))
	for _, m := range old {
		if m.use != 0 {
			s.table[s.find(m.use)] = m
		}
	}
}

func (k use) hash(seed maphash.Seed) uint64 {
	const odd = 0x9e3779b97f4a7c15
	h := uint64(k.minor)
	for _, text := range []string{k.kind, k.host, k.name} {
		h = (h ^ maphash.String(seed, text)) * odd
		h ^= h >> 29
	}
	return h | 1
}

package adm

import (
	"encoding/json"
	"fmt"
	"slices"
)

// A lineage is where a copy of the data comes from: the identifier of its present
// generation, that of the generation at which it parted from its peer, and earlier
// ones, the youngest first. Zero stands for none.
type lineage struct {
	current, parted uint64
	history         []uint64
}

// justCreated is the identifier of metadata that never held data.
const justCreated = 4

// same compares identifiers but for the lowest bit, which only says in which role
// the generation began.
func same(a, b uint64) bool { return a|1 == b|1 }

// A kinship is how two copies of the data are related.
type kinship uint8

const (
	sameData      kinship = iota
	oursIsNewer           // the peer's is an ancestor of ours
	theirsIsNewer         // ours is an ancestor of the peer's
	splitBrain            // both changed since they had an ancestor in common
	unrelated             // no ancestor in common
)

// compare tells how a copy is related to the peer's, as far as the identifiers
// go that both still remember.
func (l lineage) compare(peer lineage) kinship {
	switch {
	case same(l.current, peer.current):
		return sameData
	case same(peer.current, justCreated) || l.remembers(peer.current):
		return oursIsNewer
	case same(l.current, justCreated) || peer.remembers(l.current):
		return theirsIsNewer
	case slices.ContainsFunc(l.ancestors(), peer.remembers):
		return splitBrain
	}
	return unrelated
}

// ancestors returns the generations before the present one.
func (l lineage) ancestors() []uint64 {
	all := append([]uint64{l.parted}, l.history...)
	return slices.DeleteFunc(all, func(id uint64) bool { return id == 0 })
}

func (l lineage) remembers(id uint64) bool {
	return slices.ContainsFunc(l.ancestors(), func(a uint64) bool { return same(a, id) })
}

// String returns the identifiers as drbdadm get-gi prints them: the present
// generation, the one at which it parted from the peer, and two earlier ones.
func (l lineage) String() string {
	before := append(slices.Clone(l.history), 0, 0)
	return fmt.Sprintf("%016X:%016X:%016X:%016X", l.current, l.parted, before[0], before[1])
}

// MarshalJSON names the identifiers, as hexadecimal digits: they do not fit into
// the numbers of many readers.
func (l lineage) MarshalJSON() ([]byte, error) {
	hex := func(id uint64) string { return fmt.Sprintf("%016X", id) }
	history := []string{}
	for _, id := range l.history {
		if id != 0 {
			history = append(history, hex(id))
		}
	}
	return json.Marshal(struct {
		Current string   `json:"current"`
		Bitmap  string   `json:"bitmap"`
		History []string `json:"history"`
	}{hex(l.current), hex(l.parted), history})
}

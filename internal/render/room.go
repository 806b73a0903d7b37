package render

// A room holds the words about one object, as it was and as it is now. It is used
// again for the next object, so that a line costs few allocations.
type room struct {
	words    []word
	groups   []group
	counters []pair // on their way to become words
}

// begin makes room for another object. Groups of the one before are overwritten.
func (r *room) begin() { r.words, r.groups = r.words[:0], r.groups[:0] }

// group returns a group of words.
func (r *room) group(words ...word) group {
	from := len(r.words)
	r.words = append(r.words, words...)
	return group{words: r.words[from:len(r.words):len(r.words)]}
}

// list returns a list of groups.
func (r *room) list(groups ...group) []group {
	from := len(r.groups)
	r.groups = append(r.groups, groups...)
	return r.groups[from:]
}

// more adds to the list that was begun last.
func (r *room) more(list []group, groups ...group) []group {
	from := len(r.groups) - len(list)
	r.groups = append(r.groups, groups...)
	return r.groups[from:]
}

// counterWords adds the counters as words without an old value, and returns where
// they begin.
func (r *room) counterWords() (from int) {
	from = len(r.words)
	for _, c := range r.counters {
		r.words = append(r.words, word{key: c.key, text: c.value, arrow: never})
	}
	return from
}

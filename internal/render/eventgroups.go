package render

import (
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// An arrow says how a word looks where the old value is shown, too.
type arrow uint8

const (
	always    arrow = iota // OLD->NEW
	ifChanged              // OLD->NEW only where they differ
	never                  // NEW
)

// A word is one key:value of a line.
type word struct {
	key, text string
	shown     string // text with colours
	arrow     arrow
	quiet     bool   // a change of this alone is not worth a line
	rare      bool   // left out if it did not change
	unknown   string // what stands for no old value; "": UNKNOWN
}

// A group is printed as a whole, if something in it changed.
type group struct {
	words    []word
	counters *schema.Values // if set, the group changes when one of these does
	sticky   bool           // printed with every line of its object
}

// changed reports whether the group is worth a line; old is nil without an old
// object.
func (g *group) changed(old *group) bool {
	if old == nil {
		return true
	}
	if g.counters != nil || old.counters != nil {
		return !g.counters.Equal(old.counters)
	}
	for i := range g.words {
		if !g.words[i].quiet && g.words[i].text != old.words[i].text {
			return true
		}
	}
	return false
}

// Keys are how lines name an object.

func resourceKeys(name string) string { return "resource name:" + name }

func connectionKeys(name string, c *netlinkapi.Connection) string {
	return "connection name:" + name + peerKeys(c)
}

func peerKeys(c *netlinkapi.Connection) string {
	return " peer-node-id:" + digits(uint64(c.PeerNodeID)) + " conn-name:" + c.Name
}

func deviceKeys(name string, volume, minor uint32) string {
	return "device name:" + name + " volume:" + digits(uint64(volume)) + " minor:" + digits(uint64(minor))
}

func peerDeviceKeys(name string, c *netlinkapi.Connection, p *netlinkapi.PeerDevice) string {
	return "peer-device name:" + name + peerKeys(c) + " volume:" + digits(uint64(p.Volume))
}

func pathKeys(name string, c *netlinkapi.Connection, p *netlinkapi.Path) string {
	return "path name:" + name + peerKeys(c) + " local:" + p.Local.String() + " peer:" + p.Peer.String()
}

// object writes the line of an object if there is something to tell, or always
// if forced. The groups are nil where there is no such object.
func (e *Events) object(keys string, old, now []group, forced bool) {
	switch {
	case now == nil:
		if old != nil {
			e.line("destroy " + keys)
		}
		return
	case old != nil && !forced && !anyChanged(old, now):
		return
	}
	e.write(e.stamp, e.verb(old), " ", keys)
	for i := range now {
		var before *group
		if old != nil {
			before = &old[i]
		}
		if e.Full || now[i].sticky || now[i].changed(before) {
			e.print(before, &now[i])
		}
	}
	e.write("\n")
}

func (e *Events) verb(old []group) string {
	switch {
	case old != nil:
		return "change"
	case e.live:
		return "create"
	}
	return "exists"
}

func anyChanged(old, now []group) bool {
	for i := range now {
		if now[i].changed(&old[i]) {
			return true
		}
	}
	return false
}

// print writes a group.
func (e *Events) print(old, now *group) {
	for i := range now.words {
		w := &now.words[i]
		var before *word
		if old != nil {
			before = old.find(w.key)
		}
		differs := before == nil || before.text != w.text
		if w.rare && !differs && !(e.Full && w.key != "blocked") {
			continue
		}
		e.write(" ", w.key, ":")
		if e.Diff && (w.arrow == always || w.arrow == ifChanged && differs) {
			e.write(w.before(before), "->")
		}
		e.write(w.value())
	}
}

// find returns the word of that key, or nil. Groups of counters need not have
// the same words.
func (g *group) find(key string) *word {
	for i := range g.words {
		if g.words[i].key == key {
			return &g.words[i]
		}
	}
	return nil
}

func (w *word) value() string {
	if w.shown != "" {
		return w.shown
	}
	return w.text
}

func (w *word) before(old *word) string {
	switch {
	case old != nil:
		return old.value()
	case w.unknown != "":
		return w.unknown
	}
	return "UNKNOWN"
}

func (e *Events) statistics() bool { return e.Statistics || e.Full }

func (e *Events) painter() painter { return painter(e.Color) }

// begin makes room for the groups of another object, old and new. Those of the
// object before are overwritten.
func (e *Events) begin() { e.words, e.groups = e.words[:0], e.groups[:0] }

// group returns a group of words.
func (e *Events) group(words ...word) group {
	from := len(e.words)
	e.words = append(e.words, words...)
	return group{words: e.words[from:len(e.words):len(e.words)]}
}

// list returns a list of groups.
func (e *Events) list(groups ...group) []group {
	from := len(e.groups)
	e.groups = append(e.groups, groups...)
	return e.groups[from:]
}

// more adds to the list that was begun last.
func (e *Events) more(list []group, groups ...group) []group {
	from := len(e.groups) - len(list)
	e.groups = append(e.groups, groups...)
	return e.groups[from:]
}

func (e *Events) resourceGroups(r *netlinkapi.Resource) []group {
	if r == nil {
		return nil
	}
	groups := e.list(
		e.group(word{key: "role", text: r.Role().String(), shown: e.painter().role(r.Role())}),
		e.group(word{key: "suspended", text: suspended(r.Info)}))
	if e.gen == schema.V9 {
		groups = e.more(groups, e.group(word{key: "force-io-failures", text: yesNo(on(r.Info, "res_fail_io"))}))
	}
	if order := writeOrdering(r); e.statistics() && order != "" {
		groups = e.more(groups, e.group(word{key: "write-ordering", text: order, arrow: never}))
	}
	if e.gen == schema.V9 {
		may, score := promotion(r)
		groups = e.more(groups, e.group(
			word{key: "may_promote", text: yesNo(may)},
			word{key: "promotion_score", text: digits(score), unknown: "0"}))
	}
	return groups
}

func (e *Events) connectionGroups(c *netlinkapi.Connection) []group {
	if c == nil {
		return nil
	}
	groups := e.list(
		e.group(word{key: "connection", text: c.State().String(), shown: e.painter().conn(c.State())}),
		e.group(word{key: "role", text: c.Role().String(), shown: e.painter().peerRole(c.Role())}))
	if !e.statistics() {
		return groups
	}
	var counters group
	if congested := (word{key: "congested", text: yesNo(on(c.Stats, "conn_congested")), arrow: never, rare: true}); has(c.Stats, "ap_in_flight") {
		counters = e.group(congested,
			word{key: "ap-in-flight", text: digits(num(c.Stats, "ap_in_flight")), arrow: never},
			word{key: "rs-in-flight", text: digits(num(c.Stats, "rs_in_flight")), arrow: never})
	} else if !c.Stats.Empty() {
		counters = e.group(congested)
	}
	counters.counters = c.Stats
	return e.more(groups, counters)
}

func (e *Events) deviceGroups(d *netlinkapi.Device) []group {
	if d == nil {
		return nil
	}
	const client = "is_intentional_diskless"
	disk := word{key: "disk", text: d.DiskState().String(), shown: e.painter().disk(d.DiskState(), on(d.Info, client))}
	var state group
	if e.gen == schema.V9 {
		state = e.group(
			word{key: "backing_dev", text: backingDevice(d), arrow: ifChanged, quiet: true},
			disk,
			word{key: "client", text: yesNoUnknown(d.Info, client), arrow: ifChanged, quiet: true},
			word{key: "open", text: yesNoUnknown(d.Info, "dev_is_open"), arrow: ifChanged},
			word{key: "quorum", text: yesNo(quorum(d)), arrow: ifChanged})
	} else {
		state = e.group(disk)
	}
	if !e.statistics() {
		return e.list(state)
	}
	return e.list(state, e.deviceStatistics(d))
}

func (e *Events) deviceStatistics(d *netlinkapi.Device) group {
	g := group{counters: d.Stats, sticky: e.gen == schema.V84}
	if d.Stats.Empty() {
		return g
	}
	e.counters = deviceCounters(e.counters[:0], d, true)
	from := e.counterWords()
	e.words[len(e.words)-1].rare = true // al-suspended
	e.words = append(e.words, word{key: "blocked", text: blocked(d.Stats), arrow: never, rare: true})
	g.words = e.words[from:len(e.words):len(e.words)]
	return g
}

// counterWords adds the collected statistics as words without an old value, and
// returns where they begin.
func (e *Events) counterWords() (from int) {
	from = len(e.words)
	for _, c := range e.counters {
		e.words = append(e.words, word{key: c.key, text: c.value, arrow: never})
	}
	return from
}

func (e *Events) peerGroups(r *netlinkapi.Resource, p *netlinkapi.PeerDevice) []group {
	if p == nil {
		return nil
	}
	const client = "peer_is_intentional_diskless"
	state := word{key: "peer-disk", text: p.DiskState().String(), shown: e.painter().peerDisk(p.DiskState(), on(p.Info, client))}
	var disk group
	if e.gen == schema.V9 {
		disk = e.group(state, word{key: "peer-client", text: yesNoUnknown(p.Info, client), arrow: ifChanged, quiet: true})
	} else {
		disk = e.group(state)
	}
	return e.list(
		e.group(word{key: "replication", text: p.ReplState().String(), shown: e.painter().repl(p.ReplState())}),
		disk,
		e.group(word{key: "resync-suspended", text: resyncSuspended(p.Info)}),
		e.peerStatistics(r, p))
}

// peerStatistics returns the counters of a peer device. How far a resync is, is
// told also without statistics.
func (e *Events) peerStatistics(r *netlinkapi.Resource, p *netlinkapi.PeerDevice) group {
	pr := newProgress(e.gen, p, r.Device(p.Volume))
	e.counters = e.counters[:0]
	if pr.details {
		e.counters = append(e.counters, pair{"done", pr.done()})
	}
	if e.statistics() && !p.Stats.Empty() {
		e.counters = peerCounters(e.counters, p, &pr, max(e.Verbose, 1))
	}
	from := e.counterWords()
	return group{words: e.words[from:len(e.words):len(e.words)], counters: p.Stats, sticky: e.gen == schema.V84}
}

func (e *Events) pathGroups(p *netlinkapi.Path) []group {
	if p == nil {
		return nil
	}
	return e.list(e.group(word{key: "established", text: yesNo(on(p.Info, "path_established"))}))
}

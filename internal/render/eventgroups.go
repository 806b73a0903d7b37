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

// A worth says what a change of a word makes worth telling.
type worth uint8

const (
	aLine    worth = iota
	itsGroup       // on a line that there is for another reason
	nothing
)

// A word is one key:value of a line.
type word struct {
	key, text string
	shown     string // text with colours
	arrow     arrow
	worth     worth
	rare      bool   // left out if it did not change
	unknown   string // what stands for no old value; "": UNKNOWN
}

// A group is printed as a whole, if something in it changed.
type group struct {
	words    []word
	counters *schema.Values // if set, the group changes when one of these does
	sticky   bool           // printed with every line of its object
}

// changed reports whether something so much worth changed in the group; old is nil
// without an old object.
func (g *group) changed(old *group, most worth) bool {
	if old == nil {
		return true
	}
	if g.counters != nil || old.counters != nil {
		return !g.counters.Equal(old.counters)
	}
	for i := range g.words {
		if g.words[i].worth <= most && g.words[i].text != old.words[i].text {
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
		if e.Full || now[i].sticky || now[i].changed(before, itsGroup) {
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
		if now[i].changed(&old[i], aLine) {
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

func (e *Events) resourceGroups(r *netlinkapi.Resource) []group {
	if r == nil {
		return nil
	}
	groups := e.room.list(
		e.room.group(word{key: "role", text: r.Role().String(), shown: e.painter().role(r.Role())}),
		e.room.group(word{key: "suspended", text: suspended(r.Info)}))
	if e.gen == schema.V9 {
		groups = e.room.more(groups, e.room.group(word{key: "force-io-failures", text: yesNo(on(r.Info, "res_fail_io"))}))
	}
	if order := writeOrdering(r); e.statistics() && order != "" {
		groups = e.room.more(groups, e.room.group(word{key: "write-ordering", text: order, arrow: never}))
	}
	if e.gen == schema.V9 {
		may, score := promotion(r)
		groups = e.room.more(groups, e.room.group(
			word{key: "may_promote", text: yesNo(may)},
			word{key: "promotion_score", text: digits(score), unknown: "0"}))
	}
	return groups
}

func (e *Events) connectionGroups(c *netlinkapi.Connection) []group {
	if c == nil {
		return nil
	}
	groups := e.room.list(
		e.room.group(word{key: "connection", text: c.State().String(), shown: e.painter().conn(c.State())}),
		e.room.group(word{key: "role", text: c.Role().String(), shown: e.painter().peerRole(c.Role())}))
	if !e.statistics() {
		return groups
	}
	var counters group
	if congested := (word{key: "congested", text: yesNo(on(c.Stats, "conn_congested")), arrow: never, rare: true}); has(c.Stats, "ap_in_flight") {
		counters = e.room.group(congested,
			word{key: "ap-in-flight", text: digits(num(c.Stats, "ap_in_flight")), arrow: never},
			word{key: "rs-in-flight", text: digits(num(c.Stats, "rs_in_flight")), arrow: never})
	} else if !c.Stats.Empty() {
		counters = e.room.group(congested)
	}
	counters.counters = c.Stats
	return e.room.more(groups, counters)
}

func (e *Events) deviceGroups(d *netlinkapi.Device) []group {
	if d == nil {
		return nil
	}
	const client = "is_intentional_diskless"
	disk := word{key: "disk", text: d.DiskState().String(), shown: e.painter().disk(d.DiskState(), on(d.Info, client))}
	var state group
	if e.gen == schema.V9 {
		state = e.room.group(
			word{key: "backing_dev", text: backingDevice(d), arrow: ifChanged, worth: nothing},
			disk,
			word{key: "client", text: yesNoUnknown(d.Info, client), arrow: ifChanged, worth: nothing},
			word{key: "open", text: yesNoUnknown(d.Info, "dev_is_open"), arrow: ifChanged},
			word{key: "quorum", text: yesNo(quorum(d)), arrow: ifChanged})
	} else {
		state = e.room.group(disk)
	}
	if !e.statistics() {
		return e.room.list(state)
	}
	return e.room.list(state, e.deviceStatistics(d))
}

func (e *Events) deviceStatistics(d *netlinkapi.Device) group {
	g := group{counters: d.Stats, sticky: e.gen == schema.V84}
	if d.Stats.Empty() {
		return g
	}
	e.room.counters = deviceCounters(e.room.counters[:0], d, true)
	from := e.room.counterWords()
	e.room.words[len(e.room.words)-1].rare = true // al-suspended
	e.room.words = append(e.room.words, word{key: "blocked", text: blocked(d.Stats), arrow: never, rare: true})
	g.words = e.room.words[from:len(e.room.words):len(e.room.words)]
	return g
}

func (e *Events) peerGroups(r *netlinkapi.Resource, p *netlinkapi.PeerDevice) []group {
	if p == nil {
		return nil
	}
	const client = "peer_is_intentional_diskless"
	state := word{key: "peer-disk", text: p.DiskState().String(), shown: e.painter().peerDisk(p.DiskState(), on(p.Info, client))}
	var disk group
	if e.gen == schema.V9 {
		disk = e.room.group(state, word{key: "peer-client", text: yesNoUnknown(p.Info, client), arrow: ifChanged, worth: itsGroup})
	} else {
		disk = e.room.group(state)
	}
	return e.room.list(
		e.room.group(word{key: "replication", text: p.ReplState().String(), shown: e.painter().repl(p.ReplState())}),
		disk,
		e.room.group(word{key: "resync-suspended", text: resyncSuspended(p.Info)}),
		e.peerStatistics(r, p))
}

// peerStatistics returns the counters of a peer device. How far a resync is, is
// told also without statistics.
func (e *Events) peerStatistics(r *netlinkapi.Resource, p *netlinkapi.PeerDevice) group {
	pr := newProgress(e.gen, p, r.Device(p.Volume))
	e.room.counters = e.room.counters[:0]
	if pr.details {
		e.room.counters = append(e.room.counters, pair{"done", pr.done()})
	}
	if e.statistics() && !p.Stats.Empty() {
		e.room.counters = peerCounters(e.room.counters, p, &pr, max(e.Verbose, 1))
	}
	from := e.room.counterWords()
	return group{words: e.room.words[from:len(e.room.words):len(e.room.words)], counters: p.Stats, sticky: e.gen == schema.V84}
}

func (e *Events) pathGroups(p *netlinkapi.Path) []group {
	if p == nil {
		return nil
	}
	return e.room.list(e.room.group(word{key: "established", text: yesNo(on(p.Info, "path_established"))}))
}

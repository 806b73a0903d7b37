package testkit

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Compare returns what counts of a recorded section and of ours, to be compared. The
// whole of what it forgives:
//
//   - Counters of I/O, buffers and progress are numbers, whichever.
//   - Amounts out of sync count, except while a resync or verify runs.
//   - Date and device UUID in a dump of metadata.
//   - What was done to metadata is told on standard output here, on standard error
//     there.
//   - Where long lines are broken (their length depends on counters).
//   - UUIDs are named: the same one in the recording is the same one here.
//   - Events: the order is kept within a resource, and there within a connection (with its resource and its
//     devices), not between connections, nor between volumes. An event that says nothing new is left
//     out, two changes of one object in a row that do not touch the same value
//     are one, and attempts to connect in a row are one. Which end hangs up first
//     is chance where both do, and so is which of its two sockets is lost first
//     (BrokenPipe or NetworkFailure). A thread of its own calls fence-peer, while
//     another begins to connect again.
//   - Environment of handlers: what the original adds because it is one program for
//     each generation, and what the shell counts.
//   - Messages on standard error: only the codes, which scripts parse.
func (n Names) Compare(view string, recorded, ours []string) (want, got string) {
	counts := func(lines []string) string { return settledText(view, lines) }
	switch view {
	case "stderr":
		counts = messages
	case "events2 stream":
		counts = eventTexts
	case "drbdsetup events2 --now":
		counts = func(lines []string) string { return settledText(view, byResource(lines)) }
	case "helper calls", "handler calls":
		counts = callTexts
	}
	want, got = counts(recorded), counts(ours)
	return n.translate(want, got), got
}

// byResource sorts lines of events by the name of the resource.
func byResource(lines []string) []string {
	name := func(line string) string { e := parseEvent(line); return e.within("name:") }
	return slices.SortedStableFunc(slices.Values(lines), func(a, b string) int { return strings.Compare(name(a), name(b)) })
}

// counters are the values that are numbers, whichever.
var counters = regexp.MustCompile(`\b(read|written|al-writes|bm-writes|upper-pending|lower-pending|ap-in-flight|rs-in-flight` +
	`|received|sent|pending|unacked|done|eta|dbdt1|want|ov-position|ov-left|db\d?/dt\d? \[MiB/s\]|estimated-seconds-to-finish|rs-[a-z0-9-]+-(?:ms|sectors))(:|": )[\d.]+`)

var (
	running   = regexp.MustCompile(`(Sync|Verify)(Source|Target|S|T)\b`)
	outOfSync = regexp.MustCompile(`\b(out-of-sync|oos|percent-in-sync)(:|": )[\d.]+`)
	percent   = regexp.MustCompile(`"percent-in-sync": [\d.]+`)
	procLine  = regexp.MustCompile(`ns:\d+ .* oos:`)
	syncLine  = regexp.MustCompile(`(?m)^.*(sync'ed:|finish:|verified:|stalled|\d+% ).*$`)
	module    = regexp.MustCompile(`srcversion.*`)
	uuid      = regexp.MustCompile(`\b(?:0x)?[0-9A-F]{16}\b`)
)

// dated are the lines of a dump of metadata that depend on time and chance.
var dated = regexp.MustCompile(`(?m)^(# \d{4}-\d\d-\d\d .*|device-uuid .*)$`)

// told are lines about what was done to metadata.
var told = regexp.MustCompile(`(?m)^(Marked additional|initializing bitmap) .*\n?`)

// settledText returns what counts of a state report.
func settledText(view string, lines []string) string {
	if last := len(lines) - 1; last >= 0 && strings.HasPrefix(lines[last], "exit: ") {
		return messages(lines) + "\n" + lines[last]
	}
	text := strings.Join(lines, "\n")
	text = counters.ReplaceAllString(text, "$1${2}N")
	text = told.ReplaceAllString(dated.ReplaceAllString(text, ""), "")
	text = percent.ReplaceAllString(text, `"percent-in-sync": N`)
	if running.MatchString(text) {
		text = outOfSync.ReplaceAllString(text, "$1${2}N")
	}
	switch {
	case strings.Contains(view, "--verbose"):
		return strings.Join(strings.Fields(text), "\n")
	case view == "cat /proc/drbd":
		text = procLine.ReplaceAllString(text, "oos:")
		text = syncLine.ReplaceAllString(text, "")
		text = module.ReplaceAllString(text, "")
		return strings.Join(strings.Fields(text), "\n")
	}
	return strings.TrimRight(text, "\n ")
}

// messages returns the lines on standard error that scripts parse.
func messages(lines []string) string {
	var list []string
	for _, line := range lines {
		if m := parsed.FindStringSubmatch(line); m != nil {
			list = append(list, m[1])
		}
	}
	return strings.Join(list, "\n")
}

var parsed = regexp.MustCompile(`: ((?:Failure|State change failed): \(-?\d+\))`)

// Names are the UUIDs of a recording, by the ones that stand for them here.
type Names map[string]string

// translate puts our UUIDs in place of those recorded, as far as they are at the
// same places, and learns new ones.
func (n Names) translate(want, got string) string {
	ours := uuid.FindAllString(got, -1)
	if len(ours) != len(uuid.FindAllString(want, -1)) {
		return want
	}
	i := -1
	return uuid.ReplaceAllStringFunc(want, func(id string) string {
		i++
		if fixed(id) {
			return id
		}
		theirs, mine := unmarked(id), unmarked(ours[i])
		if n[theirs] == "" && n["here "+mine] == "" && !fixed(ours[i]) {
			n[theirs], n["here "+mine] = mine, theirs
		}
		if n[theirs] != mine {
			return "another than " + ours[i]
		}
		return ours[i][:len(ours[i])-1] + digit(last(ours[i])&^1|last(id)&1)
	})
}

// WithoutCoins clears the lowest bits of a history of UUIDs.
func WithoutCoins(gi string) string {
	return history.ReplaceAllString(gi, "$1${2}0:${3}0:")
}

var history = regexp.MustCompile(`^(\w{16}:\w{16}:)(\w{15})\w:(\w{15})\w:`)

// fixed reports whether a UUID is none, or the one of new metadata.
func fixed(id string) bool { return strings.TrimLeft(id[:len(id)-1], "0x") == "" }

// unmarked takes the lowest bit off a UUID, which marks a Primary.
func unmarked(id string) string {
	return strings.TrimPrefix(id[:len(id)-1], "0x") + digit(last(id)&^1)
}

const digits = "0123456789ABCDEF"

func last(id string) int     { return strings.IndexByte(digits, id[len(id)-1]) }
func digit(value int) string { return digits[value : value+1] }

// An event is a line of the stream: what happened, to what, and its new values.
type event struct {
	action, object string
	values         []string
}

var (
	identity = regexp.MustCompile(`^(name|peer-node-id|conn-name|volume|minor|local|peer):`)
	volatile = regexp.MustCompile(` (write-ordering|size|read|written|al-writes|bm-writes|upper-pending|lower-pending` +
		`|al-suspended|blocked|congested|received|sent|out-of-sync|pending|unacked|done|dbdt1|eta|ap-in-flight|rs-in-flight):\S+`)
)

func parseEvent(line string) event {
	line = strings.Replace(line, "connection:BrokenPipe", "connection:NetworkFailure", 1)
	words := strings.Fields(volatile.ReplaceAllString(line, ""))
	if len(words) < 2 {
		return event{action: line}
	}
	e := event{action: words[0], object: words[1]}
	for _, w := range words[2:] {
		if identity.MatchString(w) {
			e.object += " " + w
		} else {
			e.values = append(e.values, w)
		}
	}
	if words[1] == "helper" {
		e.object, e.values = e.object+" "+strings.Join(e.values, " "), nil
	}
	return e
}

func (e event) String() string {
	return strings.TrimSpace(e.action + " " + e.object + " " + strings.Join(e.values, " "))
}

// within returns which connection or volume an event belongs to, "" for all of them.
func (e event) within(key string) string {
	for w := range strings.FieldsSeq(e.object) {
		if strings.HasPrefix(w, key) {
			return w
		}
	}
	return ""
}

// eventTexts returns what counts of a stretch of the stream: the events of each resource.
func eventTexts(lines []string) string {
	resources := map[string][]event{}
	for _, line := range lines {
		if e := parseEvent(line); e.action != "change" || len(e.values) > 0 {
			name := e.within("name:")
			resources[name] = append(resources[name], e)
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(resources)) {
		b.WriteString(resourceTexts(resources[name]))
	}
	return b.String()
}

// resourceTexts returns the events of each connection, and of each volume in it. Those
// of the resource and its devices are among them where there is only one connection;
// of several, each may be first.
func resourceTexts(all []event) string {
	connections, volumes := map[string]bool{}, map[string]bool{}
	for _, e := range all {
		connections[e.within("peer-node-id:")] = true
		volumes[e.within("volume:")] = true
	}
	if len(connections) == 2 {
		delete(connections, "")
	}
	if len(volumes) > 1 {
		delete(volumes, "")
	}
	var b strings.Builder
	for _, c := range sorted(connections) {
		for _, v := range sorted(volumes) {
			fmt.Fprintln(&b, strings.TrimRight("["+c+"] "+v, " "))
			for _, e := range simplified(within(all, c, v, len(connections) == 1)) {
				fmt.Fprintln(&b, e)
			}
		}
	}
	return b.String()
}

// within returns the events of a connection that are about a volume, or none.
func within(all []event, connection, volume string, only bool) (own []event) {
	for _, e := range all {
		c, v := e.within("peer-node-id:"), e.within("volume:")
		if (c == connection || c == "" && only) && (v == volume || v == "") {
			own = append(own, e)
		}
	}
	return own
}

func sorted(set map[string]bool) []string {
	var list []string
	for s := range set {
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}

// simplified leaves out repeated attempts, and joins changes.
func simplified(all []event) []event {
	var list []event
	for _, e := range all {
		if last := len(list) - 1; last >= 0 && e.action == "change" && list[last].joins(e) {
			list[last].values = append(slices.Clip(list[last].values), e.values...)
			continue
		}
		list = append(list, e)
	}
	for _, e := range list {
		slices.Sort(e.values)
	}
	return withoutRounds(fenceFirst(list))
}

// fenceFirst moves calls of fence-peer before attempts to connect.
func fenceFirst(list []event) []event {
	for i := range list {
		for ; i > 0 && list[i].fences() && list[i-1].attempts(); i-- {
			list[i-1], list[i] = list[i], list[i-1]
		}
	}
	return list
}

func (e event) fences() bool {
	return e.action == "call" && strings.HasSuffix(e.object, " helper:fence-peer")
}

// attempts reports whether an event tells no more than that a connection is looked for.
func (e event) attempts() bool { return len(e.values) == 1 && attempt.MatchString(e.values[0]) }

// joins reports whether a change of the same object touches other values.
func (e event) joins(next event) bool {
	if e.action != "change" || e.object != next.object {
		return false
	}
	for _, v := range next.values {
		key, _, _ := strings.Cut(v, ":")
		if slices.ContainsFunc(e.values, func(w string) bool { return strings.HasPrefix(w, key+":") }) {
			return false
		}
	}
	return true
}

var attempt = regexp.MustCompile(`^connection:(Unconnected|Connecting|BrokenPipe|NetworkFailure|Timeout|ProtocolError)$`)

// withoutRounds shortens a row of attempts to connect to its first and last state.
func withoutRounds(list []event) []event {
	var out []event
	for i, e := range list {
		tries := func(j int) bool {
			return j >= 0 && j < len(list) && list[j].object == e.object && list[j].attempts()
		}
		if tries(i) && tries(i-1) && tries(i+1) || e.hangsUp(list[i+1:]) {
			continue
		}
		out = append(out, e)
	}
	return out
}

// hangsUp reports whether a connection is lost that will be given up anyway: the
// peer gave it up a moment earlier.
func (e event) hangsUp(later []event) bool {
	next := slices.IndexFunc(later, func(l event) bool { return l.object == e.object })
	return next >= 0 && e.attempts() && slices.Contains(later[next].values, "connection:Disconnecting")
}

// callTexts returns calls of helpers or handlers by the peer they are about, and how
// they ended: which of several was first is chance.
func callTexts(lines []string) string {
	var calls, ends []string
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "exit "):
			ends = append(ends, line)
			continue
		case strings.HasPrefix(line, "call: "), strings.HasPrefix(line, "handler: "):
			calls = append(calls, "")
		}
		if len(calls) > 0 && !private.MatchString(line) {
			calls[len(calls)-1] += strings.TrimSuffix(line, ":/lib/drbd") + "\n"
		}
	}
	slices.SortStableFunc(calls, func(a, b string) int { return strings.Compare(aboutPeer.FindString(a), aboutPeer.FindString(b)) })
	slices.Sort(ends)
	return strings.Join(calls, "") + strings.Join(ends, "\n")
}

// private is environment that the original, or the shell of a handler, has for itself.
var private = regexp.MustCompile(`^  env (DRBD_DONT_WARN_ON_VERSION_MISMATCH=1|SHLVL=\d+|)$`)

var aboutPeer = regexp.MustCompile(`env DRBD_PEER_NODE_ID=\d+`)

package adm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The module tells why it gave a connection up only in the kernel's log.

// A logLine is one message of the module: what it is about ("block drbd0", "drbd
// r0", "drbd r0/0 drbd0 peer"), and what it says.
type logLine struct{ scope, text string }

// parseLog takes records of /dev/kmsg: "PRIORITY,NUMBER,MICROSECONDS,FLAGS;TEXT",
// and returns the module's.
func parseLog(records string) []logLine {
	var all []logLine
	for record := range strings.Lines(records) {
		_, text, _ := strings.Cut(strings.TrimSpace(record), ";")
		scope, text, ok := strings.Cut(text, ": ")
		if ok && (strings.HasPrefix(scope, "drbd ") || strings.HasPrefix(scope, "block drbd")) {
			all = append(all, logLine{scope, text})
		}
	}
	return all
}

// A cause is why there is no connection, in a word for programs.
type cause string

const (
	causeSplitBrain  cause = "split-brain"
	causeMaybe       cause = "maybe-split-brain"
	causeUnrelated   cause = "unrelated-data"
	causeSecret      cause = "secret"
	causeProtocol    cause = "protocol"
	causeSettings    cause = "settings"
	causeSize        cause = "size"
	causeNodeID      cause = "node-id"
	causeHandler     cause = "handler"
	causeAddress     cause = "address"
	causeTwoPrimary  cause = "two-primaries"
	causeInUse       cause = "primary-with-older-data"
	causeNoData      cause = "no-data-to-send"
	causePeer        cause = "refused-by-peer"
	causeUnreachable cause = "unreachable"
	causeStopped     cause = "disconnected"
)

// complaints are messages with which the module refuses a peer: DRBD 8.4.11 and
// 9.3.
var complaints = []complaint{
	{"Split-Brain detected but unresolved", causeSplitBrain},
	{"Unrelated data, aborting", causeUnrelated},
	{"Authentication of peer failed", causeSecret},
	{"expected AuthChallenge", causeSecret},
	{"Unexpected data packet AuthChallenge", causeSecret},
	{"Peer presented the same challenge", causeSecret},
	{"incompatible DRBD dialects", causeProtocol},
	{"Peer presented a node_id of", causeNodeID},
	{"Peer expects me to have a node_id of", causeNodeID},
	{"incompatible ", causeSettings},
	{"Different ", causeSettings},
	{"peer data-integrity-alg", causeSettings},
	{"disk size is too small", causeSize},
	{"device size is too small", causeSize},
	{", dropping connection", causeHandler},
	{"Multiple primaries not allowed", causeTwoPrimary},
	{"I shall become SyncTarget, but I am primary", causeInUse},
	{"I shall become SyncSource, but I am inconsistent", causeNoData},
	{"bind before ", causeAddress},
	{"shut down by peer", causePeer},
}

type complaint struct {
	text  string
	cause cause
}

// A verdict is what the log has of the last attempt to connect to a peer.
type verdict struct {
	cause cause          // "" if the log has none
	text  string         // the message that tells it
	here  map[int]report // by volume: what was compared
	peer  map[int]report

	byCommand bool // a connection that worked was ended here
}

// A report is one side's description of its copy.
type report struct {
	lineage lineage
	kib     uint64 // changed since the copies parted
}

// A topic is where messages about one connection stand: those of the connection,
// and those of its volumes.
type topic struct {
	connection string
	volumes    map[string]int
}

// begins reports whether a message stands before those about a new attempt to
// connect: the node leaves StandAlone, or was connected meanwhile.
func begins(text string) bool {
	for _, change := range []string{"conn( StandAlone -> ", "-> Connected )", "-> WFBitMapS )", "-> WFBitMapT )"} {
		if strings.Contains(text, change) {
			return true
		}
	}
	return false
}

// describes takes a message apart that describes a copy: "self CURRENT:BITMAP:
// HISTORY:HISTORY bits:N flags:F", or "peer ...".
func describes(text string) (side string, r report, ok bool) {
	side, text, _ = strings.Cut(text, " ")
	ids, bits, ok := strings.Cut(text, " bits:")
	words := strings.Split(ids, ":")
	if !ok || side != "self" && side != "peer" || len(words) != 4 {
		return side, r, false
	}
	var n [5]uint64
	for i, word := range words {
		n[i], _ = strconv.ParseUint(word, 16, 64)
	}
	bits, _, _ = strings.Cut(bits, " ")
	n[4], _ = strconv.ParseUint(bits, 10, 64)
	return side, report{lineage{n[0], n[1], n[2:4]}, n[4] * kibPerBit}, true
}

// judge returns what came of the last attempt that the log tells of.
func judge(log []logLine, about topic) verdict {
	v := newVerdict()
	for _, l := range log {
		volume, ofVolume := about.volumes[l.scope]
		if !ofVolume && l.scope != about.connection {
			continue
		}
		if begins(l.text) {
			v = newVerdict()
		}
		switch side, r, ok := describes(l.text); {
		case ok && side == "self":
			v.here[volume] = r
		case ok:
			v.peer[volume] = r
		default:
			v.complain(l.text)
			v.byCommand = v.byCommand || strings.Contains(l.text, "conn( Connected -> Disconnecting )")
		}
	}
	return v
}

func newVerdict() verdict {
	return verdict{here: map[int]report{}, peer: map[int]report{}}
}

// complain takes in a message with which the module refuses the peer. That the peer
// closed the connection says less than anything else.
func (v *verdict) complain(text string) {
	i := slices.IndexFunc(complaints, func(c complaint) bool { return strings.Contains(text, c.text) })
	if i >= 0 && (v.cause == "" || complaints[i].cause != causePeer) {
		v.cause, v.text = complaints[i].cause, text
	}
}

// topic returns where the log has messages about a connection. DRBD 8.4 names the
// resource and the minors, DRBD 9 the peer, too.
func (e exam) topic(peer string) topic {
	s := topic{connection: "drbd " + e.res.Name, volumes: map[string]int{}}
	if !e.is84() {
		s.connection += " " + peer
	}
	for _, v := range e.volumes {
		if e.is84() {
			s.volumes[fmt.Sprintf("block drbd%d", v.Minor)] = v.Number
			continue
		}
		device := fmt.Sprintf("drbd %s/%d drbd%d", e.res.Name, v.Number, v.Minor)
		s.volumes[device], s.volumes[device+" "+peer] = v.Number, v.Number
	}
	return s
}

package adm

import (
	"fmt"
	"regexp"
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
	causeHandler     cause = "handler"
	causeAddress     cause = "address"
	causeTwoPrimary  cause = "two-primaries"
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
	{"incompatible ", causeSettings},
	{"peer data-integrity-alg", causeSettings},
	{"disk size is too small", causeSize},
	{"device size is too small", causeSize},
	{", dropping connection", causeHandler},
	{"Multiple primaries not allowed", causeTwoPrimary},
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

var (
	attempt   = regexp.MustCompile(`conn\( StandAlone -> |-> (Connected|WFBitMapS|WFBitMapT) \)`)
	described = regexp.MustCompile(`^(self|peer) ([0-9A-F]{16}):([0-9A-F]{16}):([0-9A-F]{16}):([0-9A-F]{16}) bits:(\d+)`)
)

// judge returns what came of the last attempt that the log tells of.
func judge(log []logLine, s topic) verdict {
	v := newVerdict()
	for _, l := range log {
		volume, ofVolume := s.volumes[l.scope]
		switch {
		case !ofVolume && l.scope != s.connection:
		case attempt.MatchString(l.text):
			v = newVerdict()
		case ofVolume && described.MatchString(l.text):
			v.note(volume, described.FindStringSubmatch(l.text))
		default:
			v.complain(l.text)
		}
	}
	return v
}

func newVerdict() verdict {
	return verdict{here: map[int]report{}, peer: map[int]report{}}
}

// note takes in what one side said about a volume.
func (v *verdict) note(volume int, words []string) {
	var ids [4]uint64
	for i := range ids {
		ids[i], _ = strconv.ParseUint(words[2+i], 16, 64)
	}
	bits, _ := strconv.ParseUint(words[6], 10, 64)
	side := v.here
	if words[1] == "peer" {
		side = v.peer
	}
	side[volume] = report{lineage{ids[0], ids[1], ids[2:]}, bits * kibPerBit}
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

package setup_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A commandRun is a command that changes something: what it asked the module,
// what that answered, and what came of it.
type commandRun struct {
	run
	Note     string
	Reply    json.RawMessage
	Requests []request
}

// A request is a message to the module by names instead of numbers.
type request struct {
	CmdNr int `json:"cmd_nr"`
	Flags uint32
	Nlmsg uint16 `json:"nlmsg_flags"`
	Minor int64
	Attrs []nest
}

// A nest is a set of attributes: its name, and its fields with their values.
type nest struct {
	Name   string
	Fields map[string]string
}

// UnmarshalJSON reads [name, [[field, value, mark]...]]. Of a field that occurs
// several times the last one counts, as for the module.
func (n *nest) UnmarshalJSON(text []byte) error {
	var pair []json.RawMessage
	var fields [][]any
	if err := json.Unmarshal(text, &pair); err != nil {
		return err
	}
	err := errors.Join(json.Unmarshal(pair[0], &n.Name), json.Unmarshal(pair[1], &fields))
	n.Name = strings.TrimSuffix(n.Name, ":8000")
	n.Fields = map[string]string{}
	for _, f := range fields {
		value := fmt.Sprint(f[1])
		if number, ok := f[1].(float64); ok {
			value = fmt.Sprintf("%.0f", number)
		}
		n.Fields[f[0].(string)] = value
	}
	return err
}

// A reply is what the module answers.
type reply struct {
	Ret  *int32
	Info [][]string
}

func TestRecordedCommands84(t *testing.T) { testCommands(t, "commands84.jsonl.gz", 1) }
func TestRecordedCommands9(t *testing.T)  { testCommands(t, "commands9.jsonl.gz", 2) }

func testCommands(t *testing.T, file string, version byte) {
	for i, r := range records[commandRun](t, file) {
		if slices.Contains(r.Argv, "--sync-from-peer-node-id=2") {
			continue // is refused, because there is no such connection; see netlinkapi
		}
		t.Run(fmt.Sprintf("%d %s", i, strings.Join(r.Argv, " ")), func(t *testing.T) {
			dir := t.TempDir()
			p := newPeer(t, version)
			p.answer = r.answers(t, p)
			p.messages = r.lists(version)
			if strings.HasPrefix(r.Note, "no module") {
				got := drbdsetup(t, dir, "", r.Argv...)
				require.Contains(t, got.stderr, "/proc/drbd")
				if !removes[r.Argv[0]] { // with DRBD 8.4, too, these are done without a module
					r.checkExit(t, got)
				}
				return
			}
			p.start(t, dir)
			got := drbdsetup(t, dir, "", r.Argv...)
			r.check(t, version, got)
			r.checkRequests(t, p)
		})
	}
}

var removes = map[string]bool{"down": true, "secondary": true, "detach": true}

// answers returns what the module answers, and makes the peer what the note says.
func (r *commandRun) answers(t *testing.T, p *peer) func(byte, uint32) (int32, [][]string, int32) {
	var queue []reply
	byName := map[string]reply{}
	if len(r.Reply) > 0 && json.Unmarshal(r.Reply, &queue) != nil {
		var one reply
		require.NoError(t, json.Unmarshal(r.Reply, &one))
		queue = []reply{one}
		_ = json.Unmarshal(r.Reply, &byName)
	}
	errno := int32(0)
	switch {
	case strings.HasPrefix(r.Note, "NLMSG_ERROR EPERM"):
		errno = 1
	case strings.HasPrefix(r.Note, "NLMSG_DONE with -ENODEV"):
		errno = 19
	case strings.Contains(r.Note, "family not found"):
		p.hidden = true
	case strings.HasPrefix(r.Note, "API version 1"):
		p.speaks = 1
	case strings.HasPrefix(r.Note, "kernel family version 2"):
		p.speaks = 2
	case strings.HasPrefix(r.Note, "header size"):
		p.header = 12
	}
	return func(op byte, _ uint32) (int32, [][]string, int32) {
		for name, a := range byName {
			if p.ops[name] == int(op) {
				return *a.Ret, a.Info, 0
			}
		}
		if len(queue) == 0 || queue[0].Ret == nil || op == 2 || op >= 30 && op <= 33 {
			return 101, nil, errno
		}
		a := queue[0]
		queue = queue[1:]
		return *a.Ret, a.Info, errno
	}
}

// lists returns the resources that a run must have seen: those that it took down,
// and another one where it asked for an unknown one.
func (r *commandRun) lists(version byte) []recorded {
	var all []recorded
	if slices.Contains(r.Argv, "r9") {
		all = append(all, listed(version, "r0"))
	}
	for _, q := range r.Requests {
		if q.CmdNr == 27 {
			all = append(all, listed(version, q.Attrs[0].Fields["ctx_resource_name"]))
		}
	}
	return all
}

// listed returns the answer that there is a resource.
func listed(version byte, name string) recorded {
	m := append(genl(familyNumber, 30, version), 0xff, 0xff, 0xff, 0xff, 101, 0, 0, 0)
	m = attribute(m, 2, attribute(nil, 2, []byte(name+"\x00")))
	m = attribute(m, 15, attribute(nil, 1, []byte{2, 0, 0, 0}))
	return recorded{Phase: "dump", Hex: fmt.Sprintf("%x", stamp(m, 0, 0))}
}

func (r *run) checkExit(t *testing.T, got result) {
	if strings.HasPrefix(string(r.Exit), "-") { // the original crashed
		require.Contains(t, []int{0, 20}, got.exit, got.stderr)
		require.Equal(t, got.exit != 0, got.stderr != "")
		return
	}
	require.Equal(t, string(r.Exit), fmt.Sprint(got.exit), got.stderr)
}

func (r *commandRun) check(t *testing.T, version byte, got result) {
	want := r.Stderr
	if version == 1 && strings.Contains(want, "additional info") { // of all texts it shows the last
		want = strings.Replace(want, "kernel:\n", "kernel:\none\ntwo\n", 1)
	}
	want = strings.Replace(want, "(null)", "?", 1)
	switch {
	case strings.HasPrefix(r.Stdout, "<usage"):
		require.Contains(t, got.stdout, "USAGE: ")
		require.NotEmpty(t, got.stderr)
	default:
		want = strings.Replace(want, "error desciption: Operation not permitted\n", "", 1)
		require.Equal(t, r.Stdout, got.stdout)
		if strings.Contains(r.Note, "EPERM") && r.Exit == "20" {
			want += "Only root may change DRBD; in a container CAP_NET_ADMIN and CAP_SYS_ADMIN of the host are needed.\n"
		}
		require.Equal(t, want, got.stderr)
	}
	r.checkExit(t, got)
}

// checkRequests compares what the module was told to do. Which queries we need
// for that is our business.
func (r *commandRun) checkRequests(t *testing.T, p *peer) {
	known := names(t, p.version)
	var got, want []request
	for _, m := range p.requests {
		if q := decode(t, known, m); q.Nlmsg&flagDump == 0 && q.CmdNr != 2 {
			got = append(got, q)
		}
	}
	for _, q := range r.Requests {
		if q.Nlmsg&flagDump == 0 && q.CmdNr != 2 {
			want = append(want, q)
		}
	}
	if strings.HasPrefix(string(r.Exit), "-") {
		got = got[:min(len(got), len(want))] // the original crashed then
	}
	require.Equal(t, want, got)
}

// decode reads a request by the numbers and types that were recorded, not by our
// own tables.
func decode(t *testing.T, known wireNames, m []byte) request {
	q := request{
		CmdNr: int(m[16]),
		Nlmsg: binary.LittleEndian.Uint16(m[6:]) &^ 4, // we ask for acknowledgements of nothing
		Minor: int64(int32(binary.LittleEndian.Uint32(m[20:]))),
		Flags: binary.LittleEndian.Uint32(m[24:]),
		Attrs: []nest{},
	}
	for typ, payload := range attributes(m[28:]) {
		require.NotZero(t, typ&0x8000, "nests are marked as such")
		s := known.Structs[fmt.Sprint(typ&0x3fff)]
		n := nest{Name: s.Name, Fields: map[string]string{}}
		for field, raw := range attributes(payload) {
			f := s.Fields[fmt.Sprint(field&0x3fff)]
			n.Fields[f[0]] = value(f[1], raw)
		}
		q.Attrs = append(q.Attrs, n)
	}
	return q
}

func attributes(b []byte) func(func(uint16, []byte) bool) {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			size := binary.LittleEndian.Uint16(b)
			if !yield(binary.LittleEndian.Uint16(b[2:]), b[4:size]) {
				return
			}
			b = b[min(int(size+3)&^3, len(b)):]
		}
	}
}

func value(kind string, raw []byte) string {
	switch kind {
	case "str":
		return strings.TrimSuffix(string(raw), "\x00")
	case "flg":
		return fmt.Sprint(raw[0])
	case "u32":
		return fmt.Sprint(binary.LittleEndian.Uint32(raw))
	case "s32":
		return fmt.Sprint(int32(binary.LittleEndian.Uint32(raw)))
	case "u64":
		return fmt.Sprint(binary.LittleEndian.Uint64(raw))
	}
	ip, _ := netip.AddrFromSlice(raw[4:8])
	family := map[byte]string{2: "ipv4:", 10: "ipv6:", 27: "sdp:"}[raw[0]]
	if raw[0] == 10 {
		ip, _ = netip.AddrFromSlice(raw[8:24])
	}
	return family + netip.AddrPortFrom(ip, binary.BigEndian.Uint16(raw[2:])).String()
}

// ourExit are exit codes that differ, with the reason.
var ourExit = map[string]int{
	"drbdsetup down r0 x":         20, // words too many are wrong whether or not there is an r0
	"drbdsetup-84 primary ":       20, // no minor, whatever else it is
	"drbdsetup-84 primary a\x01b": 20,
	"drbdsetup-84 status -j":      0, // JSON for DRBD 8.4
	"drbdsetup-84 show -j":        0,
	"drbdsetup-84 show -D":        0,
	"drbdsetup new-path r0 1 ipv4:10.0.0.1:99999 ipv4:10.0.0.2:7": 20, // no such port
}

func TestArguments(t *testing.T) {
	for i, r := range records[struct {
		run
		Prog string
	}](t, "arguments.jsonl.gz") {
		line := strings.Join(append([]string{r.Prog}, r.Argv...), " ")
		t.Run(fmt.Sprintf("%d %s", i, line), func(t *testing.T) {
			dir := t.TempDir()
			p := newPeer(t, 2)
			if r.Prog == "drbdsetup-84" {
				p = newPeer(t, 1)
			}
			p.start(t, dir)
			got := drbdsetupAs(t, r.Prog, dir, "", r.Argv...)
			if exit, ok := ourExit[line]; ok {
				require.Equal(t, exit, got.exit)
				return
			}
			r.checkExit(t, got)
			if got.exit != 0 {
				require.Contains(t, got.stderr+got.stdout, wrong(r.Stderr), "says what is wrong")
			}
		})
	}
}

// wrong returns what a message of the original says that ours must say too.
func wrong(stderr string) string {
	first, _, _ := strings.Cut(stderr, "\n")
	for _, prose := range []string{"Missing", "'", ": unrecognized", ": option", ": invalid option"} {
		if strings.Contains(first, prose) {
			return ""
		}
	}
	return first
}

// What is wrong with an argument is told with its name, what it may be, and the
// unit.
func TestWrongArguments(t *testing.T) {
	for line, message := range map[string]string{
		"del-peer r0 x":                               "x is not a valid number (peer_node_id: 0..31)",
		"new-minor r0 3 x":                            "x is not a valid number (volume: 0..65535)",
		"detach sda":                                  "Cannot determine minor device number of device 'sda' (minor: 0..1048575, or a device node of DRBD)",
		"new-path r0 1 ipv6:x ipv4:1":                 "unexpected ipv6 format: x (local-addr: [ipv4:|ipv6:|sdp:|ssocks:]host[:port]; an IPv6 host in brackets)",
		"disk-options 3 --on-io-error=ignore":         "Option --on-io-error: invalid argument 'ignore' (--on-io-error: pass_on, call-local-io-error, detach)",
		"disk-options 3 --disk-barrier=1":             "Option --disk-barrier: invalid argument '1' (--disk-barrier: yes, no)",
		"disk-options 3 --disk-timeout=5T":            "5T is not a valid unit: K, M, G, or s for sectors (--disk-timeout: 0..6000 (1/10 seconds))",
		"resource-options r0 --quorum=most":           "Option --quorum: invalid argument 'most' (--quorum: off, majority, all, 1..32)",
		"peer-device-options r0 1 0 --c-max-rate=1kk": "1kk is not a valid number (--c-max-rate: 0k..4194304k (bytes/second))",
		"net-options r0 1 --shared-secret":            "drbdsetup net-options: option '--shared-secret' requires an argument (--shared-secret: at most 63 bytes)",
		"resize 3 --size=":                            "missing number argument (--size: 0s..2199023255552s (bytes))",
		"new-resource r0 x":                           "x is not a valid number (node_id: 0..31)",
		"wait-sync-resource r0 -t x":                  "x is not a valid number (--wfc-timeout: 0..300000 seconds, 0: for ever)",
		"connect r0 ipv6:x ipv4:1":                    "unexpected ipv6 format: x (local-addr: [ipv4:|ipv6:|sdp:|ssocks:]host[:port]; an IPv6 host in brackets; or a peer_node_id: 0..31)",
		"attach 3 /x /y internal":                     "Can not open device '/x': No such file or directory (lower_dev: a block device)",
		"connect r0 1 --d":                            "drbdsetup connect: option '--d' is ambiguous: it could be --discard-my-data, --dry-run",
		"status --color=blue":                         "unknown --color argument 'blue' (auto, always, never)",
		"wait-sync-resource r0 --wfc-timeout=300001":  "wfc_timeout => 300001 out of range [0..300000] (--wfc-timeout: 0..300000 seconds, 0: for ever)",
	} {
		got := drbdsetupAlone(t, 2, line)
		require.Contains(t, []int{20, 100}, got.exit)
		require.Equal(t, message+"\n", got.stderr)
	}
}

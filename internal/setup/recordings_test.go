package setup_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// An exchange is what passed between drbdsetup and a real module while one
// command ran, and what drbdsetup printed. testdata/wire/README.md describes the
// recordings.
type exchange struct {
	step     string
	argv     []string
	exit     string
	stdout   string
	stderr   string
	messages []wireMessage
	before   *exchange // the one before it
}

// A wireMessage is a recorded message of the module's family, or a dump's end.
type wireMessage struct {
	out   bool   // a request
	typ   string // drbd, error, done
	seq   string
	bytes []byte
}

func (m wireMessage) op() byte   { return m.bytes[16] }
func (m wireMessage) dump() bool { return binary.LittleEndian.Uint16(m.bytes[6:])&flagDump != 0 }

// failed reports whether the end of a dump tells an error.
func (m wireMessage) failed() bool { return binary.LittleEndian.Uint32(m.bytes[16:]) != 0 }

// wireLines yields the lines of a file of recordings.
func wireLines(t *testing.T, name string) []string {
	f, err := os.Open(filepath.Join("../../testdata/wire", name))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var all []string
	lines := bufio.NewScanner(z)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		all = append(all, lines.Text())
	}
	require.NoError(t, lines.Err())
	return all
}

// exchanges reads the recordings of a module.
func exchanges(t *testing.T, module string) []*exchange {
	bySection := map[string]*exchange{}
	var all []*exchange
	var e *exchange
	for _, line := range wireLines(t, module+".output.txt.gz") {
		switch line[:1] {
		case "=":
			parts := strings.SplitN(line, " ", 5)
			e = &exchange{step: parts[1], exit: parts[3]}
			require.NoError(t, json.Unmarshal([]byte(parts[4]), &e.argv))
			if len(all) > 0 {
				e.before = all[len(all)-1]
			}
			bySection[parts[1]+" "+parts[2]] = e
			all = append(all, e)
		case "|":
			e.stdout += line[1:] + "\n"
		case "!":
			e.stderr += line[1:] + "\n"
		}
	}
	step, section := "", 0
	for _, line := range wireLines(t, module+".txt.gz") {
		parts := strings.SplitN(line, " ", 5)
		if parts[0] == "=" {
			if section++; parts[1] != step {
				step, section = parts[1], 0
			}
			continue
		}
		e := bySection[fmt.Sprint(step, " ", section)]
		if e == nil || parts[0] == "*" || parts[1] == "nlctrl" {
			continue
		}
		b, err := hex.DecodeString(parts[3])
		require.NoError(t, err)
		e.messages = append(e.messages, wireMessage{parts[0] == ">", parts[1], parts[2], b})
	}
	return all
}

// A replay answers as the module answered then: commands by the recorded reply to
// the same request, queries by the recorded objects.
type replay struct {
	*peer
	exchange *exchange
	t        *testing.T
	dir      string // of the node; disks lie below it

	mu      sync.Mutex
	strange []string // requests that were not recorded
}

func (r *replay) start(dir string) {
	require.NoError(r.t, os.MkdirAll(filepath.Join(dir, "proc"), 0o755))
	version := map[byte]string{1: "version: 8.4.11 (api:1/proto:86-101)\n", 2: "version: 9.3.3 (api:2/proto:118-124)\n"}[r.version]
	require.NoError(r.t, os.WriteFile(filepath.Join(dir, "proc/drbd"), []byte(version), 0o644))
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: filepath.Join(dir, "netlink.sock"), Net: "unixpacket"})
	require.NoError(r.t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			wg.Go(func() { r.serve(c) })
		}
	})
	r.t.Cleanup(func() { l.Close(); wg.Wait() })
}

func (r *replay) serve(c *net.UnixConn) {
	defer c.Close()
	buf := make([]byte, 1<<16)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		m := wireMessage{out: true, bytes: slices.Clone(buf[:n])}
		switch binary.LittleEndian.Uint16(m.bytes[4:]) {
		case controller:
			write(c, r.family(m.bytes))
		case familyNumber:
			if m.dump() {
				r.list(c, m)
			} else {
				r.command(c, m)
			}
		}
	}
}

// command answers a command, or a query about one object.
func (r *replay) command(c *net.UnixConn, m wireMessage) {
	seq := binary.LittleEndian.Uint32(m.bytes[8:])
	for _, recorded := range r.exchange.messages {
		if !recorded.out || recorded.dump() || !sameRequest(recorded.bytes, m.bytes, r.dir) {
			continue
		}
		for _, answer := range r.exchange.messages {
			if !answer.out && answer.seq == recorded.seq {
				write(c, r.again(answer, seq))
				return
			}
		}
	}
	r.mu.Lock()
	r.strange = append(r.strange, fmt.Sprintf("%x", m.bytes[16:]))
	r.mu.Unlock()
	write(c, failed(seq, 95))
}

// again makes a recorded answer one for the request of now.
func (r *replay) again(answer wireMessage, seq uint32) []byte {
	b := stamp(answer.bytes, seq, binary.LittleEndian.Uint16(answer.bytes[6:]))
	if answer.typ == "drbd" {
		binary.LittleEndian.PutUint16(b[4:], familyNumber)
	}
	return b
}

// list answers a query with the objects that were recorded as answers to one of
// its kind, of the one resource if it names one: we do not always ask for the
// same things as the reference to say the same.
func (r *replay) list(c *net.UnixConn, m wireMessage) {
	seq := binary.LittleEndian.Uint32(m.bytes[8:])
	name := r.resource(m.bytes)
	seen := map[string]bool{}
	for _, a := range r.exchange.answers(m.op()) {
		if a.typ == "done" {
			write(c, r.again(a, seq)) // with an error
			return
		}
		if a.typ == "drbd" && (seen[string(a.bytes[16:])] || name != "" && r.resource(a.bytes) != name) {
			continue
		}
		seen[string(a.bytes[16:])] = true
		write(c, r.again(a, seq))
	}
	write(c, done(seq))
}

// answers returns what was answered to queries of a kind, in this exchange or, if
// there was no such query, in the last one before.
func (e *exchange) answers(op byte) []wireMessage {
	var answers []wireMessage
	asked := map[string]bool{}
	for _, m := range e.messages {
		if m.out && m.dump() && m.op() == op {
			asked[m.seq] = true
		}
		if !m.out && asked[m.seq] && (m.typ != "done" || m.failed()) {
			answers = append(answers, m)
		}
	}
	if len(asked) == 0 && e.before != nil {
		return e.before.answers(op)
	}
	return answers
}

// resource returns the name of the resource that a message is about.
func (r *replay) resource(b []byte) string {
	g := schema.V9
	if r.version == 1 {
		g = schema.V84
	}
	m, err := netlinkapi.Codec{Generation: g}.Decode(b[16:])
	require.NoError(r.t, err)
	return m.Get(schema.CfgContext).Str("ctx_resource_name")
}

// sameRequest reports whether both mean the same to the module: the order of
// attributes inside a nest does not count, nor does the mark 0x4000, nor where the
// disks lie now.
func sameRequest(recorded, now []byte, dir string) bool {
	return bytes.Equal(recorded[16:28], now[16:28]) &&
		slices.Equal(recordedAttrs(recorded[28:], true, dir), recordedAttrs(now[28:], true, dir))
}

func recordedAttrs(b []byte, nested bool, dir string) []string {
	var all []string
	for len(b) >= 4 {
		size := int(binary.LittleEndian.Uint16(b))
		typ := binary.LittleEndian.Uint16(b[2:]) &^ 0x4000
		value := fmt.Sprintf("%x", strings.TrimPrefix(string(b[4:size]), dir))
		if nested {
			value = strings.Join(recordedAttrs(b[4:size], false, dir), " ")
		}
		all = append(all, fmt.Sprintf("%d{%s}", typ, value))
		b = b[min((size+3)&^3, len(b)):]
	}
	if !nested {
		slices.Sort(all)
	}
	return all
}

func TestRecordingOf84(t *testing.T) { testRecording(t, "8.4.11", 1) }
func TestRecordingOf9(t *testing.T)  { testRecording(t, "9.3.3", 2) }

func testRecording(t *testing.T, module string, version byte) {
	for _, e := range exchanges(t, module) {
		t.Run(e.step+" "+strings.Join(e.argv, " "), func(t *testing.T) {
			if why := e.cannotRun(); why != "" {
				t.Skip(why)
			}
			dir := t.TempDir()
			r := &replay{peer: newPeer(t, version), exchange: e, t: t, dir: dir}
			r.start(dir)
			got := drbdsetup(t, dir, "", e.withDisks(t, dir)...)
			require.Empty(t, r.strange, "requests that the reference did not send")
			e.deviate(&got)
			require.Equal(t, e.exit, fmt.Sprint(got.exit), got.stderr)
			require.Equal(t, e.stdout, got.stdout)
			require.Equal(t, e.stderr, got.stderr)
		})
	}
}

// withDisks returns the command line with disks that exist here.
func (e *exchange) withDisks(t *testing.T, dir string) []string {
	argv := slices.Clone(e.argv)
	for i, arg := range argv {
		if strings.HasPrefix(arg, "/dev/") && !strings.HasPrefix(arg, "/dev/drbd") {
			argv[i] = filepath.Join(dir, arg)
			require.NoError(t, os.MkdirAll(filepath.Dir(argv[i]), 0o755))
			require.NoError(t, os.WriteFile(argv[i], nil, 0o600))
		}
	}
	return argv
}

// cannotRun says why a command of the recordings cannot be run here.
func (e *exchange) cannotRun() string {
	switch {
	case e.argv[0] == "check-resize":
		return "opens a disk of the machine of the recording; see TestRecordedCheckResize"
	case strings.Contains(strings.Join(e.argv, " "), "%eth0"):
		return "names a network interface of the machine of the recording"
	case slices.Contains(e.argv, "--set-defaults") && e.argv[0] == "net-options" && e.argv[1] == "r0":
		return "we send the name of the connection along, which would be cleared; see netlinkapi"
	}
	return ""
}

// deviate makes equal what we say on purpose in another way than the reference.
func (e *exchange) deviate(got *result) {
	// The reference does not say what the command was about if it names no
	// resource or minor first.
	if rest, ok := strings.CutPrefix(e.stderr, "??:"); ok {
		_, after, _ := strings.Cut(got.stderr, ": Failure")
		e.stderr, got.stderr = rest, " Failure"+after
	}
	// Interfaces have other names here.
	scope := regexp.MustCompile(`%[a-z]+[0-9]+\]`)
	e.stdout, got.stdout = scope.ReplaceAllString(e.stdout, "]"), scope.ReplaceAllString(got.stdout, "]")
	switch {
	case e.argv[0] == "status" && widest(e.stdout) > 80: // the reference breaks lines too late
		e.stdout, got.stdout = strings.Join(strings.Fields(e.stdout), " "), strings.Join(strings.Fields(got.stdout), " ")
	case strings.HasPrefix(e.argv[0], "wait-"): // notes about options that nobody gave
		e.stderr = ""
	case strings.HasPrefix(e.stderr, "received netlink error reply: No such device"):
		e.stderr = "nosuch: No such resource\n"
	case strings.Contains(e.stderr, "Error code 176 unknown"): // known to later releases
		e.exit, e.stderr, got.stderr = "10", "", ""
	}
}

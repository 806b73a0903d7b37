package fake

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// TestScenarios plays what was done to real 8.4.11 modules and compares settled
// states, generations, exit codes and notifications. testdata/scenarios/README.md
// describes the recordings.
func TestScenarios(t *testing.T) {
	for name, blocks := range readScenarios(t) {
		t.Run(name, func(t *testing.T) {
			why, ok := unplayed[name]
			if ok {
				t.Skip(why)
			}
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.coins = name == "16-resize"
				for _, b := range blocks {
					if b.title == stops[name] {
						return
					}
					s.play(name, b)
				}
			})
		})
	}
}

// unplayed are the scenarios that need what the fake or this test lacks.
var unplayed = map[string]string{
	"18-mismatch": "the module needs seconds to find out what the fake knows at once; see TestSecrets",
}

// stops are the blocks before which a scenario is left.
var stops = map[string]string{
	"24-handlers": "step 31: node1$ drbdadm connect r0",   // the same
	"06-after-sb": "step 49: node1$ drbdadm secondary r0", // a handler that takes long
}

// deviations are sections that differ, and why: "SCENARIO BLOCK SECTION".
var deviations = map[string]string{
	"24-handlers step 18: node2$ drbdadm connect r0; sleep 4 node1: events2 stream": "BrokenPipe: node1 was writing when node2 hung up",
	"05-split-brain step 13: node2$ drbdadm connect r0 node1: events2 stream":       "node2 hung up while node1 was still in its handler",
}

// early are the blocks after which the recording shows a moment on the way. Their
// events are compared together with those of the next block.
var early = map[string]bool{
	"14-verify step 10: node1$ drbdadm verify r0": true,
}

// block is a command, or what else happens, and what followed.
type block struct {
	title    string
	sections []section
}

type section struct {
	title string
	lines []string
}

func readScenarios(t *testing.T) map[string][]block {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "scenarios", "8.4.11.txt.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	all := map[string][]block{}
	var name string
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#### "):
			name = line[5:]
		case strings.HasPrefix(line, "## "):
			all[name] = append(all[name], block{title: line[3:]})
		case strings.HasPrefix(line, "-- "):
			b := &all[name][len(all[name])-1]
			b.sections = append(b.sections, section{title: line[3:]})
		case strings.HasPrefix(line, "| "), strings.HasPrefix(line, "~ "):
			b := &all[name][len(all[name])-1]
			if len(b.sections) == 0 {
				b.sections = append(b.sections, section{title: "file"})
			}
			last := &b.sections[len(b.sections)-1]
			last.lines = append(last.lines, line)
		}
	}
	require.NoError(t, lines.Err())
	return all
}

// stage is the two nodes of a scenario.
type stage struct {
	t     *testing.T
	nodes map[string]*actor
	ids   map[string]string // UUIDs, recorded and ours
	count [2]int
	coins bool // resyncs begin with a random UUID, whose lowest bit is random too
}

// actor is a node, its configuration and its stream of events.
type actor struct {
	*machine
	net, disk *schema.Values
	stream    eventStream
	expected  []string // events that were recorded early
	seed      byte
	handlers  map[string]uint32 // exit codes, where not 0
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t, nodes: map[string]*actor{}, ids: map[string]string{}}
	network := NewMemoryNetwork()
	x, y := address("10.0.0.1:7789"), address("10.0.0.2:7789")
	s.nodes["node1"] = &actor{machine: newMachine(t, network, "a", x, y)}
	s.nodes["node2"] = &actor{machine: newMachine(t, network, "b", y, x), seed: 100}
	for _, n := range s.nodes {
		n.handlers = map[string]uint32{}
		n.listen()
	}
	return s
}

func (n *actor) listen() {
	n.m.cfg.Helper = func(_ context.Context, args, _ []string) uint32 { return n.handlers[args[0]] << 8 }
	n.stream.known = map[string]map[string]string{}
	n.m.Subscribe(n.stream.add)
}

var titlePattern = regexp.MustCompile(`^step \d+: (node\d)(?:\$ (.*)| (loses power|boots again).*)$`)

// play does what a block says and compares what it recorded.
func (s *stage) play(scenario string, b block) {
	if rest, ok := strings.CutPrefix(b.title, "config "); ok {
		nodes, _, _ := strings.Cut(rest, ":")
		for _, name := range strings.Fields(nodes) {
			s.nodes[name].configuration(b.sections[0].lines)
		}
		return
	}
	m := titlePattern.FindStringSubmatch(b.title)
	require.NotNil(s.t, m, b.title)
	n, exit := s.nodes[m[1]], 0
	switch {
	case m[3] == "loses power":
		n.powerCut()
		n.listen()
	case m[3] == "":
		for command := range strings.SplitSeq(m[2], ";") {
			exit = n.command(strings.Fields(command))
		}
	}
	settle()
	for _, sec := range b.sections {
		what := scenario + " " + b.title + " " + sec.title
		if _, ok := deviations[what]; ok {
			s.leaveOut(sec)
			continue
		}
		if early[scenario+" "+b.title] {
			s.putOff(sec)
			continue
		}
		s.compare(what, sec, exit)
	}
}

// leaveOut forgets the events of a section that is not compared.
func (s *stage) leaveOut(sec section) {
	if name, view, _ := strings.Cut(sec.title, ": "); view == "events2 stream" {
		s.nodes[name].stream.take()
	}
}

// putOff keeps the events of a section until the next one is compared.
func (s *stage) putOff(sec section) {
	if name, view, _ := strings.Cut(sec.title, ": "); view == "events2 stream" {
		s.nodes[name].expected = events(sec.lines)
	}
}

// events returns recorded events without their statistics.
func events(lines []string) []string {
	var list []string
	for _, line := range lines {
		if line != "| exists -" {
			list = append(list, statistics.ReplaceAllString(line[2:], ""))
		}
	}
	return list
}

// compare checks one section.
func (s *stage) compare(what string, sec section, exit int) {
	if code, ok := strings.CutPrefix(sec.title, "exit "); ok {
		require.Equal(s.t, code, strconv.Itoa(exit), what)
		return
	}
	name, view, ok := strings.Cut(sec.title, ": ")
	if !ok || s.nodes[name] == nil {
		return
	}
	n := s.nodes[name]
	switch view {
	case "cat /proc/drbd":
		require.Equal(s.t, settledProc(sec.lines), settledProc(strings.Split("| "+strings.ReplaceAll(strings.TrimSpace(n.m.Proc()), "\n", "\n| "), "\n")), what)
	case "events2 stream":
		want := append(n.expected, events(sec.lines)...)
		n.expected = nil
		require.Equal(s.t, want, n.stream.take(), what)
	case "drbdadm get-gi all":
		if d := n.m.minors[0]; d != nil && d.attached() && len(sec.lines) > 0 {
			require.Equal(s.t, s.normal(sec.lines[0][2:], 0), s.normal(getGI(d), 1), what)
		}
	}
}

// statistics are the fields that only some of the recorded streams have.
var statistics = regexp.MustCompile(` (write-ordering|size|read|written|al-writes|bm-writes|upper-pending|lower-pending` +
	`|al-suspended|blocked|congested|received|sent|out-of-sync|pending|unacked|done):\S+`)

// settledProc keeps the first line of each device and, of the counters, only how
// much is out of sync.
func settledProc(lines []string) []string {
	var list []string
	for _, line := range lines {
		line = line[2:]
		if i := strings.Index(line, " oos:"); i >= 0 {
			line = line[i:]
		}
		if !strings.HasPrefix(line, "srcversion") {
			list = append(list, line)
		}
	}
	return list
}

func getGI(d *device) string {
	var b strings.Builder
	for _, id := range d.disk.uuids {
		fmt.Fprintf(&b, "%016X:", id)
	}
	for i, flag := range []uint32{schema.MDConsistent, schema.MDWasUpToDate, schema.MDPrimary, schema.MDConnected,
		schema.MDFullSync, schema.MDPeerOutdated, schema.MDCrashedPrimary} {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteByte("01"[min(uint32(d.disk.flags)&flag, 1)])
	}
	return b.String()
}

// normal replaces UUIDs by names, in the order of appearance, which agree
// between the recording and our run. A UUID that a resync made from another is
// as random as any.
func (s *stage) normal(gi string, side int) string {
	words := strings.Split(gi, ":")
	for i := range uuidCount {
		id, err := strconv.ParseUint(words[i], 16, 64)
		require.NoError(s.t, err)
		if id&^uuidPrimary <= uuidJustCreated {
			continue
		}
		key := fmt.Sprint(side, id&^uuidPrimary)
		if s.ids[key] == "" {
			s.count[side]++
			s.ids[key] = fmt.Sprintf("uuid%d", s.count[side])
		}
		mark := id & uuidPrimary
		if s.coins && i >= uuidHistory {
			mark = 0
		}
		words[i] = fmt.Sprint(s.ids[key], "/", mark)
	}
	return strings.Join(words, ":")
}

// configuration takes over net and disk options from a resource file.
func (n *actor) configuration(lines []string) {
	n.net, n.disk = n.set(schema.NetConf), n.set(schema.DiskConf)
	for _, line := range lines {
		words := strings.Fields(strings.Trim(line[2:], " \t;"))
		if len(words) != 2 {
			continue
		}
		for _, v := range []*schema.Values{n.net, n.disk} {
			if f := v.Set.Option(words[0]); f != nil {
				value, err := f.Parse(words[1])
				require.NoError(n.t, err)
				v.Put(f, value)
			}
		}
	}
}

// command does what a command line would and returns its exit code.
func (n *actor) command(words []string) int {
	words = without(words, "-v", "--", "r0", "r0/0")
	switch strings.Join(words, " ") {
	case "drbdadm create-md --force":
		n.createMD()
		return 0
	case "drbdadm up":
		n.applyAL()
		n.ok(schema.NewResource, schema.NoMinor, n.named())
		n.ok(schema.NewMinor, 0, n.named().SetUint("ctx_volume", 0))
		n.ok(schema.Attach, 0, n.attachConf())
		n.connect(n.net)
		return 0
	case "drbdadm attach":
		if d := n.m.minors[0]; d != nil && d.disk != nil {
			return 20 // drbdmeta refuses to touch a disk in use
		}
		n.applyAL()
		return n.exit(schema.Attach, 0, n.attachConf())
	case "drbdadm connect":
		return n.exit(schema.Connect, schema.NoMinor, n.named().SetStr("ctx_my_addr", n.addr).SetStr("ctx_peer_addr", n.peer), n.net)
	case "drbdadm connect --discard-my-data":
		net := n.net.Clone().SetBool("discard_my_data", true)
		return n.exit(schema.Connect, schema.NoMinor, n.named().SetStr("ctx_my_addr", n.addr).SetStr("ctx_peer_addr", n.peer), net)
	case "drbdadm net-options --verify-alg=":
		code, _ := n.do(schema.ChgNetOpts, schema.NoMinor, 0, n.ends(), n.set(schema.NetConf).SetStr("verify_alg", ""))
		return exitOf(code)
	case "drbdadm adjust":
		code, _ := n.do(schema.ChgNetOpts, schema.NoMinor, schema.SetDefaults, n.ends(), n.net)
		return exitOf(code)
	}
	if words[len(words)-1] == "verify" || len(words) > 1 && words[1] == "verify" {
		return n.verify(words)
	}
	if words[0] != "dd" && strings.Contains(strings.Join(words, " "), "resize") {
		return n.resize(words)
	}
	if op, ok := simple[strings.Join(words, " ")]; ok {
		return n.exit(op.op, op.minor, op.sets(n)...)
	}
	return n.shell(words)
}

// verify starts one; --start and --stop are in sectors.
func (n *actor) verify(words []string) int {
	parms := n.set(schema.StartOvParms)
	for _, w := range words {
		option, value, _ := strings.Cut(strings.TrimSuffix(w, "s"), "=")
		sectors, _ := strconv.ParseUint(value, 10, 64)
		switch option {
		case "--start":
			parms.SetUint("ov_start_sector", sectors)
		case "--stop":
			parms.SetUint("ov_stop_sector", sectors)
		}
	}
	return n.exit(schema.StartVerify, 0, parms)
}

func (n *actor) resize(words []string) int {
	parms := n.set(schema.ResizeParms)
	for _, w := range words {
		if w == "--assume-clean" {
			parms.SetBool("no_resync", true)
		}
		if size, ok := strings.CutPrefix(w, "--size="); ok {
			v, err := parms.Set.Option("size").Parse(size)
			require.NoError(n.t, err)
			parms.Put(parms.Set.Option("size"), v)
		}
	}
	return n.exit(schema.Resize, 0, parms)
}

func (n *actor) attachConf() *schema.Values {
	v := n.disk.Clone()
	return v.SetStr("backing_dev", n.machine.disk).SetStr("meta_dev", n.machine.disk).SetInt("meta_dev_idx", -3)
}

// simple are the commands that are one request.
var simple = map[string]struct {
	op    schema.Op
	minor uint32
	sets  func(n *actor) []*schema.Values
}{
	"drbdadm primary":          {schema.Promote, 0, nothing},
	"drbdadm secondary":        {schema.Demote, 0, nothing},
	"drbdadm detach":           {schema.Detach, 0, nothing},
	"drbdadm new-current-uuid": {schema.NewCurrentUUID, 0, nothing},
	"drbdadm disconnect":       {schema.Disconnect, schema.NoMinor, func(n *actor) []*schema.Values { return []*schema.Values{n.ends()} }},
	"drbdadm down":             {schema.Down, schema.NoMinor, func(n *actor) []*schema.Values { return []*schema.Values{n.named()} }},
	"drbdadm detach --force": {schema.Detach, 0, func(n *actor) []*schema.Values {
		return []*schema.Values{n.set(schema.DetachParms).SetBool("force_detach", true)}
	}},
	"drbdadm new-current-uuid --clear-bitmap": {schema.NewCurrentUUID, 0, func(n *actor) []*schema.Values {
		return []*schema.Values{n.set(schema.NewCUUIDParms).SetBool("clear_bm", true)}
	}},
}

func nothing(*actor) []*schema.Values { return nil }

func without(words []string, drop ...string) []string {
	var list []string
	for _, w := range words {
		keep := true
		for _, d := range drop {
			keep = keep && w != d
		}
		if keep {
			list = append(list, w)
		}
	}
	return list
}

func (n *actor) exit(op schema.Op, minor uint32, sets ...*schema.Values) int {
	code, _ := n.do(op, minor, 0, sets...)
	return exitOf(code)
}

// exitOf returns the exit code of drbdsetup for a code.
func exitOf(code schema.Code) int {
	switch {
	case code.OK():
		return 0
	case code.Refusal():
		return 10
	case code == schema.StateNoUpToDateDisk:
		return 17
	}
	return 11
}

// shell does what other programs did: reading and writing, and looking.
func (n *actor) shell(words []string) int {
	switch {
	case words[0] == "sleep":
		return 0
	case words[0] == "drbdadm" && (words[1] == "show-gi" || words[1] == "cstate" || words[1] == "dump-md"):
		return 0
	case words[0] == "drbdadm" && words[1] == "apply-al":
		n.applyAL()
		return 0
	case words[0] == "printf" && strings.Contains(strings.Join(words, " "), "error"):
		n.m.minors[0].disk.broken = true
		return 0
	case words[0] == "echo":
		code, _ := strconv.ParseUint(words[1], 10, 8)
		n.handlers[strings.TrimPrefix(words[3], "/tmp/h.")] = uint32(code)
		return 0
	case words[0] == "rm":
		delete(n.handlers, strings.TrimPrefix(words[1], "/tmp/h."))
		return 0
	case words[0] == "dmsetup" && strings.Contains(strings.Join(words, " "), " linear "):
		return n.resizeDisk(words)
	case words[0] == "true", words[0] == "ln", words[0] == "dmsetup":
		return 0
	case words[0] == "blockdev":
		return int(n.seed / 100) // on node2 it was not there
	case words[0] == "rmmod", words[0] == "modprobe", words[0] == "cat", words[0] == "mv", words[0] == "cp", words[0] == "evstart":
		return 0
	case words[0] == "dd":
		return n.dd(words[1:])
	}
	n.t.Fatalf("no idea what %q does", words)
	return 1
}

// resizeDisk gives the disk the size of a device-mapper table.
func (n *actor) resizeDisk(words []string) int {
	for i, w := range words {
		if w == "linear" {
			sectors, err := strconv.ParseInt(words[i-1], 10, 64)
			require.NoError(n.t, err)
			n.size = sectors * 512
			require.NoError(n.t, os.Truncate(n.machine.disk, n.size))
		}
	}
	return 0
}

func (n *actor) dd(words []string) int {
	arg := map[string]string{}
	for _, w := range words {
		if key, value, ok := strings.Cut(w, "="); ok {
			arg[key] = value
		}
	}
	count, _ := strconv.ParseInt(arg["count"], 10, 64)
	seek, _ := strconv.ParseInt(arg["seek"], 10, 64)
	if arg["if"] == "/dev/drbd0" {
		_, err := n.m.Read(0, 0, count*4096)
		require.NoError(n.t, err)
		return 0
	}
	data := make([]byte, count*4096)
	n.seed++
	fillData(data, strconv.Itoa(int(n.seed)))
	if arg["of"] == "/dev/drbd0" { // else the disk itself
		require.NoError(n.t, n.m.Write(0, seek*4096, data))
		time.Sleep(time.Second)
		return 0
	}
	f, err := os.OpenFile(n.machine.disk, os.O_RDWR, 0)
	require.NoError(n.t, err)
	defer f.Close()
	_, err = f.WriteAt(data, seek*4096)
	require.NoError(n.t, err)
	return 0
}

// eventStream renders notifications as events2 of drbd-utils 9.22 does for 8.4.
type eventStream struct {
	known map[string]map[string]string
	lines []string
}

func (e *eventStream) take() []string {
	lines := e.lines
	e.lines = nil
	return lines
}

// add takes a multicast message.
func (e *eventStream) add(msg []byte) {
	op := schema.Op(msg[nlHeaderLen])
	kind, ok := map[schema.Op]string{
		schema.ResourceState: "resource", schema.ConnectionState: "connection", schema.DeviceState: "device",
		schema.PeerDeviceState: "peer-device", schema.HelperEvent: "helper",
	}[op]
	if !ok {
		return
	}
	sets := map[schema.ID]*schema.Values{}
	for _, a := range readAttributes(msg[bodyOffset:]) {
		v := schema.ID(a.number()).In(schema.V84).New()
		_ = decodeInto(v, a.payload)
		sets[v.Set.ID] = v
	}
	key := eventKey(op, native.Uint32(msg[20:]), sets[schema.CfgContext])
	action := schema.Action(sets[schema.NotifyHeader].Uint("nh_type")) &^ schema.Continues
	line := action.String() + " " + kind + " " + key
	var changed string
	fields := eventFields(sets)
	for _, f := range fields {
		if op == schema.HelperEvent || e.known[kind+key][f[0]] != f[1] {
			changed += " " + f[0] + ":" + f[1]
		}
	}
	e.lines = append(e.lines, line+changed)
	delete(e.known, kind+key)
	if action != schema.Destroy {
		e.known[kind+key] = map[string]string{}
		for _, f := range fields {
			e.known[kind+key][f[0]] = f[1]
		}
	}
}

func eventKey(op schema.Op, minor uint32, ctx *schema.Values) string {
	key := "name:" + ctx.Str("ctx_resource_name")
	if op == schema.ConnectionState || op == schema.PeerDeviceState || op == schema.HelperEvent {
		key += " peer-node-id:0"
		if ctx.Has("ctx_peer_addr") {
			key += " conn-name:peer"
		}
	}
	if ctx.Has("ctx_volume") {
		key += fmt.Sprint(" volume:", ctx.Uint("ctx_volume"))
	}
	if minor != schema.NoMinor {
		key += fmt.Sprint(" minor:", minor)
	}
	return key
}

// eventFields returns what a notification says about its object.
func eventFields(sets map[schema.ID]*schema.Values) (list [][2]string) {
	add := func(key, value string) { list = append(list, [2]string{key, value}) }
	if v := sets[schema.ResourceInfo]; v != nil {
		add("role", schema.Role(v.Uint("res_role")).String())
		add("suspended", map[bool]string{true: "user", false: "no"}[v.Bool("res_susp")])
	}
	if v := sets[schema.ConnectionInfo]; v != nil {
		add("connection", schema.ConnState(v.Uint("conn_connection_state")).String())
		add("role", schema.Role(v.Uint("conn_role")).String())
	}
	if v := sets[schema.DeviceInfo]; v != nil {
		add("disk", schema.DiskState(v.Uint("dev_disk_state")).String())
	}
	if v := sets[schema.PeerDeviceInfo]; v != nil {
		add("replication", schema.ReplState(v.Uint("peer_repl_state")).String())
		add("peer-disk", schema.DiskState(v.Uint("peer_disk_state")).String())
		add("resync-suspended", map[bool]string{true: "user", false: "no"}[v.Bool("peer_resync_susp_user")])
	}
	if v := sets[schema.Helper]; v != nil {
		add("helper", v.Str("helper_name"))
		if schema.Action(sets[schema.NotifyHeader].Uint("nh_type")) == schema.Response {
			add("status", fmt.Sprint(v.Uint("helper_status")))
		}
	}
	return list
}

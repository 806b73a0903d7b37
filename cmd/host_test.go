package cmd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"drbdutils/internal/adm"
	"drbdutils/internal/cli"
	"drbdutils/internal/setup"
	"drbdutils/netlinkapi"
	"drbdutils/netlinkapi/fake"
)

// A host is a machine of the recordings: a node of the fake module, disks in
// files, and our tools in this process.
type host struct {
	t       *testing.T
	name    string
	number  int
	dir     string
	bin     string // has drbdadm, for handlers
	module  string // version
	network fake.Network
	watch   string // command of the event stream

	node *fake.Node
	off  func() // ends the node, and the event stream with it

	followed chan bool // closed when that has ended

	loaded, hidden, transport, up bool // the module is there, cannot be loaded; that of the network is there, in use

	mu      sync.Mutex
	events  []byte   // of the stream, not yet taken
	calls   []call   // of the user mode helper, not yet taken
	exits   []string // of these calls, or of earlier ones
	argv0   string   // of the helper
	helping int      // helpers that run
	looks   bool     // the stage looks, not somebody on the host
	slow    string   // pattern of a helper that takes longer than others
	near    bool     // the nearest node is missed first
	broken  map[string]bool
	seed    int
	version int // grows with each event
}

// A call is a call of the user mode helper by the module.
type call struct{ args, env []string }

const diskSize = 32 << 20 // bytes

func newHost(t *testing.T, dir, bin, module, watch string, number int, network fake.Network) *host {
	h := &host{
		t: t, name: fmt.Sprintf("node%d", number), number: number, bin: bin, module: module, watch: watch,
		network: network, argv0: "/usr/local/sbin/umh", broken: map[string]bool{},
	}
	h.dir = filepath.Join(dir, h.name)
	for _, d := range []string{"dev/mapper", "etc/drbd.d", "handlers"} {
		require.NoError(t, os.MkdirAll(filepath.Join(h.dir, d), 0o755))
	}
	for _, disk := range []string{"vda", "vdb"} {
		require.NoError(t, os.Truncate(h.create("dev/"+disk), diskSize))
	}
	h.write("etc/drbd.conf", "include \"drbd.d/*.res\";\n")
	h.write("h", handlerScript)
	require.NoError(t, os.Chmod(filepath.Join(h.dir, "h"), 0o755))
	h.boot()
	return h
}

// handlerScript notes its environment, and exits as it is told to.
const handlerScript = `#!/bin/sh
cd "${0%/*}"
code=0
[ -e "handlers/$1" ] && read code <"handlers/$1"
{ echo "handler: /usr/local/sbin/h $* (exits $code)"; env; echo .; } >>handled
exit $code
`

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

func (h *host) create(name string) string {
	h.write(name, "")
	return h.path(name)
}

func (h *host) write(name, text string) {
	require.NoError(h.t, os.WriteFile(h.path(name), []byte(text), 0o644))
}

// local puts paths of this test in place of the machine's, recorded the reverse.
func (h *host) local(text string) string {
	text = devices.ReplaceAllString(text, h.dir+"$0")
	return strings.ReplaceAll(text, "/usr/local/sbin/h ", h.path("h")+" ")
}

func (h *host) recorded(text string) string {
	text = strings.ReplaceAll(text, h.path("h")+" ", "/usr/local/sbin/h ")
	return strings.ReplaceAll(text, h.dir+"/", "/")
}

var devices = regexp.MustCompile(`/dev/(vd[ab]|mapper/backing)`)

// load loads the module.
func (h *host) load() {
	node, err := fake.NewNode(h.dir, fake.Config{
		Node: h.name, Version: h.module, Network: h.network, Helper: h.help, Unhurried: true,
	})
	require.NoError(h.t, err)
	ctx, cancel := context.WithCancel(h.t.Context())
	h.node = node
	ready, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		_ = node.Serve(ctx, func() { close(ready) })
	}()
	<-ready
	remove := netlinkapi.InProcess(h.path("netlink.sock"), func() (conn, error) { return node.Connect(ctx) })
	h.off = func() {
		h.loaded = false
		remove()
		cancel()
		<-done
		<-h.followed
	}
	h.loaded = true
}

// boot loads the module and starts the event stream.
func (h *host) boot() {
	h.load()
	h.follow()
}

// follow starts the event stream.
func (h *host) follow() {
	h.mu.Lock()
	h.events = nil
	h.mu.Unlock()
	ended := make(chan bool)
	h.followed = ended
	go func() {
		defer close(ended)
		w := (*eventWriter)(h)
		if code := h.run(h.t.Context(), h.watch, w, w); code == unloadedCode {
			fmt.Fprintf(w, "[events2 ended, exit %d]\n", code)
		}
	}()
	time.Sleep(time.Second)
}

// unloadedCode is what events2 returns when the module is unloaded.
const unloadedCode = 121

// eventWriter takes what the event stream prints.
type eventWriter host

func (w *eventWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, p...)
	w.version++
	return len(p), nil
}

// takeEvents returns what was printed since it was called last.
func (h *host) takeEvents() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := strings.TrimSuffix(string(h.events), "\n")
	h.events = nil
	if text == "" {
		return nil
	}
	return strings.Split(h.recorded(text), "\n")
}

// helps reports whether a helper runs.
func (h *host) helps() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.helping > 0
}

// progress grows whenever something happens.
func (h *host) progress() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.version
}

// run runs a command line.
func (h *host) run(ctx context.Context, line string, out, err io.Writer) int {
	return (&shell{host: h}).run(ctx, line, out, err)
}

// environment is that of a root shell on the host.
func (h *host) environment(key string) string {
	switch key {
	case cli.FakeVariable:
		return h.dir
	case "__DRBD_NODE__":
		return h.name
	case "PATH":
		return os.Getenv("PATH")
	}
	return ""
}

// startTime is how long a program takes at least to begin.
const startTime = time.Millisecond

// tool runs one of ours.
func (h *host) tool(ctx context.Context, name string, args []string, s streams) int {
	time.Sleep(startTime)
	if !h.loaded && !h.hidden && !h.looks {
		h.load() // as modprobe does
	}
	h.use(args)
	args = slices.Clone(args)
	for i := range args {
		args[i] = h.local(args[i])
	}
	main := map[string]func(context.Context, cli.Env) int{"drbdadm": adm.Main, "drbdsetup": setup.Main}[name]
	return main(ctx, cli.Env{
		Name: name, Args: args, Getenv: h.environment,
		Stdin: bytes.NewReader(s.in), Stdout: s.out, Stderr: s.err,
	})
}

// use notes whether a command makes or ends the use of the module of the network.
func (h *host) use(args []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.up = h.up && !slices.Contains(args, "down") || h.loaded && slices.Contains(args, "up")
	h.transport = h.transport || h.up
}

// A helper takes a while, so that what begins with it on other connections meets it,
// and a slow one longer than that.
const (
	helperTime = 5 * time.Millisecond
	slowHelper = 100 * time.Millisecond
)

// help is the user mode helper: the real drbdadm in a process of its own.
func (h *host) help(ctx context.Context, args, env []string) uint32 {
	h.mu.Lock()
	h.helping++
	h.calls = append(h.calls, call{args, slices.Sorted(slices.Values(env))})
	h.mu.Unlock()
	if h.slow != "" && regexp.MustCompile(h.slow).MatchString(fmt.Sprint(args, env)) {
		time.Sleep(slowHelper)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(h.bin, "drbdadm"), args...)
	cmd.Env = append(slices.Clone(env), cli.FakeVariable+"="+h.dir, "__DRBD_NODE__="+h.name)
	err := cmd.Run()
	var status uint32
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status = uint32(exit.Sys().(syscall.WaitStatus))
	}
	time.Sleep(helperTime)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.exits = append(h.exits, fmt.Sprintf("exit %d: %s", status>>8, strings.Join(args, " ")))
	h.helping--
	h.version++
	return status
}

// wrapped reports whether the machine of the recording had a script in the place of
// drbdadm, which kept what it printed.
func (h *host) wrapped() bool { return h.argv0 == "/sbin/drbdadm" }

func (h *host) setHandler(name, code string) { h.write("handlers/"+name, code+"\n") }

// takeCalls returns the calls of the helper since the last time, as recorded.
func (h *host) takeCalls() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var lines []string
	for _, c := range h.calls {
		lines = append(lines, "call: "+h.argv0+" "+strings.Join(c.args, " "))
		for _, e := range c.env {
			lines = append(lines, h.recorded("  env "+e))
		}
	}
	lines = append(lines, h.exits...)
	h.calls, h.exits = nil, nil
	return lines
}

// takeHandlers returns the runs of handlers since the last time, as recorded.
func (h *host) takeHandlers() []string {
	text, err := os.ReadFile(h.path("handled"))
	if err != nil {
		return nil
	}
	require.NoError(h.t, os.Remove(h.path("handled")))
	var lines, env []string
	for line := range strings.Lines(h.recorded(string(text))) {
		line = strings.TrimSuffix(line, "\n")
		name, _, _ := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "handler: "):
			lines = append(lines, line)
		case line == ".":
			slices.Sort(env)
			lines, env = append(lines, env...), nil
		case name != cli.FakeVariable && name != "__DRBD_NODE__" && name != "OLDPWD":
			env = append(env, "  env "+strings.Replace(line, "PWD="+h.dir, "PWD=/", 1))
		}
	}
	return lines
}

// control says something to the node as a person would, and returns an exit code.
func (h *host) control(line string) int {
	if _, err := h.node.Command(line); err != nil {
		return 1
	}
	return 0
}

// programs are what the recordings call besides operators of the shell.
var programs = map[string]func(ctx context.Context, h *host, args []string, s streams) int{
	"drbdadm": func(ctx context.Context, h *host, args []string, s streams) int {
		return h.tool(ctx, "drbdadm", args, s)
	},
	"drbdsetup": func(ctx context.Context, h *host, args []string, s streams) int {
		return h.tool(ctx, "drbdsetup", args, s)
	},
	"sleep": func(_ context.Context, h *host, args []string, _ streams) int {
		d, _ := strconv.Atoi(args[0])
		time.Sleep(time.Duration(d) * time.Second)
		return 0
	},
	"echo": func(_ context.Context, _ *host, args []string, s streams) int {
		fmt.Fprintln(s.out, strings.Join(args, " "))
		return 0
	},
	"printf": func(_ context.Context, _ *host, args []string, s streams) int {
		fmt.Fprint(s.out, strings.ReplaceAll(args[0], `\n`, "\n"))
		return 0
	},
	"grep": grep,
	"wc": func(_ context.Context, _ *host, _ []string, s streams) int {
		fmt.Fprintln(s.out, len(s.in))
		return 0
	},
	"rm": func(_ context.Context, h *host, args []string, _ streams) int {
		_ = os.Remove(h.path("handlers/" + strings.TrimPrefix(args[0], "/tmp/h.")))
		return 0
	},
	"cat": func(_ context.Context, h *host, args []string, s streams) int {
		if args[0] == "/sys/module/drbd/parameters/usermode_helper" {
			h.argv0 = "/sbin/drbdadm"
			fmt.Fprintln(s.out, h.argv0)
			return 0
		}
		text, err := os.ReadFile(h.path(args[0]))
		_, _ = s.out.Write(text)
		return map[bool]int{err != nil: 1}[true]
	},
	"dd": dd, "dmsetup": dmsetup, "blockdev": blockdev, "ip": ip, "mount": mount, "umount": umount, "mkfs.ext4": mkfs,
	"true": nothing, "ln": nothing, "mv": mv, "cp": nothing, "date": nothing, "sync": nothing,
	"modprobe": modprobe, "rmmod": rmmod, "lsmod": lsmod,
}

func modprobe(_ context.Context, h *host, args []string, s streams) int {
	if args[0] == "-r" {
		fmt.Fprintln(s.err, "modprobe: FATAL: Module handshake is in use.")
		return 1
	}
	if !h.loaded {
		h.load()
	}
	return 0
}

func rmmod(_ context.Context, h *host, args []string, s streams) int {
	switch {
	case args[0] == "drbd_transport_tcp" && h.up:
		fmt.Fprintln(s.err, "rmmod: ERROR: Module drbd_transport_tcp is in use")
		return 1
	case args[0] == "drbd_transport_tcp":
		h.transport = false
	case h.transport:
		fmt.Fprintln(s.err, "rmmod: ERROR: Module drbd is in use by: drbd_transport_tcp")
		return 1
	default:
		_, _ = h.node.Command("quit")
		h.off()
	}
	return 0
}

func lsmod(_ context.Context, h *host, _ []string, s streams) int {
	if h.loaded {
		fmt.Fprint(s.out, "drbd                  778240  0\nlru_cache              16384  1 drbd\nlibcrc32c              16384  1 drbd\n")
	}
	return 0
}

// mv hides the module, or brings it back.
func mv(_ context.Context, h *host, args []string, _ streams) int {
	h.hidden = args[1] == "/tmp/"
	return 0
}

func nothing(context.Context, *host, []string, streams) int { return 0 }

func grep(_ context.Context, _ *host, args []string, s streams) int {
	pattern := regexp.MustCompile(args[len(args)-1])
	code := 1
	count := 0
	for line := range strings.Lines(string(s.in)) {
		if pattern.MatchString(line) {
			count++
			if args[0] != "-c" {
				fmt.Fprint(s.out, line)
			}
			code = 0
		}
	}
	if args[0] == "-c" {
		fmt.Fprintln(s.out, count)
	}
	return code
}

// dd copies blocks of 4 KiB between nowhere and a device or disk.
func dd(_ context.Context, h *host, args []string, s streams) int {
	arg := map[string]string{}
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		arg[key] = value
	}
	count, _ := strconv.ParseInt(arg["count"], 10, 64)
	seek, _ := strconv.ParseInt(arg["seek"], 10, 64)
	var err error
	if minor, ok := strings.CutPrefix(arg["if"], "/dev/drbd"); ok {
		err = h.read(minor, count*4096, arg["of"] == "", s)
	} else {
		h.seed++
		err = h.store(arg["of"], seek*4096, count)
	}
	if err != nil {
		fmt.Fprintln(s.err, "dd:", err)
		return 1
	}
	return 0
}

func (h *host) read(minor string, n int64, show bool, s streams) error {
	m, _ := strconv.ParseUint(minor, 10, 32)
	data, err := h.node.Module.Read(uint32(m), 0, n)
	if err == nil && show {
		_, err = s.out.Write(data)
	}
	return err
}

// store writes blocks of 4 KiB to a device or a disk.
func (h *host) store(name string, off, count int64) error {
	minor, drbd := strings.CutPrefix(name, "/dev/drbd")
	write := func(data []byte, off int64) error {
		m, _ := strconv.ParseUint(minor, 10, 32)
		return h.node.Module.Write(uint32(m), off, data)
	}
	if drbd {
		if _, err := h.node.Command("open " + minor); err != nil {
			return err
		}
		defer h.control("close " + minor)
	} else {
		f, err := os.OpenFile(h.path(name), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		write = func(data []byte, off int64) error { _, err := f.WriteAt(data, off); return err }
	}
	block := bytes.Repeat([]byte{byte(h.number), byte(h.seed)}, 2048)
	for i := range count {
		if err := write(block, off+i*4096); err != nil {
			return err
		}
	}
	return nil
}

// dmsetup knows tables of one line, which give the size of a disk, and those that
// fail every access to data.
func dmsetup(_ context.Context, h *host, args []string, s streams) int {
	table := string(s.in)
	for i, a := range args {
		if a == "--table" {
			table = args[i+1]
		}
	}
	disk := h.path("dev/mapper/backing")
	switch words := strings.Fields(table); {
	case args[0] == "table" && h.broken[disk]:
		fmt.Fprint(s.out, "0 64512 error \n64512 1024 linear 254:0 64512\n")
	case args[0] == "create", args[0] == "reload" && words[2] == "linear":
		sectors, err := strconv.ParseInt(words[1], 10, 64)
		require.NoError(h.t, err)
		if args[0] == "create" {
			h.create("dev/mapper/backing")
		}
		require.NoError(h.t, os.Truncate(disk, sectors*512))
		if h.broken[disk] {
			h.broken[disk] = false
			return h.control("mend-disk 0")
		}
	case args[0] == "reload":
		h.broken[disk] = true
		return h.control("fail-disk 0")
	}
	return 0
}

var sizeInStatus = regexp.MustCompile(`"size": (\d+)`)

func blockdev(ctx context.Context, h *host, args []string, s streams) int {
	for _, name := range args[1:] {
		minor, ok := strings.CutPrefix(name, "/dev/drbd")
		if !ok {
			info, err := os.Stat(h.path(name))
			require.NoError(h.t, err)
			fmt.Fprintln(s.out, info.Size())
			continue
		}
		if h.control("open "+minor) != 0 {
			return 1
		}
		var out, errs bytes.Buffer
		h.tool(ctx, "drbdsetup", []string{"status", "--json"}, streams{out: &out, err: &errs})
		h.control("close " + minor)
		if m := sizeInStatus.FindStringSubmatch(out.String()); m != nil {
			kib, _ := strconv.ParseInt(m[1], 10, 64)
			fmt.Fprintln(s.out, kib<<10)
		}
	}
	return 0
}

// ip cuts and repairs the network, of a host or to one peer.
func ip(_ context.Context, h *host, args []string, _ streams) int {
	line := strings.Join(args, " ")
	verb := "heal"
	if strings.HasSuffix(line, " down") || strings.HasPrefix(line, "route add blackhole ") {
		verb = "cut"
	}
	switch {
	case args[0] == "link":
		h.reachAll(verb)
	case args[1] == "add" && args[0] == "route", args[1] == "del":
		peer, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(args[3], "10.0.0."), "/32"))
		h.reach(verb, peer)
	}
	return 0
}

// reachAll cuts or repairs all links. Which is lost, or found again, first is chance:
// here the farthest node is missed first, unless the step says otherwise, and the
// nearest is met first.
func (h *host) reachAll(verb string) {
	nodes := []int{1, 2, 3, 4, 5}
	if verb == "cut" && !h.near {
		slices.Reverse(nodes)
	}
	for _, n := range nodes {
		h.reach(verb, n)
		if verb == "heal" {
			time.Sleep(meetTime)
		}
	}
}

// meetTime is enough for two nodes to meet.
const meetTime = 100 * time.Millisecond

func (h *host) reach(verb string, peer int) {
	if peer != h.number {
		for _, net := range []string{"0", "1"} {
			h.control(fmt.Sprintf("%s ipv4:10.0.%s.%d:7789", verb, net, peer))
		}
	}
}

func mkfs(_ context.Context, h *host, args []string, _ streams) int {
	if h.store(args[len(args)-1], 0, 256) != nil {
		return 1
	}
	return 0
}

func mount(_ context.Context, h *host, args []string, _ streams) int {
	return h.control("open " + strings.TrimPrefix(args[0], "/dev/drbd"))
}

func umount(_ context.Context, h *host, _ []string, _ streams) int { return h.control("close 0") }

package fake

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"drbdutils/schema"
)

// A controlCommand is what a person can do to a node besides configuring it.
type controlCommand struct {
	name, args, doc string
	min             int // number of arguments at least
	run             func(m *Module, args []string) (string, error)
}

// controlCommands lists them all; "quit" is known to the node itself.
var controlCommands = []controlCommand{
	{"write", "MINOR OFFSET LENGTH [SEED|TEXT]", "write as an application: the text, or bytes made from a number", 3, (*Module).controlWrite},
	{"read", "MINOR OFFSET LENGTH", "read as an application; prints base64", 3, (*Module).controlRead},
	{"open", "MINOR [WHO]", "keep the device open, as a mounted filesystem does", 1, (*Module).controlOpen},
	{"close", "MINOR", "close it again", 1, (*Module).controlClose},
	{"cut", "PEER-ADDRESS", "cut the network to a peer", 1, (*Module).controlCut},
	{"heal", "PEER-ADDRESS", "repair it", 1, (*Module).controlHeal},
	{"fail-disk", "MINOR", "let every access to the data on the disk fail", 1, (*Module).controlFailDisk},
	{"mend-disk", "MINOR", "repair it, attached or not", 1, (*Module).controlMendDisk},
	{"refuse", "COMMAND CODE", "answer the next command of that name with a return code", 2, (*Module).controlRefuse},
}

// Control carries out one line and returns what it prints. A peer's address is
// written as tools print it: ipv4:10.0.0.2:7788.
func (m *Module) Control(line string) (string, error) {
	words := strings.Fields(line)
	if len(words) == 0 || words[0] == "help" {
		return controlHelp(), nil
	}
	for _, c := range controlCommands {
		if c.name != words[0] {
			continue
		}
		if len(words)-1 < c.min {
			return "", fmt.Errorf("usage: %s %s", c.name, c.args)
		}
		return c.run(m, words[1:])
	}
	return "", fmt.Errorf("unknown command %q; help lists them", words[0])
}

func controlHelp() string {
	var b strings.Builder
	for _, c := range controlCommands {
		fmt.Fprintf(&b, "%-9s %-32s %s\n", c.name, c.args, c.doc)
	}
	for _, c := range faultCommands {
		fmt.Fprintf(&b, "%-9s %-32s %s\n", c.name, c.args, c.doc)
	}
	fmt.Fprintf(&b, "%-9s %-32s %s\n", "overrun", "", "let every listener's queue run over: ENOBUFS")
	fmt.Fprintf(&b, "%-9s %-32s %s\n", "quit", "", "unload the module and end; refused while resources exist")
	fmt.Fprintf(&b, "%-9s %-32s %s", "crash", "", "lose power")
	return b.String()
}

// numbers reads the first count words.
func numbers(words []string, count int) ([]int64, error) {
	var list []int64
	for _, w := range words[:count] {
		n, err := strconv.ParseInt(w, 0, 64)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q is no number", w)
		}
		list = append(list, n)
	}
	return list, nil
}

// maxTransfer limits one read or write of a person, in bytes.
const maxTransfer = 64 << 20

func (m *Module) controlWrite(args []string) (string, error) {
	n, err := numbers(args, 3)
	if err != nil {
		return "", err
	}
	if n[2] > maxTransfer {
		return "", fmt.Errorf("%d bytes are more than the %d that can be written at once", n[2], maxTransfer)
	}
	data := make([]byte, n[2])
	fillData(data, strings.Join(args[3:], " "))
	if err := m.Write(uint32(n[0]), n[1], data); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes written", len(data)), nil
}

// fillData repeats a text, or makes bytes from a number.
func fillData(data []byte, what string) {
	if seed, err := strconv.ParseUint(what, 0, 64); err == nil || what == "" {
		source := rand.New(rand.NewPCG(seed, seed))
		for i := range data {
			data[i] = byte(source.Uint32())
		}
		return
	}
	for i := range data {
		data[i] = what[i%len(what)]
	}
}

func (m *Module) controlRead(args []string) (string, error) {
	n, err := numbers(args, 3)
	if err != nil {
		return "", err
	}
	if n[2] > maxTransfer {
		return "", fmt.Errorf("%d bytes are more than the %d that can be read at once", n[2], maxTransfer)
	}
	data, err := m.Read(uint32(n[0]), n[1], n[2])
	return base64.StdEncoding.EncodeToString(data), err
}

func (m *Module) controlOpen(args []string) (string, error) {
	n, err := numbers(args, 1)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	minor := uint32(n[0])
	d := m.minors[minor]
	if d == nil || m.gen == schema.V84 {
		if d, err = m.accessible(minor, 0, 0); err != nil {
			return "", err
		}
	}
	who := "mount (pid 1000)"
	if len(args) > 1 {
		who = strings.Join(args[1:], " ")
	}
	if err := d.openDevice(who); err != nil {
		return "", fmt.Errorf("minor %d: %w", minor, err)
	}
	return "", nil
}

func (m *Module) controlClose(args []string) (string, error) {
	n, err := numbers(args, 1)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.minors[uint32(n[0])]
	if d == nil || d.open == 0 {
		return "", fmt.Errorf("minor %d is not open", n[0])
	}
	d.closeDevice()
	return "", nil
}

func (m *Module) controlCut(args []string) (string, error) {
	return "", m.Cut(args[0])
}

// Cut cuts the network to a peer's address until Heal. Of several links that are cut
// at once, one after the other is found to be lost.
func (m *Module) Cut(peer string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.peers(), peer) {
		return fmt.Errorf("no connection to %s; there are: %s", peer, strings.Join(m.peers(), ", "))
	}
	m.cut[peer] = true
	dead := time.Duration(0)
	for _, c := range m.connections() {
		if c.link != nil && c.link.dead() {
			dead++
		}
	}
	for _, c := range m.connections() {
		if c.link != nil && addressText(c.peerAddr) == peer {
			c.link.die(dead * noticeTime)
		}
	}
	return nil
}

// noticeTime is the time between two links that are found to be lost.
const noticeTime = time.Millisecond

func (m *Module) controlHeal(args []string) (string, error) {
	return "", m.Heal(args[0])
}

// Heal repairs what Cut has cut.
func (m *Module) Heal(peer string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.cut[peer] {
		return fmt.Errorf("the network to %s is not cut", peer)
	}
	delete(m.cut, peer)
	return nil
}

// peers returns the addresses of all peers.
func (m *Module) peers() []string {
	var list []string
	for _, c := range m.connections() {
		for _, p := range c.routes() {
			list = append(list, addressText(p.peer))
		}
	}
	slices.Sort(list)
	return list
}

// controlRefuse takes a code as it stands in messages: "114", or "-2" for a change of
// state.
func (m *Module) controlRefuse(args []string) (string, error) {
	code, err := strconv.ParseInt(args[1], 10, 32)
	if err != nil {
		return "", fmt.Errorf("%q is no return code", args[1])
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refusals[args[0]] = schema.Code(code)
	return "", nil
}

// refusal returns with which code somebody wants a command to be refused, if so.
func (m *Module) refusal(name string) (schema.Code, bool) {
	code, wanted := m.refusals[name]
	delete(m.refusals, name)
	return code, wanted
}

func (m *Module) controlFailDisk(args []string) (string, error) { return "", m.breakDisk(args, true) }
func (m *Module) controlMendDisk(args []string) (string, error) { return "", m.breakDisk(args, false) }

// breakDisk breaks or mends the disk that a minor has, or had last.
func (m *Module) breakDisk(args []string, broken bool) error {
	n, err := numbers(args, 1)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.minors[uint32(n[0])]
	if d == nil || d.backing == "" {
		return fmt.Errorf("minor %d has no disk", n[0])
	}
	m.broken[d.backing] = broken
	return nil
}

// control serves the control socket: a line in, and out either "ok" and what it
// prints, or "error" and why. An empty line ends the answer.
func (n *Node) control(ctx context.Context, c net.Conn, quit func()) {
	defer context.AfterFunc(ctx, func() { c.Close() })()
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		text, err := n.Command(strings.TrimSpace(lines.Text()))
		_ = n.writeProc()
		switch {
		case errors.Is(err, errEnd):
			fmt.Fprint(c, "ok\n\n")
			quit()
			return
		case err != nil:
			fmt.Fprintf(c, "error %v\n\n", err)
		default:
			fmt.Fprintf(c, "%s\n\n", strings.TrimSpace("ok\n"+text))
		}
	}
}

// errEnd says that the node is to end.
var errEnd = errors.New("end")

// Command carries out a line as it comes over the control socket: what Control
// knows, faults on the way to the clients, and the end of the node.
func (n *Node) Command(line string) (string, error) {
	switch line {
	case "crash":
		n.Module.Close() // nobody gets an answer from now on
		return "", errEnd
	case "quit":
		if busy := n.Module.names(); len(busy) > 0 {
			return "", fmt.Errorf("module in use by %s: take it down first, or crash", strings.Join(busy, ", "))
		}
		n.unloaded.Store(true)
		return "", errEnd
	}
	if line == "overrun" {
		n.overrun()
		return "", nil
	}
	if known, err := n.faults.command(line); known {
		return "", err
	}
	return n.Module.Control(line)
}

// names returns the names of all resources.
func (m *Module) names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []string
	for _, r := range m.resources {
		list = append(list, r.name)
	}
	return list
}

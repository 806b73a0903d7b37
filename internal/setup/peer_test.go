package setup_test

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Numbers of netlink and generic netlink that the peer needs.
const (
	nlError      = 2
	nlDone       = 3
	flagMulti    = 2
	flagDump     = 0x300
	controller   = 16
	familyNumber = 0x1d
	getFamily    = 3
	delGroup     = 8
)

// A recorded message is one that a kernel's module, or a stand-in for it, sent to
// the original while its output was recorded.
type recorded struct {
	Phase   string // dump, initial, early (a notification among the initial ones), event
	Cmd     string // dump: what was asked
	Hex     string
	Special string // see the constants
	raw     []byte // in the place of Hex
}

// What happens beside messages.
const (
	unload  = "UNLOAD"  // the module goes away
	pause   = "PAUSE"   // nothing for a while
	overrun = "OVERRUN" // notifications get lost
	next    = "NEXT"    // what follows is for the next listener
)

func (r *recorded) bytes() []byte {
	if r.raw != nil {
		return r.raw
	}
	m, _ := hex.DecodeString(r.Hex)
	return m
}

// A peer answers drbdsetup with recorded bytes, in the place of the module.
type peer struct {
	version  byte // of the family: 1 or 2
	speaks   byte // 1 or 2, if the family pretends to another version than the module has
	header   byte // size of the family's header
	hidden   bool // there is no such family
	messages []recorded
	answer   func(op byte, minor uint32) (code int32, info [][]string, errno int32)
	ops      map[string]int

	timeoutTypes []byte // what the module says about the past, by questions; at the end the last one again

	mu       sync.Mutex
	requests [][]byte // whole messages, without those to the controller
	wg       sync.WaitGroup
	listener int // how many there were
}

// start serves the peer below dir as the tools expect it of a module without a
// kernel.
func (p *peer) start(t testing.TB, dir string) {
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "proc"), 0o755))
	version := "version: 9.2.14 (api:2/proto:118-122)\n"
	if p.version == 1 {
		version = "version: 8.4.11 (api:1/proto:86-101)\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "proc/drbd"), []byte(version), 0o644))
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: filepath.Join(dir, "netlink.sock"), Net: "unixpacket"})
	require.NoError(t, err)
	p.wg.Go(func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.wg.Wait()
	})
}

func (p *peer) serve(c *net.UnixConn) {
	defer c.Close()
	buf := make([]byte, 1<<16)
	joined, told := false, false
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		m := slices.Clone(buf[:n])
		switch binary.LittleEndian.Uint16(m[4:]) {
		case 1: // asks for notifications
			joined = true
		case controller:
			write(c, p.family(m))
		case familyNumber:
			p.keep(m)
			p.request(c, m)
			if joined && !told && binary.LittleEndian.Uint16(m[6:])&flagDump != 0 {
				told = true
				p.tell(c)
			}
		}
	}
}

func (p *peer) keep(m []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, m)
}

// write sends messages, each as a packet of its own.
func write(c *net.UnixConn, messages ...[]byte) {
	for _, m := range messages {
		if _, err := c.Write(m); err != nil {
			return
		}
	}
}

// request answers a request to the family.
func (p *peer) request(c *net.UnixConn, m []byte) {
	seq, op, minor := binary.LittleEndian.Uint32(m[8:]), m[16], binary.LittleEndian.Uint32(m[20:])
	if binary.LittleEndian.Uint16(m[6:])&flagDump == 0 {
		write(c, p.reply(op, minor, seq))
		return
	}
	if op == 38 { // the initial state: not marked as parts of a dump
		p.initial(c, seq)
		write(c, stamp(initialStateDone(p.version), seq, 0), done(seq))
	} else {
		if _, _, errno := p.result(op, minor); errno != 0 {
			write(c, failed(seq, errno))
			return
		}
		for _, r := range p.answersTo(op) {
			if name := contextName(m); name == "" || contextName(r) == name {
				write(c, stamp(r, seq, flagMulti))
			}
		}
		write(c, done(seq))
	}
}

// initial sends the objects of the initial state.
func (p *peer) initial(c *net.UnixConn, seq uint32) {
	for _, r := range p.messages {
		switch r.Phase {
		case "initial":
			write(c, stamp(r.bytes(), seq, 0))
		case "early":
			write(c, r.bytes())
		}
	}
}

// contextName returns the resource that a message names, "" if it names none.
func contextName(m []byte) string {
	for typ, nest := range attributes(m[28:]) {
		for field, name := range attributes(nest) {
			if typ&0x3fff == 2 && field&0x3fff == 2 {
				return strings.TrimSuffix(string(name), "\x00")
			}
		}
	}
	return ""
}

func (p *peer) result(op byte, minor uint32) (int32, [][]string, int32) {
	if p.answer == nil {
		return 101, nil, 0
	}
	return p.answer(op, minor)
}

// reply answers a request that is no dump.
func (p *peer) reply(op byte, minor, seq uint32) []byte {
	code, info, errno := p.result(op, minor)
	if errno != 0 {
		return failed(seq, errno)
	}
	if op == 2 { // the state of one device
		for _, r := range p.answersTo(op) {
			if binary.LittleEndian.Uint32(r[20:]) == minor {
				return stamp(r, seq, 0)
			}
		}
		code = 127
	}
	m := genl(familyNumber, op, p.version)
	m = binary.LittleEndian.AppendUint32(m, minor)
	m = binary.LittleEndian.AppendUint32(m, uint32(code))
	for _, texts := range info {
		var nest []byte
		for _, text := range texts {
			nest = attribute(nest, 1, []byte(text+"\x00"))
		}
		m = attribute(m, 1, nest)
	}
	if op == 26 { // which time-out
		m = attribute(m, 11, attribute(nil, 1, []byte{p.timeoutTypes[0], 0, 0, 0}))
		p.timeoutTypes = p.timeoutTypes[min(1, len(p.timeoutTypes)-1):]
	}
	return stamp(m, seq, 0)
}

// tell sends the notifications to a listener.
func (p *peer) tell(c *net.UnixConn) {
	p.mu.Lock()
	part := min(p.listener, p.count(next))
	p.listener++
	p.mu.Unlock()
	for _, r := range p.messages {
		switch {
		case r.Special == next:
			part--
		case part != 0 || r.Phase != "event":
		case r.Special == pause:
			time.Sleep(300 * time.Millisecond)
		case r.Special == overrun:
			m := make([]byte, 16)
			m[4] = 4
			write(c, stamp(m, 0, 0))
		case r.Special == unload:
			m := genl(controller, delGroup, 2)
			write(c, stamp(attribute(m, 1, []byte{familyNumber, 0}), 0, 0))
		default:
			write(c, r.bytes())
		}
	}
}

func (p *peer) count(special string) int {
	n := 0
	for _, r := range p.messages {
		if r.Special == special {
			n++
		}
	}
	return n
}

func (p *peer) all(phase string) [][]byte {
	var all [][]byte
	for _, r := range p.messages {
		if m := r.bytes(); r.Phase == phase && len(m) > 0 {
			all = append(all, m)
		}
	}
	return all
}

// answersTo returns the recorded parts of a dump.
func (p *peer) answersTo(op byte) [][]byte {
	return slices.DeleteFunc(p.all("dump"), func(m []byte) bool { return m[16] != op })
}

// family answers the controller's request.
func (p *peer) family(m []byte) []byte {
	seq := binary.LittleEndian.Uint32(m[8:])
	if p.hidden {
		return failed(seq, 2)
	}
	u32 := func(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }
	var ops []byte
	i := 0
	for _, number := range p.ops {
		i++
		ops = attribute(ops, i, attribute(nil, 1, u32(number)))
	}
	group := attribute(attribute(nil, 2, u32(7)), 1, []byte("events\x00"))
	r := genl(controller, 1, 2)
	r = attribute(r, 1, []byte{familyNumber, 0})
	r = attribute(r, 2, []byte("drbd\x00"))
	r = attribute(r, 3, u32(int(cmp.Or(p.speaks, p.version))))
	r = attribute(r, 4, u32(int(p.header)))
	r = attribute(r, 5, u32(33))
	r = attribute(r, 6, ops)
	r = attribute(r, 7, attribute(nil, 1, group))
	return stamp(r, seq, 0)
}

// genl begins a generic netlink message.
func genl(typ uint16, cmd, version byte) []byte {
	m := make([]byte, 20)
	binary.LittleEndian.PutUint16(m[4:], typ)
	m[16], m[17] = cmd, version
	return m
}

func attribute(b []byte, typ int, payload []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(4+len(payload)))
	b = binary.LittleEndian.AppendUint16(b, uint16(typ))
	b = append(b, payload...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// stamp completes a message's header.
func stamp(m []byte, seq uint32, flags uint16) []byte {
	m = slices.Clone(m)
	binary.LittleEndian.PutUint32(m, uint32(len(m)))
	binary.LittleEndian.PutUint16(m[6:], flags)
	binary.LittleEndian.PutUint32(m[8:], seq)
	binary.LittleEndian.PutUint32(m[12:], uint32(os.Getpid()))
	return m
}

func initialStateDone(version byte) []byte {
	m := genl(familyNumber, 41, version)
	m = append(m, 0xff, 0xff, 0xff, 0xff, 101, 0, 0, 0)
	return attribute(m, 23, attribute(nil, 1, make([]byte, 4)))
}

func done(seq uint32) []byte {
	m := make([]byte, 20)
	binary.LittleEndian.PutUint16(m[4:], nlDone)
	return stamp(m, seq, flagMulti)
}

// failed is a refusal by netlink itself.
func failed(seq uint32, errno int32) []byte {
	m := make([]byte, 36)
	binary.LittleEndian.PutUint16(m[4:], nlError)
	binary.LittleEndian.PutUint32(m[16:], uint32(-errno))
	return stamp(m, seq, 0)
}

package netlinkapi

import (
	"bytes"
	"encoding/binary"
	"net"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

const (
	testFamily = 0x1d
	testGroup  = 5
)

// testModule is the module's end of a socket. It answers as the test says; it has
// no state of its own.
type testModule struct {
	t       testing.TB
	codec   Codec
	path    string
	maxAttr uint32
	family  family // name, version and size of the header
	// answer returns what is sent back for a request. It runs on one goroutine
	// for each client.
	answer func(s *session, nm netlink.Message, m Message)
	// toWire and fromWire change messages on their way, if the family has
	// another form.
	toWire, fromWire func([]byte) []byte

	mu       sync.Mutex
	requests []Message
	sessions []*session
}

// session is one client of a testModule.
type session struct {
	*testModule
	sock   *unixSocket
	member bool
}

// startModule starts a module of a generation.
func startModule(t testing.TB, g schema.Generation, answer func(*session, netlink.Message, Message)) *testModule {
	m := &testModule{
		t: t, codec: Codec{Generation: g, Module: true}, answer: answer,
		path: filepath.Join(t.TempDir(), "netlink.sock"), maxAttr: 34,
		toWire: same, fromWire: same,
		family: family{name: "drbd", version: g.FamilyVersion(), headerSize: drbdHeaderSize},
	}
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: m.path, Net: "unixpacket"})
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			s := &session{testModule: m, sock: newUnixSocket(c)}
			m.mu.Lock()
			m.sessions = append(m.sessions, s)
			m.mu.Unlock()
			go s.serve()
		}
	}()
	return m
}

func same(b []byte) []byte { return b }

// dial connects a client.
func (m *testModule) dial(o Options) *Client {
	o.Socket = m.path
	c, err := Dial(m.t.Context(), o)
	require.NoError(m.t, err)
	m.t.Cleanup(func() { c.Close() })
	return c
}

// asked returns the requests so far, family look-ups aside.
func (m *testModule) asked() []schema.Op {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ops []schema.Op
	for _, r := range m.requests {
		ops = append(ops, r.Op)
	}
	return ops
}

func (s *session) serve() {
	defer s.sock.Close()
	for {
		batch, err := s.sock.Receive()
		if err != nil {
			return
		}
		for _, nm := range batch {
			s.handle(nm)
		}
	}
}

func (s *session) handle(nm netlink.Message) {
	if _, ok := joinedGroup(nm); ok {
		s.mu.Lock()
		s.member = true
		s.mu.Unlock()
		return
	}
	if nm.Header.Type == controllerID {
		s.controller(nm)
		return
	}
	m, err := s.codec.Decode(s.fromWire(nm.Data))
	if err != nil {
		s.t.Errorf("request %x: %v", nm.Data, err)
	}
	s.mu.Lock()
	s.requests = append(s.requests, m)
	s.mu.Unlock()
	s.answer(s, nm, m)
}

// controller answers a request for a family.
func (s *session) controller(nm netlink.Message) {
	if !bytes.Contains(nm.Data, []byte(s.family.name+"\x00")) {
		errno := binary.NativeEndian.AppendUint32(nil, ^uint32(syscall.ENOENT)+1)
		s.send(nm.Header, netlink.Error, 0, append(errno, make([]byte, nlmsgHeaderSize)...))
		return
	}
	s.send(nm.Header, controllerID, 0, s.familyReply())
}

// joinedGroup returns the group that a request to join is about.
func joinedGroup(m netlink.Message) (group uint32, ok bool) {
	if m.Header.Type != netlink.Noop || len(m.Data) < 4 {
		return 0, false
	}
	return binary.NativeEndian.Uint32(m.Data), true
}

func (s *session) familyReply() []byte {
	b := []byte{1, 2, 0, 0}
	u32 := func(b []byte, typ uint16, n uint32) []byte {
		return binary.NativeEndian.AppendUint32(appendAttrHeader(b, typ, 4), n)
	}
	b = append(binary.NativeEndian.AppendUint16(appendAttrHeader(b, ctrlFamilyID, 2), testFamily), 0, 0)
	name := append([]byte(s.family.name), make([]byte, 4-len(s.family.name)%4)...)
	b = append(appendAttrHeader(b, ctrlFamilyName, len(name)), name...)
	b = u32(b, ctrlVersion, uint32(s.family.version))
	b = u32(b, ctrlHeaderSize, uint32(s.family.headerSize))
	b = u32(b, ctrlMaxAttr, s.maxAttr)
	var ops []byte
	for op := range 256 {
		if schema.Op(op).In(s.codec.Generation) != nil {
			number := s.toWire(append([]byte{byte(op)}, make([]byte, headerSize)...))[0]
			ops = append(appendAttrHeader(ops, uint16(op), 8), u32(nil, ctrlOpID, uint32(number))...)
		}
	}
	b = append(appendAttrHeader(b, ctrlOps, len(ops)), ops...)
	group := u32(nil, ctrlGroupID, testGroup)
	group = append(append(appendAttrHeader(group, ctrlGroupName, len(groupName)+1), groupName...), 0, 0)
	b = append(appendAttrHeader(b, ctrlGroups, attrHeaderSize+len(group)), appendAttrHeader(nil, 1, len(group))...)
	return append(b, group...)
}

// send sends a message with the header fields of the request that it answers.
func (s *session) send(to netlink.Header, typ netlink.HeaderType, flags netlink.HeaderFlags, data []byte) {
	_ = s.sock.Send(netlink.Message{
		Header: netlink.Header{Length: uint32(nlmsgHeaderSize + len(data)), Type: typ, Flags: flags, Sequence: to.Sequence, PID: to.PID},
		Data:   data,
	})
}

// reply answers a command.
func (s *session) reply(nm netlink.Message, m Message) {
	s.send(nm.Header, testFamily, 0, s.encode(m))
}

// part answers a dump request with one object.
func (s *session) part(nm netlink.Message, m Message) {
	s.send(nm.Header, testFamily, netlink.Multi, s.encode(m))
}

// done ends a dump.
func (s *session) done(nm netlink.Message) {
	s.send(nm.Header, netlink.Done, netlink.Multi, make([]byte, 4))
}

func (s *session) encode(m Message) []byte {
	data, err := s.codec.Encode(&m)
	if err != nil {
		s.t.Errorf("encode: %v", err)
	}
	return s.toWire(data)
}

// multicast sends a notification to all members.
func (m *testModule) multicast(seq uint32, msg Message) {
	m.toMembers(func(s *session) { s.send(netlink.Header{Sequence: seq}, testFamily, 0, s.encode(msg)) })
}

// overrun tells all members that notifications were lost.
func (m *testModule) overrun() {
	m.toMembers(func(s *session) { s.send(netlink.Header{}, netlink.Overrun, 0, nil) })
}

// unload tells all members that the family goes away.
func (m *testModule) unload() {
	data := append([]byte{ctrlDelFamily, 2, 0, 0}, appendAttrHeader(nil, ctrlFamilyID, 2)...)
	data = append(binary.NativeEndian.AppendUint16(data, testFamily), 0, 0)
	m.toMembers(func(s *session) { s.send(netlink.Header{}, controllerID, 0, data) })
}

func (m *testModule) toMembers(f func(*session)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sessions {
		if s.member {
			f(s)
		}
	}
}

// context of messages about a resource.
func ctxOf(g schema.Generation, name string) *schema.Values {
	return schema.CfgContext.In(g).New().SetStr("ctx_resource_name", name)
}

// resourceMessage is a notification about a resource with a role.
func resourceMessage(g schema.Generation, name string, action schema.Action, role schema.Role) Message {
	m := Message{Op: schema.ResourceState, Minor: schema.NoMinor, Code: schema.NoError, Sets: []*schema.Values{
		ctxOf(g, name),
		schema.NotifyHeader.In(g).New().SetUint("nh_type", uint64(action)),
	}}
	if action != schema.Destroy {
		m.Sets = append(m.Sets, schema.ResourceInfo.In(g).New().SetUint("res_role", uint64(role)))
	}
	return m
}

// initialState answers a dump of the initial state with resources and roles.
func (s *session) initialState(nm netlink.Message, names []string, role schema.Role) {
	g := s.codec.Generation
	header := nm.Header
	header.PID = 0 // the initial state looks like notifications
	for _, name := range names {
		s.send(header, testFamily, 0, s.encode(resourceMessage(g, name, schema.Exists, role)))
	}
	s.send(header, testFamily, 0, s.encode(Message{Op: schema.InitialStateDone, Minor: schema.NoMinor, Code: schema.NoError, Sets: []*schema.Values{
		schema.NotifyHeader.In(g).New().SetUint("nh_type", 0),
	}}))
	s.done(nm)
}

const patience = 5 * time.Second

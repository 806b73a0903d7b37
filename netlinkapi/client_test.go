package netlinkapi

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

var down = Request{Op: schema.Down, Object: "r0"}

func TestDialWithoutModule(t *testing.T) {
	_, err := Dial(t.Context(), Options{Socket: filepath.Join(t.TempDir(), "none")})
	require.ErrorIs(t, err, ErrNoModule)
}

func TestDialTellsGenerations(t *testing.T) {
	for _, g := range []schema.Generation{schema.V84, schema.V9} {
		require.Equal(t, g, startModule(t, g, nil).dial(Options{}).Generation())
	}
}

func TestDialRefusesUnknownVersion(t *testing.T) {
	_, err := dialectOf(&family{name: "drbd", version: 3, headerSize: 8})
	var version *VersionError
	require.ErrorAs(t, err, &version)
	require.ErrorContains(t, err, "version 3")
	_, err = dialectOf(&family{name: "drbd", version: 2, headerSize: 4})
	require.ErrorAs(t, err, &version)
}

func TestDoReturnsRefusalWithTexts(t *testing.T) {
	m := startModule(t, schema.V9, func(s *session, nm netlink.Message, m Message) {
		text := func(text string) *schema.Values { return schema.CfgReply.In(schema.V9).New().SetStr("info_text", text) }
		s.reply(nm, Message{Op: m.Op, Minor: m.Minor, Code: schema.ErrResourceUnknown, Sets: []*schema.Values{text("unknown resource"), text("second")}})
	})
	reply, err := m.dial(Options{}).Do(t.Context(), down)
	refused, ok := errors.AsType[*KernelError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, []string{"unknown resource", "second"}, refused.Info)
	require.Equal(t, schema.ErrResourceUnknown, reply.Code)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, "down: r0: (158) Unknown resource: unknown resource; second")
}

func TestDoReturnsWarningsOfSuccess(t *testing.T) {
	m := startModule(t, schema.V84, func(s *session, nm netlink.Message, m Message) {
		s.reply(nm, Message{Op: m.Op, Minor: m.Minor, Code: schema.StateDone, Sets: []*schema.Values{
			schema.CfgReply.In(schema.V84).New().SetStr("info_text", "careful"),
		}})
	})
	reply, err := m.dial(Options{}).Do(t.Context(), down)
	require.NoError(t, err)
	require.Equal(t, []string{"careful"}, reply.Texts())
}

func TestDoReportsErrno(t *testing.T) {
	m := startModule(t, schema.V9, func(s *session, nm netlink.Message, _ Message) {
		eperm := binary.NativeEndian.AppendUint32(nil, ^uint32(syscall.EPERM)+1)
		s.send(nm.Header, netlink.Error, 0, append(eperm, make([]byte, nlmsgHeaderSize)...))
	})
	_, err := m.dial(Options{}).Do(t.Context(), down)
	require.ErrorIs(t, err, syscall.EPERM)
	require.ErrorContains(t, err, "down: r0")
}

func TestDoRefusesWhatTheModuleDoesNotKnow(t *testing.T) {
	m := startModule(t, schema.V84, nil)
	c := m.dial(Options{})
	_, err := c.Do(t.Context(), Request{Op: schema.NewPeer, Object: "r0"})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = c.Do(t.Context(), Request{Op: schema.Outdate, Sets: []*schema.Values{schema.DiskConf.In(schema.V84).New()}})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Empty(t, m.asked())
}

func TestDoTimesOut(t *testing.T) {
	answers := 0
	m := startModule(t, schema.V84, func(s *session, nm netlink.Message, m Message) {
		if answers++; answers == 1 {
			time.Sleep(100 * time.Millisecond) // too late for the first try
			s.reply(nm, Message{Op: m.Op, Minor: m.Minor, Code: schema.ErrMinorInvalid})
			return
		}
		s.reply(nm, Message{Op: m.Op, Minor: m.Minor, Code: schema.NoError})
	})
	c := m.dial(Options{Timeout: 50 * time.Millisecond})
	_, err := c.Do(t.Context(), down)
	timeout, ok := errors.AsType[*TimeoutError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, 50*time.Millisecond, timeout.Waited)
	require.EqualError(t, err, "down: r0: no reply from the kernel within 50ms")

	c.options.Timeout, c.conn.timeout = patience, patience
	_, err = c.Do(t.Context(), down)
	require.NoError(t, err, "the late answer to the first request is not taken for that to the second")
}

func TestLookUpTimesOut(t *testing.T) {
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "silent"), Net: "unixpacket"})
	require.NoError(t, err)
	defer l.Close()
	_, err = Dial(t.Context(), Options{Socket: l.Addr().String(), Timeout: 30 * time.Millisecond})
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.ErrorContains(t, err, "look up the drbd family: no reply from the kernel within 30ms")
}

// stuckSocket is a kernel that does not return from sending.
type stuckSocket struct{ *unixSocket }

func (stuckSocket) Send(netlink.Message) error { select {} }

func TestDoTimesOutInsideTheKernel(t *testing.T) {
	c := startModule(t, schema.V84, nil).dial(Options{Timeout: 30 * time.Millisecond})
	c.conn.nl = netlink.NewConn(stuckSocket{}, 0)
	_, err := c.Do(t.Context(), down)
	require.EqualError(t, err, "down: r0: no reply from the kernel within 30ms")

	c = startModule(t, schema.V84, nil).dial(Options{})
	c.conn.nl = netlink.NewConn(stuckSocket{}, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = c.Do(ctx, down)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestSuspendIOFindsTheErrorBehindTheReply(t *testing.T) {
	m := startModule(t, schema.V9, func(s *session, nm netlink.Message, m Message) {
		s.reply(nm, Message{Op: m.Op, Minor: m.Minor, Code: schema.NoError})
		if m.Minor == 1 {
			ebusy := binary.NativeEndian.AppendUint32(nil, ^uint32(syscall.EBUSY)+1)
			s.send(nm.Header, netlink.Error, 0, append(ebusy, make([]byte, nlmsgHeaderSize)...))
		}
	})
	c := m.dial(Options{})
	_, err := c.Do(t.Context(), Request{Op: schema.SuspendIO, Minor: new(uint32(1)), Object: "1"})
	require.ErrorIs(t, err, syscall.EBUSY)
	_, err = c.Do(t.Context(), Request{Op: schema.SuspendIO, Minor: new(uint32(0)), Object: "0"})
	require.NoError(t, err)
}

func TestDoEndsWithItsContext(t *testing.T) {
	m := startModule(t, schema.V84, func(*session, netlink.Message, Message) {})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := m.dial(Options{}).Do(ctx, down)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestDoTriesAgainInTransientState(t *testing.T) {
	for _, test := range []struct {
		gen   schema.Generation
		tries int
	}{{schema.V9, 3}, {schema.V84, 1}} {
		t.Run(test.gen.String(), func(t *testing.T) {
			tries := 0
			m := startModule(t, test.gen, func(s *session, nm netlink.Message, m Message) {
				code := schema.StateTransient
				if tries++; tries == 3 {
					code = schema.StateDone
				}
				s.reply(nm, Message{Op: m.Op, Minor: m.Minor, Code: code})
			})
			_, err := m.dial(Options{}).Do(t.Context(), down)
			require.Equal(t, test.tries == 3, err == nil)
			require.Len(t, m.asked(), test.tries)
		})
	}
}

func TestDumpOfUnknownResourceEnds(t *testing.T) {
	// All modules repeat this answer for ever.
	m := startModule(t, schema.V9, func(s *session, nm netlink.Message, m Message) {
		if m.Op == schema.Down {
			s.reply(nm, Message{Op: m.Op, Minor: m.Minor, Code: schema.NoError})
			return
		}
		for {
			if s.sock.Send(netlink.Message{Header: netlink.Header{
				Length: nlmsgHeaderSize + headerSize, Type: testFamily, Flags: netlink.Multi, Sequence: nm.Header.Sequence, PID: nm.Header.PID,
			}, Data: s.encode(Message{Op: m.Op, Minor: schema.NoMinor, Code: schema.ErrResourceUnknown})}) != nil {
				return
			}
		}
	})
	c := m.dial(Options{})
	var errs []error
	for _, err := range c.Dump(t.Context(), Request{Op: schema.GetDevices, Object: "r7", Sets: []*schema.Values{ctxOf(schema.V9, "r7")}}) {
		errs = append(errs, err)
	}
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], fs.ErrNotExist)
	_, err := c.Do(t.Context(), down)
	require.NoError(t, err, "the client goes on with a new socket")
}

func TestDumpCanBeLeft(t *testing.T) {
	m := startModule(t, schema.V9, func(s *session, nm netlink.Message, m Message) {
		for i := range uint32(3) {
			s.part(nm, Message{Op: m.Op, Minor: i, Code: schema.NoError, Sets: []*schema.Values{ctxOf(schema.V9, "r0")}})
		}
		s.done(nm)
	})
	c := m.dial(Options{})
	for range 2 {
		n := 0
		for _, err := range c.Dump(t.Context(), Request{Op: schema.GetDevices}) {
			require.NoError(t, err)
			n++
			break
		}
		require.Equal(t, 1, n)
	}
	n := 0
	for _, err := range c.Dump(t.Context(), Request{Op: schema.GetDevices}) {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 3, n)
}

// withDevice answers queries as a module with one device in the disk state, and
// a connection named "peer" to node 1. Anything else succeeds.
func withDevice(state schema.DiskState) func(*session, netlink.Message, Message) {
	return func(s *session, nm netlink.Message, m Message) {
		reply := Message{Op: m.Op, Minor: m.Minor, Code: schema.NoError}
		ctx := ctxOf(schema.V9, "r0")
		switch m.Op {
		case schema.GetDevices:
			reply.Minor = 7
			reply.Sets = []*schema.Values{ctx.SetUint("ctx_volume", 0), schema.DeviceInfo.In(schema.V9).New().SetUint("dev_disk_state", uint64(state))}
		case schema.GetPeerDevices:
			reply.Minor = 7
			reply.Sets = []*schema.Values{ctx.SetUint("ctx_volume", 0).SetUint("ctx_peer_node_id", 1)}
		case schema.GetConnections:
			reply.Sets = []*schema.Values{ctx.SetUint("ctx_peer_node_id", 1).SetStr("ctx_conn_name", "peer")}
		default:
			s.reply(nm, reply)
			return
		}
		s.part(nm, reply)
		s.done(nm)
	}
}

func TestSnapshotOfADevice(t *testing.T) {
	m := startModule(t, schema.V9, func(s *session, nm netlink.Message, m Message) {
		if m.Op == schema.GetDevices {
			withDevice(schema.UpToDate)(s, nm, m)
			return
		}
		s.part(nm, Message{Op: m.Op, Minor: schema.NoMinor, Code: schema.NoError, Sets: []*schema.Values{ctxOf(schema.V9, "r0")}})
		s.done(nm)
	})
	c := m.dial(Options{})
	s, err := c.SnapshotOf(t.Context(), 8)
	require.NoError(t, err)
	require.Empty(t, s.Resources)
	require.Equal(t, []schema.Op{schema.GetDevices}, m.asked())
	s, err = c.SnapshotOf(t.Context(), 7)
	require.NoError(t, err)
	require.NotNil(t, s.Resource("r0").Device(0))
	require.Equal(t, "r0", m.requests[len(m.requests)-1].Get(schema.CfgContext).Str("ctx_resource_name"), "nothing is asked about others")
}

func TestAttachIsNotSentToAnAttachedDevice(t *testing.T) {
	attach := Request{Op: schema.Attach, Minor: new(uint32(7)), Object: "7"}
	t.Run("attached", func(t *testing.T) {
		m := startModule(t, schema.V9, withDevice(schema.UpToDate))
		_, err := m.dial(Options{}).Do(t.Context(), attach)
		require.ErrorIs(t, err, fs.ErrExist)
		require.NotContains(t, m.asked(), schema.Attach)
	})
	t.Run("attached, of a known resource", func(t *testing.T) {
		for name, asked := range map[string]int{"r0": 1, "was r0": 2} {
			m := startModule(t, schema.V9, func(s *session, nm netlink.Message, m Message) {
				if where := m.Get(schema.CfgContext); where != nil && where.Str("ctx_resource_name") != "r0" {
					s.part(nm, Message{Op: m.Op, Minor: schema.NoMinor, Code: schema.ErrResourceUnknown})
					return
				}
				withDevice(schema.UpToDate)(s, nm, m)
			})
			known := attach
			known.Within = name
			_, err := m.dial(Options{}).Do(t.Context(), known)
			require.ErrorIs(t, err, fs.ErrExist)
			require.Equal(t, slices.Repeat([]schema.Op{schema.GetDevices}, asked), m.asked())
			require.NotNil(t, m.requests[0].Get(schema.CfgContext))
		}
	})
	t.Run("diskless", func(t *testing.T) {
		m := startModule(t, schema.V9, withDevice(schema.Diskless))
		_, err := m.dial(Options{}).Do(t.Context(), attach)
		require.NoError(t, err)
		require.Contains(t, m.asked(), schema.Attach)
	})
	t.Run("older module refuses itself", func(t *testing.T) {
		m := startModule(t, schema.V9, withDevice(schema.UpToDate))
		m.maxAttr = 33
		_, err := m.dial(Options{}).Do(t.Context(), attach)
		require.NoError(t, err)
		require.Equal(t, []schema.Op{schema.Attach}, m.asked())
	})
}

func TestInvalidateIsNotSentForAnUnknownPeer(t *testing.T) {
	for peer, sent := range map[int64]bool{-1: true, 1: true, 2: false} {
		m := startModule(t, schema.V9, withDevice(schema.UpToDate))
		_, err := m.dial(Options{}).Do(t.Context(), Request{Op: schema.Invalidate, Minor: new(uint32(7)), Sets: []*schema.Values{
			schema.InvalidateParms.In(schema.V9).New().SetInt("sync_from_peer_node_id", peer),
		}})
		require.Equal(t, sent, err == nil, "%v", err)
		if sent {
			require.Contains(t, m.asked(), schema.Invalidate)
		} else {
			require.NotContains(t, m.asked(), schema.Invalidate)
		}
	}
}

func TestNetOptionsKeepTheNameOfAConnection(t *testing.T) {
	m := startModule(t, schema.V9, withDevice(schema.UpToDate))
	options := schema.NetConf.In(schema.V9).New().SetUint("timeout", 70)
	_, err := m.dial(Options{}).Do(t.Context(), Request{Op: schema.ChgNetOpts, Flags: schema.SetDefaults, Sets: []*schema.Values{
		ctxOf(schema.V9, "r0").SetUint("ctx_peer_node_id", 1), options,
	}})
	require.NoError(t, err)
	last := m.requests[len(m.requests)-1]
	require.Equal(t, "peer", last.Get(schema.NetConf).Str("name"))
	require.Equal(t, uint64(70), last.Get(schema.NetConf).Uint("timeout"))
	require.Equal(t, schema.Code(schema.SetDefaults), last.Code)
	require.False(t, options.Has("name"), "the caller's values stay as they are")
}

func TestPathNeedsBothAddresses(t *testing.T) {
	m := startModule(t, schema.V9, withDevice(schema.UpToDate))
	for _, op := range []schema.Op{schema.NewPath, schema.DelPath} {
		_, err := m.dial(Options{}).Do(t.Context(), Request{Op: op, Sets: []*schema.Values{
			schema.PathParms.In(schema.V9).New().SetStr("my_addr", "x"),
		}})
		require.ErrorContains(t, err, "126")
	}
	require.Empty(t, m.asked())
}

func TestSnapshotOfRecordings(t *testing.T) {
	// The answers of the two modules while the reference printed its status.
	for _, test := range []struct {
		module, step string
		gen          schema.Generation
		resource     string
		peerDisk     schema.DiskState
	}{
		{"8.4.11", "188-status-connected", schema.V84, "r0", schema.UpToDate},
	} {
		t.Run(test.module, func(t *testing.T) {
			s := NewSnapshot(test.gen)
			for _, c := range readCaptures(t, test.module) {
				if c.step != test.step || c.dir != "<" || c.typ != "drbd" {
					continue
				}
				m, err := Codec{Generation: test.gen}.Decode(c.bytes[nlmsgHeaderSize:])
				require.NoError(t, err)
				s.add(&m)
			}
			r := s.Resource(test.resource)
			require.NotNil(t, r)
			require.Len(t, r.Connections, 1)
			require.Equal(t, schema.Connected, r.Connections[0].State())
			require.Equal(t, "peer", r.Connections[0].Name)
			require.Equal(t, "ipv4:10.0.0.1:7789", r.Connections[0].Paths[0].Local.String())
			require.Equal(t, test.peerDisk, r.Connections[0].PeerDevices[0].DiskState())
			require.Equal(t, schema.Established, r.Connections[0].PeerDevices[0].ReplState())
		})
	}
}

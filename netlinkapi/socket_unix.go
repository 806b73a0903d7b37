package netlinkapi

import (
	"encoding/binary"
	"errors"
	"iter"
	"net"
	"syscall"

	"github.com/mdlayher/netlink"
)

// maxPacket is the largest batch of messages that a packet may hold, in bytes.
const maxPacket = 64 << 10

// unixSocket carries netlink messages over a unix socket of type seqpacket, one
// batch of messages a packet: this is how tools reach a module that is no kernel
// module. Two things that netlink does without messages are messages here: see
// joinRequest, and a message of type netlink.Overrun stands for ENOBUFS.
type unixSocket struct {
	net.Conn
	unneeded
	buf []byte
}

// newUnixSocket wraps a connected unixpacket connection, of either side. It is
// what netlink.NewConn takes.
func newUnixSocket(c net.Conn) *unixSocket {
	return &unixSocket{Conn: c, buf: make([]byte, maxPacket)}
}

// joinRequest is the message that asks a fake module for the notifications of a
// multicast group: type noop, the group's number as data. It is not answered.
func joinRequest(group uint32) netlink.Message {
	data := binary.NativeEndian.AppendUint32(nil, group)
	return netlink.Message{
		Header: netlink.Header{Length: uint32(nlmsgHeaderSize + len(data)), Type: netlink.Noop, Flags: netlink.Request},
		Data:   data,
	}
}

// JoinGroup implements joining for netlink.Conn.
func (s *unixSocket) JoinGroup(group uint32) error { return s.Send(joinRequest(group)) }

// Send sends one message as one packet.
func (s *unixSocket) Send(m netlink.Message) error { return s.SendMessages([]netlink.Message{m}) }

// SendMessages sends several messages as one packet.
func (s *unixSocket) SendMessages(messages []netlink.Message) error {
	batch, err := join(messages)
	if err != nil {
		return err
	}
	_, err = s.Write(batch)
	return err
}

// join returns the bytes of several messages.
func join(messages []netlink.Message) ([]byte, error) {
	var batch []byte
	for _, m := range messages {
		b, err := m.MarshalBinary()
		if err != nil {
			return nil, err
		}
		batch = append(batch, b...)
	}
	return batch, nil
}

// Receive returns the messages of one packet.
func (s *unixSocket) Receive() ([]netlink.Message, error) { return collect(s.ReceiveIter()) }

// ReceiveIter yields the messages of one packet. The data belongs to the caller.
func (s *unixSocket) ReceiveIter() iter.Seq2[netlink.Message, error] {
	return func(yield func(netlink.Message, error) bool) {
		n, err := s.Read(s.buf)
		if err != nil {
			yield(netlink.Message{}, err)
			return
		}
		split(append([]byte(nil), s.buf[:n]...), yield)
	}
}

// collect returns all messages up to the first error, or the error.
func collect(messages iter.Seq2[netlink.Message, error]) ([]netlink.Message, error) {
	var all []netlink.Message
	for m, err := range messages {
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// split yields the messages of a batch.
func split(batch []byte, yield func(netlink.Message, error) bool) {
	for len(batch) > 0 {
		m, rest, err := cutMessage(batch)
		if !yield(m, err) || err != nil {
			return
		}
		batch = rest
	}
}

const nlmsgHeaderSize = 16

var errBadPacket = errors.New("broken netlink message")

// cutMessage splits the first message off a batch.
func cutMessage(b []byte) (m netlink.Message, rest []byte, err error) {
	if len(b) < nlmsgHeaderSize {
		return m, nil, errBadPacket
	}
	size := int(binary.NativeEndian.Uint32(b))
	if size < nlmsgHeaderSize || size > len(b) {
		return m, nil, errBadPacket
	}
	m.Header = netlink.Header{
		Length:   uint32(size),
		Type:     netlink.HeaderType(binary.NativeEndian.Uint16(b[4:])),
		Flags:    netlink.HeaderFlags(binary.NativeEndian.Uint16(b[6:])),
		Sequence: binary.NativeEndian.Uint32(b[8:]),
		PID:      binary.NativeEndian.Uint32(b[12:]),
	}
	m.Data = b[nlmsgHeaderSize:size]
	if m.Header.Type == netlink.Overrun {
		return m, nil, syscall.ENOBUFS
	}
	return m, b[min((size+3)&^3, len(b)):], nil
}

// SetReadBuffer sets the size of the receive buffer where there is one.
func (s *unixSocket) SetReadBuffer(bytes int) error {
	if u, ok := s.Conn.(*net.UnixConn); ok {
		return u.SetReadBuffer(bytes)
	}
	return nil
}

// SetWriteBuffer sets the size of the send buffer where there is one.
func (s *unixSocket) SetWriteBuffer(bytes int) error {
	if u, ok := s.Conn.(*net.UnixConn); ok {
		return u.SetWriteBuffer(bytes)
	}
	return nil
}

// unneeded are the methods of a socket for netlink.Conn that nobody here calls.
type unneeded struct{}

func (unneeded) LeaveGroup(uint32) error   { return errors.ErrUnsupported }
func (unneeded) ReadBuffer() (int, error)  { return 0, errors.ErrUnsupported }
func (unneeded) WriteBuffer() (int, error) { return 0, errors.ErrUnsupported }

package netlinkapi

import (
	"encoding/binary"
	"errors"
	"iter"
	"os"
	"sync"
	"time"
	"unsafe"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The module answers a query with one object a datagram, so many are read with one
// system call. Each has to fit: the kernel makes none larger than 8 KiB, unless
// the reader has shown a larger buffer.
const (
	batchSize    = 32
	datagramSize = 8 << 10
)

var errLongDatagram = errors.New("datagram is longer than the receive buffer")

// kernelSocket is a generic netlink socket of the kernel. It does not use the
// runtime's poller, which would wake up for each of a thousand datagrams that a
// query brings.
type kernelSocket struct {
	unneeded
	fd    int
	alarm int // an eventfd that ends a wait
	queue [][]byte

	buffer  []byte // of batchSize datagrams
	headers [batchSize]datagramHeader
	vectors [batchSize]unix.Iovec

	mu       sync.Mutex
	deadline time.Time
	reading  bool
	closed   bool
}

// datagramHeader is the kernel's struct mmsghdr.
type datagramHeader struct {
	unix.Msghdr
	size uint32 // bytes received
}

// dialKernel opens a socket and returns it with the port that the kernel gave it.
func dialKernel() (*kernelSocket, uint32, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_GENERIC)
	if err != nil {
		return nil, 0, os.NewSyscallError("socket", err)
	}
	alarm, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(fd)
		return nil, 0, os.NewSyscallError("eventfd", err)
	}
	s := &kernelSocket{fd: fd, alarm: alarm, buffer: make([]byte, batchSize*datagramSize)}
	for i := range s.headers {
		s.vectors[i].Base = &s.buffer[i*datagramSize]
		s.vectors[i].SetLen(datagramSize)
		s.headers[i].Iov = &s.vectors[i]
		s.headers[i].SetIovlen(1)
	}
	port, err := s.bind()
	if err != nil {
		s.Close()
		return nil, 0, err
	}
	// Explains refusals of the netlink layer; kernels before 4.12 lack it.
	_ = s.option(unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)
	return s, port, nil
}

func (s *kernelSocket) bind() (port uint32, err error) {
	if err := unix.Bind(s.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, os.NewSyscallError("bind", err)
	}
	addr, err := unix.Getsockname(s.fd)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	return addr.(*unix.SockaddrNetlink).Pid, nil
}

func (s *kernelSocket) option(level, name, value int) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(s.fd, level, name, value))
}

// JoinGroup asks for the notifications of a multicast group.
func (s *kernelSocket) JoinGroup(group uint32) error {
	return s.option(unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, int(group))
}

// Send sends one message. The kernel works on it before the call returns.
func (s *kernelSocket) Send(m netlink.Message) error { return s.SendMessages([]netlink.Message{m}) }

// SendMessages sends several messages at once.
func (s *kernelSocket) SendMessages(messages []netlink.Message) error {
	batch, err := join(messages)
	if err != nil {
		return err
	}
	return os.NewSyscallError("sendto", unix.Sendto(s.fd, batch, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
}

// Receive returns the messages of the next datagram.
func (s *kernelSocket) Receive() ([]netlink.Message, error) { return collect(s.ReceiveIter()) }

// ReceiveIter yields the messages of the next datagram. The data belongs to the
// caller.
func (s *kernelSocket) ReceiveIter() iter.Seq2[netlink.Message, error] {
	return func(yield func(netlink.Message, error) bool) {
		if err := s.fill(); err != nil {
			yield(netlink.Message{}, err)
			return
		}
		datagram := s.queue[0]
		s.queue = s.queue[1:]
		split(datagram, yield)
	}
}

// fill waits until there is a datagram in the queue.
func (s *kernelSocket) fill() error {
	if len(s.queue) > 0 {
		return nil
	}
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	for {
		if err := s.take(); err != unix.EAGAIN {
			return err
		}
		if err := s.wait(); err != nil {
			return err
		}
	}
}

// begin marks the descriptors as in use.
func (s *kernelSocket) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stopped(); err != nil {
		return err
	}
	s.reading = true
	return nil
}

func (s *kernelSocket) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	if s.closed {
		s.release()
	}
}

// stopped returns why nothing may be read. The lock is held.
func (s *kernelSocket) stopped() error {
	switch {
	case s.closed:
		return os.ErrClosed
	case !s.deadline.IsZero() && time.Until(s.deadline) <= 0:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// take reads the datagrams that there are; unix.EAGAIN if there are none. Since the call
// never waits, the runtime is not told of it: on a machine with one processor it would
// hand over to another thread each time.
func (s *kernelSocket) take() error {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.headers)), batchSize, unix.MSG_DONTWAIT, 0, 0)
	switch errno {
	case 0:
	case unix.EAGAIN, unix.EINTR:
		return unix.EAGAIN
	default:
		return os.NewSyscallError("recvmmsg", errno)
	}
	s.queue = make([][]byte, n)
	for i := range s.queue {
		h := &s.headers[i]
		if h.Flags&unix.MSG_TRUNC != 0 {
			return errLongDatagram
		}
		s.queue[i] = append([]byte(nil), s.buffer[i*datagramSize:][:h.size]...)
	}
	return nil
}

// wait waits for a datagram, the deadline or the end.
func (s *kernelSocket) wait() error {
	s.mu.Lock()
	deadline, err := s.deadline, s.stopped()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	var timeout *unix.Timespec
	if !deadline.IsZero() {
		left := unix.NsecToTimespec(int64(max(time.Until(deadline), 0)))
		timeout = &left
	}
	polled := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}, {Fd: int32(s.alarm), Events: unix.POLLIN}}
	if _, err := unix.Ppoll(polled, timeout, nil); err != nil && err != unix.EINTR {
		return os.NewSyscallError("ppoll", err)
	}
	if polled[1].Revents != 0 {
		var count [8]byte
		_, _ = unix.Read(s.alarm, count[:])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped()
}

// ring ends the wait that is under way, if there is one. The lock is held.
func (s *kernelSocket) ring() {
	if s.reading {
		_, _ = unix.Write(s.alarm, binary.NativeEndian.AppendUint64(nil, 1))
	}
}

// SetReadDeadline sets the end of waiting for datagrams, also of a wait that is
// under way. The zero time stands for none.
func (s *kernelSocket) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	s.ring()
	return nil
}

// SetDeadline does the same: sending does not wait.
func (s *kernelSocket) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }

// SetWriteDeadline changes nothing: sending does not wait.
func (s *kernelSocket) SetWriteDeadline(time.Time) error { return nil }

// Close closes the socket, once nobody reads it any more.
func (s *kernelSocket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return os.ErrClosed
	}
	s.closed = true
	if s.reading {
		s.ring()
		return nil
	}
	return s.release()
}

func (s *kernelSocket) release() error {
	return errors.Join(unix.Close(s.fd), unix.Close(s.alarm))
}

// SetReadBuffer sets the size of the receive buffer; root may exceed the limit of
// the system.
func (s *kernelSocket) SetReadBuffer(bytes int) error {
	if s.option(unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes) == nil {
		return nil
	}
	return s.option(unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
}

// SetWriteBuffer sets the size of the send buffer in the same way.
func (s *kernelSocket) SetWriteBuffer(bytes int) error {
	if s.option(unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, bytes) == nil {
		return nil
	}
	return s.option(unix.SOL_SOCKET, unix.SO_SNDBUF, bytes)
}

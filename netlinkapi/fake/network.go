package fake

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// DirNetwork joins nodes on one machine: each end of a connection is a socket in
// a directory.
type DirNetwork string

var _ Network = DirNetwork("")

// Listen replaces what an earlier process left behind.
func (d DirNetwork) Listen(name string) (net.Listener, error) {
	path := filepath.Join(string(d), name)
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return net.Listen("unix", path)
}

// Dial connects to a listener.
func (d DirNetwork) Dial(name string) (net.Conn, error) {
	return net.Dial("unix", filepath.Join(string(d), name))
}

// MemoryNetwork joins nodes in one process.
type MemoryNetwork struct {
	mu        sync.Mutex
	listeners map[string]*memoryListener
}

var _ Network = (*MemoryNetwork)(nil)

// NewMemoryNetwork returns a network without anybody in it.
func NewMemoryNetwork() *MemoryNetwork {
	return &MemoryNetwork{listeners: map[string]*memoryListener{}}
}

var errRefused = errors.New("connection refused")

// Listen waits for Dial with the same name.
func (n *MemoryNetwork) Listen(name string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[name] != nil {
		return nil, fmt.Errorf("%s: address in use", name)
	}
	l := &memoryListener{network: n, name: name, conns: make(chan net.Conn), done: make(chan struct{})}
	n.listeners[name] = l
	return l, nil
}

// Dial fails unless somebody listens.
func (n *MemoryNetwork) Dial(name string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[name]
	n.mu.Unlock()
	if l == nil {
		return nil, errRefused
	}
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.done:
		return nil, errRefused
	}
}

type memoryListener struct {
	network *MemoryNetwork
	name    string
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		delete(l.network.listeners, l.name)
	})
	return nil
}

func (l *memoryListener) Addr() net.Addr { return memoryAddr(l.name) }

type memoryAddr string

func (memoryAddr) Network() string  { return "memory" }
func (a memoryAddr) String() string { return string(a) }

package fake

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Node serves a Module to the tools of other processes, below a directory:
//
//	netlink.sock  netlink messages, one a packet (unix socket of type seqpacket)
//	control.sock  commands of a person or script, see Control
//	proc/drbd     what the module says in /proc/drbd
//	dev/kmsg      what it says in the kernel's log
//
// Nodes whose directories have the same parent reach each other through
// ../links.
type Node struct {
	Module *Module
	dir    string

	unloaded atomic.Bool // the module went away in peace, which listeners are told

	told  atomic.Uint64 // notifications so far
	shown atomic.Uint64 // of them, those that proc/drbd knows

	booted time.Time
	lines  atomic.Uint64 // of dev/kmsg

	faults faults

	mu      sync.Mutex
	clients map[*client]bool

	writing sync.Mutex
	proc    string // as written last

	work sync.WaitGroup
}

// procTick is how often /proc/drbd is looked at while nothing else happens.
const procTick = 100 * time.Millisecond

// NewNode returns a node in dir, which is created. Without cfg.Network, nodes
// reach each other through directories.
func NewNode(dir string, cfg Config) (*Node, error) {
	if err := os.MkdirAll(filepath.Join(dir, "proc"), 0o755); err != nil {
		return nil, err
	}
	if cfg.Network == nil {
		cfg.Network = DirNetwork(filepath.Join(filepath.Dir(filepath.Clean(dir)), "links"))
	}
	n := &Node{dir: dir, clients: map[*client]bool{}, booted: time.Now()}
	if cfg.Log == nil {
		cfg.Log = n.log
	}
	n.Module = New(cfg)
	return n, n.clearLog()
}

// clearLog begins dev/kmsg anew.
func (n *Node) clearLog() error {
	if err := os.MkdirAll(filepath.Join(n.dir, "dev"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(n.dir, "dev", "kmsg"), nil, 0o644)
}

// log adds a record to dev/kmsg: "PRIORITY,NUMBER,MICROSECONDS,FLAGS;TEXT".
func (n *Node) log(line string) {
	f, err := os.OpenFile(filepath.Join(n.dir, "dev", "kmsg"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return // as when nobody keeps a log
	}
	defer f.Close()
	fmt.Fprintf(f, "6,%d,%d,-;%s\n", n.lines.Add(1), time.Since(n.booted).Microseconds(), line)
}

// Run serves until the context ends. ready is called once tools can connect.
func (n *Node) Run(ctx context.Context, ready func()) error {
	netlink, err := listenPacket(filepath.Join(n.dir, "netlink.sock"))
	if err != nil {
		return err
	}
	defer netlink.Close()
	control, err := listenStream(filepath.Join(n.dir, "control.sock"))
	if err != nil {
		return err
	}
	defer control.Close()
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	defer context.AfterFunc(ctx, func() { netlink.Close(); control.Close() })()
	n.work.Go(func() { serve(netlink, func(c net.Conn) { n.client(ctx, c) }) })
	n.work.Go(func() { serve(control, func(c net.Conn) { n.control(ctx, c, quit) }) })
	return n.Serve(ctx, ready)
}

// Serve is Run without sockets: for tools of this process, see Connect.
func (n *Node) Serve(ctx context.Context, ready func()) error {
	if err := n.writeProc(); err != nil {
		return err
	}
	defer os.Remove(filepath.Join(n.dir, "proc", "drbd"))
	defer n.Module.Subscribe(n.spread)()
	n.work.Go(func() { n.keepProc(ctx) })
	ready()
	<-ctx.Done()
	n.Module.Close()
	n.work.Wait()
	return nil
}

// Connect returns the tool's end of a connection as one to netlink.sock, until
// the context ends.
func (n *Node) Connect(ctx context.Context) (net.Conn, error) {
	if ctx.Err() != nil {
		return nil, errRefused
	}
	near, far := net.Pipe()
	n.work.Go(func() {
		defer far.Close()
		n.client(ctx, far)
	})
	return near, nil
}

// listenPacket and listenStream replace the socket of an earlier process.
func listenPacket(path string) (net.Listener, error) { return listenOn("unixpacket", path) }
func listenStream(path string) (net.Listener, error) { return listenOn("unix", path) }

func listenOn(network, path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return net.Listen(network, path)
}

// serve handles each connection in a goroutine and returns when the listener is
// closed and all are done.
func serve(l net.Listener, handle func(net.Conn)) {
	var work sync.WaitGroup
	defer work.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		work.Go(func() {
			defer c.Close()
			handle(c)
		})
	}
}

// keepProc rewrites proc/drbd when something changed.
func (n *Node) keepProc(ctx context.Context) {
	tick := time.NewTicker(procTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = n.writeProc() // the next tick tries again
		}
	}
}

// writeProc replaces proc/drbd unless it is as it should be.
func (n *Node) writeProc() error {
	n.writing.Lock()
	defer n.writing.Unlock()
	text := n.Module.Proc()
	if text == n.proc {
		return nil
	}
	path := filepath.Join(n.dir, "proc", "drbd")
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	n.proc = text
	return os.Rename(path+".new", path)
}

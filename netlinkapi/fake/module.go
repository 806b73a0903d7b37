package fake

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"drbdutils/schema"
)

// Config says what kind of node a Module is. The zero value of a field means the
// default.
type Config struct {
	Node    string  // name of the node, for messages to people
	Version string  // version of the module; "": 8.4.11
	Network Network // how peers are reached; nil: not at all

	// Open opens the disk that a configuration names; nil: the file of that name.
	Open func(name string) (*os.File, error)

	// ResyncRate limits every resync, in bytes per second. 0 means the disk
	// option c-max-rate.
	ResyncRate int64

	// Log takes what the module says in the kernel's log, a line at a time; nil: nobody.
	Log func(line string)

	// Unhurried says that a new link is watched for as long as DRBD does, by default for
	// half a second, before it is used.
	Unhurried bool

	// Helper runs a user mode helper and returns its wait status. nil answers
	// every call with 0 and runs nothing.
	Helper func(ctx context.Context, args, env []string) uint32
}

// Module is the DRBD module of one node. All methods may be called from several
// goroutines.
type Module struct {
	cfg Config
	gen schema.Generation
	ctx context.Context
	end context.CancelFunc

	admin chan struct{} // one command at a time, as under the generic netlink lock

	mu        sync.Mutex
	changed   *sync.Cond // something happened that a waiting command may wait for
	resources []*resource
	minors    map[uint32]*device
	dependent []*device              // those whose resyncs wait for others, or did, by minor
	cut       map[string]bool        // peer addresses that cannot be reached
	broken    map[string]bool        // disks of which no data can be read or written
	refusals  map[string]schema.Code // what somebody wants the next commands of these names to be answered
	listeners map[int]func(msg []byte)
	joined    int    // how many listeners there were
	seq       uint32 // of notifications about objects
	eventSeq  uint32 // of DRBD_EVENT
	dead      bool   // the machine is down: nobody gets an answer any more
	freed     bool   // the bitmap of an attached disk is gone: who looks at its peer devices brings the machine down
	work      sync.WaitGroup

	seeking atomic.Int64 // connections that look for their peers
}

// New returns a module without any resource. Close ends it.
func New(cfg Config) *Module {
	if cfg.Version == "" {
		cfg.Version = "8.4.11"
	}
	if cfg.Open == nil {
		cfg.Open = func(name string) (*os.File, error) { return os.OpenFile(name, os.O_RDWR, 0) }
	}
	m := &Module{
		cfg: cfg, gen: generation(cfg.Version), admin: make(chan struct{}, 1), minors: map[uint32]*device{},
		cut: map[string]bool{}, broken: map[string]bool{}, refusals: map[string]schema.Code{}, listeners: map[int]func([]byte){}, seq: firstSeq, eventSeq: firstSeq,
	}
	m.changed = sync.NewCond(&m.mu)
	m.ctx, m.end = context.WithCancel(context.Background())
	return m
}

// generation tells the generation of a version.
func generation(version string) schema.Generation {
	if strings.HasPrefix(version, "9.") {
		return schema.V9
	}
	return schema.V84
}

// firstSeq is the number of the first notification after the module was loaded.
const firstSeq = 3

// Close drops all links and stops all work without any of the farewells of a
// configured shutdown: images are left as a power cut leaves them.
func (m *Module) Close() {
	m.mu.Lock()
	m.dead = true
	m.end()
	for _, r := range m.resources {
		for _, c := range r.conns {
			c.dropLink()
		}
	}
	m.changed.Broadcast()
	m.mu.Unlock()
	m.work.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.minors {
		if d.disk != nil {
			d.disk.close()
		}
	}
}

// Subscribe has f called with every multicast message, in order. f must not call
// the module. The returned function ends that.
func (m *Module) Subscribe(f func(msg []byte)) (cancel func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.joined++
	id := m.joined
	m.listeners[id] = f
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.listeners, id)
	}
}

// wait gives up the lock until cond holds or the module ends; it reports which.
func (m *Module) wait(cond func() bool) bool {
	for !cond() {
		if m.ctx.Err() != nil {
			return false
		}
		m.changed.Wait()
	}
	return true
}

// pause gives up the lock for a while.
func (m *Module) pause(ctx context.Context, d time.Duration) {
	m.mu.Unlock()
	defer m.mu.Lock()
	sleep(ctx, d)
}

func (m *Module) resource(name string) *resource {
	for _, r := range m.resources {
		if r.name == name {
			return r
		}
	}
	return nil
}

// connections returns all connections that are configured.
func (m *Module) connections() []*connection {
	var list []*connection
	for _, r := range m.resources {
		for _, c := range r.conns {
			if c.net != nil {
				list = append(list, c)
			}
		}
	}
	return list
}

// connection returns the configured connection between two addresses.
func (m *Module) connection(my, peer string) *connection {
	for _, r := range m.resources {
		if c := r.only(); c.net != nil && c.my == my && c.peerAddr == peer {
			return c
		}
	}
	return nil
}

// devices returns all devices by minor number.
func (m *Module) devices() []*device {
	var list []*device
	for _, d := range m.minors {
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b *device) int { return int(a.minor) - int(b.minor) })
	return list
}

package fake

import (
	"context"
	"net"
	"sync"
	"time"
)

// maxQueue is how many bytes of messages may wait for a client. Notifications beyond that
// are lost, and the client is told so, as with a netlink socket's receive buffer.
const maxQueue = 8 << 20

// Types of messages on the socket that stand for what netlink does without any:
// joining a multicast group, and a lost message.
const (
	typeNoop    = 1
	typeOverrun = 4
)

// client is a tool at the netlink socket.
type client struct {
	conn  net.Conn
	plain bool // it has no privileges

	mu      sync.Mutex
	more    *sync.Cond
	queue   [][]byte
	size    int
	overrun bool
	groups  map[uint32]bool
	closed  bool
}

// client serves one tool until it hangs up or the node ends.
func (n *Node) client(ctx context.Context, conn net.Conn) {
	c := &client{conn: conn, plain: !trusted(conn), groups: map[uint32]bool{}}
	c.more = sync.NewCond(&c.mu)
	defer context.AfterFunc(ctx, func() { n.hangUp(c) })()
	n.meet(c)
	defer n.leave(c)
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(c.write)
	defer c.close()
	buf := make([]byte, 64<<10)
	for {
		size, err := conn.Read(buf)
		if err != nil || size == 0 {
			return
		}
		for _, msg := range splitMessages(buf[:size]) {
			n.answer(c, msg)
		}
	}
}

// answer handles a message. What it says, or changed, can be read in proc/drbd by the
// time it arrives.
func (n *Node) answer(c *client, msg []byte) {
	h := readHeader(msg)
	if h.kind == typeNoop && len(msg) >= nlHeaderLen+4 {
		c.join(native.Uint32(msg[nlHeaderLen:]))
		return
	}
	replies := n.Module.handle(msg, c.plain)
	if told := n.told.Load(); n.shown.Swap(told) != told {
		_ = n.writeProc()
	}
	if h.kind != controllerID && !n.faults.reply() {
		return // the controller is not ours: it answers
	}
	for _, reply := range replies {
		c.send(reply)
	}
}

func (n *Node) meet(c *client) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.clients[c] = true
}

func (n *Node) leave(c *client) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.clients, c)
}

// spread hands a notification to all clients, or what faults make of it.
func (n *Node) spread(msg []byte) {
	n.told.Add(1)
	list := n.faults.notify(msg)
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.clients {
		for _, m := range list {
			c.multicast(groupID, m)
		}
	}
}

// overrun makes every listener lose what waits for it.
func (n *Node) overrun() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.clients {
		c.lose()
	}
}

// splitMessages returns copies of the messages in a batch.
func splitMessages(b []byte) [][]byte {
	var list [][]byte
	for len(b) >= nlHeaderLen {
		size := int(native.Uint32(b))
		if size < nlHeaderLen || size > len(b) {
			break
		}
		list = append(list, append([]byte(nil), b[:size]...))
		b = b[min(align4(size), len(b)):]
	}
	return list
}

func (c *client) join(group uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.groups[group] = true
}

func (c *client) multicast(group uint32, msg []byte) {
	c.mu.Lock()
	joined, full := c.groups[group], c.size+len(msg) > maxQueue
	c.overrun = c.overrun || joined && full
	c.mu.Unlock()
	if joined && !full {
		c.send(msg)
	}
}

// send queues a message. The kernel goes on with a dump when the client has read what it
// got, so that no reply is lost.
func (c *client) send(msg []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue, c.size = append(c.queue, msg), c.size+len(msg)
	c.more.Signal()
}

// lose tells the client that notifications were lost.
func (c *client) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.groups[groupID] {
		c.overrun = true
		c.more.Signal()
	}
}

func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.more.Signal()
}

// write sends what is queued, one message a packet, until the client is closed
// and the queue empty.
func (c *client) write() {
	for {
		msg, ok := c.next()
		if !ok {
			return
		}
		if _, err := c.conn.Write(msg); err != nil {
			return
		}
	}
}

func (c *client) next() ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) == 0 && !c.overrun && !c.closed {
		c.more.Wait()
	}
	if len(c.queue) > 0 {
		msg := c.queue[0]
		c.queue, c.size = c.queue[1:], c.size-len(msg)
		return msg, true
	}
	if c.overrun {
		c.overrun = false
		return endMessage(startMessage(header{kind: typeOverrun})), true
	}
	return nil, false
}

// hangUp ends reading; what is queued is still written.
func (c *client) hangUp() {
	if u, ok := c.conn.(*net.UnixConn); ok {
		_ = u.CloseRead()
		return
	}
	_ = c.conn.SetReadDeadline(time.Unix(1, 0))
}

const (
	ctrlDelFamily = 2
	ctrlDelGroup  = 8
)

// farewell is how long a client may take for its last messages.
const farewell = time.Second

// hangUp ends a client. If the module was unloaded, it is told so first.
func (n *Node) hangUp(c *client) {
	defer c.hangUp()
	_ = c.conn.SetWriteDeadline(time.Now().Add(farewell))
	if !n.unloaded.Load() {
		return
	}
	for _, cmd := range []byte{ctrlDelGroup, ctrlDelFamily} {
		b := append(startMessage(header{kind: controllerID}), cmd, 2, 0, 0)
		b = appendAttribute(b, ctrlFamilyName, append([]byte(familyName), 0))
		c.multicast(controllerID, endMessage(appendAttribute(b, ctrlFamilyID, native.AppendUint16(nil, familyID))))
	}
}

package fake

import (
	"drbdutils/schema"
)

// conn is the one state that DRBD 8.4 keeps for connection and replication
// together. The words are schema.MergedStates.
type conn uint32

const (
	standAlone conn = iota
	disconnecting
	unconnected
	timedOut
	brokenPipe
	networkFailure
	protocolError
	tearDown
	wfConnection
	wfReportParams
	connected
	startingSyncS
	startingSyncT
	wfBitMapS
	wfBitMapT
	wfSyncUUID
	syncSource
	syncTarget
	verifyS
	verifyT
	pausedSyncS
	pausedSyncT
	ahead
	behind
)

func (c conn) String() string { return schema.MergedStates.Format(uint64(c)) }

// lost reports whether the link just broke.
func (c conn) lost() bool { return c >= timedOut && c <= tearDown }

// syncing reports whether a resync runs or is paused, in either direction.
func (c conn) syncing() bool {
	return c == syncSource || c == syncTarget || c == pausedSyncS || c == pausedSyncT
}

// target reports whether this side receives a resync.
func (c conn) target() bool { return c == syncTarget || c == pausedSyncT }

// waitsForSync reports whether this side waits for the source to begin.
func (c conn) waitsForSync() bool { return c == wfSyncUUID || c == wfBitMapT }

func (c conn) verifying() bool  { return c == verifyS || c == verifyT }
func (c conn) startsSync() bool { return c == startingSyncS || c == startingSyncT }

// state is a device as it stands towards a peer: what DRBD 8.4 keeps for each
// device. The connection part is the same for all devices of a resource as long as
// it is below connected.
type state struct {
	role, peer schema.Role
	conn       conn
	disk, pdsk schema.DiskState

	aftrISP bool // resync paused by a dependency
	peerISP bool // resync paused by the peer
	userISP bool // resync paused by the administrator
}

// ownPart is what a device knows of itself, peerPart what it knows of one peer.
// A state is both together: the device as it stands towards that peer.
type ownPart struct {
	role   schema.Role
	disk   schema.DiskState
	quorum bool // DRBD 9: enough nodes are reached
}

type peerPart struct {
	peer schema.Role
	conn conn
	pdsk schema.DiskState

	aftrISP, peerISP, userISP bool
}

// newOwn and newPeer are the parts of new objects.
var (
	newOwn  = ownPart{role: schema.Secondary, quorum: true}
	newPeer = peerPart{pdsk: schema.DUnknown}
)

// paused reports whether a resync must not run now.
func (s state) paused() bool { return s.aftrISP || s.peerISP || s.userISP }

// word packs a state as the 8.4 module does on little-endian machines: two bits
// each for the roles, five for the connection, four for each disk, then flags.
func (s state) word(susp suspension) uint32 {
	w := uint32(s.role) | uint32(s.peer)<<2 | uint32(s.conn)<<4
	w |= schema.DiskStates84.ToWire(uint32(s.disk)) << 9
	w |= schema.DiskStates84.ToWire(uint32(s.pdsk)) << 13
	flags := []bool{susp.user, s.aftrISP, s.peerISP, s.userISP, susp.noData, susp.fencing}
	for i, on := range flags {
		if on {
			w |= 1 << (17 + i)
		}
	}
	return w
}

// change names the parts of a state that somebody asks to be changed. It crosses
// the link to a peer, so its fields are exported.
type change struct {
	Role, Peer *schema.Role
	Conn       *conn
	Disk, PDsk *schema.DiskState

	AftrISP, PeerISP, UserISP *bool
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// apply returns s with the change made.
func (c change) apply(s state) state {
	set(&s.role, c.Role)
	set(&s.peer, c.Peer)
	set(&s.conn, c.Conn)
	set(&s.disk, c.Disk)
	set(&s.pdsk, c.PDsk)
	set(&s.aftrISP, c.AftrISP)
	set(&s.peerISP, c.PeerISP)
	set(&s.userISP, c.UserISP)
	return s
}

// seenByPeer holds the connection states whose name differs at the other end.
var seenByPeer = map[conn]conn{
	startingSyncS: startingSyncT,
	startingSyncT: startingSyncS,
	wfBitMapS:     wfBitMapT,
	wfBitMapT:     wfBitMapS,
	disconnecting: tearDown,
	verifyS:       verifyT,
}

// mirror returns the change as the peer sees it.
func (c change) mirror() change {
	m := change{Role: c.Peer, Peer: c.Role, Disk: c.PDsk, PDsk: c.Disk}
	if c.Conn != nil {
		m.Conn = c.Conn
		if other, ok := seenByPeer[*c.Conn]; ok {
			m.Conn = &other
		}
	}
	if c.UserISP != nil || c.AftrISP != nil {
		m.PeerISP = new(c.UserISP != nil && *c.UserISP || c.AftrISP != nil && *c.AftrISP)
	}
	return m
}

// degraded reports whether a Primary knows no current data, here or at the peer.
func (s state) degraded() bool {
	return s.role == schema.Primary && s.disk < schema.UpToDate && s.pdsk < schema.UpToDate
}

// unfenced reports whether a peer that a Primary does not reach may have current data.
func (s state) unfenced() bool {
	return s.role == schema.Primary && s.conn < connected && s.pdsk > schema.Outdated
}

// disks is a range of disk states for this node and the peer.
type disks struct{ min, max, peerMin, peerMax schema.DiskState }

// fitting names the disk states that go with a replication state.
var fitting = map[conn]disks{
	connected:     {schema.Diskless, schema.UpToDate, schema.Diskless, schema.UpToDate},
	wfBitMapS:     {schema.UpToDate, schema.UpToDate, schema.Inconsistent, schema.Consistent},
	pausedSyncS:   {schema.UpToDate, schema.UpToDate, schema.Inconsistent, schema.Consistent},
	startingSyncS: {schema.UpToDate, schema.UpToDate, schema.Inconsistent, schema.Consistent},
	ahead:         {schema.UpToDate, schema.UpToDate, schema.Inconsistent, schema.Consistent},
	wfBitMapT:     {schema.Inconsistent, schema.Outdated, schema.UpToDate, schema.UpToDate},
	pausedSyncT:   {schema.Inconsistent, schema.Outdated, schema.UpToDate, schema.UpToDate},
	startingSyncT: {schema.Inconsistent, schema.Outdated, schema.UpToDate, schema.UpToDate},
	wfSyncUUID:    {schema.Inconsistent, schema.Outdated, schema.UpToDate, schema.UpToDate},
	behind:        {schema.Inconsistent, schema.Outdated, schema.UpToDate, schema.UpToDate},
	syncSource:    {schema.UpToDate, schema.UpToDate, schema.Inconsistent, schema.Inconsistent},
	syncTarget:    {schema.Inconsistent, schema.Inconsistent, schema.UpToDate, schema.UpToDate},
	verifyS:       {schema.UpToDate, schema.UpToDate, schema.UpToDate, schema.UpToDate},
	verifyT:       {schema.UpToDate, schema.UpToDate, schema.UpToDate, schema.UpToDate},
}

// sane returns s with what follows from it made so: an unconnected peer is
// unknown, a resync without a disk ends, disk states fit the replication state,
// and a paused resync is called so.
func (s state) sane() state { return s.cutOff().fit().pausing() }

// cutOff forgets what cannot be known of a peer that is not connected, and ends a
// resync without a disk.
func (s state) cutOff() state {
	if s.conn < connected {
		s.peerISP, s.peer = false, schema.RoleUnknown
		if s.pdsk > schema.DUnknown || s.pdsk < schema.Inconsistent {
			s.pdsk = schema.DUnknown
		}
	}
	if s.conn == standAlone && s.disk == schema.Diskless && s.role == schema.Secondary {
		s.aftrISP = false
	}
	if s.conn > connected && (s.disk <= schema.Failed || s.pdsk <= schema.Failed) {
		s.conn = connected
	}
	return s
}

// pausing gives a resync that is paused, or goes on, its name.
func (s state) pausing() state {
	switch {
	case s.paused() && s.conn == syncSource:
		s.conn = pausedSyncS
	case s.paused() && s.conn == syncTarget:
		s.conn = pausedSyncT
	case !s.paused() && s.conn == pausedSyncS:
		s.conn, s.pdsk = syncSource, schema.Inconsistent
	case !s.paused() && s.conn == pausedSyncT:
		s.conn, s.disk = syncTarget, schema.Inconsistent
	}
	return s
}

// fit moves the disk states into the range of the replication state. While
// connected, data that is merely Consistent or Outdated counts as the peer's:
// both are UpToDate.
func (s state) fit() state {
	if s.conn == connected {
		if s.disk == schema.Consistent || s.disk == schema.Outdated {
			s.disk = schema.UpToDate
		}
		if s.pdsk == schema.Consistent || s.pdsk == schema.Outdated {
			s.pdsk = schema.UpToDate
		}
	}
	if s.conn == wfBitMapS && s.pdsk == schema.Outdated { // seen with 8.4.11
		s.pdsk = schema.Consistent
	}
	if r, ok := fitting[s.conn]; ok {
		s.disk = min(max(s.disk, r.min), r.max)
		s.pdsk = min(max(s.pdsk, r.peerMin), r.peerMax)
	}
	return s
}

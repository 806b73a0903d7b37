package fake

import (
	"math/rand/v2"
	"slices"

	"drbdutils/meta"
	"drbdutils/schema"
)

// device is one volume of a resource: a minor, its disk and what is known of the
// peer's copy.
type device struct {
	res    *resource
	minor  uint32
	volume uint32
	state  state
	size   uint64 // sectors; stays after a detach
	disk   *disk
	open   int // users of the device

	exposed       uint64           // generation of the data that users saw last
	crashed       bool             // was Primary when the node went down, and did not see the peer since
	newGeneration bool             // a new current UUID is due when I/O goes on
	degraded      bool             // was Primary without a peer when the node went down
	failed        bool             // the disk is lost because of an I/O error
	frozen        bool             // I/O waits while a disk comes or goes
	alSuspended   bool             // the activity log is not kept: all is out of sync anyway
	negotiated    schema.DiskState // what the disk becomes once the peer agreed
	peerSize      uint64           // sectors that the peer's disk could have; 0 without one
	peer          *side            // what the peer reported of its copy
	count         counters
	sync          syncRun

	verifyFrom, verifyTo uint64 // blocks that the next verify looks at
}

// counters are what a device did. A new disk begins to count anew.
type counters struct {
	sent, received, read, written uint64 // sectors
	al, bm                        uint64 // metadata writes of the last disk
}

func (m *Module) newDevice(r *resource, minor, volume uint32) *device {
	d := &device{res: r, minor: minor, volume: volume, state: initialState}
	d.state.conn = r.conn.state
	m.minors[minor] = d
	r.devices = append(r.devices, d)
	slices.SortFunc(r.devices, func(a, b *device) int { return int(a.volume) - int(b.volume) })
	list := []notice{d.about(schema.Create)}
	if r.conn.net != nil {
		list = append(list, d.aboutPeer(schema.Create))
	}
	m.tell(list...)
	return d
}

// remove takes the device out of its resource.
func (d *device) remove() {
	m := d.res.m
	delete(m.minors, d.minor)
	d.res.devices = slices.DeleteFunc(d.res.devices, func(o *device) bool { return o == d })
	if d.res.conn.net != nil {
		m.tell(d.aboutPeer(schema.Destroy), d.about(schema.Destroy))
		return
	}
	m.tell(d.about(schema.Destroy))
}

func (d *device) alWrites() uint64 {
	if d.disk == nil {
		return d.count.al
	}
	return d.disk.alWrites
}

func (d *device) bmWrites() uint64 {
	if d.disk == nil {
		return d.count.bm
	}
	return d.disk.bmWrites
}

// outOfSync returns how many blocks the peer misses.
func (d *device) outOfSync() uint64 {
	if d.disk == nil || d.disk.bits == nil {
		return 0
	}
	return d.disk.bits.set
}

// surroundings returns what the rules look at.
func (d *device) surroundings() surroundings {
	c := d.res.conn
	e := surroundings{configured: c.net != nil, peerPrimary: d.res.peerRole() == schema.Primary, open: d.open > 0}
	e.twoPrimaries = c.net.Bool("two_primaries")
	e.verifyAlg = c.net.Str("verify_alg") != ""
	e.fencing = d.disk != nil && d.disk.conf.Uint("fencing") != fencingDontCare
	return e
}

const fencingDontCare = 0

// allows returns why the device may not go from one state to the other. A state
// that was wrong before may stay wrong in the same way.
func (d *device) allows(old, new state) schema.Code {
	e := d.surroundings()
	if code := new.valid(e); !code.OK() && old.valid(e) != code {
		return code
	}
	return reachable(old, new)
}

// check returns the state that a change leads to, and StateDone, or why there is
// none. With hard, only what is impossible is refused.
func (d *device) check(c change, hard bool) (state, schema.Code) {
	old := d.state
	next := c.apply(old).sane()
	switch {
	case next == old:
		return next, schema.StateNothingToDo
	case next.disk == schema.Failed && old.disk == schema.Diskless:
		return next, schema.StateIsDiskless
	case hard:
		return next, schema.StateDone
	}
	return next, d.allows(old, next)
}

// set changes the device's state here, without asking the peer.
func (d *device) set(c change, hard bool) schema.Code {
	next, code := d.check(c, hard)
	if code == schema.StateDone {
		d.res.commit(false, func() { d.state = next })
	}
	return code
}

// request changes the device's state, with the consent of the peer where that is
// needed. It may give up the lock meanwhile.
func (d *device) request(c change) schema.Code {
	old := d.state
	new := c.apply(old).sane()
	if new == old {
		return schema.StateNothingToDo
	}
	if clusterWide(old, new) {
		if code := d.allows(old, new); !code.OK() {
			return code
		}
		if code := d.res.conn.ask(d.volume, c); !code.OK() {
			return code
		}
	}
	return d.set(c, false)
}

// stateFlags are the flags in the superblock that follow from the state.
const stateFlags = meta.Consistent | meta.PrimaryInd | meta.ConnectedInd | meta.WasUpToDate |
	meta.PeerOutdated | meta.CrashedPrimary | meta.ALClean

// noteState stores what must be known after a crash. A disk that fails or is
// being detached keeps what it knew.
func (d *device) noteState(old state) {
	s := d.state
	if !d.attached() {
		return
	}
	if s.conn.verifying() && !old.conn.verifying() {
		d.beginVerify()
	}
	flags := d.disk.flags &^ stateFlags
	for flag, on := range map[meta.Flags]bool{
		meta.CrashedPrimary: d.crashed,
		meta.PrimaryInd:     s.role == schema.Primary || s.pdsk < schema.Inconsistent && s.peer == schema.Primary,
		meta.ConnectedInd:   s.conn > wfReportParams,
		meta.Consistent:     s.disk > schema.Inconsistent,
		meta.WasUpToDate:    s.disk > schema.Outdated,
		meta.PeerOutdated:   s.pdsk >= schema.Inconsistent && s.pdsk <= schema.Outdated,
	} {
		if on {
			flags |= flag
		}
	}
	if s.disk == schema.Negotiating {
		flags = d.disk.flags
	}
	if old.disk < schema.Consistent && s.disk >= schema.Consistent {
		d.exposed = d.disk.uuids[uuidCurrent]
	}
	if flags != d.disk.flags {
		d.disk.flags = flags
		d.save()
	}
}

// save writes the superblock. A failure is one of the disk.
func (d *device) save() {
	if d.disk == nil {
		return
	}
	if err := d.disk.writeSuper(d.size); err != nil {
		d.ioError()
	}
}

// flush writes the bitmap.
func (d *device) flush() {
	if d.disk == nil || d.disk.bits == nil {
		return
	}
	if err := d.disk.flushBitmap(); err != nil {
		d.ioError()
	}
}

// newCurrentUUID begins a new generation: what the peer has is the bitmap's base.
func (d *device) newCurrentUUID() {
	u := &d.disk.uuids
	u[uuidBitmap] = u[uuidCurrent] // with its mark: which side was Primary first shows there
	d.setCurrent(rand.Uint64())
}

// setCurrent sets the current UUID with the mark of the role.
func (d *device) setCurrent(id uint64) {
	id &^= uuidPrimary
	if d.state.role == schema.Primary {
		id |= uuidPrimary
	}
	d.disk.uuids[uuidCurrent] = id
	d.exposed = id
	d.save()
}

// attached reports whether there is a disk that is not failing.
func (d *device) attached() bool { return d.disk != nil && d.state.disk > schema.Failed }

// shown reports whether the disk appears in what the module tells: not while the
// peer still has to agree to it.
func (d *device) shown() bool { return d.disk != nil && d.state.disk > schema.Negotiating }

// usable reports whether data on the local disk can be read and written.
func (d *device) usable() bool { return d.disk != nil && d.state.disk >= schema.Inconsistent }

// follow does what a change of state entails.
func (d *device) follow(old, new state) {
	if old.conn != connected && new.conn == connected {
		d.crashed = false
	}
	d.followPeerDisk(old, new)
	d.followDisk(old, new)
	d.followLink(old, new)
	d.followSync(old, new)
}

// followPeerDisk answers a disk that came at the peer, and begins a new generation
// when a Primary loses the peer's copy.
func (d *device) followPeerDisk(old, new state) {
	if old.pdsk == schema.Diskless && new.pdsk > schema.Diskless && new.pdsk != schema.DUnknown {
		d.report(reportAll) // the peer attached its disk and wants to compare
	}
	had := old.pdsk >= schema.Inconsistent && old.pdsk != schema.DUnknown && old.pdsk != schema.Outdated
	lost := new.pdsk < schema.Inconsistent || new.pdsk == schema.DUnknown || new.pdsk == schema.Outdated
	if !had || !lost || d.disk == nil || new.disk < schema.UpToDate {
		return
	}
	primary := new.role == schema.Primary || new.peer == schema.Primary
	if !primary || d.disk.uuids[uuidBitmap] != 0 {
		return
	}
	if d.res.susp.any() {
		d.newGeneration = true // once I/O goes on
		return
	}
	d.newCurrentUUID()
	d.report(reportUUIDs)
}

// followDisk tells the peer about the local disk, and takes a failed one away.
func (d *device) followDisk(old, now state) {
	switch {
	case old.disk == schema.Attaching && now.disk == schema.Negotiating:
		d.report(reportAll)
	case now.disk == schema.Failed && old.disk != schema.Failed:
		d.flush()
		d.report(reportState)
		if d.failed && d.disk != nil && d.disk.conf.Uint("on_io_error") == ioErrorHelper {
			d.helper("local-io-error")
		}
		d.set(change{Disk: new(schema.Diskless)}, true)
	case now.disk == schema.Diskless && old.disk > schema.Diskless:
		d.report(reportState)
		d.dropDisk()
	case old.disk < schema.UpToDate && old.conn >= syncSource && now.conn == connected,
		old.disk != now.disk && now.disk == schema.Outdated && now.conn == connected:
		d.report(reportState)
	}
}

func (d *device) dropDisk() {
	if d.disk != nil {
		d.count.al, d.count.bm = d.disk.alWrites, d.disk.bmWrites
		d.disk.close()
		d.disk = nil
	}
	d.peer = nil
}

// followLink stores the bitmap when the link breaks and forgets the peer.
func (d *device) followLink(old, new state) {
	if old.conn >= connected && new.conn < connected {
		d.flush()
		d.peer = nil
	}
	if new.conn >= connected && (old.userISP != new.userISP || old.aftrISP != new.aftrISP) {
		d.report(reportState)
	}
}

// ioError applies the policy for a failing disk.
func (d *device) ioError() {
	if d.disk == nil || d.state.disk <= schema.Failed {
		return
	}
	if d.disk.conf.Uint("on_io_error") != ioErrorPassOn {
		d.failed = true
		d.set(change{Disk: new(schema.Failed)}, true)
	} else if d.state.disk > schema.Inconsistent {
		d.set(change{Disk: new(schema.Inconsistent)}, true)
	}
}

const (
	ioErrorPassOn = 0
	ioErrorHelper = 1
)

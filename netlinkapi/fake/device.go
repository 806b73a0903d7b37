package fake

import (
	"slices"

	"drbdutils/schema"
)

// device is one volume of a resource: a minor and its disk.
type device struct {
	res       *resource
	minor     uint32
	volume    uint32
	own       ownPart
	peers     []*peerDevice // those that came later first, before those that were there
	size      uint64        // sectors; stays after a detach
	disk      *disk
	backing   string         // the name of the disk that is there, or was
	conf      *schema.Values // DRBD 9: device_conf
	open      int            // users of the device
	wasStable bool           // and was told so
	openers   []string       // and who they are

	exposed       uint64           // generation of the data that users saw last
	crashed       bool             // was Primary when the node went down, and did not see the peer since
	newGeneration bool             // a new current UUID is due when I/O goes on
	degraded      bool             // was Primary without a peer when the node went down
	forced        bool             // the disk counts as UpToDate because an administrator said so
	failed        bool             // the disk is lost because of an I/O error
	frozen        bool             // I/O waits while a disk comes or goes
	alSuspended   bool             // the activity log is not kept: all is out of sync anyway
	negotiated    schema.DiskState // what the disk becomes once the peer agreed
	count         counters
}

// counters are what a device did. A new disk begins to count anew.
type counters struct {
	read, written uint64 // sectors
	al, bm        uint64 // metadata writes of the last disk
}

// only is the device as the only peer of DRBD 8.4 has it.
func (d *device) only() *peerDevice { return d.peers[0] }

// with is the device as a peer has it.
func (d *device) with(c *connection) *peerDevice {
	for _, pd := range d.peers {
		if pd.conn == c {
			return pd
		}
	}
	return nil
}

// client reports whether the device has no disk on purpose.
func (d *device) client() bool { return d.conf.Bool("intentional_diskless") }

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

// setDisk changes the state of the disk, without being refused.
func (d *device) setDisk(s schema.DiskState) schema.Code {
	return d.res.attempt(nil, true, func() { d.own.disk = s })
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

// flush writes the bitmaps.
func (d *device) flush() {
	if d.disk == nil {
		return
	}
	if err := d.disk.flushBitmap(); err != nil {
		d.ioError()
	}
}

// attached reports whether there is a disk that is not failing.
func (d *device) attached() bool { return d.disk != nil && d.own.disk > schema.Failed }

// shown reports whether the disk appears in what the module tells: not while the
// peer still has to agree to it.
func (d *device) shown() bool { return d.disk != nil && d.own.disk > schema.Negotiating }

// usable reports whether data on the local disk can be read and written.
func (d *device) usable() bool { return d.disk != nil && d.own.disk >= schema.Inconsistent }

// follow does what a change of state entails.
func (d *device) follow(old, now snapshot) {
	was, is := old.devices[d], now.devices[d]
	for _, pd := range slices.Clone(d.peers) {
		if a, b := old.of(pd), now.of(pd); a != b {
			if a.conn != connected && b.conn == connected && d.compared() {
				d.crashed = false
			}
			pd.followPeerDisk(a, b)
		}
	}
	d.followDisk(was, is)
	if d.res.m.gen == schema.V9 && was.disk != is.disk && was.disk >= schema.Outdated && is.disk == schema.Consistent {
		d.res.settleDoubts()
	}
	lost := was.disk > schema.Failed && is.disk <= schema.Failed && is.role == schema.Primary
	if lost && d.res.m.gen == schema.V9 && d.peerUpToDate() {
		d.newGeneration = true // what the disk misses begins with the next write
	}
	if was.quorum != is.quorum {
		d.report(reportState)
	}
	if was.quorum && !is.quorum && is.role == schema.Primary {
		d.res.helperLater(helperCall{d: d, name: "quorum-lost", ctx: d.context()})
	}
	for _, pd := range d.peers {
		if now.of(pd).degraded() && !old.of(pd).degraded() {
			pd.alarm("pri-on-incon-degr")
		}
		if is.disk == schema.UpToDate && old.of(pd).pdsk < schema.UpToDate && now.of(pd).pdsk == schema.UpToDate {
			pd.conn.unfenceLater()
		}
	}
	for _, pd := range slices.Clone(d.peers) {
		if a, b := old.of(pd), now.of(pd); a != b {
			pd.followDisk(a, b)
			pd.followLink(a, b)
			pd.followSync(a, b)
		}
	}
}

// compared reports whether all peers with a disk have compared it with the one that
// was attached here. Until then all of them are to meet the same facts.
func (d *device) compared() bool {
	return !slices.ContainsFunc(d.peers, func(pd *peerDevice) bool {
		return pd.comparing && pd.part.conn == connected && pd.part.pdsk >= schema.Inconsistent && pd.part.pdsk != schema.DUnknown
	})
}

// attachReports are what the peers are told of a disk that waits for their consent.
var attachReports = map[schema.Generation][]reportPart{
	schema.V84: {reportAll},
	schema.V9:  {reportState, reportAll},
}

// followDisk tells the peers about a disk that comes, and takes one that failed
// away.
func (d *device) followDisk(was, is ownPart) {
	if was.disk == schema.Attaching && is.disk > schema.Attaching {
		d.res.meetAgain()
	}
	switch {
	case was.disk == is.disk:
	case was.disk == schema.Attaching && is.disk == schema.Negotiating:
		for _, pd := range d.peers {
			pd.comparing = true
		}
		for _, parts := range attachReports[d.res.m.gen] {
			d.report(parts)
		}
	case is.disk == schema.Failed:
		d.flush()
		d.report(reportState)
		if d.failed && d.disk != nil && d.disk.conf.Uint("on_io_error") == ioErrorHelper {
			d.res.m.work.Go(d.callForDisk)
			return
		}
		d.setDisk(schema.Diskless)
	case is.disk == schema.Detaching:
		d.report(reportState)
	case is.disk == schema.Diskless:
		d.report(reportState)
		d.dropDisk()
	}
}

// callForDisk calls the helper for a disk that failed before it lets it go. I/O does
// not wait for that.
func (d *device) callForDisk() {
	m := d.res.m
	m.mu.Lock()
	defer m.mu.Unlock()
	d.helper("local-io-error")
	d.setDisk(schema.Diskless)
}

// followDisk tells a peer that a resync is over or stands still, or that the disk is
// outdated.
func (pd *peerDevice) followDisk(old, now state) {
	synced := old.disk < schema.UpToDate && old.conn >= syncSource && now.conn == connected
	nine, changed := pd.res.m.gen == schema.V9, old.disk != now.disk
	outdated := changed && now.disk == schema.Outdated && (now.conn == connected || nine && now.conn > connected)
	paused := changed && nine && now.conn == pausedSyncT
	agreed := old.disk == schema.Negotiating && nine
	current := changed && nine && now.disk >= schema.Consistent && now.conn >= connected
	switch {
	case now.disk <= schema.Failed:
	case current:
		pd.report(reportAll)
	case synced || outdated || paused || agreed:
		pd.report(reportState)
	}
}

func (d *device) dropDisk() {
	if d.disk != nil {
		d.count.al, d.count.bm = d.disk.alWrites, d.disk.bmWrites
		d.disk.close()
		d.disk = nil
	}
	if d.res.m.gen == schema.V9 {
		d.alSuspended = false
	}
	for _, pd := range d.peers {
		pd.peer = nil
	}
}

// report tells all peers about this volume.
func (d *device) report(parts reportPart) {
	for _, pd := range d.peers {
		pd.report(parts)
	}
}

// ioError applies the policy for a failing disk.
func (d *device) ioError() {
	if d.disk == nil || d.own.disk <= schema.Failed {
		return
	}
	if d.disk.conf.Uint("on_io_error") != ioErrorPassOn {
		d.say("Local IO failed in __req_mod. Detaching...")
		d.failed = true
		d.setDisk(schema.Failed)
	} else if d.own.disk > schema.Inconsistent {
		d.say("Local IO failed in __req_mod.")
		d.setDisk(schema.Inconsistent)
	}
}

const (
	ioErrorPassOn = 0
	ioErrorHelper = 1
)

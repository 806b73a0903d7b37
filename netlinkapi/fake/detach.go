package fake

import (
	"fmt"

	"drbdutils/schema"
)

func (m *Module) detach(r *request) schema.Code {
	return r.peer.detach(r.parms.Bool("force_detach"))
}

func (pd *peerDevice) detach(force bool) schema.Code {
	pd.frozen = !force
	defer func() { pd.frozen = false }()
	failed := change{Disk: new(schema.Failed)}
	code := schema.StateDone
	if force {
		code = pd.set(failed, true)
	} else {
		code = pd.request(failed)
	}
	if code == schema.StateIsDiskless {
		return schema.StateNothingToDo
	}
	return code
}

func (m *Module) detach9(r *request) schema.Code {
	d := r.device
	if r.parms.Bool("intentional_diskless_detach") {
		d.conf.SetBool("intentional_diskless", true)
	}
	if c := d.neededBy(); c != nil && !r.parms.Bool("force_detach") {
		return r.declined(c)
	}
	return d.detach9(r.parms.Bool("force_detach"))
}

// detach9 takes the disk away. Without force it refuses to take the last current
// data from a Primary.
func (d *device) detach9(force bool) schema.Code {
	if d.own.disk == schema.Diskless {
		return schema.StateDone
	}
	if !force && d.own.role == schema.Primary && !d.peerUpToDate() {
		return schema.StateNoUpToDateDisk
	}
	d.frozen = !force
	defer func() { d.frozen = false }()
	d.flush()
	d.setDisk(schema.Detaching)
	d.setDisk(schema.Diskless)
	return schema.StateDone
}

// neededBy returns the connection to a Primary without any other current data than
// that here.
func (d *device) neededBy() *connection {
	for _, pd := range d.peers {
		alone := pd.part.pdsk < schema.UpToDate && !d.peerUpToDate()
		if pd.conn.peer == schema.Primary && alone && d.own.disk == schema.UpToDate {
			return pd.conn
		}
	}
	return nil
}

// declined says which peer refused.
func (r *request) declined(c *connection) schema.Code {
	return r.refuse(schema.StateFailedByPeer,
		fmt.Sprintf("Declined by peer %s (id: %d), see the kernel log there", c.net.Str("name"), c.node))
}

func (m *Module) outdate(r *request) schema.Code {
	return r.peer.request(change{Disk: new(schema.Outdated)})
}

func (m *Module) outdate9(r *request) schema.Code {
	d := r.device
	switch {
	case d.own.disk == schema.Outdated:
		return schema.StateNothingToDo
	case d.own.disk == schema.Diskless:
		return schema.StateIsDiskless
	case d.own.disk < schema.Outdated:
		return schema.StateLowerThanOutdated
	case d.own.role == schema.Primary:
		return schema.StateNoUpToDateDisk
	}
	return d.setDisk(schema.Outdated)
}

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
	return r.declined(d.detach9(r.parms.Bool("force_detach")))
}

// detach9 takes the disk away. Without force the peers have to agree.
func (d *device) detach9(force bool) schema.Code {
	if d.own.disk == schema.Diskless {
		return schema.StateDone
	}
	d.frozen = !force
	defer func() { d.frozen = false }()
	d.flush()
	detaching := func() { d.own.disk = schema.Detaching }
	if force {
		d.setDisk(schema.Detaching)
	} else if code := d.res.agree(ballot{Detaches: true, Volume: d.volume}, detaching); !code.OK() {
		return code
	}
	d.setDisk(schema.Diskless)
	return schema.StateDone
}

// declined adds to a code of DRBD 9 which peer refused, if one did.
func (r *request) declined(code schema.Code) schema.Code {
	res := r.resource
	if c := res.connectionTo(res.ballots.refused); res.m.gen == schema.V9 && code == schema.StateFailedByPeer && c != nil {
		r.refuse(code, fmt.Sprintf("Declined by peer %s (id: %d), see the kernel log there", c.net.Str("name"), c.node))
	}
	return code
}

func (m *Module) outdate(r *request) schema.Code {
	return r.peer.request(change{Disk: new(schema.Outdated)})
}

func (m *Module) outdate9(r *request) schema.Code {
	return r.resource.attempt(nil, false, func() { r.device.own.disk = schema.Outdated })
}

package fake

import (
	"slices"
	"time"

	"drbdutils/schema"
)

// Limits of 8.4.
const (
	maxMinor  = 1<<20 - 1
	maxVolume = 65535
)

// maxVolume9 is the highest volume number of DRBD 9.
const maxVolume9 = 65534

func (m *Module) newMinor(r *request) schema.Code {
	volume := r.context.Uint("ctx_volume")
	switch {
	case r.minor > maxMinor:
		return r.refuse(schema.ErrInvalidRequest, "requested minor out of range")
	case volume > maxVolume:
		return r.refuse(schema.ErrInvalidRequest, "requested volume id out of range")
	case r.device != nil && r.header.flags&flagExcl == flagExcl:
		return schema.ErrMinorOrVolExists
	case r.device != nil:
		return schema.NoError
	case r.resource.volume(uint32(volume)) != nil:
		return schema.ErrMinorOrVolExists
	}
	m.newDevice(r.resource, r.minor, uint32(volume), nil).present()
	return schema.NoError
}

func (m *Module) newMinor9(r *request) schema.Code {
	volume := uint32(r.context.Uint("ctx_volume"))
	switch {
	case r.minor > maxMinor:
		return r.refuse(schema.ErrInvalidRequest, "requested minor out of range")
	case volume > maxVolume9:
		return r.refuse(schema.ErrInvalidRequest, "requested volume id out of range")
	case r.device != nil || r.resource.volume(volume) != nil: // one that drbdsetup finds in sysfs, which a node lacks
		return schema.ErrMinorOrVolExists
	}
	conf, code := r.options(m, schema.DeviceConf, nil)
	if code == schema.NoError {
		m.newDevice(r.resource, r.minor, volume, conf).present()
	}
	return code
}

func (m *Module) newDevice(r *resource, minor, volume uint32, conf *schema.Values) *device {
	d := &device{res: r, minor: minor, volume: volume, own: newOwn, conf: conf}
	d.own.role = r.role
	d.wasStable = true
	m.minors[minor] = d
	r.devices = append(r.devices, d)
	slices.SortFunc(r.devices, func(a, b *device) int { return int(a.volume) - int(b.volume) })
	for _, c := range slices.Backward(r.conns) {
		newPeerDevice(d, c)
	}
	d.own.quorum = d.hasQuorum()
	m.tell(append([]notice{d.about(schema.Create)}, d.aboutPeers(schema.Create)...)...)
	return d
}

// answerTime is enough for a packet and its answer, and less than a program needs to
// start.
const answerTime = time.Millisecond

// present tells the peers that are connected of a new volume, which they may have
// already: they answer before the next command comes.
func (d *device) present() {
	m := d.res.m
	if !slices.ContainsFunc(d.peers, func(pd *peerDevice) bool { return pd.late }) {
		return
	}
	d.report(reportAll)
	m.pause(m.ctx, answerTime)
}

func (m *Module) delMinor(r *request) schema.Code {
	if !r.device.deletable() {
		return schema.ErrMinorConfigured
	}
	if m.gen == schema.V84 && r.device.only().part.conn == connected {
		r.device.only().request(change{Conn: new(wfReportParams)}) // the peer's volume waits for another one here
	}
	r.device.remove()
	return schema.NoError
}

func (d *device) deletable() bool {
	return d.own.disk == schema.Diskless && d.own.role == schema.Secondary
}

// remove takes the device out of its resource.
func (d *device) remove() {
	m := d.res.m
	delete(m.minors, d.minor)
	m.dependent = slices.DeleteFunc(m.dependent, func(o *device) bool { return o == d })
	if m.gen == schema.V9 {
		d.size = 0
	}
	d.res.devices = slices.DeleteFunc(d.res.devices, func(o *device) bool { return o == d })
	m.tell(append(d.aboutPeers(schema.Destroy), d.about(schema.Destroy))...)
}

package fake

import (
	"slices"
	"strings"

	"drbdutils/schema"
)

// command is what carries out a request, when prepare has found the objects.
type command struct {
	run   func(*Module, *request) schema.Code
	parms schema.ID // one-shot parameters that it reads into request.parms, or 0
	disk  bool      // the volume must have a disk
}

var commands = map[schema.Op]command{
	schema.NewResource:      {run: (*Module).newResourceCmd},
	schema.DelResource:      {run: (*Module).delResource},
	schema.ChgResourceOpts:  {run: (*Module).resourceOptions},
	schema.NewMinor:         {run: (*Module).newMinor},
	schema.DelMinor:         {run: (*Module).delMinor},
	schema.Connect:          {run: (*Module).connect},
	schema.ChgNetOpts:       {run: (*Module).netOptions},
	schema.Disconnect:       {run: (*Module).disconnect, parms: schema.DisconnectParms},
	schema.Attach:           {run: (*Module).attach},
	schema.ChgDiskOpts:      {run: (*Module).diskOptions, disk: true},
	schema.Detach:           {run: (*Module).detach, parms: schema.DetachParms},
	schema.Resize:           {run: (*Module).resizeCmd, parms: schema.ResizeParms, disk: true},
	schema.Promote:          {run: (*Module).promote, parms: schema.SetRoleParms},
	schema.Demote:           {run: (*Module).demote},
	schema.NewCurrentUUID:   {run: (*Module).newCurrentUUID, parms: schema.NewCUUIDParms, disk: true},
	schema.StartVerify:      {run: (*Module).startVerify, parms: schema.StartOvParms},
	schema.Invalidate:       {run: (*Module).invalidate, disk: true},
	schema.InvalidateRemote: {run: (*Module).invalidateRemote, disk: true},
	schema.PauseSync:        {run: (*Module).pauseSync},
	schema.ResumeSync:       {run: (*Module).resumeSync},
	schema.SuspendIO:        {run: (*Module).suspendIO},
	schema.ResumeIO:         {run: (*Module).resumeIO},
	schema.Outdate:          {run: (*Module).outdate},
	schema.GetTimeoutType:   {run: (*Module).timeoutType},
	schema.GetStatus:        {run: (*Module).getStatus},
	schema.Down:             {run: (*Module).down},
}

// Limits of 8.4.
const (
	maxMinor  = 1<<20 - 1
	maxVolume = 65535
)

func (m *Module) newResourceCmd(r *request) schema.Code {
	name, ok := r.context.Get("ctx_resource_name")
	switch {
	case !ok || name.Text == "":
		return r.refuse(schema.ErrMandatoryTag, "resource name missing")
	case strings.Contains(name.Text, "/"):
		return r.refuse(schema.ErrInvalidRequest, "invalid resource name")
	case r.resource != nil && r.header.flags&flagExcl == flagExcl:
		return r.refuse(schema.ErrInvalidRequest, "resource exists")
	case r.resource != nil:
		return schema.NoError
	}
	opts, code := r.options(m, schema.ResourceOpts, nil)
	if code == schema.NoError {
		m.newResource(name.Text, opts)
	}
	return code
}

func (m *Module) delResource(r *request) schema.Code {
	switch {
	case r.resource.configured():
		return schema.ErrNetConfigured
	case len(r.resource.devices) > 0:
		return schema.ErrResourceInUse
	}
	r.resource.remove()
	return schema.NoError
}

func (m *Module) resourceOptions(r *request) schema.Code {
	opts, code := r.options(m, schema.ResourceOpts, r.resource.opts)
	if code == schema.NoError {
		r.resource.opts = opts
		m.reviewPauses()
	}
	return code
}

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

func (m *Module) delMinor(r *request) schema.Code {
	if !r.device.deletable() {
		return schema.ErrMinorConfigured
	}
	if pd := r.device.only(); pd.part.conn == connected {
		pd.request(change{Conn: new(wfReportParams)}) // the peer's volume waits for another one here
	}
	r.device.remove()
	return schema.NoError
}

func (d *device) deletable() bool {
	return d.own.disk == schema.Diskless && d.own.role == schema.Secondary
}

func (m *Module) connect(r *request) schema.Code {
	my, peer := r.context.Str("ctx_my_addr"), r.context.Str("ctx_peer_addr")
	if my == "" || peer == "" {
		return r.refuse(schema.ErrInvalidRequest, "connection endpoint(s) missing")
	}
	for _, res := range m.resources {
		switch other := res.only(); {
		case other.net == nil:
		case other.my == my:
			return schema.ErrLocalAddr
		case other.peerAddr == peer:
			return schema.ErrPeerAddr
		}
	}
	c := r.resource.only()
	if c.running || c.state > standAlone {
		return schema.ErrNetConfigured
	}
	net, code := r.options(m, schema.NetConf, nil)
	if code == schema.NoError {
		code = c.checkOptions(nil, net)
	}
	if code != schema.NoError {
		return code
	}
	c.configure(net, my, peer)
	code = c.set(change{Conn: new(unconnected)}, true)
	c.start()
	if len(c.res.devices) == 0 {
		code = schema.StateDone
	}
	return code
}

func (m *Module) netOptions(r *request) schema.Code {
	if r.conn.net == nil {
		return r.refuse(schema.ErrInvalidRequest, "net conf missing, try connect")
	}
	net, code := r.options(m, schema.NetConf, r.conn.net)
	if code == schema.NoError {
		code = r.checkConnection(r.conn, r.conn.net, net)
	}
	if code == schema.NoError {
		r.conn.net = net
		r.conn.tellOptions()
	}
	return code
}

const (
	protocolC       = 3
	congestionBlock = 0
	fencingStonith  = 2
)

// checkOptions refuses options that contradict each other or the state.
func (c *connection) checkOptions(old, net *schema.Values) schema.Code {
	protocol, two := net.Uint("wire_protocol"), net.Bool("two_primaries")
	if old != nil && !two && c.res.highestRole() == schema.Primary && c.role() == schema.Primary {
		return schema.ErrNeedTwoPrimaries
	}
	if two && protocol != protocolC {
		return schema.ErrNotProtoC
	}
	if c.fencing() == fencingStonith && protocol == protocolA {
		return schema.ErrStonithProtoA
	}
	for _, d := range c.res.devices {
		if d.own.role == schema.Primary && c.res.m.gen == schema.V84 && net.Bool("discard_my_data") {
			return schema.ErrDiscardImpossible
		}
	}
	if net.Uint("on_congestion") != congestionBlock && protocol != protocolA {
		return schema.ErrCongestNotProtoA
	}
	return c.checkAlgorithms(old, net)
}

// digests are the algorithms that the fake pretends its kernel to have.
var digests = []string{"crc32c", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"}

func (c *connection) checkAlgorithms(old, net *schema.Values) schema.Code {
	for _, a := range []struct {
		key     string
		code    schema.Code
		running schema.Code // refusal while it is in use
		inUse   func(conn) bool
	}{
		{"csums_alg", schema.ErrCsumsAlg, schema.ErrCsumsRunning, conn.syncing},
		{"verify_alg", schema.ErrVerifyAlg, schema.ErrVerifyRunning, conn.verifying},
		{"integrity_alg", schema.ErrIntegrityAlg, 0, nil},
		{"cram_hmac_alg", schema.ErrAuthAlg, 0, nil},
	} {
		alg := net.Str(a.key)
		if alg != "" && !slices.Contains(digests, alg) {
			return a.code
		}
		for _, pd := range c.peers() {
			if old != nil && a.inUse != nil && a.inUse(pd.part.conn) && alg != old.Str(a.key) {
				return a.running
			}
		}
	}
	return schema.NoError
}

func (m *Module) disconnect(r *request) schema.Code {
	for _, d := range r.conn.res.devices {
		if m.gen == schema.V9 && d.neededBy() == r.conn && !r.parms.Bool("force_disconnect") {
			return r.declined(r.conn)
		}
	}
	if code := r.conn.disconnect(r.parms.Bool("force_disconnect")); !code.OK() {
		return code
	}
	return schema.NoError
}

func (m *Module) getStatus(r *request) schema.Code {
	r.reply = r.peer.status()
	return schema.NoError
}

// down takes a resource away with all that belongs to it.
func (m *Module) down(r *request) schema.Code {
	res := r.resource
	for _, d := range res.devices {
		if code := d.only().demote(); !code.OK() {
			return r.refuse(code, "failed to demote")
		}
	}
	if c := res.only(); c.net != nil {
		if code := c.disconnect(false); !code.OK() {
			return r.refuse(code, "failed to disconnect")
		}
	}
	for _, d := range res.devices {
		if code := d.only().detach(false); !code.OK() {
			return r.refuse(code, "failed to detach")
		}
	}
	for _, d := range slices.Clone(res.devices) {
		if !d.deletable() {
			return schema.ErrMinorConfigured
		}
		d.remove()
	}
	res.remove()
	return schema.NoError
}

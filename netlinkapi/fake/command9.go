package fake

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"drbdutils/meta"
	"drbdutils/schema"
)

// commands9 are the commands that DRBD 9 does otherwise than 8.4, or alone.
var commands9 = map[schema.Op]command{
	schema.NewResource:       {run: (*Module).newResource9},
	schema.NewMinor:          {run: (*Module).newMinor9},
	schema.NewPeer:           {run: (*Module).newPeer},
	schema.DelPeer:           {run: (*Module).delPeer, parms: schema.DisconnectParms},
	schema.NewPath:           {run: (*Module).newPath, parms: schema.PathParms},
	schema.DelPath:           {run: (*Module).delPath, parms: schema.PathParms},
	schema.Connect:           {run: (*Module).connect9, parms: schema.ConnectParms},
	schema.ChgPeerDeviceOpts: {run: (*Module).peerDeviceOptions},
	schema.ForgetPeer:        {run: (*Module).forgetPeer, parms: schema.ForgetPeerParms},
	schema.RenameResource:    {run: (*Module).renameResource, parms: schema.RenameParms},
	schema.Promote:           {run: (*Module).promote9, parms: schema.SetRoleParms},
	schema.Demote:            {run: (*Module).demote9, parms: schema.SetRoleParms},
	schema.Detach:            {run: (*Module).detach9, parms: schema.DetachParms},
	schema.NewCurrentUUID:    {run: (*Module).newCurrentUUID9, parms: schema.NewCUUIDParms, disk: true},
	schema.Invalidate:        {run: (*Module).invalidate9, parms: schema.InvalidateParms, disk: true},
	schema.InvalidateRemote:  {run: (*Module).invalidateRemote, parms: schema.InvalidatePeer, disk: true},
	schema.Outdate:           {run: (*Module).outdate9},
	schema.Resize:            {run: (*Module).resize9, parms: schema.ResizeParms, disk: true},
	schema.Down:              {run: (*Module).down9},
}

// command returns what carries out an operation.
func (m *Module) command(op schema.Op) command {
	if c, ok := commands9[op]; ok && m.gen == schema.V9 {
		return c
	}
	return commands[op]
}

// maxVolume9 is the highest volume number of DRBD 9.
const maxVolume9 = 65534

// strictName is what a name may consist of.
var strictName = regexp.MustCompile(`^[0-9A-Za-z+._-]+$`)

func (r *request) checkName(name string) schema.Code {
	switch {
	case name == "":
		return r.refuse(schema.ErrMandatoryTag, "name missing")
	case name == "all":
		return r.refuse(schema.ErrInvalidRequest, "invalid name")
	case !strictName.MatchString(name):
		return r.refuse(schema.ErrInvalidRequest, "invalid name (strict_names=1 allows only [0-9A-Za-z+._-])")
	}
	return schema.NoError
}

func (m *Module) newResource9(r *request) schema.Code {
	name, ok := r.context.Get("ctx_resource_name")
	if !ok {
		return r.refuse(schema.ErrMandatoryTag, "resource name missing")
	}
	if code := r.checkName(name.Text); code != schema.NoError {
		return code
	}
	if r.resource != nil {
		return schema.NoError
	}
	opts, code := r.options(m, schema.ResourceOpts, nil)
	switch {
	case code != schema.NoError:
		return code
	case opts.Uint("node_id") >= meta.MaxPeers:
		return schema.ErrInvalidRequest
	}
	if opts.Bool("explicit_drbd8_compat") || opts.Bool("drbd8_compat_mode") {
		return r.refuse(schema.NoError, "CONFIG_DRBD_COMPAT_84 not enabled") // and no resource comes of it
	}
	m.newResource(name.Text, opts)
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

func (m *Module) newPeer(r *request) schema.Code {
	if r.conn != nil {
		text := fmt.Sprintf("Connection for peer node id %d already exists", r.conn.node)
		return r.refuse(schema.ErrInvalidRequest, text)
	}
	net, code := r.options(m, schema.NetConf, nil)
	if code != schema.NoError {
		return code
	}
	name := net.Str("name")
	if name == "" {
		return r.refuse(schema.ErrMandatoryTag, errMissing.Error())
	}
	if r.resource.named(name) != nil {
		return r.refuse(schema.ErrAlreadyExists, "name already exists")
	}
	if !slices.Contains(transports, net.Str("transport_name")) {
		return schema.ErrCreateTransport
	}
	c := &connection{res: r.resource, node: int(r.context.Uint("ctx_peer_node_id")), net: net}
	c.turn = redial/2 + time.Duration(r.resource.self())*time.Millisecond
	c.latency = (minLatency + time.Duration(r.resource.self())) * time.Microsecond
	if code := r.checkConnection(c, nil, net); code != schema.NoError {
		return code
	}
	r.resource.join(c)
	return schema.NoError
}

// transports are those that the fake pretends to have.
var transports = []string{"", "tcp", "lb-tcp", "rdma"}

// join adds a connection to the resource.
func (r *resource) join(c *connection) {
	r.conns = append(r.conns, c)
	for _, d := range r.devices {
		pd := newPeerDevice(d, c)
		if d.disk != nil {
			pd.takeSlot()
		}
	}
	c.announce()
	r.review()
}

// review works out quorum anew, where the number of nodes may have changed.
func (r *resource) review() { r.attempt(nil, true, func() {}) }

// defaults returns a set with the built-in values.
func (m *Module) defaults(id schema.ID) *schema.Values {
	v := m.set(id)
	for i := range v.Set.Fields {
		if f := &v.Set.Fields[i]; f.Attr != 0 {
			v.SetAt(i, f.Default())
		}
	}
	return v
}

// named returns the connection of a name.
func (r *resource) named(name string) *connection {
	for _, c := range r.conns {
		if c.net.Str("name") == name {
			return c
		}
	}
	return nil
}

// checkConnection is checkOptions with a word about the reason.
func (r *request) checkConnection(c *connection, old, net *schema.Values) schema.Code {
	code := c.checkOptions(old, net)
	if text := algorithmTexts[code]; text != nil && c.res.m.gen == schema.V9 {
		r.refuse(code, text(net))
	}
	return code
}

// algorithmTexts explain algorithms that the kernel has not.
var algorithmTexts = map[schema.Code]func(net *schema.Values) string{
	schema.ErrAuthAlg: func(net *schema.Values) string {
		return fmt.Sprintf("failed to allocate hmac(%s) for hmac\n", net.Str("cram_hmac_alg"))
	},
	schema.ErrVerifyAlg:    func(net *schema.Values) string { return failedHash(net, "verify_alg", "verify") },
	schema.ErrCsumsAlg:     func(net *schema.Values) string { return failedHash(net, "csums_alg", "csums") },
	schema.ErrIntegrityAlg: func(net *schema.Values) string { return failedHash(net, "integrity_alg", "data integrity") },
}

func failedHash(net *schema.Values, key, what string) string {
	return fmt.Sprintf("failed to allocate %s for %s\n", net.Str(key), what)
}

func (m *Module) delPeer(r *request) schema.Code {
	if code := r.conn.disconnect(r.parms.Bool("force_disconnect")); !code.OK() {
		return code
	}
	r.conn.remove()
	return schema.NoError
}

// remove takes a connection that is StandAlone out of its resource.
func (c *connection) remove() {
	for _, p := range slices.Clone(c.paths) {
		p.remove()
	}
	c.res.conns = slices.DeleteFunc(c.res.conns, func(o *connection) bool { return o == c })
	var list []notice
	for _, pd := range c.peers() {
		list = append(list, pd.about(schema.Destroy))
		pd.device.peers = slices.DeleteFunc(pd.device.peers, func(o *peerDevice) bool { return o == pd })
	}
	c.res.m.tell(append(list, c.about(schema.Destroy))...)
	c.res.review()
}

func (m *Module) newPath(r *request) schema.Code {
	p := &path{conn: r.conn, my: r.parms.Str("my_addr"), peer: r.parms.Str("peer_addr")}
	if p.my == "" || p.peer == "" {
		return r.refuse(schema.ErrMandatoryTag, errMissing.Error())
	}
	if code := r.checkPath(m, p); code != schema.NoError {
		return code
	}
	p.turn = time.Duration(len(r.conn.paths)) * pathTime
	r.conn.paths = append(r.conn.paths, p)
	m.tell(p.about(schema.Create))
	r.conn.tryAgain()
	return schema.NoError
}

// checkPath refuses addresses that are in use.
func (r *request) checkPath(m *Module, p *path) schema.Code {
	for _, c := range m.connections() {
		for _, other := range c.paths {
			switch {
			case c.res != r.resource && other.my == p.my:
				return schema.ErrLocalAddr
			case c.res != r.resource && other.peer == p.peer:
				return schema.ErrPeerAddr
			case c.res == r.resource && other.my == p.my && other.peer == p.peer:
				return schema.ErrAddressPair
			case c.res == r.resource && c != r.conn && sameHost(other.peer, p.peer) && other.my == p.my:
				return r.refuse(schema.ErrPathCollision, "path indistinguishable from path in another connection")
			}
		}
	}
	return schema.NoError
}

// sameHost reports whether two addresses differ in the port at most.
func sameHost(a, b string) bool {
	_, x, _ := splitAddress(a)
	_, y, _ := splitAddress(b)
	return x == y
}

func (m *Module) delPath(r *request) schema.Code {
	for _, p := range r.conn.paths {
		if p.my != r.parms.Str("my_addr") || p.peer != r.parms.Str("peer_addr") {
			continue
		}
		if len(r.conn.paths) == 1 && r.conn.state >= unconnected {
			return r.refuse(schema.ErrInvalidRequest, "Can not delete last path, use disconnect first!")
		}
		if p.established && r.conn.link != nil {
			r.conn.dropLink()
		}
		p.remove()
		r.conn.tryAgain()
		return schema.NoError
	}
	return r.refuse(schema.ErrInvalidRequest, "no such path")
}

func (m *Module) connect9(r *request) schema.Code {
	c := r.conn
	switch {
	case c.running || c.state > standAlone:
		return schema.ErrNetConfigured
	case len(c.paths) == 0:
		return r.refuse(schema.ErrInvalidRequest, "connection endpoint(s) missing")
	case r.parms.Bool("discard_my_data") && r.resource.role == schema.Primary:
		return schema.ErrDiscardImpossible
	}
	for _, pd := range c.peers() {
		if code := pd.takeSlot(); code != schema.NoError {
			return r.refuse(code, "Not enough free bitmap slots")
		}
	}
	c.discard, c.dry = r.parms.Bool("discard_my_data"), r.parms.Bool("tentative")
	code := c.set(change{Conn: new(unconnected)}, true)
	c.start()
	return code
}

func (m *Module) peerDeviceOptions(r *request) schema.Code {
	opts, code := r.options(m, schema.PeerDeviceOpts, r.peer.opts)
	if code == schema.NoError {
		r.peer.opts = opts
	}
	return code
}

func (m *Module) forgetPeer(r *request) schema.Code {
	node := r.parms.Int("forget_peer_node_id")
	switch {
	case r.nests[schema.ForgetPeerParms] == nil:
		return r.refuse(schema.ErrMandatoryTag, errMissing.Error())
	case node < 0 || node >= meta.MaxPeers:
		return schema.ErrPeerNodeID
	case r.resource.connectionTo(int(node)) != nil:
		return schema.ErrNetConfigured
	}
	for _, d := range r.resource.devices {
		if d.disk == nil {
			continue
		}
		d.disk.image.Super.ForgetPeer(int(node))
		d.save()
	}
	return schema.NoError
}

// connectionTo returns the connection to a node.
func (r *resource) connectionTo(node int) *connection {
	for _, c := range r.conns {
		if c.node == node {
			return c
		}
	}
	return nil
}

func (m *Module) renameResource(r *request) schema.Code {
	name, ok := r.parms.Get("new_resource_name")
	if !ok {
		return r.refuse(schema.ErrMandatoryTag, errMissing.Error())
	}
	taken := fmt.Sprintf("Cannot rename to %s: a resource with that name already exists\n", name.Text)
	switch {
	case !strictName.MatchString(name.Text) || name.Text == "all": // the module explains it so
		return r.refuse(schema.ErrInvalidRequest, taken)
	case m.resource(name.Text) != nil:
		return r.refuse(schema.ErrAlreadyExists, taken)
	}
	n := r.resource.about(schema.Rename)
	n.info, n.stats = n.stats, m.set(schema.RenameInfo).SetStr("res_new_name", name.Text)
	m.tell(n)
	r.resource.name = name.Text
	return schema.NoError
}

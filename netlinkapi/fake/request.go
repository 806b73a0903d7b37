package fake

import (
	"syscall"

	"drbdutils/meta"
	"drbdutils/schema"
)

// request is a message to the family, taken apart.
type request struct {
	header
	msg      []byte // all of it
	plain    bool   // the sender has no privileges
	op       schema.Op
	minor    uint32
	flags    uint32
	nests    map[schema.ID][]byte
	context  *schema.Values // nil without CfgContext
	resource *resource
	device   *device
	conn     *connection
	peer     *peerDevice // in DRBD 8.4 the device as the only peer has it

	parms *schema.Values // what command.parms names

	texts []string         // info texts of the reply
	reply []*schema.Values // sets of the reply
}

// Handle answers one message, as the kernel would on the socket it came from.
// It may take as long as the module needs for the command. Notifications that
// the command causes have been multicast when it returns.
func (m *Module) Handle(msg []byte) [][]byte { return m.handle(msg, false) }

// HandlePlain is Handle for a sender without privileges, who may ask but not change
// anything, and sees no secrets.
func (m *Module) HandlePlain(msg []byte) [][]byte { return m.handle(msg, true) }

func (m *Module) handle(msg []byte, plain bool) [][]byte {
	if len(msg) < nlHeaderLen {
		return nil
	}
	h := readHeader(msg)
	if h.flags&flagRequest == 0 {
		return nil
	}
	switch h.kind {
	case controllerID:
		return m.controller(h, msg)
	case familyID:
		return m.family(h, msg, plain)
	}
	return [][]byte{errorMessage(msg, syscall.ENOENT)}
}

// family answers a message to the drbd family.
func (m *Module) family(h header, msg []byte, plain bool) [][]byte {
	refuse := func(errno syscall.Errno) [][]byte { return [][]byte{errorMessage(msg, errno)} }
	if len(msg) < nlHeaderLen+genlHeaderLen {
		return refuse(syscall.EINVAL)
	}
	r := &request{header: h, msg: msg, plain: plain, op: schema.Op(msg[nlHeaderLen])}
	cmd := r.op.In(m.gen)
	dump := h.flags&flagDump == flagDump
	if cmd == nil || dump && !cmd.Dump || !dump && !cmd.Do {
		return refuse(syscall.EOPNOTSUPP)
	}
	if plain && privileged(cmd) {
		return refuse(syscall.EPERM)
	}
	if len(msg) < bodyOffset {
		return refuse(syscall.EINVAL)
	}
	if v := msg[nlHeaderLen+1]; m.gen == schema.V9 && !dump && v != m.gen.FamilyVersion() && r.op != schema.Down {
		return refuse(syscall.EINVAL)
	}
	if m.gen == schema.V9 && native.Uint16(msg[nlHeaderLen+2:]) != 0 { // reserved
		return refuse(syscall.EINVAL)
	}
	r.minor, r.flags = native.Uint32(msg[20:]), native.Uint32(msg[24:])
	errno := r.read(m, msg[bodyOffset:])
	if m.crashes(r, dump, errno) {
		return nil
	}
	if errno != 0 {
		return refuse(errno)
	}
	if dump {
		return m.dump(r)
	}
	return m.do(r, cmd)
}

// privileged reports whether a command is not for everybody.
func privileged(cmd *schema.Command) bool { return cmd.Do && cmd.Op != schema.GetStatus }

// crashes reports whether the machine is down, or goes down by this request. 8.4.11
// dereferences an error when a dump of devices, connections or peer devices comes
// with a context that it cannot read. 9.3.3 frees the bitmap of an attached disk
// while it refuses to attach another one, and looks at it when it tells about the
// peer devices. The sender never returns from the kernel, and all that come after
// it wait for a lock for ever.
func (m *Module) crashes(r *request, dump bool, errno syscall.Errno) bool {
	filtered := r.op == schema.GetDevices || r.op == schema.GetConnections || r.op == schema.GetPeerDevices
	m.mu.Lock()
	defer m.mu.Unlock()
	peers := r.op == schema.GetPeerDevices || r.op == schema.GetInitialState
	if dump && (filtered && errno == syscall.EOPNOTSUPP || peers && m.freed) {
		m.dead = true
	}
	return m.dead
}

// crash brings the machine down: 9.3.3 looks at the connection that data is to come
// from without checking that it exists.
func (m *Module) crash() schema.Code {
	m.dead = true
	return schema.NoError
}

// read takes the top-level attributes, as strictly as the kernel: each is a nest
// that says so and that the family knows.
func (r *request) read(m *Module, body []byte) syscall.Errno {
	r.nests = map[schema.ID][]byte{}
	list, rest := splitAttributes(body)
	if len(rest) > 0 {
		return syscall.EINVAL
	}
	for _, a := range list {
		id := schema.ID(a.number())
		if id.In(m.gen) == nil || a.kind&attrNested == 0 {
			return syscall.EINVAL
		}
		r.nests[id] = a.payload
	}
	if raw, ok := r.nests[schema.CfgContext]; ok {
		r.context = m.set(schema.CfgContext)
		switch m.decode(r.context, raw) {
		case errUnknownMandatory:
			return syscall.EOPNOTSUPP
		case errBadValue:
			return syscall.EINVAL
		}
	}
	return 0
}

// decode reads a nest's fields. DRBD 9 skips what it does not know though it is marked
// mandatory.
func (m *Module) decode(v *schema.Values, nest []byte) error {
	if m.gen == schema.V9 {
		nest = unmarked(nest)
	}
	return decodeInto(v, nest)
}

// do carries out a command and builds its reply.
func (m *Module) do(r *request, cmd *schema.Command) [][]byte {
	m.admin <- struct{}{}
	defer func() { <-m.admin }()
	m.mu.Lock()
	defer m.mu.Unlock()
	code := m.prepare(r, cmd)
	if wanted, ok := m.refusal(cmd.Name); ok && code == schema.NoError {
		code = wanted
	} else if code == schema.NoError {
		code = m.run(r, m.command(r.op))
	}
	if m.dead {
		return nil
	}
	b := startMessage(header{kind: familyID, seq: r.seq, port: r.port})
	b = append(b, m.body(r.op, r.minor, code)...)
	if r.context != nil {
		b = appendAttribute(b, uint16(schema.CfgContext)|attrNested, m.echo(r.nests[schema.CfgContext]))
	}
	for _, text := range r.texts {
		b = m.appendSets(b, m.set(schema.CfgReply).SetStr("info_text", text))
	}
	b = m.appendSets(b, r.reply...)
	replies := [][]byte{endMessage(b)}
	if r.header.flags&flagAck != 0 {
		replies = append(replies, errorMessage(r.msg, 0))
	}
	return replies
}

// echo returns a copy of the context. 8.4 takes the mandatory marks off.
func (m *Module) echo(nest []byte) []byte {
	if m.gen == schema.V9 {
		return nest
	}
	return unmarked(nest)
}

// refuse adds a text to the reply and returns the code.
func (r *request) refuse(code schema.Code, text string) schema.Code {
	r.texts = append(r.texts, text)
	return code
}

// prepare finds the objects that a command is about, in the order of the module.
func (m *Module) prepare(r *request, cmd *schema.Command) schema.Code {
	r.device = m.minors[r.minor]
	if cmd.Needs == schema.NeedMinor && r.device == nil {
		return r.refuse(schema.ErrMinorInvalid, "unknown minor")
	}
	name, named := r.context.Get("ctx_resource_name")
	if named {
		r.resource = m.resource(name.Text)
	}
	if cmd.Needs == schema.NeedResource && r.resource == nil {
		if !named {
			return r.refuse(schema.ErrInvalidRequest, "unknown resource")
		}
		return r.refuse(schema.ErrResourceUnknown, "unknown resource")
	}
	if m.gen == schema.V9 {
		if code := m.preparePeer(r, cmd, named); code != schema.NoError {
			return code
		}
	} else if cmd.Needs == schema.NeedConnection {
		return m.prepareConnection(r, named)
	}
	return r.crossCheck()
}

func (m *Module) prepareConnection(r *request, named bool) schema.Code {
	if named {
		return r.refuse(schema.ErrInvalidRequest, "no resource name expected")
	}
	if r.device != nil {
		return r.refuse(schema.ErrInvalidRequest, "no minor number expected")
	}
	if r.context.Has("ctx_my_addr") && r.context.Has("ctx_peer_addr") {
		r.conn = m.connection(r.context.Str("ctx_my_addr"), r.context.Str("ctx_peer_addr"))
	}
	if r.conn == nil {
		return r.refuse(schema.ErrInvalidRequest, "unknown connection")
	}
	r.resource = r.conn.res
	return schema.NoError
}

// preparePeer finds what DRBD 9 names by node id and volume.
func (m *Module) preparePeer(r *request, cmd *schema.Command, named bool) schema.Code {
	id, ok := r.context.Get("ctx_peer_node_id")
	if cmd.Needs < schema.NeedPeerNode {
		return schema.NoError
	}
	switch {
	case !ok:
		return r.refuse(schema.ErrInvalidRequest, "peer node id missing")
	case r.resource == nil && named:
		return r.refuse(schema.ErrResourceUnknown, "unknown resource")
	case r.resource == nil:
		return r.refuse(schema.ErrInvalidRequest, "unknown resource")
	case id.Num >= meta.MaxPeers:
		return r.refuse(schema.ErrInvalidRequest, "peer node id out of range")
	case id.Num == r.resource.opts.Uint("node_id"):
		return r.refuse(schema.ErrInvalidRequest, "peer node id cannot be my own node id")
	}
	r.conn = r.resource.connectionTo(int(id.Num))
	if cmd.Needs == schema.NeedPeerNode {
		return schema.NoError
	}
	if r.conn == nil {
		return r.refuse(schema.ErrInvalidRequest, "unknown connection")
	}
	return m.preparePeerDevice(r, cmd)
}

func (m *Module) preparePeerDevice(r *request, cmd *schema.Command) schema.Code {
	if cmd.Needs != schema.NeedPeerDevice {
		return schema.NoError
	}
	if d := r.resource.volume(uint32(r.context.Uint("ctx_volume"))); d != nil && r.context.Has("ctx_volume") {
		r.peer = d.with(r.conn)
		return schema.NoError
	}
	return r.refuse(schema.ErrInvalidRequest, "unknown volume")
}

// crossCheck refuses a minor together with a resource or volume that it does not
// belong to.
func (r *request) crossCheck() schema.Code {
	if r.device == nil {
		return schema.NoError
	}
	if r.context.Has("ctx_resource_name") && r.device.res != r.resource {
		return r.refuse(schema.ErrInvalidRequest, "minor exists in different resource")
	}
	if volume, ok := r.context.Get("ctx_volume"); ok && uint64(r.device.volume) != volume.Num {
		return r.refuse(schema.ErrInvalidRequest, "minor exists as different volume")
	}
	r.resource = r.device.res
	if r.conn == nil && r.resource.m.gen == schema.V84 {
		r.peer = r.device.only()
	}
	return schema.NoError
}

// options reads the set of a command into a copy of the current values, or into
// the defaults where there are none or the request asks for them. A change may
// not contain what is fixed at creation; it keeps that from the current values.
func (r *request) options(m *Module, id schema.ID, current *schema.Values) (*schema.Values, schema.Code) {
	given := m.set(id)
	if err := m.decode(given, r.nests[id]); err != nil {
		return nil, r.refuse(schema.ErrMandatoryTag, err.Error())
	}
	v := m.set(id)
	for i := range v.Set.Fields {
		f := &v.Set.Fields[i]
		if f.Attr == 0 || notInModule[f.Key] {
			continue
		}
		value, ok := given.At(i)
		fixed := f.Is(schema.Invariant) && current != nil
		switch {
		case ok && fixed:
			return nil, r.refuse(schema.ErrMandatoryTag, errInvariant.Error())
		case !ok && current == nil && f.Is(schema.Required):
			return nil, r.refuse(schema.ErrMandatoryTag, errMissing.Error())
		case !ok && current != nil && (fixed || r.flags&schema.SetDefaults == 0):
			value, _ = current.At(i)
		case !ok:
			value = f.Default()
		}
		v.SetAt(i, value)
	}
	return v, schema.NoError
}

// notInModule holds fields that the headers of user space have and the module
// of Linux has not.
var notInModule = map[string]bool{"my_addr2": true, "peer_addr2": true}

// run reads the parameters of a command and carries it out.
func (m *Module) run(r *request, c command) schema.Code {
	if c.parms != 0 {
		r.parms = m.set(c.parms)
		if err := m.decode(r.parms, r.nests[c.parms]); err != nil {
			return r.refuse(schema.ErrMandatoryTag, err.Error())
		}
	}
	if c.disk && r.volume().disk == nil {
		return schema.ErrNoDisk
	}
	return c.run(m, r)
}

// volume returns the device that the request is about.
func (r *request) volume() *device {
	if r.peer != nil {
		return r.peer.device
	}
	return r.device
}

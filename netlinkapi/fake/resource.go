package fake

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"drbdutils/meta"
	"drbdutils/schema"
)

// resource is a group of volumes that are replicated together, with a connection
// to each peer. In DRBD 8.4 there is exactly one connection, and it is always
// there.
type resource struct {
	m            *Module
	name         string
	opts         *schema.Values // res_opts
	role         schema.Role    // DRBD 9; in 8.4 each volume has its own
	susp         suspension
	autoPromoted bool          // Primary only as long as a device is open
	attached     bool          // a disk has been there
	conns        []*connection // in the order in which they were made
	devices      []*device     // by volume
	ballots      ballots       // DRBD 9
	todo         []helperCall  // DRBD 9: one after the other
}

func (m *Module) newResource(name string, opts *schema.Values) *resource {
	r := &resource{m: m, name: name, opts: opts, role: schema.Secondary}
	r.ballots = ballots{asked: rand.Uint32(), heard: map[int]uint32{}, ended: map[int]uint32{}}
	if m.gen == schema.V84 {
		r.conns = []*connection{{res: r}}
	}
	m.resources = append(m.resources, r)
	m.tell(r.about(schema.Create))
	return r
}

func (r *resource) remove() {
	r.m.resources = slices.DeleteFunc(r.m.resources, func(o *resource) bool { return o == r })
	r.m.tell(r.about(schema.Destroy))
}

// configured reports whether there is a way to any peer.
func (r *resource) configured() bool {
	return slices.ContainsFunc(r.conns, func(c *connection) bool { return c.net != nil })
}

// only is the connection of a resource of DRBD 8.4.
func (r *resource) only() *connection { return r.conns[0] }

// self is the node id of this node.
func (r *resource) self() int { return int(r.opts.Uint("node_id")) }

func (r *resource) volume(nr uint32) *device {
	for _, d := range r.devices {
		if d.volume == nr {
			return d
		}
	}
	return nil
}

// peers returns all devices as they stand towards all peers.
func (r *resource) peers() []*peerDevice {
	var list []*peerDevice
	for _, d := range r.devices {
		list = append(list, d.peers...)
	}
	return list
}

// highestRole is the highest role of all volumes.
func (r *resource) highestRole() schema.Role {
	if r.role == schema.Primary {
		return schema.Primary
	}
	for _, d := range r.devices {
		if d.own.role == schema.Primary {
			return schema.Primary
		}
	}
	return schema.Secondary
}

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
		r.resource.review()
	}
	return code
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

// down9 takes a resource away with all that belongs to it.
func (m *Module) down9(r *request) schema.Code {
	res := r.resource
	if code := res.demote(false); !code.OK() {
		r.refuse(code, "failed to demote")
		r.nameOpeners()
		return code
	}
	for _, c := range slices.Clone(res.conns) {
		if code := c.disconnect(false); !code.OK() {
			return r.refuse(code, "failed to disconnect")
		}
		c.remove()
	}
	for _, d := range slices.Clone(res.devices) {
		if code := d.detach9(false); !code.OK() {
			return r.refuse(code, "failed to detach")
		}
		d.remove()
	}
	res.remove()
	return schema.NoError
}

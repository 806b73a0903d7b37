package fake

import (
	"slices"

	"drbdutils/schema"
)

func (m *Module) disconnect(r *request) schema.Code {
	if code := r.conn.disconnect(r.parms.Bool("force_disconnect")); !code.OK() {
		return r.declined(code)
	}
	return schema.NoError
}

// disconnect brings the connection to StandAlone.
func (c *connection) disconnect(force bool) schema.Code {
	down := change{Conn: new(disconnecting)}
	c.res.m.wait(func() bool { return force || !c.state.lost() })
	if c.res.m.gen == schema.V9 && !force {
		down = c.politely()
	}
	code := c.drop(down, force)
	switch {
	case code == schema.StateAlreadyStandAlone, code == schema.StateNothingToDo:
		return schema.StateDone
	case c.res.m.gen == schema.V9:
	case code == schema.StatePrimaryNop: // fencing: the peer must know that it is outdated
		down.PDsk = new(schema.Outdated)
		code = c.request(down)
	case code == schema.StateFailedByPeer: // the peer wants this node outdated
		down.Disk = new(schema.Outdated)
		code = c.request(down)
		if code == schema.StateIsDiskless || code == schema.StateLowerThanOutdated {
			code = c.set(change{Conn: new(disconnecting)}, true)
		}
	}
	if !code.OK() {
		return code
	}
	c.end()
	c.res.m.wait(func() bool { return !c.running })
	return code
}

// drop makes the change: by force, or with the consent of the peer or, in DRBD 9, of all.
func (c *connection) drop(down change, force bool) schema.Code {
	switch {
	case force:
		return c.set(down, true)
	case c.res.m.gen == schema.V9 && c.up():
		return c.res.agree(ballot{Leaves: &down, With: c.node}, c.edit(down))
	}
	return c.request(down)
}

// politely returns the change that a disconnect is. Where it matters to somebody who has
// current data, the Secondary's is outdated from then on, unless it is worse than that.
func (c *connection) politely() change {
	down := change{Conn: new(disconnecting)}
	matters := c.fencing() != fencingDontCare || c.res.opts.Uint("quorum") != 0
	switch {
	case !matters || c.state < wfReportParams || c.res.role == c.peer:
	case c.res.role == schema.Primary:
		down.PDsk = new(schema.Outdated)
	case c.peer == schema.Primary && !c.res.inconsistent():
		down.Disk = new(schema.Outdated)
	}
	return down
}

// inconsistent reports whether a disk here is Inconsistent, which is worse than Outdated.
func (r *resource) inconsistent() bool {
	return slices.ContainsFunc(r.devices, func(d *device) bool { return d.own.disk == schema.Inconsistent })
}

// end tells the worker to stop.
func (c *connection) end() {
	if c.stop != nil {
		c.stop()
	}
	c.dropLink()
}

func (c *connection) dropLink() {
	if c.link != nil {
		c.link.close()
	}
}

// lost handles a link that broke, or is given up, for a reason.
func (c *connection) lost(why conn) {
	meeting := c.res.m.gen == schema.V9 && c.state == wfConnection
	if c.state >= wfReportParams || c.up() || meeting {
		c.set(change{Conn: &why}, true)
	}
	c.dropLink()
}

// leave notes that the link is gone.
func (c *connection) leave() {
	c.left = true
	for _, p := range c.paths {
		p.establish(false)
	}
	if c.state == disconnecting || c.state.lost() {
		c.helper(c.res.m.ctx, "disconnected")
	}
}

// tellAgain repeats what was told of a lost peer: the module's receiver does so
// when it has cleaned up after a connection.
func (c *connection) tellAgain() {
	if c.met {
		c.res.m.tell(c.res.changes(c.before)...)
	}
}

// giveUp ends the connection because the peers do not fit together.
func (c *connection) giveUp() {
	c.set(change{Conn: new(disconnecting)}, true)
	c.end()
}

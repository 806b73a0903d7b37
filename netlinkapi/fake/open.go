package fake

import (
	"slices"
	"time"

	"drbdutils/schema"
)

// Users of a device: in DRBD 9 the first that opens it for writing makes the node
// Primary, and the last that closes it makes it Secondary again.

// openDevice opens a device for writing. who is what openers are told about.
func (d *device) openDevice(who string) error {
	r := d.res
	if r.m.gen == schema.V9 && r.role != schema.Primary {
		if !r.opts.Bool("auto_promote") || !r.promote(false).OK() {
			return ErrNotPrimary
		}
		r.autoPromoted = true
	}
	d.open++
	d.openers = append(d.openers, who+" at "+time.Now().Format("2006-01-02 15:04:05.000"))
	d.tellOpen()
	return nil
}

// closeDevice ends the use that began with who.
func (d *device) closeDevice() {
	r := d.res
	d.open--
	d.openers = slices.Delete(d.openers, 0, 1)
	if r.susp.failIO && !r.open() {
		r.attempt(nil, true, func() { r.susp.failIO = false })
	}
	if r.autoPromoted && !r.open() {
		r.autoPromoted = false
		r.demote(false)
	}
	d.tellOpen()
}

// tellOpen tells, in DRBD 9, that the device is open, or no more.
func (d *device) tellOpen() {
	if d.res.m.gen == schema.V9 && d.open <= 1 {
		d.res.m.tell(d.about(schema.Change))
	}
}

package fake

import "drbdutils/schema"

// client reports whether the device has no disk on purpose.
func (d *device) client() bool { return d.conf.Bool("intentional_diskless") }

// client reports whether the peer has no disk on purpose.
func (pd *peerDevice) client() bool { return pd.peerClient }

// progress adds how far a resync or verify is.
func (pd *peerDevice) progress(v *schema.Values) {}

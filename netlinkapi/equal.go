package netlinkapi

import "slices"

// equal reports whether both resources are in the same state, options aside:
// notifications do not tell them.
func (r *Resource) equal(o *Resource) bool {
	if r == nil || o == nil {
		return r == o
	}
	return r.Name == o.Name && r.Info.Equal(o.Info) && r.Stats.Equal(o.Stats) &&
		sameParts(r.Devices, o.Devices, (*Device).equal) &&
		sameParts(r.Connections, o.Connections, (*Connection).equal)
}

// sameParts reports whether both lists hold equal parts, in any order.
func sameParts[T any](a, b []*T, equal func(*T, *T) bool) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x *T) bool {
		return !slices.ContainsFunc(b, func(y *T) bool { return equal(x, y) })
	})
}

func (d *Device) equal(o *Device) bool {
	return d.Minor == o.Minor && d.Volume == o.Volume && d.Info.Equal(o.Info) && d.Stats.Equal(o.Stats)
}

func (c *Connection) equal(o *Connection) bool {
	return c.PeerNodeID == o.PeerNodeID && c.Name == o.Name && c.Info.Equal(o.Info) && c.Stats.Equal(o.Stats) &&
		sameParts(c.Paths, o.Paths, (*Path).equal) &&
		sameParts(c.PeerDevices, o.PeerDevices, (*PeerDevice).equal)
}

func (p *Path) equal(o *Path) bool {
	return p.Local == o.Local && p.Peer == o.Peer && p.Info.Equal(o.Info)
}

func (p *PeerDevice) equal(o *PeerDevice) bool {
	return p.Volume == o.Volume && p.Info.Equal(o.Info) && p.Stats.Equal(o.Stats)
}

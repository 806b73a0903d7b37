package netlinkapi

import "drbdutils/schema"

// Snapshot is the state of the module: all its resources. Its resources, and
// everything below them, are never changed once they are handed out: Apply puts
// changed copies in their place, so a holder of the old one can compare.
type Snapshot struct {
	Generation schema.Generation
	Resources  []*Resource // in the module's order
	Others     bool        // the module has resources that were not asked for
	index      map[string]int
}

// Resource is a resource of the module.
type Resource struct {
	Name        string
	Options     *schema.Values // ResourceOpts; nil where the source does not tell
	Info        *schema.Values // ResourceInfo
	Stats       *schema.Values // ResourceStats
	Devices     []*Device      // in the module's order: by minor or volume, new ones last
	Connections []*Connection  // in the module's order
}

// Device is a volume of a resource on this node.
type Device struct {
	Minor, Volume uint32
	Disk          *schema.Values // DiskConf; nil without a disk
	Conf          *schema.Values // DeviceConf; nil with DRBD 8.4
	Info          *schema.Values // DeviceInfo
	Stats         *schema.Values // DeviceStats
}

// Connection is a connection to a peer. With DRBD 8.4 there is at most one: it
// has the node id 0, and, while the network is configured, the name "peer" and
// one path.
type Connection struct {
	PeerNodeID  uint32
	Name        string
	Conf        *schema.Values // NetConf
	Info        *schema.Values // ConnectionInfo
	Stats       *schema.Values // ConnectionStats
	Paths       []*Path
	PeerDevices []*PeerDevice // in the module's order
}

// Path is a pair of addresses of a connection.
type Path struct {
	Local, Peer Address
	Info        *schema.Values // PathInfo; nil where the module does not tell
}

// PeerDevice is a volume at a peer.
type PeerDevice struct {
	Volume  uint32
	Options *schema.Values // PeerDeviceOpts; nil with DRBD 8.4
	Info    *schema.Values // PeerDeviceInfo
	Stats   *schema.Values // PeerDeviceStats
}

// Event is one change of the module's state, or one object of the initial state.
// Old and New are whole resources, of which Message changed one part; after
// changes got lost and the state was read anew, any number of parts may differ,
// and Message holds but the name of the resource.
type Event struct {
	Message Message       // as received
	Action  schema.Action // without Continues
	More    bool          // more events of the same change follow
	Old     *Resource     // the resource before, nil if it was not known
	New     *Resource     // the resource after, nil if it is gone
}

// Role returns this node's role.
func (r *Resource) Role() schema.Role { return schema.Role(r.Info.Uint("res_role")) }

// DiskState returns the state of the disk here.
func (d *Device) DiskState() schema.DiskState {
	return schema.DiskState(d.Info.Uint("dev_disk_state"))
}

// State returns the state of the connection.
func (c *Connection) State() schema.ConnState {
	return schema.ConnState(c.Info.Uint("conn_connection_state"))
}

// Role returns the peer's role.
func (c *Connection) Role() schema.Role { return schema.Role(c.Info.Uint("conn_role")) }

// ReplState returns the replication state.
func (p *PeerDevice) ReplState() schema.ReplState {
	return schema.ReplState(p.Info.Uint("peer_repl_state"))
}

// DiskState returns the state of the disk at the peer.
func (p *PeerDevice) DiskState() schema.DiskState {
	return schema.DiskState(p.Info.Uint("peer_disk_state"))
}

// Device returns the device of a volume, or nil.
func (r *Resource) Device(volume uint32) *Device {
	if r == nil {
		return nil
	}
	for _, d := range r.Devices {
		if d.Volume == volume {
			return d
		}
	}
	return nil
}

// Connection returns the connection to a peer, or nil.
func (r *Resource) Connection(peer uint32) *Connection {
	if r == nil {
		return nil
	}
	for _, c := range r.Connections {
		if c.PeerNodeID == peer {
			return c
		}
	}
	return nil
}

// PeerDevice returns the peer device of a volume, or nil.
func (c *Connection) PeerDevice(volume uint32) *PeerDevice {
	if c == nil {
		return nil
	}
	for _, p := range c.PeerDevices {
		if p.Volume == volume {
			return p
		}
	}
	return nil
}

// Path returns the path between two addresses, or nil.
func (c *Connection) Path(local, peer Address) *Path {
	if c == nil {
		return nil
	}
	for _, p := range c.Paths {
		if p.Local == local && p.Peer == peer {
			return p
		}
	}
	return nil
}

// Resource returns the resource of that name, or nil.
func (s *Snapshot) Resource(name string) *Resource {
	if i, ok := s.index[name]; ok {
		return s.Resources[i]
	}
	return nil
}

// Only returns the state of one resource, or for "" of all, as Client.Snapshot
// does.
func (s *Snapshot) Only(name string) *Snapshot {
	if name == "" {
		return s
	}
	one := NewSnapshot(s.Generation)
	r := s.Resource(name)
	if r != nil {
		one.Resources, one.index[name] = []*Resource{r}, 0
	}
	one.Others = len(s.Resources) > len(one.Resources)
	return one
}

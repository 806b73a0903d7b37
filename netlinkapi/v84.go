package netlinkapi

import "drbdutils/schema"

// v84 is DRBD 8.4, as in Linux: one connection without a name for a resource.
var v84 = dialect{
	generation: schema.V84,
	version:    1,
	peerName:   "peer",
	lists:      []schema.Op{schema.GetDevices, schema.GetConnections, schema.GetPeerDevices},
}

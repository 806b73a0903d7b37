package netlinkapi

import "drbdutils/schema"

// v84 is DRBD 8.4, as in Linux: one connection without a name for a resource.
var v84 = dialect{
	generation: schema.V84,
	family:     "drbd",
	version:    1,
	headerSize: drbdHeaderSize,
	encode:     Codec{Generation: schema.V84}.Encode,
	decode:     Codec{Generation: schema.V84}.decode,
	lists:      []schema.Op{schema.GetDevices, schema.GetConnections, schema.GetPeerDevices},
}

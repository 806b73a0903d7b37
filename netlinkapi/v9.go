package netlinkapi

import "drbdutils/schema"

// v9 is DRBD 9.0 to 9.3.
var v9 = dialect{
	generation: schema.V9,
	family:     "drbd",
	version:    2,
	headerSize: drbdHeaderSize,
	encode:     Codec{Generation: schema.V9}.Encode,
	decode:     Codec{Generation: schema.V9}.decode,
	retries:    true,
	lists:      []schema.Op{schema.GetDevices, schema.GetConnections, schema.GetPeerDevices, schema.GetPaths},
	// DRBD 9.3 reports success and then the error, when file systems cannot be
	// frozen.
	trailing: []schema.Op{schema.SuspendIO},
}

package netlinkapi

import "drbdutils/schema"

// v9 is DRBD 9.0 to 9.3.
var v9 = dialect{
	generation: schema.V9,
	version:    2,
	retries:    true,
	lists:      []schema.Op{schema.GetDevices, schema.GetConnections, schema.GetPeerDevices, schema.GetPaths},
}

// guard returns what has to be looked at before a command is sent, nil if nothing.
func (d *dialect) guard(op schema.Op) guard {
	if d.generation != schema.V9 {
		return nil
	}
	switch op {
	case schema.Attach:
		return guardAttach
	case schema.Invalidate:
		return guardInvalidate
	case schema.ChgNetOpts:
		return guardNetOptions
	case schema.NewPath, schema.DelPath:
		return guardPath
	}
	return nil
}

// trails reports whether an error may follow the reply to a command: DRBD 9.3
// reports success and then the error, when file systems cannot be frozen.
func (d *dialect) trails(op schema.Op) bool {
	return d.generation == schema.V9 && op == schema.SuspendIO
}

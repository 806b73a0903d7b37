package setup

import "drbdutils/schema"

// Options of the commands that ask.
var (
	showDefaults = option{"show-defaults", "D", noArg, "options at their default too"}
	asJSON       = option{"json", "j", noArg, "as JSON"}
	verbose      = option{"verbose", "v", noArg, "everything; twice: even more"}
	statistics   = option{"statistics", "s", noArg, "counters, too"}
	color        = option{"color", "c", optionalArg, "auto, always or never"}

	waitOptions = []option{
		{"wfc-timeout", "t", requiredArg, "seconds to wait, 0 for ever"},
		{"degr-wfc-timeout", "d", requiredArg, "the same, if the cluster was degraded before"},
		{"outdated-wfc-timeout", "o", requiredArg, "the same, if the peer was outdated before"},
		{"wait-after-sb", "w", optionalArg, "yes or no: wait also after a split brain"},
	}
	statusOptions = []option{verbose, statistics, color, asJSON}
	showOptions   = []option{showDefaults, asJSON}
	events2Flags  = []option{
		{"timestamps", "T", noArg, "a time stamp in front of each line"},
		statistics,
		{"now", "n", noArg, "only what is now"},
		{"poll", "p", noArg, "asks again on n from standard input"},
		{"full", "f", noArg, "all about a changed object"},
		color,
		{"diff", "i", optionalArg, "old and new values"},
		{"rcvbuf", "", requiredArg, "size of the receive buffer in bytes"},
	}
)

// commands84 returns the commands for DRBD 8.4.
func commands84() []command {
	return []command{
		{name: "primary", words: []word{minor}, op: schema.Promote, set: schema.SetRoleParms, lock: true, run: send},
		{name: "secondary", words: []word{minor}, op: schema.Demote, lock: true, run: send},
		{name: "attach", words: []word{minor, lowerDevice, metaDevice, metaIndex}, op: schema.Attach, set: schema.DiskConf, lock: true, run: send},
		{name: "disk-options", words: []word{minor}, op: schema.ChgDiskOpts, set: schema.DiskConf, edit: true, lock: true, run: send},
		{name: "detach", words: []word{minor}, op: schema.Detach, set: schema.DetachParms, lock: true, run: send},
		{name: "connect", words: []word{resource, localAddress, peerAddress}, op: schema.Connect, set: schema.NetConf, run: send},
		{name: "net-options", words: []word{localAddress, peerAddress}, op: schema.ChgNetOpts, set: schema.NetConf, edit: true, run: send},
		{name: "disconnect", words: []word{localAddress, peerAddress}, op: schema.Disconnect, set: schema.DisconnectParms, run: send},
		{name: "resize", words: []word{minor}, op: schema.Resize, set: schema.ResizeParms, lock: true, run: send},
		{name: "resource-options", words: []word{resource}, op: schema.ChgResourceOpts, set: schema.ResourceOpts, edit: true, run: send},
		{name: "new-current-uuid", words: []word{minor}, op: schema.NewCurrentUUID, set: schema.NewCUUIDParms, lock: true, run: send},
		{name: "invalidate", words: []word{minor}, op: schema.Invalidate, lock: true, run: send},
		{name: "invalidate-remote", words: []word{minor}, op: schema.InvalidateRemote, lock: true, run: send},
		{name: "pause-sync", words: []word{minor}, op: schema.PauseSync, lock: true, run: send},
		{name: "resume-sync", words: []word{minor}, op: schema.ResumeSync, lock: true, run: send},
		{name: "suspend-io", words: []word{minor}, op: schema.SuspendIO, lock: true, run: send},
		{name: "resume-io", words: []word{minor}, op: schema.ResumeIO, lock: true, run: send},
		{name: "outdate", words: []word{minor}, op: schema.Outdate, lock: true, run: send},
		{name: "verify", words: []word{minor}, op: schema.StartVerify, set: schema.StartOvParms, lock: true, run: send},
		{name: "down", words: []word{resource}, op: schema.Down, run: down84},
		{name: "state", words: []word{minor}, op: schema.GetStatus, run: state84,
			summary: "Old name of role."},
		{name: "role", words: []word{minor}, op: schema.GetStatus, run: role84,
			summary: "Show the roles of this node and its peer."},
		{name: "sh-status", words: []word{objectAll}, op: schema.GetStatus, run: shStatus84,
			summary: "Show the state as assignments for shell scripts."},
		{name: "cstate", words: []word{minor}, op: schema.GetStatus, run: cstate84,
			summary: "Show the state of the connection."},
		{name: "dstate", words: []word{minor}, op: schema.GetStatus, run: dstate84,
			summary: "Show the states of the disks of this node and its peer."},
		{name: "show-gi", words: []word{minor}, op: schema.GetStatus, run: showGI84,
			summary: "Show the data generation identifiers, with explanations."},
		{name: "get-gi", words: []word{minor}, op: schema.GetStatus, run: getGI84,
			summary: "Show the data generation identifiers."},
		{name: "show", words: []word{objectAll}, op: schema.GetStatus, flags: showOptions, run: show84,
			summary: "Show the configuration of a resource, of one device, or of all."},
		{name: "status", words: []word{resourceAll}, flags: statusOptions, lenient: true, run: status,
			summary: "Show the state of a resource, or of all."},
		{name: "check-resize", words: []word{minor}, op: schema.GetStatus, run: checkResize84,
			summary: "Note the size of the lower device, to find internal metadata after a resize."},
		{name: "events", words: []word{objectAll}, op: schema.GetStatus, run: events84,
			summary: "Show the state, and then each change, in the form of DRBD 8.3."},
		{name: "events2", words: []word{resourceAll}, flags: events2Flags, run: events2,
			summary: "Show the state, and then each change."},
		{name: "wait-connect", words: []word{minor}, op: schema.GetStatus, flags: waitOptions, run: waitConnect84,
			summary: "Wait until the device is connected."},
		{name: "wait-sync", words: []word{minor}, op: schema.GetStatus, flags: waitOptions, run: waitSync84,
			summary: "Wait until the device is connected and in sync."},
		{name: "new-resource", words: []word{resource}, op: schema.NewResource, set: schema.ResourceOpts, run: send},
		{name: "new-minor", words: []word{resource, minor, volume}, op: schema.NewMinor, lock: true, run: send},
		{name: "del-minor", words: []word{minor}, op: schema.DelMinor, lock: true, run: delMinor},
		{name: "del-resource", words: []word{resource}, op: schema.DelResource, run: delResource},
		{name: "udev", words: []word{minor}, op: schema.GetStatus, run: udev84,
			summary: "Show the names that udev gives to the device."},
	}
}

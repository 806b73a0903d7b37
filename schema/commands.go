package schema

import (
	"sort"
	"strconv"
)

// commands are the commands of both generations, by number.
var commands = [...]Command{
	{Op: GetStatus, Name: "get-status", Gen: V84, Do: true, Dump: true, Needs: NeedMinor, Reply: []ID{ResourceOpts, DiskConf, NetConf, StateInfo},
		Doc: "Asks for the whole state of a device, or as a dump of all."},
	{Op: NewMinor, Name: "new-minor", Gen: V84, Do: true, Needs: NeedResource,
		Doc: "Adds a volume to a resource."},
	{Op: NewMinor, Name: "new-minor", Gen: V9, Do: true, Needs: NeedResource, Parts: []Part{{DeviceConf, false}},
		Doc: "Adds a volume to a resource."},
	{Op: DelMinor, Name: "del-minor", Do: true, Needs: NeedMinor,
		Doc: "Removes a volume that has no disk."},
	{Op: NewResource, Name: "new-resource", Gen: V84, Do: true, Parts: []Part{{ResourceOpts, false}},
		Doc: "Creates a resource."},
	{Op: NewResource, Name: "new-resource", Gen: V9, Do: true, Parts: []Part{{ResourceOpts, true}},
		Doc: "Creates a resource."},
	{Op: DelResource, Name: "del-resource", Do: true, Needs: NeedResource,
		Doc: "Removes a resource without volumes and connections."},
	{Op: ChgResourceOpts, Name: "resource-options", Do: true, Needs: NeedResource, Parts: []Part{{ResourceOpts, false}},
		Doc: "Changes the options of a resource."},
	{Op: Connect, Name: "connect", Gen: V84, Do: true, Needs: NeedResource, Parts: []Part{{NetConf, false}},
		Doc: "Configures the network and begins to connect."},
	{Op: Connect, Name: "connect", Gen: V9, Do: true, Needs: NeedConnection, Parts: []Part{{ConnectParms, false}},
		Doc: "Begins to connect to a peer."},
	{Op: Disconnect, Name: "disconnect", Do: true, Needs: NeedConnection, Parts: []Part{{DisconnectParms, false}},
		Doc: "Ends a connection."},
	{Op: Attach, Name: "attach", Do: true, Needs: NeedMinor, Parts: []Part{{DiskConf, true}},
		Doc: "Gives a device its disk."},
	{Op: Resize, Name: "resize", Do: true, Needs: NeedMinor, Parts: []Part{{ResizeParms, false}},
		Doc: "Adapts a device to the size of its disks."},
	{Op: Promote, Name: "primary", Gen: V84, Do: true, Needs: NeedMinor, Parts: []Part{{SetRoleParms, false}},
		Doc: "Makes this node primary."},
	{Op: Promote, Name: "primary", Gen: V9, Do: true, Needs: NeedResource, Parts: []Part{{SetRoleParms, false}},
		Doc: "Makes this node primary."},
	{Op: Demote, Name: "secondary", Gen: V84, Do: true, Needs: NeedMinor, Parts: []Part{{SetRoleParms, false}},
		Doc: "Makes this node secondary."},
	{Op: Demote, Name: "secondary", Gen: V9, Do: true, Needs: NeedResource, Parts: []Part{{SetRoleParms, false}},
		Doc: "Makes this node secondary."},
	{Op: NewCurrentUUID, Name: "new-current-uuid", Do: true, Needs: NeedMinor, Parts: []Part{{NewCUUIDParms, false}},
		Doc: "Begins a new generation of the data."},
	{Op: StartVerify, Name: "verify", Gen: V84, Do: true, Needs: NeedMinor, NoCtx: true, Parts: []Part{{StartOvParms, false}},
		Doc: "Compares the data with the peer's."},
	{Op: StartVerify, Name: "verify", Gen: V9, Do: true, Needs: NeedPeerDevice, Parts: []Part{{StartOvParms, false}},
		Doc: "Compares the data with a peer's."},
	{Op: Detach, Name: "detach", Do: true, Needs: NeedMinor, Parts: []Part{{DetachParms, false}},
		Doc: "Takes a device's disk away."},
	{Op: Invalidate, Name: "invalidate", Gen: V84, Do: true, Needs: NeedMinor,
		Doc: "Replaces the data here by the peer's."},
	{Op: Invalidate, Name: "invalidate", Gen: V9, Do: true, Needs: NeedMinor, Parts: []Part{{InvalidateParms, false}},
		Doc: "Replaces the data here by a peer's."},
	{Op: InvalidateRemote, Name: "invalidate-remote", Gen: V84, Do: true, Needs: NeedMinor,
		Doc: "Replaces the peer's data by the data here."},
	{Op: InvalidateRemote, Name: "invalidate-remote", Gen: V9, Do: true, Needs: NeedPeerDevice, Parts: []Part{{InvalidatePeer, false}},
		Doc: "Replaces a peer's data by the data here."},
	{Op: PauseSync, Name: "pause-sync", Gen: V84, Do: true, Needs: NeedMinor,
		Doc: "Pauses a resync."},
	{Op: PauseSync, Name: "pause-sync", Gen: V9, Do: true, Needs: NeedPeerDevice,
		Doc: "Pauses a resync."},
	{Op: ResumeSync, Name: "resume-sync", Gen: V84, Do: true, Needs: NeedMinor,
		Doc: "Goes on with a paused resync."},
	{Op: ResumeSync, Name: "resume-sync", Gen: V9, Do: true, Needs: NeedPeerDevice,
		Doc: "Goes on with a paused resync."},
	{Op: SuspendIO, Name: "suspend-io", Gen: V84, Do: true, Needs: NeedMinor,
		Doc: "Holds back the I/O of applications."},
	{Op: SuspendIO, Name: "suspend-io", Gen: V9, Do: true, Needs: NeedMinor, Parts: []Part{{SuspendIOParms, false}},
		Doc: "Holds back the I/O of applications."},
	{Op: ResumeIO, Name: "resume-io", Do: true, Needs: NeedMinor,
		Doc: "Lets the I/O of applications go on."},
	{Op: Outdate, Name: "outdate", Do: true, Needs: NeedMinor,
		Doc: "Marks the data here as outdated."},
	{Op: GetTimeoutType, Name: "get-timeout-type", Gen: V84, Do: true, Needs: NeedMinor, Reply: []ID{TimeoutParms},
		Doc: "Asks which of the wait timeouts holds."},
	{Op: GetTimeoutType, Name: "get-timeout-type", Gen: V9, Do: true, Needs: NeedPeerDevice, Reply: []ID{TimeoutParms},
		Doc: "Asks which of the wait timeouts holds."},
	{Op: Down, Name: "down", Do: true, Needs: NeedResource,
		Doc: "Takes a resource down with all that belongs to it."},
	{Op: ChgDiskOpts, Name: "disk-options", Do: true, Needs: NeedMinor, Parts: []Part{{DiskConf, false}},
		Doc: "Changes the options of a disk."},
	{Op: ChgNetOpts, Name: "net-options", Do: true, Needs: NeedConnection, Parts: []Part{{NetConf, false}},
		Doc: "Changes the options of a connection."},
	{Op: GetResources, Name: "get-resources", Dump: true, Reply: []ID{ResourceOpts, ResourceInfo, ResourceStats},
		Doc: "Lists the resources."},
	{Op: GetDevices, Name: "get-devices", Dump: true, Reply: []ID{DiskConf, DeviceConf, DeviceInfo, DeviceStats},
		Doc: "Lists the devices."},
	{Op: GetConnections, Name: "get-connections", Dump: true, Reply: []ID{NetConf, PathParms, ConnectionInfo, ConnectionStats},
		Doc: "Lists the connections."},
	{Op: GetPeerDevices, Name: "get-peer-devices", Dump: true, Reply: []ID{PeerDeviceInfo, PeerDeviceStats, PeerDeviceOpts},
		Doc: "Lists the devices at the peers."},
	{Op: GetInitialState, Name: "get-initial-state", Dump: true,
		Doc: "Lists all objects as notifications."},
	{Op: ForgetPeer, Name: "forget-peer", Gen: V9, Do: true, Needs: NeedResource, Parts: []Part{{ForgetPeerParms, true}},
		Doc: "Frees the place of a peer in the metadata."},
	{Op: ChgPeerDeviceOpts, Name: "peer-device-options", Gen: V9, Do: true, Needs: NeedPeerDevice, Parts: []Part{{PeerDeviceOpts, false}},
		Doc: "Changes the options of a device at a peer."},
	{Op: NewPeer, Name: "new-peer", Gen: V9, Do: true, Needs: NeedPeerNode, Parts: []Part{{NetConf, true}},
		Doc: "Adds a connection."},
	{Op: NewPath, Name: "new-path", Gen: V9, Do: true, Needs: NeedConnection, Parts: []Part{{PathParms, true}},
		Doc: "Adds a path to a connection."},
	{Op: DelPeer, Name: "del-peer", Gen: V9, Do: true, Needs: NeedConnection, Parts: []Part{{DisconnectParms, false}},
		Doc: "Removes a connection."},
	{Op: DelPath, Name: "del-path", Gen: V9, Do: true, Needs: NeedConnection, Parts: []Part{{PathParms, true}},
		Doc: "Removes a path of a connection."},
	{Op: RenameResource, Name: "rename-resource", Gen: V9, Since: "9.0.28", Do: true, Needs: NeedResource, Parts: []Part{{RenameParms, true}},
		Doc: "Gives a resource another name."},
	{Op: GetPaths, Name: "get-paths", Gen: V9, Since: "9.1.17, 9.2.6", Dump: true, Reply: []ID{PathInfo},
		Doc: "Lists the paths."},
}

// Notice is one row: a message that the module sends to its multicast group, or
// as part of an initial state.
type Notice struct {
	Op    Op
	Name  string     // for people
	Gen   Generation // generations that know the row; 0: Both
	Since string     // first 9.x release that sends it
	Sets  []ID       // sets in it, in the order sent
}

// notices are the notifications of both generations, by number.
var notices = [...]Notice{
	{Op: StatusEvent, Name: "event", Gen: V84, Sets: []ID{CfgContext, ResourceOpts, DiskConf, NetConf, StateInfo}},
	{Op: ResourceState, Name: "resource-state", Sets: []ID{CfgContext, NotifyHeader, ResourceInfo, ResourceStats, RenameInfo}},
	{Op: DeviceState, Name: "device-state", Sets: []ID{CfgContext, NotifyHeader, DeviceInfo, DeviceStats}},
	{Op: ConnectionState, Name: "connection-state", Sets: []ID{CfgContext, NotifyHeader, ConnectionInfo, PathParms, ConnectionStats}},
	{Op: PeerDeviceState, Name: "peer-device-state", Sets: []ID{CfgContext, NotifyHeader, PeerDeviceInfo, PeerDeviceStats}},
	{Op: HelperEvent, Name: "helper", Sets: []ID{CfgContext, NotifyHeader, Helper}},
	{Op: InitialStateDone, Name: "initial-state-done", Sets: []ID{NotifyHeader}},
	{Op: PathState, Name: "path-state", Gen: V9, Since: "9.0.1", Sets: []ID{CfgContext, NotifyHeader, PathInfo}},
}

// In returns the row of a command, nil if the generation lacks it.
func (op Op) In(g Generation) *Command {
	i := sort.Search(len(commands), func(i int) bool { return commands[i].Op >= op })
	for ; i < len(commands) && commands[i].Op == op; i++ {
		if commands[i].Gen.Has(g) {
			return &commands[i]
		}
	}
	return nil
}

// Notice returns the row of a notification, nil if the generation lacks it.
func (op Op) Notice(g Generation) *Notice {
	for i := range notices {
		if notices[i].Op == op && notices[i].Gen.Has(g) {
			return &notices[i]
		}
	}
	return nil
}

// Name returns the name of a command or notification for people and errors.
func (op Op) Name(g Generation) string {
	if c := op.In(g); c != nil {
		return c.Name
	}
	if n := op.Notice(g); n != nil {
		return n.Name
	}
	return "command " + strconv.Itoa(int(op))
}

// Takes reports whether the command takes the set.
func (c *Command) Takes(id ID) bool {
	if id == CfgContext {
		return !c.NoCtx
	}
	for _, p := range c.Parts {
		if p.ID == id {
			return true
		}
	}
	return false
}

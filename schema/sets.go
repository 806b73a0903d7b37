package schema

// ID names an attribute set. It equals the set's top-level attribute number,
// which is the same in DRBD 8.4 and 9.
type ID uint16

// The attribute sets of the family.
const (
	CfgReply        ID = 1
	CfgContext      ID = 2
	DiskConf        ID = 3
	ResourceOpts    ID = 4
	NetConf         ID = 5
	SetRoleParms    ID = 6
	ResizeParms     ID = 7
	StateInfo       ID = 8 // 8.4 only
	StartOvParms    ID = 9
	NewCUUIDParms   ID = 10
	TimeoutParms    ID = 11
	DisconnectParms ID = 12
	DetachParms     ID = 13
	DeviceConf      ID = 14 // from here on 9 only where it says so
	ResourceInfo    ID = 15
	DeviceInfo      ID = 16
	ConnectionInfo  ID = 17
	PeerDeviceInfo  ID = 18
	ResourceStats   ID = 19
	DeviceStats     ID = 20
	ConnectionStats ID = 21
	PeerDeviceStats ID = 22
	NotifyHeader    ID = 23
	Helper          ID = 24
	InvalidateParms ID = 25 // 9
	ForgetPeerParms ID = 26 // 9
	PeerDeviceOpts  ID = 27 // 9
	PathParms       ID = 28 // 9
	ConnectParms    ID = 29 // 9
	PathInfo        ID = 30 // 9
	RenameParms     ID = 31 // 9
	RenameInfo      ID = 32 // 9
	InvalidatePeer  ID = 33 // 9
	SuspendIOParms  ID = 34 // 9
	maxID              = 34
)

// In returns the set as the generation knows it, or nil if it does not.
func (id ID) In(g Generation) *Set {
	if id > maxID {
		return nil
	}
	if g == V84 {
		return sets84[id]
	}
	return sets9[id]
}

// first returns the set as an older generation knows it: only the first n fields.
func first(n int, s *Set, g Generation) *Set {
	older := *s
	older.Gen, older.Fields = g, s.Fields[:n:n]
	return &older
}

// sets84 holds what DRBD 8.4 knows, each set at its attribute number.
var sets84 = [maxID + 1]*Set{
	CfgReply:        &cfgReply,
	CfgContext:      first(4, &cfgContext, V84),
	DiskConf:        &diskConf84,
	ResourceOpts:    &resourceOpts84,
	NetConf:         &netConf84,
	SetRoleParms:    &setRoleParms84,
	ResizeParms:     &resizeParms,
	StateInfo:       &stateInfo,
	StartOvParms:    &startOvParms,
	NewCUUIDParms:   first(1, &newCUUIDParms, V84),
	TimeoutParms:    &timeoutParms,
	DisconnectParms: &disconnectParms,
	DetachParms:     first(1, &detachParms, V84),
	ResourceInfo:    first(4, &resourceInfo, V84),
	DeviceInfo:      &deviceInfo84,
	ConnectionInfo:  &connectionInfo,
	PeerDeviceInfo:  &peerDeviceInfo84,
	ResourceStats:   &resourceStats,
	DeviceStats:     &deviceStats,
	ConnectionStats: first(1, &connectionStats, V84),
	PeerDeviceStats: first(8, &peerDeviceStats, V84),
	NotifyHeader:    &notifyHeader,
	Helper:          &helper,
}

// sets9 holds what DRBD 9 knows.
var sets9 = [maxID + 1]*Set{
	CfgReply:        &cfgReply,
	CfgContext:      &cfgContext,
	DiskConf:        &diskConf9,
	ResourceOpts:    &resourceOpts9,
	NetConf:         &netConf9,
	SetRoleParms:    &setRoleParms9,
	ResizeParms:     &resizeParms,
	StartOvParms:    &startOvParms,
	NewCUUIDParms:   &newCUUIDParms,
	TimeoutParms:    &timeoutParms,
	DisconnectParms: &disconnectParms,
	DetachParms:     &detachParms,
	DeviceConf:      &deviceConf,
	ResourceInfo:    &resourceInfo,
	DeviceInfo:      &deviceInfo9,
	ConnectionInfo:  &connectionInfo,
	PeerDeviceInfo:  &peerDeviceInfo9,
	ResourceStats:   &resourceStats,
	DeviceStats:     &deviceStats,
	ConnectionStats: &connectionStats,
	PeerDeviceStats: &peerDeviceStats,
	NotifyHeader:    &notifyHeader,
	Helper:          &helper,
	InvalidateParms: &invalidateParms,
	ForgetPeerParms: &forgetPeerParms,
	PeerDeviceOpts:  &peerDeviceOpts,
	PathParms:       &pathParms,
	ConnectParms:    &connectParms,
	PathInfo:        &pathInfo,
	RenameParms:     &renameParms,
	RenameInfo:      &renameInfo,
	InvalidatePeer:  &invalidatePeer,
	SuspendIOParms:  &suspendIOParms,
}

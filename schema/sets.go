package schema

import "sync"

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

// A view is a set as one generation knows it. It is made when somebody asks for
// it: most commands need few, and all of them cost more than a start should.
type view struct {
	once sync.Once
	set  *Set
}

var views84, views9 [maxID + 1]view

// In returns the set as the generation knows it, or nil if it does not.
func (id ID) In(g Generation) *Set {
	if id > maxID || sets[id] == nil || !sets[id].Gen.Has(g) {
		return nil
	}
	v := &views9[id]
	if g == V84 {
		v = &views84[id]
	}
	v.once.Do(func() { v.set = sets[id].in(g) })
	return v.set
}

// in returns the set with only the rows that the generation knows.
func (s *Set) in(g Generation) *Set {
	known := *s
	known.Fields = make([]Field, 0, len(s.Fields))
	for _, f := range s.Fields {
		if !f.Gen.Has(g) {
			continue
		}
		if g == V84 {
			f.Since = "" // it counts releases of 9
		}
		known.Fields = append(known.Fields, f)
		known.places[f.Attr] = int8(len(known.Fields))
		if f.Kind.Textual() {
			known.textual++
		}
	}
	return &known
}

// Place returns where the row with that attribute number stands among the fields of a set
// that ID.In returned, -1 without one.
func (s *Set) Place(attr uint16) int {
	if attr == 0 || attr > maxAttr {
		return -1
	}
	return int(s.places[attr]) - 1
}

// sets holds every set at its attribute number, with the rows of both generations.
var sets = [maxID + 1]*Set{
	CfgReply:        &cfgReply,
	CfgContext:      &cfgContext,
	DiskConf:        &diskConf,
	ResourceOpts:    &resourceOpts,
	NetConf:         &netConf,
	SetRoleParms:    &setRoleParms,
	ResizeParms:     &resizeParms,
	StateInfo:       &stateInfo,
	StartOvParms:    &startOvParms,
	NewCUUIDParms:   &newCUUIDParms,
	TimeoutParms:    &timeoutParms,
	DisconnectParms: &disconnectParms,
	DetachParms:     &detachParms,
	DeviceConf:      &deviceConf,
	ResourceInfo:    &resourceInfo,
	DeviceInfo:      &deviceInfo,
	ConnectionInfo:  &connectionInfo,
	PeerDeviceInfo:  &peerDeviceInfo,
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

package schema

// Op is a command or notification of the family. Its number is the same in every
// generation that knows it.
type Op uint8

// The commands.
const (
	GetStatus         Op = 2 // 8.4 only
	NewMinor          Op = 5
	DelMinor          Op = 6
	NewResource       Op = 7
	DelResource       Op = 8
	ChgResourceOpts   Op = 9
	Connect           Op = 10
	Disconnect        Op = 11
	Attach            Op = 12
	Resize            Op = 13
	Promote           Op = 14
	Demote            Op = 15
	NewCurrentUUID    Op = 16
	StartVerify       Op = 17
	Detach            Op = 18
	Invalidate        Op = 19
	InvalidateRemote  Op = 20
	PauseSync         Op = 21
	ResumeSync        Op = 22
	SuspendIO         Op = 23
	ResumeIO          Op = 24
	Outdate           Op = 25
	GetTimeoutType    Op = 26
	Down              Op = 27
	ChgDiskOpts       Op = 28
	ChgNetOpts        Op = 29
	GetResources      Op = 30
	GetDevices        Op = 31
	GetConnections    Op = 32
	GetPeerDevices    Op = 33
	GetInitialState   Op = 38
	ForgetPeer        Op = 42 // from here on 9 only
	ChgPeerDeviceOpts Op = 43
	NewPeer           Op = 44
	NewPath           Op = 45
	DelPeer           Op = 46
	DelPath           Op = 47
	RenameResource    Op = 49
	GetPaths          Op = 50
)

// The notifications.
const (
	StatusEvent      Op = 1 // 8.4 only
	ResourceState    Op = 34
	DeviceState      Op = 35
	ConnectionState  Op = 36
	PeerDeviceState  Op = 37
	HelperEvent      Op = 40
	InitialStateDone Op = 41
	PathState        Op = 48 // 9 only
)

// Need says which object a command acts on, and how requests name it.
type Need uint8

const (
	NeedNothing    Need = iota
	NeedResource        // CfgContext: ctx_resource_name
	NeedMinor           // the header's minor
	NeedPeerNode        // 9: resource and ctx_peer_node_id
	NeedConnection      // 9: as NeedPeerNode; 8.4: ctx_my_addr and ctx_peer_addr only
	NeedPeerDevice      // 9: as NeedConnection, and ctx_volume
)

// A Part is a set that a command takes.
type Part struct {
	ID       ID
	Required bool // the module refuses the command without it
}

// A Command is one row: what the module understands and what it answers.
type Command struct {
	Op       Op
	Name     string     // for people and errors: "new-minor"
	Gen      Generation // generations that know the row; 0: Both
	Since    string     // first 9.x releases that know it, "" if all do
	Do, Dump bool       // which of the two forms exist
	Needs    Need       // checked by the module before anything else
	Parts    []Part     // sets taken besides CfgContext
	NoCtx    bool       // CfgContext is not taken either
	Reply    []ID       // sets answered besides CfgContext and CfgReply
	Doc      string     // one sentence for people
}

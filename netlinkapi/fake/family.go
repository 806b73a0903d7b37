package fake

import (
	"syscall"

	"drbdutils/schema"
)

// Numbers of the generic netlink controller and of the fake's family. A kernel
// gives its family any free number; the fake always has the same.
const (
	controllerID = 16
	familyID     = 32
	groupID      = 9

	ctrlNewFamily = 1
	ctrlGetFamily = 3

	ctrlFamilyID   = 1
	ctrlFamilyName = 2
	ctrlVersion    = 3
	ctrlHeaderSize = 4
	ctrlMaxAttr    = 5
	ctrlOps        = 6
	ctrlGroups     = 7

	familyName = "drbd"
	groupName  = "events"
)

// maxAttr is the highest top-level attribute.
var maxAttr = map[schema.Generation]uint32{schema.V84: 24, schema.V9: 34}

// Flags in the controller's list of commands.
const (
	opAdmin     = 0x01
	opDo        = 0x02
	opDump      = 0x04
	opHasPolicy = 0x08
)

// commandOrder is the order in which the modules register their commands.
var commandOrder = map[schema.Generation][]schema.Op{schema.V84: commandOrder84, schema.V9: commandOrder9}

var commandOrder9 = []schema.Op{
	schema.NewMinor, schema.DelMinor, schema.NewResource, schema.DelResource, schema.ChgResourceOpts,
	schema.NewPeer, schema.NewPath, schema.DelPeer, schema.DelPath, schema.Connect, schema.ChgNetOpts,
	schema.Disconnect, schema.Attach, schema.ChgDiskOpts, schema.Resize, schema.Promote, schema.Demote,
	schema.NewCurrentUUID, schema.StartVerify, schema.Detach, schema.Invalidate, schema.InvalidateRemote,
	schema.PauseSync, schema.ResumeSync, schema.SuspendIO, schema.ResumeIO, schema.Outdate,
	schema.GetTimeoutType, schema.Down, schema.GetResources, schema.GetDevices, schema.GetConnections,
	schema.GetPeerDevices, schema.GetPaths, schema.GetInitialState, schema.ForgetPeer,
	schema.ChgPeerDeviceOpts, schema.RenameResource,
}

var commandOrder84 = []schema.Op{
	schema.GetStatus, schema.NewMinor, schema.DelMinor, schema.NewResource, schema.DelResource,
	schema.ChgResourceOpts, schema.Connect, schema.ChgNetOpts, schema.Disconnect, schema.Attach,
	schema.ChgDiskOpts, schema.Resize, schema.Promote, schema.Demote, schema.NewCurrentUUID,
	schema.StartVerify, schema.Detach, schema.Invalidate, schema.InvalidateRemote, schema.PauseSync,
	schema.ResumeSync, schema.SuspendIO, schema.ResumeIO, schema.Outdate, schema.GetTimeoutType,
	schema.Down, schema.GetResources, schema.GetDevices, schema.GetConnections, schema.GetPeerDevices,
	schema.GetInitialState,
}

// controller answers requests to the generic netlink controller: the lookup of
// the family.
func (m *Module) controller(h header, msg []byte) [][]byte {
	if len(msg) < nlHeaderLen+genlHeaderLen || msg[nlHeaderLen] != ctrlGetFamily {
		return [][]byte{errorMessage(msg, syscall.EOPNOTSUPP)}
	}
	for _, a := range readAttributes(msg[nlHeaderLen+genlHeaderLen:]) {
		byName := a.number() == ctrlFamilyName && string(trimNUL(a.payload)) == familyName
		byID := a.number() == ctrlFamilyID && len(a.payload) == 2 && native.Uint16(a.payload) == familyID
		if byName || byID {
			return [][]byte{m.describeFamily(h)}
		}
	}
	return [][]byte{errorMessage(msg, syscall.ENOENT)}
}

func trimNUL(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}

func (m *Module) describeFamily(h header) []byte {
	u32 := func(n uint32) []byte { return native.AppendUint32(nil, n) }
	b := startMessage(header{kind: controllerID, seq: h.seq, port: h.port})
	b = append(b, ctrlNewFamily, 2, 0, 0)
	b = appendAttribute(b, ctrlFamilyName, append([]byte(familyName), 0))
	b = appendAttribute(b, ctrlFamilyID, native.AppendUint16(nil, familyID))
	b = appendAttribute(b, ctrlVersion, u32(uint32(m.gen.FamilyVersion())))
	b = appendAttribute(b, ctrlHeaderSize, u32(userHeaderLen))
	b = appendAttribute(b, ctrlMaxAttr, u32(maxAttr[m.gen]))
	b = appendAttribute(b, ctrlOps, m.describeOps())
	group := appendAttribute(appendAttribute(nil, 2, u32(groupID)), 1, append([]byte(groupName), 0))
	b = appendAttribute(b, ctrlGroups, appendAttribute(nil, 1, group))
	return endMessage(b)
}

func (m *Module) describeOps() []byte {
	var list []byte
	for i, op := range commandOrder[m.gen] {
		cmd := op.In(m.gen)
		flags := uint32(opHasPolicy)
		if cmd.Do {
			flags |= opDo
		}
		if cmd.Dump {
			flags |= opDump
		}
		if privileged(cmd) {
			flags |= opAdmin
		}
		one := appendAttribute(nil, 1, native.AppendUint32(nil, uint32(op)))
		one = appendAttribute(one, 2, native.AppendUint32(nil, flags))
		list = appendAttribute(list, uint16(i+1), one)
	}
	return list
}

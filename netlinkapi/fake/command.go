package fake

import "drbdutils/schema"

// command is what carries out a request, when prepare has found the objects.
type command struct {
	run   func(*Module, *request) schema.Code
	parms schema.ID // one-shot parameters that it reads into request.parms, or 0
	disk  bool      // the volume must have a disk
}

var commands = map[schema.Op]command{
	schema.NewResource:      {run: (*Module).newResourceCmd},
	schema.DelResource:      {run: (*Module).delResource},
	schema.ChgResourceOpts:  {run: (*Module).resourceOptions},
	schema.NewMinor:         {run: (*Module).newMinor},
	schema.DelMinor:         {run: (*Module).delMinor},
	schema.Connect:          {run: (*Module).connect},
	schema.ChgNetOpts:       {run: (*Module).netOptions},
	schema.Disconnect:       {run: (*Module).disconnect, parms: schema.DisconnectParms},
	schema.Attach:           {run: (*Module).attach},
	schema.ChgDiskOpts:      {run: (*Module).diskOptions, disk: true},
	schema.Detach:           {run: (*Module).detach, parms: schema.DetachParms},
	schema.Resize:           {run: (*Module).resizeCmd, parms: schema.ResizeParms, disk: true},
	schema.Promote:          {run: (*Module).promote, parms: schema.SetRoleParms},
	schema.Demote:           {run: (*Module).demote},
	schema.NewCurrentUUID:   {run: (*Module).newCurrentUUID, parms: schema.NewCUUIDParms, disk: true},
	schema.StartVerify:      {run: (*Module).startVerify, parms: schema.StartOvParms},
	schema.Invalidate:       {run: (*Module).invalidate, disk: true},
	schema.InvalidateRemote: {run: (*Module).invalidateRemote, disk: true},
	schema.PauseSync:        {run: (*Module).pauseSync},
	schema.ResumeSync:       {run: (*Module).resumeSync},
	schema.SuspendIO:        {run: (*Module).suspendIO},
	schema.ResumeIO:         {run: (*Module).resumeIO},
	schema.Outdate:          {run: (*Module).outdate},
	schema.GetTimeoutType:   {run: (*Module).timeoutType},
	schema.GetStatus:        {run: (*Module).getStatus},
	schema.Down:             {run: (*Module).down},
}

// commands9 are the commands that DRBD 9 does otherwise than 8.4, or alone.
var commands9 = map[schema.Op]command{
	schema.NewResource:       {run: (*Module).newResource9},
	schema.NewMinor:          {run: (*Module).newMinor9},
	schema.NewPeer:           {run: (*Module).newPeer},
	schema.DelPeer:           {run: (*Module).delPeer, parms: schema.DisconnectParms},
	schema.NewPath:           {run: (*Module).newPath, parms: schema.PathParms},
	schema.DelPath:           {run: (*Module).delPath, parms: schema.PathParms},
	schema.Connect:           {run: (*Module).connect9, parms: schema.ConnectParms},
	schema.ChgPeerDeviceOpts: {run: (*Module).peerDeviceOptions},
	schema.ForgetPeer:        {run: (*Module).forgetPeer, parms: schema.ForgetPeerParms},
	schema.RenameResource:    {run: (*Module).renameResource, parms: schema.RenameParms},
	schema.Promote:           {run: (*Module).promote9, parms: schema.SetRoleParms},
	schema.Demote:            {run: (*Module).demote9, parms: schema.SetRoleParms},
	schema.Detach:            {run: (*Module).detach9, parms: schema.DetachParms},
	schema.NewCurrentUUID:    {run: (*Module).newCurrentUUID9, parms: schema.NewCUUIDParms, disk: true},
	schema.Invalidate:        {run: (*Module).invalidate9, parms: schema.InvalidateParms, disk: true},
	schema.InvalidateRemote:  {run: (*Module).invalidateRemote9, parms: schema.InvalidatePeer, disk: true},
	schema.StartVerify:       {run: (*Module).startVerify, parms: schema.StartOvParms, disk: true},
	schema.Outdate:           {run: (*Module).outdate9},
	schema.Resize:            {run: (*Module).resize9, parms: schema.ResizeParms, disk: true},
	schema.Down:              {run: (*Module).down9},
}

// command returns what carries out an operation.
func (m *Module) command(op schema.Op) command {
	if c, ok := commands9[op]; ok && m.gen == schema.V9 {
		return c
	}
	return commands[op]
}

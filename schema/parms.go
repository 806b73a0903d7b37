package schema

var setRoleParms = Set{
	ID: SetRoleParms, Name: "set_role_parms", Gen: Both,
	Fields: []Field{
		{Name: "force", Key: "assume_uptodate", Attr: 1, Kind: Flag, Gen: V84,
			Doc: "Becomes primary even if the data here may be outdated, incomplete or unknown."},
		{Name: "force", Key: "force", Attr: 1, Kind: Flag, Gen: V9,
			Doc: "Becomes primary even if the data here may be outdated, incomplete or unknown; secondary even while open."},
	},
}

var resizeParms = Set{
	ID: ResizeParms, Name: "resize_parms", Gen: Both,
	Fields: []Field{
		{Name: "size", Key: "resize_size", Attr: 1, Kind: Uint64, Max: 2199023255552, Unit: "bytes", Scale: Sectors,
			Doc: "New size; 0 takes all that the disks have."},
		{Name: "assume-peer-has-space", Key: "resize_force", Attr: 2, Kind: Flag,
			Doc: "Grows without asking a peer that is not connected."},
		{Name: "assume-clean", Key: "no_resync", Attr: 3, Kind: Flag,
			Doc: "Takes the new area for equal on all nodes."},
		{Name: "al-stripes", Key: "al_stripes", Attr: 4, Kind: Uint32, Min: 1, Max: 1024, Def: 1,
			Doc: "Number of stripes that the activity log is spread over."},
		{Name: "al-stripe-size-kB", Key: "al_stripe_size", Attr: 5, Kind: Uint32, Min: 4, Max: 16777216, Def: 32, Scale: KiB,
			Doc: "Size of one stripe of the activity log."},
	},
}

var startOvParms = Set{
	ID: StartOvParms, Name: "start_ov_parms", Gen: Both,
	Fields: []Field{
		{Name: "start", Key: "ov_start_sector", Attr: 1, Kind: Uint64, Max: 2199023255552, Unit: "bytes", Scale: Sectors,
			Doc: "Where the verify begins."},
		{Name: "stop", Key: "ov_stop_sector", Attr: 2, Kind: Uint64, Max: 2199023255552, Unit: "bytes", Scale: Sectors,
			Doc: "Where the verify ends; the end of the device without it."},
	},
}

var newCUUIDParms = Set{
	ID: NewCUUIDParms, Name: "new_c_uuid_parms", Gen: Both,
	Fields: []Field{
		{Name: "clear-bitmap", Key: "clear_bm", Attr: 1, Kind: Flag,
			Doc: "Takes the disks for equal, so that no resync is needed."},
		{Name: "force-resync", Key: "force_resync", Attr: 2, Kind: Flag, Gen: V9, Since: "9.0.21",
			Doc: "Starts the initial resync from here."},
	},
}

var timeoutParms = Set{
	ID: TimeoutParms, Name: "timeout_parms", Gen: Both,
	Fields: []Field{
		{Key: "timeout_type", Attr: 1, Kind: Uint32, Flags: Required,
			Doc: "Which of the wait timeouts holds: 0 normal, 1 degraded, 2 peer outdated."},
	},
}

var disconnectParms = Set{
	ID: DisconnectParms, Name: "disconnect_parms", Gen: Both,
	Fields: []Field{
		{Name: "force", Key: "force_disconnect", Attr: 1, Kind: Flag,
			Doc: "Disconnects even if the peer does not agree."},
	},
}

var detachParms = Set{
	ID: DetachParms, Name: "detach_parms", Gen: Both,
	Fields: []Field{
		{Name: "force", Key: "force_detach", Attr: 1, Kind: Flag,
			Doc: "Detaches at once, whatever requests are on their way to the disk."},
		{Name: "diskless", Key: "intentional_diskless_detach", Attr: 2, Kind: Flag, Gen: V9, Since: "9.0.15",
			Doc: "Stays diskless on purpose."},
	},
}

var invalidateParms = Set{
	ID: InvalidateParms, Name: "invalidate_parms", Gen: V9,
	Fields: []Field{
		{Name: "sync-from-peer-node-id", Key: "sync_from_peer_node_id", Attr: 1, Kind: Int32, Min: -1, Max: 32, Def: -1,
			Doc: "Takes the data from this peer; -1 from any."},
		{Name: "reset-bitmap", Key: "reset_bitmap", Attr: 2, Kind: Bool, Def: 1, Since: "9.0.29, 9.1.2",
			Doc: "Copies all blocks; without it only those that the bitmap marks."},
	},
}

var invalidatePeer = Set{
	ID: InvalidatePeer, Name: "invalidate_peer_parms", Gen: V9,
	Fields: []Field{
		{Name: "reset-bitmap", Key: "p_reset_bitmap", Attr: 1, Kind: Bool, Def: 1, Since: "9.0.29, 9.1.2",
			Doc: "Copies all blocks; without it only those that the bitmap marks."},
	},
}

var forgetPeerParms = Set{
	ID: ForgetPeerParms, Name: "forget_peer_parms", Gen: V9,
	Fields: []Field{
		{Key: "forget_peer_node_id", Attr: 1, Kind: Int32, Def: -1,
			Doc: "Node id of the peer to be forgotten."},
	},
}

var renameParms = Set{
	ID: RenameParms, Name: "rename_resource_parms", Gen: V9,
	Fields: []Field{
		{Key: "new_resource_name", Attr: 1, Kind: String, Len: 128, Since: "9.0.28",
			Doc: "New name of the resource."},
	},
}

var suspendIOParms = Set{
	ID: SuspendIOParms, Name: "suspend_io_parms", Gen: V9,
	Fields: []Field{
		{Name: "bdev-freeze", Key: "bdev_freeze", Attr: 1, Kind: Bool, Def: 1, Since: "9.3.0",
			Doc: "Freezes the file system, too."},
	},
}

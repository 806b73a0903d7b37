package schema

var resourceInfo = Set{
	ID: ResourceInfo, Name: "resource_info", Gen: Both,
	Fields: []Field{
		{Key: "res_role", Attr: 1, Kind: Enum, Words: &Roles,
			Doc: "Role of this node."},
		{Key: "res_susp", Attr: 2, Kind: Bool,
			Doc: "I/O is suspended by the administrator."},
		{Key: "res_susp_nod", Attr: 3, Kind: Bool,
			Doc: "I/O is suspended for lack of data."},
		{Key: "res_susp_fen", Attr: 4, Kind: Bool,
			Doc: "I/O is suspended until fencing is done."},
		{Key: "res_susp_quorum", Attr: 5, Kind: Bool, Gen: V9, Since: "9.0.7",
			Doc: "I/O is suspended for lack of quorum."},
		{Key: "res_fail_io", Attr: 6, Kind: Bool, Gen: V9, Since: "9.1.7",
			Doc: "I/O fails on purpose."},
	},
}

var deviceInfo = Set{
	ID: DeviceInfo, Name: "device_info", Gen: Both,
	Fields: []Field{
		{Key: "dev_disk_state", Attr: 1, Kind: Enum, Words: &DiskStates84, Gen: V84,
			Doc: "State of the disk here."},
		{Key: "dev_disk_state", Attr: 1, Kind: Enum, Words: &DiskStates, Gen: V9,
			Doc: "State of the disk here."},
		{Key: "is_intentional_diskless", Attr: 2, Kind: Bool, Gen: V9, Since: "9.0.7",
			Doc: "The device has no disk on purpose."},
		{Key: "dev_has_quorum", Attr: 3, Kind: Bool, Gen: V9, Since: "9.0.10",
			Doc: "Enough nodes see each other."},
		{Key: "backing_dev_path", Attr: 4, Kind: String, Len: 128, Gen: V9, Since: "9.0.29, 9.1.1",
			Doc: "Path of the lower disk; empty without one."},
		{Key: "dev_is_open", Attr: 5, Kind: Bool, Gen: V9, Since: "9.1.22, 9.2.11",
			Doc: "Somebody has the device open."},
	},
}

var connectionInfo = Set{
	ID: ConnectionInfo, Name: "connection_info", Gen: Both,
	Fields: []Field{
		{Key: "conn_connection_state", Attr: 1, Kind: Enum, Words: &ConnStates,
			Doc: "State of the connection."},
		{Key: "conn_role", Attr: 2, Kind: Enum, Words: &Roles,
			Doc: "Role of the peer."},
	},
}

var peerDeviceInfo = Set{
	ID: PeerDeviceInfo, Name: "peer_device_info", Gen: Both,
	Fields: []Field{
		{Key: "peer_repl_state", Attr: 1, Kind: Enum, Words: &ReplStates,
			Doc: "State of the replication."},
		{Key: "peer_disk_state", Attr: 2, Kind: Enum, Words: &DiskStates84, Gen: V84,
			Doc: "State of the disk at the peer."},
		{Key: "peer_disk_state", Attr: 2, Kind: Enum, Words: &DiskStates, Gen: V9,
			Doc: "State of the disk at the peer."},
		{Key: "peer_resync_susp_user", Attr: 3, Kind: Uint32,
			Doc: "The resync is paused by the administrator; 0 or 1."},
		{Key: "peer_resync_susp_peer", Attr: 4, Kind: Uint32,
			Doc: "The resync is paused by the peer; 0 or 1."},
		{Key: "peer_resync_susp_dependency", Attr: 5, Kind: Uint32,
			Doc: "The resync waits for another one; 0 or 1."},
		{Key: "peer_is_intentional_diskless", Attr: 6, Kind: Bool, Gen: V9, Since: "9.0.7",
			Doc: "The peer has no disk on purpose."},
		{Key: "peer_resync_susp_max_parallel", Attr: 7, Kind: Uint32, Gen: V9, Since: "9.3.3",
			Doc: "The resync waits because enough others run; 0 or 1."},
	},
}

var pathInfo = Set{
	ID: PathInfo, Name: "drbd_path_info", Gen: V9,
	Fields: []Field{
		{Key: "path_established", Attr: 1, Kind: Bool, Since: "9.0.1",
			Doc: "The path is in use."},
	},
}

var resourceStats = Set{
	ID: ResourceStats, Name: "resource_statistics", Gen: Both,
	Fields: []Field{
		{Key: "res_stat_write_ordering", Attr: 1, Kind: Enum, Words: &WriteOrderings,
			Doc: "How the order of dependent writes is kept."},
	},
}

var deviceStats = Set{
	ID: DeviceStats, Name: "device_statistics", Gen: Both,
	Fields: []Field{
		{Key: "dev_size", Attr: 1, Kind: Uint64,
			Doc: "Size in sectors."},
		{Key: "dev_read", Attr: 2, Kind: Uint64,
			Doc: "Sectors read from the disk."},
		{Key: "dev_write", Attr: 3, Kind: Uint64,
			Doc: "Sectors written to the disk."},
		{Key: "dev_al_writes", Attr: 4, Kind: Uint64,
			Doc: "Updates of the activity log."},
		{Key: "dev_bm_writes", Attr: 5, Kind: Uint64,
			Doc: "Updates of the bitmap."},
		{Key: "dev_upper_pending", Attr: 6, Kind: Uint32,
			Doc: "Requests of applications in progress."},
		{Key: "dev_lower_pending", Attr: 7, Kind: Uint32,
			Doc: "Requests to the disk in progress."},
		{Key: "dev_upper_blocked", Attr: 8, Kind: Bool,
			Doc: "Applications have to wait."},
		{Key: "dev_lower_blocked", Attr: 9, Kind: Bool,
			Doc: "The disk cannot take more requests."},
		{Key: "dev_al_suspended", Attr: 10, Kind: Bool,
			Doc: "The activity log is not kept."},
		{Key: "dev_exposed_data_uuid", Attr: 11, Kind: Uint64,
			Doc: "Generation of the data that applications saw last."},
		{Key: "dev_current_uuid", Attr: 12, Kind: Uint64,
			Doc: "Current generation of the data."},
		{Key: "dev_disk_flags", Attr: 13, Kind: Uint32,
			Doc: "Flags of the metadata."},
		{Key: "history_uuids", Attr: 14, Kind: Binary, Len: 256,
			Doc: "Native-endian 64-bit identifiers of earlier generations."},
	},
}

var connectionStats = Set{
	ID: ConnectionStats, Name: "connection_statistics", Gen: Both,
	Fields: []Field{
		{Key: "conn_congested", Attr: 1, Kind: Bool,
			Doc: "The network is slower than the writes."},
		{Key: "ap_in_flight", Attr: 2, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Sectors of applications on the way."},
		{Key: "rs_in_flight", Attr: 3, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Sectors of resync on the way."},
	},
}

var peerDeviceStats = Set{
	ID: PeerDeviceStats, Name: "peer_device_statistics", Gen: Both,
	Fields: []Field{
		{Key: "peer_dev_received", Attr: 1, Kind: Uint64,
			Doc: "Sectors received."},
		{Key: "peer_dev_sent", Attr: 2, Kind: Uint64,
			Doc: "Sectors sent."},
		{Key: "peer_dev_pending", Attr: 3, Kind: Uint32,
			Doc: "Requests that wait for the peer."},
		{Key: "peer_dev_unacked", Attr: 4, Kind: Uint32,
			Doc: "Requests of the peer that are not answered yet."},
		{Key: "peer_dev_out_of_sync", Attr: 5, Kind: Uint64,
			Doc: "Sectors out of sync."},
		{Key: "peer_dev_resync_failed", Attr: 6, Kind: Uint64,
			Doc: "Sectors that could not be resynced."},
		{Key: "peer_dev_bitmap_uuid", Attr: 7, Kind: Uint64,
			Doc: "Generation that the bitmap counts from."},
		{Key: "peer_dev_flags", Attr: 9, Kind: Uint32,
			Doc: "Flags of the peer in the metadata."},
		{Key: "peer_dev_rs_total", Attr: 10, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Sectors that the resync or verify began with."},
		{Key: "peer_dev_ov_start_sector", Attr: 11, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Where the verify began."},
		{Key: "peer_dev_ov_stop_sector", Attr: 12, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Where the verify ends."},
		{Key: "peer_dev_ov_position", Attr: 13, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Where the verify is."},
		{Key: "peer_dev_ov_left", Attr: 14, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Sectors still to be verified."},
		{Key: "peer_dev_ov_skipped", Attr: 15, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Sectors left out by the verify."},
		{Key: "peer_dev_rs_same_csum", Attr: 16, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Sectors that a checksum showed to be equal."},
		{Key: "peer_dev_rs_dt_start_ms", Attr: 17, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Milliseconds since the beginning of the resync or verify."},
		{Key: "peer_dev_rs_paused_ms", Attr: 18, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Milliseconds of it in pause."},
		{Key: "peer_dev_rs_dt0_ms", Attr: 19, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Milliseconds since an older mark."},
		{Key: "peer_dev_rs_db0_sectors", Attr: 20, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Sectors done since that mark."},
		{Key: "peer_dev_rs_dt1_ms", Attr: 21, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Milliseconds since the newest mark."},
		{Key: "peer_dev_rs_db1_sectors", Attr: 22, Kind: Uint64, Gen: V9, Since: "9.0.14",
			Doc: "Sectors done since that mark."},
		{Key: "peer_dev_rs_c_sync_rate", Attr: 23, Kind: Uint32, Gen: V9, Since: "9.0.14",
			Doc: "KiB per second that the controller wants."},
		{Key: "peer_dev_uuid_flags", Attr: 24, Kind: Uint64, Gen: V9, Since: "9.0.26",
			Doc: "Flags of the generation identifiers."},
	},
}

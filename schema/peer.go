package schema

var peerDeviceOpts = Set{
	ID: PeerDeviceOpts, Name: "peer_device_conf", Gen: V9,
	Fields: []Field{
		{Name: "resync-rate", Key: "resync_rate", Attr: 1, Kind: Uint32, Min: 1, Max: 8388608, Def: 250, Unit: "bytes/second", Scale: KiB,
			Doc: "Sets the speed of a resync while the controller (c-plan-ahead) is off."},
		{Name: "c-plan-ahead", Key: "c_plan_ahead", Attr: 2, Kind: Uint32, Max: 300, Def: 20, Unit: "1/10 seconds",
			Doc: "Sets how far ahead the resync speed controller plans; 0 turns it off."},
		{Name: "c-delay-target", Key: "c_delay_target", Attr: 3, Kind: Uint32, Min: 1, Max: 100, Def: 10, Unit: "1/10 seconds",
			Doc: "Sets the delay that the controller aims at on connections that buffer a lot."},
		{Name: "c-fill-target", Key: "c_fill_target", Attr: 4, Kind: Uint32, Max: 1048576, Def: 100, Unit: "bytes", Scale: Sectors,
			Doc: "Sets how much resync data the controller keeps in flight; 0 uses c-delay-target."},
		{Name: "c-max-rate", Key: "c_max_rate", Attr: 5, Kind: Uint32, Max: 4194304, Def: 102400, Unit: "bytes/second", Scale: KiB,
			Doc: "Limits the speed that the controller chooses."},
		{Name: "c-min-rate", Key: "c_min_rate", Attr: 6, Kind: Uint32, Max: 4194304, Def: 250, Unit: "bytes/second", Scale: KiB,
			Doc: "Slows a resync down to this speed while applications use the disk; 0 does not slow it down."},
		{Name: "bitmap", Key: "bitmap", Attr: 7, Kind: Bool, Def: 1, Since: "9.0.5",
			Doc: "Keeps a bitmap for the peer; without it the peer is diskless on purpose."},
		{Name: "resync-without-replication", Key: "resync_without_replication", Attr: 8, Kind: Bool, Def: 1, Since: "9.2.14",
			Doc: "Lets the peers resync between each other while writes are not replicated."},
		{Name: "peer-tiebreaker", Key: "peer_tiebreaker", Attr: 9, Kind: Bool, Def: 1, Since: "9.3.1",
			Doc: "Counts the diskless peer when nodes are even in number."},
	},
}

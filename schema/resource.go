package schema

var resourceOpts84 = Set{
	ID: ResourceOpts, Name: "res_opts", Gen: V84,
	Fields: []Field{
		{Name: "cpu-mask", Key: "cpu_mask", Attr: 1, Kind: String, Len: 32,
			Doc: "Binds the threads of the resource to CPUs; a hexadecimal mask."},
		{Name: "on-no-data-accessible", Key: "on_no_data", Attr: 2, Kind: Enum, Words: &onNoData,
			Doc: "Says what to do with I/O when no up-to-date data can be reached."},
	},
}

var resourceOpts9 = Set{
	ID: ResourceOpts, Name: "res_opts", Gen: V9,
	Fields: []Field{
		{Key: "node_id", Attr: 4, Kind: Uint32, Flags: Required | Invariant,
			Doc: "Number of this node in the resource."},
		{Name: "cpu-mask", Key: "cpu_mask", Attr: 1, Kind: String, Len: 256,
			Doc: "Binds the threads of the resource to CPUs; a hexadecimal mask."},
		{Name: "on-no-data-accessible", Key: "on_no_data", Attr: 2, Kind: Enum, Words: &onNoData,
			Doc: "Says what to do with I/O when no up-to-date data can be reached."},
		{Name: "auto-promote", Key: "auto_promote", Attr: 3, Kind: Bool, Def: 1,
			Doc: "Promotes the resource when one of its devices is opened for writing."},
		{Name: "peer-ack-window", Key: "peer_ack_window", Attr: 5, Kind: Uint32, Min: 2048, Max: 204800, Def: 4096, Unit: "bytes", Scale: Sectors,
			Doc: "Sends an acknowledgement to the other peers after so much data at the latest."},
		{Name: "peer-ack-delay", Key: "peer_ack_delay", Attr: 8, Kind: Uint32, Min: 1, Max: 10000, Def: 100, Unit: "milliseconds",
			Doc: "Sends an acknowledgement to the other peers after so long without writes."},
		{Name: "twopc-timeout", Key: "twopc_timeout", Attr: 6, Kind: Uint32, Min: 50, Max: 600, Def: 300, Unit: "1/10 seconds",
			Doc: "Gives up a cluster-wide state change after this time."},
		{Name: "twopc-retry-timeout", Key: "twopc_retry_timeout", Attr: 7, Kind: Uint32, Min: 1, Max: 50, Def: 1, Unit: "1/10 seconds",
			Doc: "Waits this long before a cluster-wide state change is tried again."},
		{Name: "auto-promote-timeout", Key: "auto_promote_timeout", Attr: 9, Kind: Uint32, Max: 600, Def: 20, Unit: "1/10 seconds",
			Doc: "Waits this long for the end of another primary before opening a device fails."},
		{Name: "max-io-depth", Key: "nr_requests", Attr: 10, Kind: Uint32, Min: 4, Max: 4294967295, Def: 8000, Since: "9.0.2",
			Doc: "Limits the requests in progress."},
		{Name: "quorum", Key: "quorum", Attr: 11, Kind: Symbol, Min: 1, Max: 32, Words: &quorums, Since: "9.0.7",
			Doc: "Number of nodes that must see each other to go on."},
		{Name: "on-no-quorum", Key: "on_no_quorum", Attr: 12, Kind: Enum, Def: 1, Words: &onNoData, Since: "9.0.8",
			Doc: "Says what to do with I/O without quorum."},
		{Name: "quorum-minimum-redundancy", Key: "quorum_min_redundancy", Attr: 13, Kind: Symbol, Min: 1, Max: 32, Words: &quorums, Since: "9.0.10",
			Doc: "Number of nodes with up-to-date data that must see each other to go on."},
		{Name: "on-suspended-primary-outdated", Key: "on_susp_primary_outdated", Attr: 14, Kind: Enum, Words: &onSuspended, Since: "9.1.7",
			Doc: "Says what becomes of a suspended primary that finds newer data at a peer."},
		{Name: "drbd8-api-compatibility", Key: "explicit_drbd8_compat", Attr: 16, Kind: Bool, Since: "9.3.0",
			Doc: "Asks for the interface of DRBD 8.4 for this resource."},
		{Key: "drbd8_compat_mode", Attr: 15, Kind: Bool, Since: "9.2.15",
			Doc: "Lets the resource behave as in DRBD 8.4."},
	},
}

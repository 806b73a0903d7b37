package schema

var cfgReply = Set{
	ID: CfgReply, Name: "drbd_cfg_reply", Gen: Both, Bare: true, List: true,
	Fields: []Field{
		{Key: "info_text", Attr: 1, Kind: String, Flags: Mandatory,
			Doc: "What the module says to people."},
	},
}

var cfgContext = Set{
	ID: CfgContext, Name: "drbd_cfg_context", Gen: Both, Bare: true,
	Fields: []Field{
		{Key: "ctx_volume", Attr: 1, Kind: Uint32, Flags: Mandatory,
			Doc: "Volume number inside the resource."},
		{Key: "ctx_resource_name", Attr: 2, Kind: String, Len: 128, Flags: Mandatory,
			Doc: "Name of the resource."},
		{Key: "ctx_my_addr", Attr: 3, Kind: Address, Len: 128, Flags: Mandatory,
			Doc: "Local address, bytes of a sockaddr."},
		{Key: "ctx_peer_addr", Attr: 4, Kind: Address, Len: 128, Flags: Mandatory,
			Doc: "Address of the peer, bytes of a sockaddr."},
		{Key: "ctx_conn_name", Attr: 5, Kind: String, Len: 64, Gen: V9,
			Doc: "Name of the connection; only the module sends it."},
		{Key: "ctx_peer_node_id", Attr: 6, Kind: Uint32, Gen: V9, Flags: Mandatory,
			Doc: "Node id of the peer."},
	},
}

var notifyHeader = Set{
	ID: NotifyHeader, Name: "drbd_notification_header", Gen: Both,
	Fields: []Field{
		{Key: "nh_type", Attr: 1, Kind: Uint32,
			Doc: "What happened; bit 0x8000: more of the same change follows."},
	},
}

var helper = Set{
	ID: Helper, Name: "drbd_helper_info", Gen: Both,
	Fields: []Field{
		{Key: "helper_name", Attr: 1, Kind: String, Len: 32,
			Doc: "Name of the helper."},
		{Key: "helper_status", Attr: 2, Kind: Uint32,
			Doc: "Wait status of the helper."},
	},
}

var renameInfo = Set{
	ID: RenameInfo, Name: "rename_resource_info", Gen: V9,
	Fields: []Field{
		{Key: "res_new_name", Attr: 1, Kind: String, Len: 128, Since: "9.0.28",
			Doc: "New name of the resource."},
	},
}

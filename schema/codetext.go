package schema

// The texts of the codes, which users and scripts know, as DRBD 9.34's tools
// print them. The first refusal is 102, the first refused state change -1.
var (
	refusals = [...]string{
		102 - firstRefusal: "Local address(port) already in use.",
		103 - firstRefusal: "Remote address(port) already in use.",
		104 - firstRefusal: "Can not open backing device.",
		105 - firstRefusal: "Can not open meta device.",
		106 - firstRefusal: "Lower device already in use.",
		107 - firstRefusal: "Lower device is not a block device.",
		108 - firstRefusal: "Meta device is not a block device.",
		109 - firstRefusal: "Open of lower device failed.",
		110 - firstRefusal: "Open of meta device failed.",
		111 - firstRefusal: "Low.dev. smaller than requested DRBD-dev. size.",
		112 - firstRefusal: "Meta device too small.",
		113 - firstRefusal: "You have to use the disk command first.",
		114 - firstRefusal: "Lower device is already claimed. This usually means it is mounted.",
		115 - firstRefusal: "Meta device is already claimed. This usually means it is mounted.",
		116 - firstRefusal: "Lower device / meta device / index combination invalid.",
		117 - firstRefusal: "Currently we only support devices up to 3.998TB.\n(up to 2TB in case you do not have CONFIG_LBD set)\nContact office@linbit.com, if you need more.",
		118 - firstRefusal: "IO error(s) occurred during initial access to meta-data.\n",
		119 - firstRefusal: "No valid meta-data signature found.\n\n\t==> Use 'drbdadm create-md res' to initialize meta-data area. <==\n",
		120 - firstRefusal: "The 'cram-hmac-alg' you specified is not known in the kernel. (Maybe you need to modprobe it, or modprobe hmac?)",
		121 - firstRefusal: "The 'cram-hmac-alg' you specified is not a digest.",
		122 - firstRefusal: "kmalloc() failed. Out of memory?",
		123 - firstRefusal: "--discard-my-data not allowed when primary.",
		124 - firstRefusal: "Device is attached to a disk (use detach first)",
		125 - firstRefusal: "Device has a net-config (use disconnect first)",
		126 - firstRefusal: "UnknownMandatoryTag",
		127 - firstRefusal: "Device minor not allocated",
		128 - firstRefusal: "Resulting device state would be invalid",
		129 - firstRefusal: "Interrupted by Signal",
		130 - firstRefusal: "Resize not allowed during resync.",
		131 - firstRefusal: "Need one Primary node to resize.",
		132 - firstRefusal: "The resync-after minor number is invalid",
		133 - firstRefusal: "This would cause a resync-after dependency cycle",
		134 - firstRefusal: "Sync-pause flag is already set",
		135 - firstRefusal: "Sync-pause flag is already cleared",
		136 - firstRefusal: "Disk state is lower than outdated",
		137 - firstRefusal: "Kernel does not know how to handle your request.\nMaybe API_VERSION mismatch?",
		138 - firstRefusal: "Device does not have a disk-config",
		139 - firstRefusal: "Protocol C required",
		140 - firstRefusal: "vmalloc() failed. Out of memory?",
		141 - firstRefusal: "The 'data-integrity-alg' you specified is not known in the kernel. (Maybe you need to modprobe it, or modprobe hmac?)",
		142 - firstRefusal: "The 'data-integrity-alg' you specified is not a digest.",
		143 - firstRefusal: "Invalid cpu-mask.",
		144 - firstRefusal: "CSUMSAlgNotAvail",
		145 - firstRefusal: "CSUMSAlgNotDigest",
		146 - firstRefusal: "VERIFYAlgNotAvail",
		147 - firstRefusal: "VERIFYAlgNotDigest",
		148 - firstRefusal: "Can not change csums-alg while resync is in progress",
		149 - firstRefusal: "Can not change verify-alg while online verify runs",
		150 - firstRefusal: "Can only attach to the data we lost last (see kernel log).",
		151 - firstRefusal: "Need to be StandAlone",
		152 - firstRefusal: "Permission denied. CAP_SYS_ADMIN necessary",
		153 - firstRefusal: "Protocol version 93 required to use --assume-clean",
		154 - firstRefusal: "Fencing policy resource-and-stonith only with prot B or C allowed",
		155 - firstRefusal: "on-congestion policy pull-ahead only with prot A allowed",
		156 - firstRefusal: "Sync-pause flag is already cleared.\nNote: Resync pause caused by a local resync-after dependency.",
		157 - firstRefusal: "Sync-pause flag is already cleared.\nNote: Resync pause caused by the peer node.",
		158 - firstRefusal: "Unknown resource",
		159 - firstRefusal: "Resource still in use (delete all minors first)",
		160 - firstRefusal: "Minor still configured (down it first)",
		161 - firstRefusal: "Minor or volume exists already (delete it first)",
		162 - firstRefusal: "Invalid configuration request",
		163 - firstRefusal: "Prot version 100 required in order to change\nthese network options while connected",
		164 - firstRefusal: "Can not clear allow_two_primaries as long as\nthere a primaries on both sides",
		165 - firstRefusal: "Unclean meta-data found.\nYou need to 'drbdadm apply-al res'\n",
		166 - firstRefusal: "DRBD need to be connected for online MD layout change\n",
		167 - firstRefusal: "Resulting AL area too big\n",
		168 - firstRefusal: "Resulting AL are too small\n",
		169 - firstRefusal: "Resulting AL does not fit into available meta data space\n",
		170 - firstRefusal: "Implicit device shrinking not allowed. See kernel log.\n",
		171 - firstRefusal: "Invalid peer-node-id\n",
		172 - firstRefusal: "Failed to create transport (drbd_transport_xxx module missing?)\n",
		173 - firstRefusal: "Combination of local address(port) and remote address(port) already in use\n",
		174 - firstRefusal: "Already exists\n",
		175 - firstRefusal: "A higher DRBD protocol level is required for this operation\n",
		176 - firstRefusal: "Path collides with existing path\n",
	}
	stateErrors = [...]string{
		1:  "Multiple primaries not allowed by config",
		2:  "Need access to UpToDate data",
		3:  "?",
		4:  "Can not resync without local disk",
		5:  "Can not resync without remote disk",
		6:  "Refusing to be Outdated while Connected",
		7:  "Refusing to be Primary while peer is not outdated",
		8:  "Can not start OV/resync since it is already active",
		9:  "Can not disconnect a StandAlone device",
		10: "State change was refused by peer node",
		11: "Device is diskless, the requested operation requires a disk",
		12: "Device is held open by someone",
		13: "Have no net/connection configuration",
		14: "Need a verify algorithm to start online verify",
		15: "State change requires a connection",
		16: "Disk state is lower than outdated",
		17: "Peer does not support protocol",
		18: "In transient state, retry after next state change",
		19: "Concurrent state changes detected and aborted",
		20: "Other vol primary on peer not allowed by config",
		21: "Interrupted state change",
		22: "Peer may not become primary while device is opened read-only",
		23: "Timeout in operation",
		24: "Primary nodes must be strongly connected among each other",
		25: "No quorum",
		26: "Intentional diskless peer may not attach a disk",
		27: "Disconnect chosen in handshake",
		28: "Retry chosen in handshake",
	}
)

const (
	firstRefusal          = 102
	lastRefusal84    Code = 170
	lastStateError84 Code = -21
)

// Text returns what users and scripts are told about a refusal, and whether the
// generation knows the code. Some texts hold or end in a newline.
func (c Code) Text(g Generation) (string, bool) {
	if g == V84 {
		return c.text84()
	}
	if c >= firstRefusal && int(c-firstRefusal) < len(refusals) {
		return refusals[c-firstRefusal], true
	}
	if c < 0 && int(-c) < len(stateErrors) {
		return stateErrors[-c], true
	}
	return "", false
}

// text84 returns the text in the words of DRBD 8.4.
func (c Code) text84() (string, bool) {
	switch {
	case c > lastRefusal84 || c < lastStateError84:
		return "", false
	case c == StateNeedConnection:
		return "Need a connection to start verify or resync", true
	case c == StateInterrupted:
		return "Need a connection for a graceful disconnect/outdate peer", true
	}
	return c.Text(V9)
}

package schema

// Sections of the configuration language that no structure of the kernel stands
// behind.
var (
	startup = Set{Name: "startup", Gen: Both, Fields: []Field{
		{Name: "wfc-timeout", Key: "wfc_timeout", Kind: Uint32, Max: 300000, Unit: "seconds",
			Doc: "How long to wait for the peer at boot; 0 waits for ever."},
		{Name: "degr-wfc-timeout", Key: "degr_wfc_timeout", Kind: Uint32, Max: 300000, Unit: "seconds",
			Doc: "How long to wait at boot if the peer was already missing before."},
		{Name: "outdated-wfc-timeout", Key: "outdated_wfc_timeout", Kind: Uint32, Max: 300000, Unit: "seconds",
			Doc: "How long to wait at boot if the peer's data is known to be outdated."},
		{Name: "wait-after-sb", Key: "wait_after_sb", Kind: Bool,
			Doc: "Whether boot goes on waiting after a split brain was found."},
	}}

	handlers = Set{Name: "handlers", Gen: Both, Fields: []Field{
		{Name: "pri-on-incon-degr", Key: "pri_on_incon_degr", Kind: String, Doc: "Runs on a primary that lost its last usable data."},
		{Name: "pri-lost-after-sb", Key: "pri_lost_after_sb", Kind: String, Doc: "Runs on a primary that lost a split brain."},
		{Name: "pri-lost", Key: "pri_lost", Kind: String, Doc: "Runs on a primary that must give up its role."},
		{Name: "initial-split-brain", Key: "initial_split_brain", Kind: String, Doc: "Runs when a split brain is detected, resolved or not."},
		{Name: "split-brain", Key: "split_brain", Kind: String, Doc: "Runs when a split brain is detected and not resolved."},
		{Name: "outdate-peer", Key: "outdate_peer", Kind: String, Doc: "What fence-peer was called in 8.3."},
		{Name: "fence-peer", Key: "fence_peer", Kind: String, Doc: "Makes sure that an unreachable peer cannot become primary."},
		{Name: "unfence-peer", Key: "unfence_peer", Kind: String, Doc: "Undoes what fence-peer did, after a resync."},
		{Name: "local-io-error", Key: "local_io_error", Kind: String, Doc: "Runs when the local disk fails."},
		{Name: "before-resync-target", Key: "before_resync_target", Kind: String, Doc: "Runs on the target before a resync."},
		{Name: "after-resync-target", Key: "after_resync_target", Kind: String, Doc: "Runs on the target after a resync."},
		{Name: "before-resync-source", Key: "before_resync_source", Kind: String, Doc: "Runs on the source before a resync."},
		{Name: "out-of-sync", Key: "out_of_sync", Kind: String, Doc: "Runs after an online verify that found differences."},
		{Name: "quorum-lost", Key: "quorum_lost", Kind: String, Gen: V9, Doc: "Runs on a primary that lost quorum."},
		{Name: "disconnected", Key: "disconnected", Kind: String, Gen: V9, Doc: "Runs after a connection was torn down."},
	}}

	proxy = Set{Name: "proxy", Gen: Both, Fields: []Field{
		{Name: "memlimit", Key: "memlimit", Kind: Uint64, Unit: "bytes", Doc: "Memory that one connection of the proxy may use."},
		{Name: "read-loops", Key: "read_loops", Kind: Uint64, Doc: "How often the proxy reads before it serves others."},
		{Name: "compression", Key: "compression", Kind: Uint64, Doc: "Whether the proxy compresses."},
		{Name: "bwlimit", Key: "bwlimit", Kind: Uint64, Unit: "bytes/second", Doc: "Bandwidth that the proxy may use."},
		{Name: "sndbuf-size", Key: "sndbuf_size", Kind: Uint32, Max: 10485760, Unit: "bytes", Doc: "Send buffer of the proxy's sockets."},
		{Name: "rcvbuf-size", Key: "rcvbuf_size", Kind: Uint32, Max: 10485760, Unit: "bytes", Doc: "Receive buffer of the proxy's sockets."},
		{Name: "ping-timeout", Key: "ping_timeo", Kind: Uint32, Min: 1, Max: 300, Def: 5, Unit: "1/10 seconds", Doc: "How long an answer of the other proxy may take."},
	}}

	global = Set{Name: "global", Gen: Both, Fields: []Field{
		{Name: "disable-ip-verification", Key: "disable_ip_verification", Kind: Flag,
			Doc: "Does not check that this host has the addresses of its sections."},
		{Name: "udev-always-use-vnr", Key: "udev_always_use_vnr", Kind: Flag,
			Doc: "Names /dev/drbd/by-res/RES/0 with the volume number for implicit volumes, too."},
		{Name: "minor-count", Key: "minor_count", Kind: Uint32, Min: 1, Max: 255, Doc: "Parameter of the module: how many devices to expect."},
		{Name: "dialog-refresh", Key: "dialog_refresh", Kind: Uint32, Max: 600, Def: 1, Unit: "seconds", Doc: "How often the dialog of wait-con-int is redrawn; 0 never."},
		{Name: "cmd-timeout-short", Key: "cmd_timeout_short", Kind: Uint32, Max: 900, Def: 5, Unit: "seconds", Doc: "What quick commands may take."},
		{Name: "cmd-timeout-medium", Key: "cmd_timeout_medium", Kind: Uint32, Max: 900, Def: 600, Unit: "seconds", Doc: "What commands that wait for disk or peer may take."},
		{Name: "cmd-timeout-long", Key: "cmd_timeout_long", Kind: Uint32, Max: 900, Unit: "seconds", Doc: "What commands on meta-data and handlers may take; 0 no limit."},
		{Name: "usage-count", Key: "usage_count", Kind: Enum, Def: 2, Words: &usageCounts, Doc: "Whether installations are counted; nothing is ever sent."},
	}}

	usageCounts = Enumeration{Words: []Word{{0, "no"}, {1, "yes"}, {2, "ask"}}}
)

// A Slot is a list of options, kept per kernel structure or configuration
// section whatever section they were written in.
type Slot uint8

// The slots.
const (
	ToDisk     Slot = iota // attach
	ToPeer                 // peer-device-options
	ToDevice               // new-minor
	ToNet                  // new-peer, or connect of DRBD 8.4
	ToResource             // new-resource
	ToStartup
	ToHandlers
	ToProxy
	ToGlobal
	Slots // how many there are
)

// In returns the set whose options a slot takes, nil if the generation lacks it.
func (s Slot) In(g Generation) *Set {
	switch s {
	case ToDisk:
		return DiskConf.In(g)
	case ToPeer:
		return PeerDeviceOpts.In(g)
	case ToDevice:
		return DeviceConf.In(g)
	case ToNet:
		return NetConf.In(g)
	case ToResource:
		return ResourceOpts.In(g)
	}
	return [...]*Set{ToStartup: &startup, ToHandlers: &handlers, ToProxy: &proxy, ToGlobal: &global}[s]
}

// A Section is a block of options in a configuration file.
type Section struct {
	Name  string
	Slots []Slot            // whose options it takes; the first that knows a name gets it
	Only  []string          // if set, the only names it takes
	Alias map[string]string // spellings of older releases
	Lists []string          // statements that take a list of words or a block
	Relic *Field            // an option of early releases that is read and forgotten
}

// The sections of options, by what encloses them.
type Sections struct {
	Net, Disk, VolumeDisk, PeerDisk, Options, Startup, Handlers, Proxy, Syncer Section
}

// ConfigSections returns the sections of a generation's configuration files.
func ConfigSections(g Generation) *Sections {
	if g == V84 {
		return &sectionsV84
	}
	return &sectionsV9
}

var (
	sectionsV9 = Sections{
		Net:        Section{Name: "net", Slots: []Slot{ToNet}},
		Disk:       Section{Name: "disk", Slots: []Slot{ToDisk, ToPeer, ToDevice}},
		VolumeDisk: Section{Name: "disk", Slots: []Slot{ToDisk, ToPeer, ToDevice}},
		PeerDisk:   Section{Name: "disk", Slots: []Slot{ToPeer}},
		Options:    Section{Name: "options", Slots: []Slot{ToResource}},
		Startup:    Section{Name: "startup", Slots: []Slot{ToStartup}, Lists: []string{"become-primary-on", "stacked-timeouts"}},
		Handlers:   Section{Name: "handlers", Slots: []Slot{ToHandlers}},
		Proxy:      Section{Name: "proxy", Slots: []Slot{ToProxy}, Lists: []string{"plugin"}},
		Syncer: Section{Name: "syncer", Slots: []Slot{ToNet, ToDisk, ToResource, ToPeer},
			Alias: map[string]string{"rate": "resync-rate", "after": "resync-after"}},
	}
	sectionsV84 = Sections{
		Net: sectionsV9.Net,
		Disk: Section{Name: "disk", Slots: []Slot{ToDisk}, Relic: &relic84,
			Alias: map[string]string{"rate": "resync-rate", "after": "resync-after"}},
		VolumeDisk: Section{Name: "disk", Slots: []Slot{ToDisk}, Relic: &relic84,
			Alias: map[string]string{"rate": "resync-rate", "after": "resync-after"}},
		Options: sectionsV9.Options,
		Startup: sectionsV9.Startup,
		Handlers: Section{Name: "handlers", Slots: []Slot{ToHandlers},
			Alias: map[string]string{"outdate-peer": "fence-peer"}},
		Proxy: sectionsV9.Proxy,
		Syncer: Section{Name: "syncer", Slots: []Slot{ToNet, ToDisk, ToResource},
			Only: []string{
				"rate", "after", "verify-alg", "csums-alg", "use-rle", "al-extents",
				"cpu-mask", "on-no-data-accessible", "c-plan-ahead", "c-delay-target", "c-fill-target", "c-max-rate", "c-min-rate",
			},
			Alias: map[string]string{"rate": "resync-rate", "after": "resync-after"}},
	}
)

var relic84 = Field{Name: "use-bmbv", Kind: Bool}

// NotInFiles are options of commands that no file may set.
var NotInFiles = []string{"discard-my-data", "tentative", "alternate-address", "alternate-peer-address"}

// Names of DRBD 8.4's configuration language.
var (
	// NoForms84 are the options that a prefix "no-" turns off; in the language of
	// 9 it does so for every option.
	NoForms84 = []string{"disk-barrier", "disk-flushes", "disk-drain", "md-flushes", "tcp-cork"}

	// Swallowed84 are options of early releases that any section reads and forgets.
	Swallowed84 = []string{"throttle-threshold", "hold-off-threshold", "delay-probe-volume", "delay-probe-interval"}

	// Checked84 are the options whose values drbdadm itself checks; it passes
	// others to the module as they are.
	Checked84 = []string{
		"size", "timeout", "connect-int", "ping-int", "max-buffers", "max-epoch-size", "sndbuf-size", "rcvbuf-size",
		"ko-count", "resync-rate", "c-plan-ahead", "c-delay-target", "c-fill-target", "c-max-rate", "c-min-rate",
		"congestion-fill", "congestion-extents", "wfc-timeout", "degr-wfc-timeout", "outdated-wfc-timeout", "protocol",
	}
)

// Keywords are the words of the configuration language that cannot be names
// unless they are quoted. In that of 8.4 option names are keywords as well.
func Keywords(g Generation) []string {
	if g == V84 {
		return append(keywords84(), keywords...)
	}
	return append(append([]string(nil), keywords9...), keywords...)
}

var (
	keywords = []string{
		"on", "stacked-on-top-of", "floating", "no", "net", "yes", "ask", "skip", "disk", "proxy", "minor", "inside",
		"volume", "cmd-timeout-short", "cmd-timeout-medium", "cmd-timeout-long", "syncer", "device", "global",
		"common", "options", "outside", "address", "startup", "include", "handlers", "minor-count",
		"disable-ip-verification", "udev-always-use-vnr", "dialog-refresh", "resource", "meta-disk",
		"flexible-meta-disk", "usage-count", "_this_host", "_remote_host", "sci", "ssocks", "sdp", "ipv4", "ipv6",
	}
	keywords9 = []string{
		"via", "host", "hosts", "port", "connection", "connection-mesh", "outside-address", "node-id",
		"_peer_node_id", "_cstate", "_is_standalone", "_unknown", "template-file", "path", "tiebreaker",
		"require-drbd-module-version-eq", "require-drbd-module-version-ne", "require-drbd-module-version-gt",
		"require-drbd-module-version-ge", "require-drbd-module-version-lt", "require-drbd-module-version-le",
	}
)

// keywords84 returns the keywords that only the language of 8.4 has.
func keywords84() []string {
	words := []string{"ignore-on", "alternate-link-address", "protocol", "discard-my-data", "plugin", "become-primary-on", "stacked-timeouts", "rate", "after", relic84.Name}
	words = append(words, Swallowed84...)
	for s := range Slots {
		set := s.In(V84)
		if set == nil || s == ToGlobal {
			continue
		}
		for i := range set.Fields {
			if f := &set.Fields[i]; f.Name != "" && f.Gen.Has(V84) {
				words = append(words, f.Name)
			}
		}
	}
	for _, name := range NoForms84 {
		words = append(words, "no-"+name)
	}
	return words
}

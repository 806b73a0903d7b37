package metatool

// A command is a verb of drbdmeta.
type command struct {
	name      string
	usage     string // arguments and options, for the usage text
	run       func(t *tool) error
	maxArgs   int
	modifies  bool // writes metadata: refused while the device is attached
	needsNode bool // --node-id must be given with v09
	anyFile   bool // reads only what is harmless: opens regular files and busy devices unasked
	hidden    bool
}

// commands lists the commands in the order of the usage text.
func commands() []command {
	return []command{
		{name: "get-gi", usage: "--node-id {val}", run: (*tool).getGI, needsNode: true},
		{name: "show-gi", usage: "--node-id {val}", run: (*tool).showGI, needsNode: true},
		{name: "dump-md", run: (*tool).dumpMD},
		{name: "dump-superblock", usage: "[--output-format {auto|hex|bin|json}]", run: (*tool).dumpSuperblock, anyFile: true},
		{name: "hexdump-superblock", run: (*tool).hexdumpSuperblock, anyFile: true},
		{name: "restore-md", usage: "[--al-stripes {val}] [--al-stripe-size-kB {val}] [file]", run: (*tool).restoreMD, maxArgs: 1, modifies: true},
		{name: "verify-dump", usage: "[file]", run: (*tool).verifyDump, maxArgs: 1},
		{name: "apply-al", run: (*tool).applyAL, modifies: true},
		{name: "wipe-md", run: (*tool).wipeMD, modifies: true},
		{name: "outdate", run: (*tool).outdate, modifies: true},
		{name: "invalidate", run: (*tool).invalidate, modifies: true},
		{name: "dstate", run: (*tool).dstate},
		{name: "explain", usage: "[--json]", run: (*tool).explain, anyFile: true},
		{name: "check-resize", run: (*tool).checkResize, modifies: true},
		{name: "create-md", usage: "[--peer-max-bio-size {val}] [--al-stripes {val}] [--al-stripe-size-kB {val}]\n" +
			"      [--bitmap-block-size {val}] [--initialize-bitmap {automatic|zeroout|pwrite|set-all|skip}]\n" +
			"      [--effective-size {val}] [--diskful-peers {ids|mask}] [--initial-current-uuid {generate|uuid}]\n" +
			"      [--consistent] [--uptodate] [--peers-outdated] [--rotate-uuids] {max_peers}",
			run: (*tool).createMD, maxArgs: 1, modifies: true},
		{name: "forget-peer", usage: "--node-id {val}", run: (*tool).forgetPeer, modifies: true, needsNode: true},
		{name: "repair-md", usage: "[--tentative]", run: (*tool).repairMD, modifies: true},
		{name: "read-dev-uuid", run: (*tool).readDevUUID, hidden: true},
		{name: "write-dev-uuid", run: (*tool).writeDevUUID, maxArgs: 1, modifies: true, hidden: true},
		{name: "set-gi", run: (*tool).setGI, maxArgs: 1, modifies: true, needsNode: true, hidden: true},
	}
}

// findCommand returns the command of that name, nil if there is none.
func findCommand(name string) *command {
	list := commands()
	for i := range list {
		if list[i].name == name {
			return &list[i]
		}
	}
	return nil
}

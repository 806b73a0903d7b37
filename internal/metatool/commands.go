package metatool

// A command is a verb of drbdmeta.
type command struct {
	name      string
	usage     string // arguments and options, for the usage text
	about     string // what it does, for the usage text
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
		{name: "get-gi", about: "Prints the generation identifiers and flags on one line.",
			usage: "--node-id {val}", run: (*tool).getGI, needsNode: true},
		{name: "show-gi", about: "Prints the generation identifiers and flags, and what they mean.",
			usage: "--node-id {val}", run: (*tool).showGI, needsNode: true},
		{name: "dump-md", about: "Prints all metadata in a form that restore-md reads.",
			run: (*tool).dumpMD},
		{name: "dump-superblock", about: "Prints the superblock without bitmap and activity log.",
			usage: "[--output-format {auto|hex|bin|json}]", run: (*tool).dumpSuperblock, anyFile: true},
		{name: "hexdump-superblock", about: "Prints the bytes of the superblock in hexadecimal.",
			run: (*tool).hexdumpSuperblock, anyFile: true},
		{name: "restore-md", about: "Replaces the metadata by what a dump holds.",
			usage: "[--al-stripes {val}] [--al-stripe-size-kB {val}] [file]", run: (*tool).restoreMD, maxArgs: 1, modifies: true},
		{name: "verify-dump", about: "Checks that restore-md would accept a dump.",
			usage: "[file]", run: (*tool).verifyDump, maxArgs: 1},
		{name: "apply-al", about: "Marks in the bitmap what the activity log says was being written.",
			run: (*tool).applyAL, modifies: true},
		{name: "wipe-md", about: "Destroys the metadata; the data stays.",
			run: (*tool).wipeMD, modifies: true},
		{name: "outdate", about: "Marks the data as outdated.",
			run: (*tool).outdate, modifies: true},
		{name: "invalidate", about: "Marks the data as inconsistent, so that it is replaced by a peer's.",
			run: (*tool).invalidate, modifies: true},
		{name: "dstate", about: "Prints the state of the disk, as far as the metadata tells.",
			run: (*tool).dstate},
		{name: "explain", about: "Draws where data and metadata are, and tells how much is dirty for each peer.",
			usage: "[--json]", run: (*tool).explain, anyFile: true},
		{name: "check-resize", about: "Moves internal metadata to the end of a device that has grown.",
			run: (*tool).checkResize, modifies: true},
		{name: "create-md", about: "Writes new metadata, or converts metadata of another format.",
			usage: "[--peer-max-bio-size {val}] [--al-stripes {val}] [--al-stripe-size-kB {val}]\n" +
				"      [--bitmap-block-size {val}] [--initialize-bitmap {automatic|zeroout|pwrite|set-all|skip}]\n" +
				"      [--effective-size {val}] [--diskful-peers {ids|mask}] [--initial-current-uuid {generate|uuid}]\n" +
				"      [--consistent] [--uptodate] [--peers-outdated] [--rotate-uuids] {max_peers}",
			run: (*tool).createMD, maxArgs: 1, modifies: true},
		{name: "forget-peer", about: "Frees the slot of a peer.",
			usage: "--node-id {val}", run: (*tool).forgetPeer, modifies: true, needsNode: true},
		{name: "repair-md", about: "Repairs metadata as far as what is left of it tells.",
			usage: "[--tentative]", run: (*tool).repairMD, modifies: true},
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

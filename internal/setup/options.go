package setup

// An option is one that no set of the module has.
type option struct {
	name, short string
	arg         argKind
	doc         string
}

// argKind says whether an option takes a value.
type argKind uint8

const (
	noArg argKind = iota
	requiredArg
	optionalArg
)

// Options that have an older name.
var (
	overwrite = alias{"overwrite-data-of-peer", "force"}
	dryRun    = alias{"dry-run", "tentative"}
)

// Options of the commands that ask.
var (
	showDefaults = option{"show-defaults", "D", noArg, "Shows options that are at their default, too."}
	asJSON       = option{"json", "j", noArg, "Prints JSON."}
	verbose      = option{"verbose", "v", noArg, "Shows everything; given twice, even more."}
	statistics   = option{"statistics", "s", noArg, "Shows counters, too."}
	color        = option{"color", "c", optionalArg, "Colours values: auto (on a terminal), always, or never."}

	waitOptions = []option{
		{"wfc-timeout", "t", requiredArg, "Seconds to wait; 0 waits for ever. Default: 0."},
		{"degr-wfc-timeout", "d", requiredArg, "The same, if the cluster was degraded before. Default: as wfc-timeout."},
		{"outdated-wfc-timeout", "o", requiredArg, "The same, if the peer was outdated before. Default: as degr-wfc-timeout."},
		{"wait-after-sb", "w", optionalArg, "Waits even if the connection was given up, as after a split brain: yes or no. Default: no."},
	}
	statusOptions = []option{verbose, statistics, color, asJSON}
	showOptions   = []option{showDefaults, asJSON}
	events2Flags  = []option{
		{"timestamps", "T", noArg, "Puts the local time in front of each line."},
		statistics,
		{"now", "n", noArg, "Shows the state, and no changes."},
		{"poll", "p", noArg, "Reads the state again for each n on standard input, and ends with it."},
		{"full", "f", noArg, "Shows all about a changed object, counters included."},
		color,
		{"diff", "i", optionalArg, "Shows old and new values."},
		{"rcvbuf", "", requiredArg, "Size of the buffer for what the module tells, in bytes: 100k to 100M. Default: 1M."},
	}
)

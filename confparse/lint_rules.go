package confparse

// A LintRule is a reason for a warning.
type LintRule struct {
	Code string // as in a Diagnostic
	Text string // what it warns of
}

// LintRules are the reasons for the warnings of Lint, and those for which reading itself
// warns.
var LintRules = []LintRule{
	{"discards-data", "a policy after split brain (after-sb-*, rr-conflict) throws away changes without asking"},
	{"two-primaries", "allow-two-primaries without protocol C or without fencing resource-and-stonith"},
	{"fencing", "a fencing policy without a fence-peer handler"},
	{"authentication", "cram-hmac-alg without shared-secret, or neither although others can reach an address or are on the way to it"},
	{"storage", "a disk or metadata device is used twice on a host, holds data of another volume, or is a DRBD device"},
	{"path", "a disk or metadata device that is no absolute path, perhaps a misspelt word"},
	{"timeout", "timeout is not shorter than connect-int and ping-int"},
	{"address", "an address is none, such as 10.1.0.300"},
	{"unused-host", "no connection goes to a host"},
	{"name", "a resource's name stands for something else, or the module refuses it"},
	{"node-id", "a node id is beyond the module's largest"},
	{"volume-number", "a volume number is beyond the module's largest"},
	{"minor-number", "a minor number is beyond the largest there is"},
	{"no-connection", "more than two hosts, but nothing says how they are connected"},
	{"address-missing", "one of two hosts has no address, so that nothing is connected"},
	{"duplicate-connection", "two connections join the same hosts"},
	{"duplicate-volume", "a volume section has no effect, since its number was used before"},
	{"duplicate", "a statement has no effect, since a later one counts"},
	{"mixed-paths", "a path section beside endpoints that stand in the connection itself"},
	{"connection-name", "the name of a connection section has no effect"},
	{"device-name", "a device name that will not exist, or one that is wrong on another host"},
	{"resync-after", "resync-after names a resource that this node does not have"},
	{"no-value", "an option without its value"},
	{"unchecked", "a value that the tools for DRBD 8.4 do not check, and the module refuses"},
	{"unit", "a unit that is ignored"},
	{"obsolete", "a statement without effect in this generation"},
	{"global-late", "the global section stands behind resources"},
	{"include", "a file vanished while it was to be read"},
	{"unclosed", "a section has no closing brace"},
}

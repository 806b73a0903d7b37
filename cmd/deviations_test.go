package cmd_test

// unplayed are the scenarios that need what the fake lacks: "MODULE SCENARIO".
var unplayed = map[string]string{}

// early are the blocks after which the recording shows a moment on the way, which
// a faster machine has left behind: "MODULE SCENARIO STEP". Their events and calls
// are compared together with those of the next block.
var early = map[string]bool{
	"8.4.11 06-after-sb step 51": true, // before the resync
	"8.4.11 14-verify step 10":   true,
	"8.4.11 18-mismatch step 4":  true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 9":  true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 14": true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 19": true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 24": true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 29": true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 34": true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 39": true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 44": true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 49": true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 15": true, // between two attempts
	"8.4.11 24-handlers step 32": true, // in pri-lost-after-sb
}

// coins are the scenarios in which a resync begins with a random UUID, so that the
// lowest bits of the history are random, too: "MODULE SCENARIO".
var coins = map[string]bool{"8.4.11 16-resize": true}

// deviations are the sections that differ from the recording, and why: "MODULE
// SCENARIO STEP SECTION". One that no longer differs fails the test.
var deviations = map[string]string{
	"8.4.11 05-split-brain step 13 node1: events2 stream":                       "NetworkFailure: node2 hung up while node1 was still in its handler",
	"8.4.11 08-power-loss step 12 stdout":                                       "drbdmeta 9.22 shows the flags as 0",
	"8.4.11 24-handlers step 33 node2: events2 stream":                          "BrokenPipe: node2 was writing when node1 hung up",
	"8.4.11 24-handlers step 35 node1: events2 stream":                          quick,
	"8.4.11 24-handlers step 35 node1: helper calls":                            quick,
	"8.4.11 24-handlers step 35 node1: handler calls":                           quick,
	"8.4.11 24-handlers step 35 node2: events2 stream":                          quick,
	"8.4.11 24-handlers step 35 node2: helper calls":                            quick,
	"8.4.11 24-handlers step 35 node2: handler calls":                           quick,
	"8.4.11 24-handlers step 38 node2: cat /proc/drbd":                          failed,
	"8.4.11 24-handlers step 38 node2: drbdsetup status --verbose --statistics": failed,
	"8.4.11 24-handlers step 18 node1: events2 stream":                          "BrokenPipe: node1 was writing when node2 hung up",
}

const failed = "the fake module notices the failed disk before it sends the first write"

const quick = "the nodes met before the second one was told to disconnect"

package cmd_test

import "time"

// stops are the blocks before which a scenario is left, and why.
var stops = map[string]string{
	"9.3.3 34-suspend-outdate step 22":  "the ends try again and again: what happens in each round depends on which is faster",
	"9.3.3 18-io-error-handler step 19": "a write that reaches a disk in the midst of its handler ends the connection: whether one does is chance",
}

// writes are the blocks that the mounted file system wrote of its own accord, after the
// command of a step: "MODULE SCENARIO STEP".
var writes = map[string]int64{"9.3.3 03-roles step 14": 2}

// farAway is where it wrote, in bytes.
const farAway = 1 << 20

// passed are the steps that are not made, because the original changed nothing there and
// ours would: "MODULE SCENARIO STEP".
var passed = map[string]string{
	"9.3.3 38-unload end of step 8":    "it was still running",
	"9.3.3 34-suspend-outdate step 13": outdates,
	"9.3.3 34-suspend-outdate step 14": outdates,
	"9.3.3 34-suspend-outdate step 16": outdates,
	"9.3.3 34-suspend-outdate step 19": outdates,
	"9.3.3 36-adjust step 25":          minorFirst,
	"9.3.3 36-adjust step 26":          minorFirst,
	"9.3.3 36-adjust step 27":          minorFirst,
	"9.3.3 36-adjust step 28":          minorFirst,
	"9.3.3 36-adjust step 29":          minorFirst,
}

const outdates = "the original calls drbdsetup outdate with arguments that it refuses"

const minorFirst = "the original makes the new minor before the old one is gone, and fails"

// early are the blocks after which the recording shows a moment on the way, which
// a faster machine has left behind: "MODULE SCENARIO STEP". Their events and calls
// are compared together with those of the next block.
var early = map[string]bool{
	"9.3.3 33-handlers step 15":              true, // a handler was running
	"9.3.3 33-handlers step 19":              true, // a handler was running
	"9.3.3 33-handlers step 21":              true, // a handler was running
	"9.3.3 33-handlers step 32":              true, // a handler was running
	"9.3.3 33-handlers step 37":              true, // a handler was running
	"9.3.3 33-handlers step 40":              true, // a handler was running
	"9.3.3 31-fencing-resource-only step 9":  true, // a helper was running
	"9.3.3 31-fencing-resource-only step 19": true, // a helper was running
	"9.3.3 31-fencing-resource-only step 23": true, // a helper was running
	"9.3.3 31-fencing-resource-only step 29": true, // a helper was running
	"9.3.3 31-fencing-resource-only step 33": true, // a helper was running
	"9.3.3 31-fencing-resource-only step 39": true, // a helper was running
	"9.3.3 12-quorum-suspend step 10":        true, // node2 missed node1 seconds before node3 did
	"8.4.11 06-after-sb step 51":             true, // before the resync
	"9.3.3 21-pause-resync-after step 11":    true, // the resync ended while its state was recorded
	"9.3.3 02-skip-initial-sync step 7":      true, // node1 still waits for the other source
	"9.3.3 02-skip-initial-sync step 23":     true, // before the resync
	"8.4.11 14-verify step 10":               true,
	"9.3.3 29-auth step 4":                   true, // each end needs seconds to find out
	"9.3.3 29-auth step 9":                   true, // each end needs seconds to find out
	"9.3.3 29-auth step 14":                  true, // each end needs seconds to find out
	"9.3.3 29-auth step 29":                  true, // connecting takes a moment
	"9.3.3 29-auth step 24":                  true, // connecting takes a moment
	"9.3.3 29-auth step 19":                  true, // connecting takes a moment
	"8.4.11 18-mismatch step 4":              true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 9":              true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 14":             true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 19":             true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 24":             true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 29":             true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 34":             true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 39":             true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 44":             true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 49":             true, // each end needs seconds to find out
	"8.4.11 18-mismatch step 15":             true, // between two attempts
	"8.4.11 24-handlers step 32":             true, // in pri-lost-after-sb
}

// near are the steps at which the nearest node was missed first.
var near = map[string]bool{"9.3.3 12-quorum-suspend step 10": true}

// late are the steps whose effects came later than their commands ended, by so much at
// least, though others may have followed at once.
var late = map[string]time.Duration{
	"9.3.3 14-tiebreaker step 16": time.Second,     // node3 tried to connect later than node2
	"9.3.3 03-roles step 27":      4 * time.Second, // node1 still had the device open
}

// slow are the helpers that took longer than others which began later, on the node
// of a step: patterns of their arguments and environment by "MODULE SCENARIO STEP".
var slow = map[string]string{
	"9.3.3 31-fencing-resource-only step 9": `disconnected`,
	"9.3.3 18-io-error-handler step 11":     `local-io-error`,
	"9.3.3 02-skip-initial-sync step 7":     `before-resync-target .*DRBD_PEER_NODE_ID=0`,
	"9.3.3 02-skip-initial-sync step 10":    `before-resync-target .*DRBD_PEER_NODE_ID=0`,
	"9.3.3 02-skip-initial-sync step 23":    `before-resync-source .*DRBD_PEER_NODE_ID=2`,
}

// coins are the scenarios in which a resync begins with a random UUID, so that the
// lowest bits of the history are random, too: "MODULE SCENARIO".
var coins = map[string]bool{"8.4.11 16-resize": true}

// chances are the sections that differ from the recording or not, each time anew, and
// why: "MODULE SCENARIO STEP SECTION", or without the section for all of them.
var chances = map[string]string{
	"9.3.3 31-fencing-resource-only step 35 node1: helper calls": "which of two helpers that are called at once begins first is chance",
	"9.3.3 24-third-node step 22 node2: events2 stream":          "which of two sources is done first is chance",
	"9.3.3 24-third-node step 22 node3: events2 stream":          "which of two sources is done first is chance",
	"9.3.3 12-quorum-suspend step 17 node1: events2 stream":      helperLong,
	"9.3.3 12-quorum-suspend step 17 node1: helper calls":        helperLong,
	"9.3.3 12-quorum-suspend step 17 node2: events2 stream":      "node2 heard from node3 that it depends on a Primary before the commit that made this so",
	"9.3.3 12-quorum-suspend step 20 node1: events2 stream":      "whether quorum-lost ends before the connection is looked for again is chance",
	"9.3.3 29-auth step 15":                                      rounds,
	"9.3.3 29-auth step 16":                                      rounds,
	"9.3.3 29-auth step 17":                                      rounds,
	"9.3.3 21-pause-resync-after step 12 node1: events2 stream":  crossing,
	"9.3.3 21-pause-resync-after step 12 node2: events2 stream":  crossing,
	"9.3.3 21-pause-resync-after step 17 node1: events2 stream":  crossing,
	"9.3.3 21-pause-resync-after step 17 node2: events2 stream":  crossing,
}

const rounds = "the ends try again and again; how often, and when one looks, is chance"

const crossing = "each end pauses what waits for the resync, and tells the other: which is first is chance"

// deviations are the sections that differ from the recording, and why: "MODULE
// SCENARIO STEP SECTION". One that no longer differs fails the test.
var deviations = map[string]string{
	"9.3.3 33-handlers step 41 node2: drbdsetup status --verbose --statistics":          failed,
	"9.3.3 33-handlers step 41 node2: drbdsetup status --json":                          failed,
	"9.3.3 25-forget-peer step 15 exit":                                                 "the original shows the generations of connected nodes only",
	"9.3.3 25-forget-peer step 15 stdout":                                               "the original shows the generations of connected nodes only",
	"9.3.3 12-quorum-suspend step 11 node1: events2 stream":                             "the transport has told of the lost path before the connection did",
	"9.3.3 14-tiebreaker step 7 node3: events2 stream":                                  "a node without a disk takes a peer for Consistent whose generation it has not heard of; here it always has",
	"8.4.11 disks step 6 node1: drbdsetup status --verbose --statistics":                words64,
	"8.4.11 disks step 6 node2: drbdsetup status --verbose --statistics":                words64,
	"8.4.11 fencing step 8 node1: events2 stream":                                       "the fake module lets I/O go on a moment before it takes the peer for Outdated",
	"9.3.3 01-first-up-full-sync step 23 stdout":                                        "the original prints C's null pointer as text",
	"9.3.3 01-first-up-full-sync step 34 stderr":                                        noCode,
	"9.3.3 01-first-up-full-sync step 4 stdout":                                         "ours says canceled",
	"9.3.3 02-skip-initial-sync step 24 node2: drbdsetup status --verbose --statistics": "recorded before node3 was done",
	"9.3.3 03-roles step 11 node1: events2 stream":                                      "mkfs and mount open the device several times, the stage once",
	"9.3.3 03-roles step 27 node1: events2 stream":                                      closing,
	"9.3.3 03-roles step 27 node2: drbdsetup status --verbose --statistics":             closing,
	"9.3.3 03-roles step 27 node2: drbdsetup status --json":                             closing,
	"9.3.3 05-split-brain step 15 stdout":                                               "seen once: after primary --force, the generation that ended is in the history, too",
	"9.3.3 07-sb-least-changes step 15 node1: events2 stream":                           "node2's report that it is Outdated came when node1 had begun the resync: two threads there, and chance",
	"9.3.3 18-io-error-handler step 11 node2: drbdsetup status --verbose --statistics":  inHandler,
	"9.3.3 18-io-error-handler step 14 node2: drbdsetup status --verbose --statistics":  inHandler,
	"9.3.3 18-io-error-handler step 14 node2: drbdsetup events2 --now":                  inHandler,
	"9.3.3 20-verify step 12 node1: drbdsetup status --json":                            grows,
	"9.3.3 20-verify step 12 node2: drbdsetup status --json":                            grows,
	"9.3.3 20-verify step 18 stdout":                                                    "ours shows the usage of the command alone",
	"9.3.3 22-resize step 22 node1: events2 stream":                                     "the device was opened while the resync ran",
	"9.3.3 22-resize step 32 stdout":                                                    "ours also tells what became of the old place",
	"9.3.3 38-unload step 13 stdout":                                                    "ours has a build tag of its own",
	"9.3.3 35-waits step 10 stdout":                                                     "a second more on the slow machine",
	"9.3.3 35-waits step 15 stderr":                                                     noCode,
	"9.3.3 35-waits step 3 stderr":                                                      noCode,
	"9.3.3 37-down-while-syncing step 6 node1: drbdsetup status --verbose --statistics": brokenOff,
	"9.3.3 37-down-while-syncing step 6 node1: drbdsetup status --json":                 brokenOff,
	"8.4.11 08-power-loss step 12 stdout":                                               "drbdmeta 9.22 shows the flags as 0",
}

const failed = "what node1 wrote before node2 heard of the failed disk is not marked there: how much that is, is chance"

const helperLong = "pri-on-incon-degr for node2 was still running when node3 was met, and that for node3 began with the connect half done"

const closing = "recorded while node1 closed the device"

const brokenOff = "node2 had the last block already when it left"

const (
	inHandler = "recorded while the handler ran"
	grows     = "rs-total grows with each block that the verify finds, and was recorded later"
	words64   = "8.4.11 counts a word of a new bitmap too little"
	noCode    = "ours has no code to tell: nothing was asked of the module"
)

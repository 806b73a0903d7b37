package fake

import (
	"drbdutils/schema"
)

// kind says what a packet between two fakes is about. The language is ours; what
// is said, and when, follows DRBD's.
type kind uint8

const (
	hello        kind = iota + 1 // first packet both ways: net options that must fit
	report                       // a volume: size, generations, state
	askState                     // may this state change be made?
	answerState                  // yes, or why not
	prepareState                 // DRBD 9: what does everybody say to this ballot?
	answerBallot                 // all behind the sender said this
	commitState                  // all agreed: carry it out
	dropState                    // or they did not
	newUUID                      // DRBD 9: a generation begins that the peer has part in
	netOptions                   // DRBD 9: options that must fit were changed
	syncRates                    // DRBD 8.4: how fast a resync may be
	ready                        // DRBD 9: all volumes were reported
	agreed                       // DRBD 9: and the sender is ready to connect
	peerSynced                   // DRBD 9: another node has these blocks now
	sendBitmap                   // the blocks that the sender knows to differ
	syncUUID                     // a resync begins: the generation of the target during it
	syncAsk                      // the target wants blocks
	syncData                     // and gets them
	syncDone                     // and has written them
	writeData                    // an application wrote
	writeDone                    // and it is on the peer's disk
	readAsk                      // an application reads what only the peer has
	readData
	resized    // the size of a disk or the wish of an administrator changed
	sizeAsk    // DRBD 9: what could the disk have by now?
	sizeTold   // this
	verifyAsk  // compare this checksum
	verifyDone // and this was found
)

// allVolumes in a packet means the connection.
const allVolumes = ^uint32(0)

// What a report carries.
type reportPart uint8

const (
	reportState reportPart = 1 << iota
	reportUUIDs
	reportAll = reportState | reportUUIDs

	heardStable reportPart = 1 << iota // DRBD 9: the receiver became stable, and is to confirm its generation
	sameAsMine                         // it does: the sender's data may count as this
)

// packet is what crosses a link. Each kind uses some of the fields.
type packet struct {
	Kind   kind
	Volume uint32
	ID     uint32
	Code   schema.Code
	Change change
	Ballot ballot
	Tally  tally

	Protocols  [2]int // hello: versions of the network protocol, first and last
	Self, Peer int    // hello, DRBD 9: node ids of the sender, and of the one that it wants

	Options []byte // hello: fields of net_conf that must be equal on both sides; syncRates: of disk_conf
	Verify  string // syncRates: verify-alg
	Secret  []byte // hello: proof of the shared secret

	Parts       reportPart
	State       peerState
	UUIDs       uuids
	Changed     uint64 // blocks out of sync
	Crashed     bool
	Discard     bool
	SkipInitial bool   // the target may take the generation without a resync
	Size        uint64 // sectors that the device has
	Offered     uint64 // sectors that the disk could have; 0 without a disk
	Wanted      uint64 // sectors that the administrator wants; 0 all
	Says        uint64 // DRBD 9: what the node says besides its UUIDs
	Lost        uint64 // newUUID, writeData: mask of the nodes that have no part in it
	Forced      bool   // the disk counts as UpToDate because an administrator said so
	Client      bool   // no disk on purpose
	Clean       bool   // resized: what is added counts as in sync

	Words  []uint64 // bitmap
	UUID   uint64
	Offset int64 // bytes
	Length int64
	Data   []byte
	Sum    uint64
	Equal  bool
}

// peerState is a state as it crosses the link.
type peerState struct {
	Role   schema.Role
	Conn   conn
	Disk   schema.DiskState
	Paused bool
	Quorum bool
}

// report tells the peer about this volume, if there is a link. In DRBD 9 the ends
// may still be about to meet: what changes meanwhile is said, too.
func (pd *peerDevice) report(parts reportPart) {
	if l := pd.conn.link; l != nil && (pd.conn.state >= wfReportParams || pd.res.m.gen == schema.V9) {
		l.send(pd.reportPacket(parts))
	}
}

func (pd *peerDevice) reportPacket(parts reportPart) packet {
	s := pd.state()
	p := packet{
		Kind: report, Volume: pd.volume, Parts: parts,
		State: peerState{Role: s.role, Conn: s.conn, Disk: s.disk, Paused: s.userISP || s.aftrISP, Quorum: pd.own.quorum},
		Size:  pd.size, Crashed: pd.crashed, Discard: pd.conn.discards(),
		Client: pd.device.client(), Forced: pd.forced, Says: pd.says(),
	}
	if s.disk == schema.Negotiating {
		p.State.Disk = schema.Negotiating
	}
	if pd.disk != nil && s.disk > schema.Failed {
		p.UUIDs, p.Changed = pd.uuids(), pd.outOfSync()
		p.Offered, p.Wanted = pd.disk.offered(), pd.disk.conf.Uint("disk_size")
	} else {
		p.UUIDs[uuidCurrent] = pd.exposed
	}
	return p
}

// Package fake is the DRBD module without a kernel: a state machine that speaks
// the same netlink bytes, keeps real metadata and data in image files and
// replicates them to other fakes.
//
// A Module is one node. It answers requests (Handle), multicasts notifications
// (Subscribe) and talks to its peers over a Network, so that connections
// establish, generations are compared, resyncs copy blocks and split brains are
// found, as in DRBD 8.4.11, or, with Config.Version, as in DRBD 9.3.3:
//
//	net := fake.NewMemoryNetwork()
//	alice := fake.New(fake.Config{Node: "alice", Network: net})
//	bob := fake.New(fake.Config{Node: "bob", Network: net})
//	for reply := range alice.Handle(request) { ... }
//
// Tools reach a Module through a Server, which carries netlink messages over a
// unix socket; unit tests use the messages directly. Time is the time of package
// time, so tests run under testing/synctest.
//
// The package encodes and decodes messages by itself from the tables of package
// schema. It shares no codec with the client: a mistake there must show here.
//
// A resource has devices and connections; a peer device is a device as one peer
// has it. DRBD 8.4 is the case of one connection: its state of a device is that of
// the only peer device. Both generations go through the same machine:
// resource.attempt edits the state, settles what follows from it, asks the rules,
// and carries the change out.
//
// Where things are: command.go lists the commands; each is in the file of its topic, for
// both generations (a function of DRBD 9 alone ends in 9). resource.go, minor.go and
// device.go, peer.go and connection.go, peerdevice.go and path.go are the objects, about.go
// is what is told of them, record.go what they leave on the disk. state.go has the states,
// change.go how they change, rules.go what 8.4 refuses and why, rules9.go and quorum.go what
// 9 does, twophase.go how its whole cluster agrees. dial.go, greet.go, link.go and packet.go
// are the way to a peer; meeting.go, handshake.go, uuid.go and resync.go what is said there;
// rates.go is what 8.4 tells its peer of them. disk.go is the image; request.go, dump.go
// and notify.go are the netlink side, kernellog.go is what goes to the kernel's log.
package fake

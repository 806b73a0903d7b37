// Package fake is the DRBD module without a kernel: a state machine that speaks
// the same netlink bytes, keeps real metadata and data in image files and
// replicates them to other fakes.
//
// A Module is one node. It answers requests (Handle), multicasts notifications
// (Subscribe) and talks to its peers over a Network, so that connections
// establish, generations are compared, resyncs copy blocks and split brains are
// found, as in DRBD 8.4.11:
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
// Where things are: state.go has the states, rules.go what is refused and why,
// change.go carries a change through; resource.go, device.go and connection.go
// are the objects; uuid.go compares data generations; link.go and packet.go are
// the way to a peer, handshake.go and resync.go what is said there; disk.go is
// the image; request.go, command.go, dump.go and notify.go are the netlink side.
package fake

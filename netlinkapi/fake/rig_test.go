package fake

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"drbdutils/meta"
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// machine is a node in a test: a module and a disk with fresh metadata.
type machine struct {
	t    *testing.T
	m    *Module
	disk string
	addr string
	peer string
	log  []string // what was multicast
	seq  uint32
	size int64 // of the disk, in bytes
}

const diskSize = 32 << 20

// pair returns two machines that can reach each other. It wants to be called in
// a bubble of synctest.
func pair(t *testing.T) (a, b *machine) {
	t.Helper()
	network := NewMemoryNetwork()
	x, y := address("10.0.0.1:7789"), address("10.0.0.2:7789")
	return newMachine(t, network, "a", x, y), newMachine(t, network, "b", y, x)
}

func address(text string) string {
	return string(netlinkapi.NewAddress(netlinkapi.FamilyIPv4, netip.MustParseAddrPort(text)))
}

func newMachine(t *testing.T, network Network, name, addr, peer string) *machine {
	t.Helper()
	n := &machine{t: t, disk: filepath.Join(t.TempDir(), name), addr: addr, peer: peer, size: diskSize}
	n.createMD()
	n.boot(network)
	t.Cleanup(func() { n.m.Close() })
	return n
}

// boot loads the module.
func (n *machine) boot(network Network) {
	n.m = New(Config{Network: network})
	n.m.Subscribe(func(msg []byte) { n.log = append(n.log, describe(msg)) })
}

// powerCut ends the module as a power cut does and boots another.
func (n *machine) powerCut() {
	network := n.m.cfg.Network
	n.m.Close()
	n.boot(network)
}

func (n *machine) createMD() {
	f, err := os.Create(n.disk)
	require.NoError(n.t, err)
	defer f.Close()
	require.NoError(n.t, f.Truncate(n.size))
	_, err = meta.Create(f, n.size, meta.CreateOptions{Version: meta.V08, Index: meta.FlexInternal, Geometry: meta.DefaultGeometry})
	require.NoError(n.t, err)
}

// applyAL does what drbdadm does before each attach.
func (n *machine) applyAL() {
	f, err := os.OpenFile(n.disk, os.O_RDWR, 0)
	require.NoError(n.t, err)
	defer f.Close()
	img, err := meta.Open(f, n.size, meta.V08, meta.FlexInternal)
	require.NoError(n.t, err)
	_, err = img.ApplyAL()
	require.NoError(n.t, err)
}

// do sends a command and returns the code and the info texts of the reply.
func (n *machine) do(op schema.Op, minor uint32, flags uint32, sets ...*schema.Values) (schema.Code, []string) {
	n.t.Helper()
	n.seq++
	b := startMessage(header{kind: familyID, flags: flagRequest, seq: n.seq, port: 42})
	b = append(b, byte(op), n.m.gen.FamilyVersion(), 0, 0)
	b = native.AppendUint32(native.AppendUint32(b, minor), flags)
	for _, s := range sets {
		b = appendAttribute(b, uint16(s.Set.ID)|attrNested, appendFields(nil, s))
	}
	replies := n.m.Handle(endMessage(b))
	require.Len(n.t, replies, 1)
	return n.result(replies[0])
}

func (n *machine) result(msg []byte) (schema.Code, []string) {
	require.EqualValues(n.t, familyID, readHeader(msg).kind)
	var texts []string
	for _, a := range readAttributes(msg[bodyOffset:]) {
		if a.number() == uint16(schema.CfgReply) {
			v := n.m.set(schema.CfgReply)
			require.NoError(n.t, decodeInto(v, a.payload))
			texts = append(texts, v.Str("info_text"))
		}
	}
	return schema.Code(int32(native.Uint32(msg[24:]))), texts
}

// ok sends a command that must succeed.
func (n *machine) ok(op schema.Op, minor uint32, sets ...*schema.Values) {
	n.t.Helper()
	code, texts := n.do(op, minor, 0, sets...)
	require.True(n.t, code.OK(), "%v: %d %v", op, code, texts)
}

func (n *machine) set(id schema.ID) *schema.Values { return n.m.set(id) }

func (n *machine) named() *schema.Values {
	return n.set(schema.CfgContext).SetStr("ctx_resource_name", "r0")
}

func (n *machine) ends() *schema.Values {
	return n.set(schema.CfgContext).SetStr("ctx_my_addr", n.addr).SetStr("ctx_peer_addr", n.peer)
}

func (n *machine) diskConf() *schema.Values {
	return n.set(schema.DiskConf).SetStr("backing_dev", n.disk).SetStr("meta_dev", n.disk).SetInt("meta_dev_idx", -3)
}

// up configures resource r0 with minor 0.
func (n *machine) up(net ...*schema.Values) {
	n.t.Helper()
	n.configure()
	n.connect(net...)
}

func (n *machine) configure() {
	n.t.Helper()
	n.applyAL()
	n.ok(schema.NewResource, schema.NoMinor, n.named())
	n.ok(schema.NewMinor, 0, n.named().SetUint("ctx_volume", 0))
	n.ok(schema.Attach, 0, n.diskConf())
}

func (n *machine) connect(net ...*schema.Values) {
	n.t.Helper()
	ctx := n.ends().SetStr("ctx_resource_name", "r0")
	n.ok(schema.Connect, schema.NoMinor, append([]*schema.Values{ctx}, net...)...)
}

func (n *machine) force() *schema.Values {
	return n.set(schema.SetRoleParms).SetBool("assume_uptodate", true)
}

// state returns conn, roles and disks as /proc/drbd prints them.
func (n *machine) state() string {
	n.m.mu.Lock()
	defer n.m.mu.Unlock()
	d := n.m.minors[0]
	if d == nil {
		return "none"
	}
	s := d.only().state()
	return s.conn.String() + " " + s.role.String() + "/" + s.peer.String() + " " + s.disk.String() + "/" + s.pdsk.String()
}

func (n *machine) uuids() uuids {
	n.m.mu.Lock()
	defer n.m.mu.Unlock()
	return n.m.minors[0].only().uuids()
}

// settle lets time pass until nothing moves any more.
func settle() {
	for range 200 {
		time.Sleep(syncTick)
		synctest.Wait()
	}
}

// synced brings both machines up with the same data, and no Primary.
func synced(t *testing.T) (a, b *machine) {
	t.Helper()
	a, b = pair(t)
	a.up()
	b.up()
	settle()
	a.ok(schema.NewCurrentUUID, 0, a.set(schema.NewCUUIDParms).SetBool("clear_bm", true))
	settle()
	require.Equal(t, "Connected Secondary/Secondary UpToDate/UpToDate", a.state())
	require.Equal(t, "Connected Secondary/Secondary UpToDate/UpToDate", b.state())
	return a, b
}

// describe prints a multicast message in a line, much as events2 does.
func describe(msg []byte) string {
	op := schema.Op(msg[nlHeaderLen])
	var line string
	for _, a := range readAttributes(msg[bodyOffset:]) {
		id := schema.ID(a.number())
		v := id.In(schema.V84).New()
		_ = decodeInto(v, a.payload)
		switch id {
		case schema.NotifyHeader:
			line += schema.Action(v.Uint("nh_type") &^ uint64(schema.Continues)).String()
		case schema.ResourceInfo:
			line += " resource role:" + schema.Role(v.Uint("res_role")).String()
		case schema.ConnectionInfo:
			line += " connection " + schema.ConnState(v.Uint("conn_connection_state")).String() + " role:" + schema.Role(v.Uint("conn_role")).String()
		case schema.DeviceInfo:
			line += " device " + schema.DiskState(v.Uint("dev_disk_state")).String()
		case schema.PeerDeviceInfo:
			line += " peer-device " + schema.ReplState(v.Uint("peer_repl_state")).String() + " " + schema.DiskState(v.Uint("peer_disk_state")).String()
		case schema.Helper:
			line += " helper " + v.Str("helper_name")
		}
	}
	if op == schema.StatusEvent {
		return "event"
	}
	return line
}

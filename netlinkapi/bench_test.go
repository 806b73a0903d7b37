package netlinkapi

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/mdlayher/netlink"

	"drbdutils/schema"
)

// recorded returns recorded messages of one kind, without their netlink headers.
func recorded(t testing.TB, module string, op schema.Op) [][]byte {
	var all [][]byte
	for _, c := range readCaptures(t, module) {
		if c.typ == "drbd" && c.dir != ">" && !c.raw && schema.Op(c.bytes[nlmsgHeaderSize]) == op {
			all = append(all, c.bytes[nlmsgHeaderSize:])
		}
	}
	return all
}

// BenchmarkDecode decodes recorded answers, of each kind the largest.
func BenchmarkDecode(b *testing.B) {
	codec := Codec{Generation: schema.V9}
	for _, op := range []schema.Op{schema.GetResources, schema.GetDevices, schema.GetConnections, schema.GetPeerDevices} {
		var data []byte
		for _, m := range recorded(b, "9.3.3", op) {
			if len(m) > len(data) {
				data = m
			}
		}
		b.Run(op.Name(schema.V9), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := codec.Decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	codec := Codec{Generation: schema.V84}
	conf := schema.DiskConf.In(schema.V84).New().
		SetStr("backing_dev", "/dev/vda").SetStr("meta_dev", "/dev/vda").SetInt("meta_dev_idx", -3)
	m := Message{Op: schema.Attach, Sets: []*schema.Values{conf}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.Encode(&m); err != nil {
			b.Fatal(err)
		}
	}
}

// manyObjects returns what the queries answer about many resources with one
// volume and three peers, encoded.
func manyObjects(b *testing.B, resources int) [][]byte {
	codec := Codec{Generation: schema.V9, Module: true}
	var all [][]byte
	add := func(op schema.Op, minor uint32, sets ...*schema.Values) {
		data, err := codec.Encode(&Message{Op: op, Minor: minor, Code: schema.NoError, Sets: sets})
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, data)
	}
	full := func(id schema.ID) *schema.Values {
		v := id.In(schema.V9).New()
		for i, f := range v.Set.Fields {
			if f.Kind.Textual() {
				v.SetAt(i, schema.Value{Text: "text"})
			} else {
				v.SetAt(i, schema.Value{Num: 9})
			}
		}
		return v
	}
	for r := range resources {
		ctx := func() *schema.Values {
			return schema.CfgContext.In(schema.V9).New().SetStr("ctx_resource_name", fmt.Sprintf("res%d", r))
		}
		add(schema.GetResources, schema.NoMinor, ctx(), full(schema.ResourceOpts), full(schema.ResourceInfo), full(schema.ResourceStats))
		add(schema.GetDevices, uint32(r), ctx().SetUint("ctx_volume", 0), full(schema.DiskConf), full(schema.DeviceConf), full(schema.DeviceInfo), full(schema.DeviceStats))
		for peer := range uint64(3) {
			add(schema.GetConnections, schema.NoMinor, ctx().SetUint("ctx_peer_node_id", peer).SetStr("ctx_conn_name", "peer"), full(schema.NetConf), full(schema.PathParms), full(schema.ConnectionInfo), full(schema.ConnectionStats))
			add(schema.GetPeerDevices, uint32(r), ctx().SetUint("ctx_peer_node_id", peer).SetUint("ctx_volume", 0), full(schema.PeerDeviceInfo), full(schema.PeerDeviceStats), full(schema.PeerDeviceOpts))
		}
	}
	return all
}

// BenchmarkSnapshot decodes a whole state and puts it together.
func BenchmarkSnapshot(b *testing.B) {
	for _, resources := range []int{100, 1500} {
		b.Run(fmt.Sprintf("resources=%d", resources), func(b *testing.B) {
			all := manyObjects(b, resources)
			codec := Codec{Generation: schema.V9}
			b.ReportAllocs()
			for b.Loop() {
				s := NewSnapshot(schema.V9)
				var arena schema.Arena
				for _, data := range all {
					m, err := codec.decode(&arena, data)
					if err != nil {
						b.Fatal(err)
					}
					s.add(&m)
				}
				if len(s.Resources) != resources {
					b.Fatal(len(s.Resources))
				}
			}
		})
	}
}

// BenchmarkApply applies state changes of one of many resources.
func BenchmarkApply(b *testing.B) {
	codec := Codec{Generation: schema.V9}
	s := NewSnapshot(schema.V9)
	var change Message
	for _, data := range manyObjects(b, 1500) {
		m, err := codec.Decode(data)
		if err != nil {
			b.Fatal(err)
		}
		s.add(&m)
		if m.Op == schema.GetPeerDevices {
			change = m
		}
	}
	change.Op = schema.PeerDeviceState
	change.Sets = append(change.Sets, schema.NotifyHeader.In(schema.V9).New().SetUint("nh_type", uint64(schema.Change)))
	data, err := Codec{Generation: schema.V9, Module: true}.Encode(&change)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m, err := codec.Decode(data)
		if err != nil {
			b.Fatal(err)
		}
		s.Apply(m)
	}
}

// BenchmarkWatch follows changes over a socket, in order: one of them an
// iteration.
func BenchmarkWatch(b *testing.B) {
	m := startModule(b, schema.V9, func(s *session, nm netlink.Message, _ Message) {
		s.initialState(nm, []string{"r0"}, schema.Secondary)
	})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	next, end := iter.Pull2(m.dial(Options{}).Watch(ctx, WatchOptions{}))
	defer end()
	for range 2 { // r0 exists; done
		next()
	}
	seq, ahead := uint32(3), 0
	b.ReportAllocs()
	for b.Loop() {
		for ; ahead < 50; ahead++ {
			m.multicast(seq, resourceMessage(schema.V9, "r0", schema.Change, schema.Role(1+seq%2)))
			seq++
		}
		if _, err, ok := next(); err != nil || !ok {
			b.Fatal(err)
		}
		ahead--
	}
}

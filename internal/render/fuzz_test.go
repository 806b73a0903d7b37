package render_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/internal/render"
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

var eventLine = regexp.MustCompile(`^(exists|create|change|destroy|call|response|rename) ` +
	`(-|resource|connection|device|peer-device|path|helper)( [a-z_0-9-]+:\S*)*\n$`)

// FuzzEvents tells events in any order, of objects that exist or not: whatever
// comes, each line is one of events2, and all output stays printable.
func FuzzEvents(f *testing.F) {
	f.Add([]byte{0, 0, 1, 2, 0, 2, 3, 0}, true, true, true)
	f.Add([]byte{0, 1, 4, 3, 0, 1, 3, 3}, false, false, true) // a peer device of no connection goes
	f.Add([]byte{0, 1, 2, 1, 3, 1, 4, 1, 5, 1, 6, 1, 0, 3}, true, false, true)
	f.Fuzz(func(t *testing.T, steps []byte, nine, more, diff bool) {
		g := schema.V84
		if nine {
			g = schema.V9
		}
		var out bytes.Buffer
		e := render.Events{Out: &out, Full: more, Diff: diff}
		state := netlinkapi.NewSnapshot(g)
		for i := 0; i+1 < len(steps); i += 2 {
			m := someMessage(g, steps[i], steps[i+1])
			require.NoError(t, e.Event(state.Apply(m), g))
		}
		for line := range strings.Lines(out.String()) {
			require.Regexp(t, eventLine, line)
		}
		require.NoError(t, render.Status(&out, state, render.Options{Verbose: 2, Statistics: true}))
		require.NoError(t, render.Show(&out, state, render.Options{Defaults: more}))
		out.Reset()
		require.NoError(t, render.StatusJSON(&out, state))
		require.True(t, json.Valid(out.Bytes()), out.String())
		out.Reset()
		require.NoError(t, render.ShowJSON(&out, state, render.Options{}))
		require.True(t, json.Valid(out.Bytes()), out.String())
	})
}

// someMessage makes a notification of two bytes: what it is about, and what
// happened, with some values of no particular meaning.
func someMessage(g schema.Generation, object, what byte) netlinkapi.Message {
	ops := []schema.Op{
		schema.ResourceState, schema.DeviceState, schema.ConnectionState, schema.PeerDeviceState,
		schema.PathState, schema.HelperEvent, schema.InitialStateDone,
	}
	sets := map[schema.Op]schema.ID{
		schema.ResourceState: schema.ResourceInfo, schema.DeviceState: schema.DeviceStats, schema.ConnectionState: schema.ConnectionInfo,
		schema.PeerDeviceState: schema.PeerDeviceStats, schema.PathState: schema.PathInfo, schema.HelperEvent: schema.Helper,
	}
	m := netlinkapi.Message{Op: ops[int(object)%len(ops)], Minor: uint32(object), Code: schema.NoError}
	context := schema.CfgContext.In(g).New().SetStr("ctx_resource_name", "r"+string('0'+rune(object>>6))).
		SetUint("ctx_volume", uint64(object>>4&1))
	if g == schema.V9 {
		context.SetUint("ctx_peer_node_id", uint64(object>>5&1)).SetStr("ctx_conn_name", "peer")
	}
	action := uint64(what % 7)
	if what&0x80 != 0 {
		action |= uint64(schema.Continues)
	}
	m.Sets = append(m.Sets, context, schema.NotifyHeader.In(g).New().SetUint("nh_type", action))
	set := sets[m.Op].In(g)
	if set == nil {
		return m
	}
	values := set.New()
	for i := range set.Fields {
		if !set.Fields[i].Kind.Textual() && what>>3&1 == 0 {
			values.SetAt(i, schema.Value{Num: uint64(what>>4) << (i % 4 * 20)})
		}
	}
	m.Sets = append(m.Sets, values)
	return m
}

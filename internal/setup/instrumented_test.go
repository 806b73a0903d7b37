package setup_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// An instrumented scene is a script for the test program of the original: each line
// names a message and the values that differ from the usual ones.
type instrumented struct {
	Name   string
	Script []string
	Runs   []run
}

func TestInstrumented(t *testing.T) {
	for _, s := range records[instrumented](t, "instrumented.jsonl.gz") {
		t.Run(s.Name, func(t *testing.T) {
			p := newPeer(t, 2)
			p.messages = s.messages(t)
			dir := t.TempDir()
			p.start(t, dir)
			for _, r := range s.Runs {
				t.Run(strings.Join(r.Argv, " "), func(t *testing.T) {
					got := drbdsetup(t, dir, "", r.Argv...)
					if r.Argv[0] == "events2" { // the test program ends with its input
						require.Equal(t, "all: module unloaded\n", got.stderr)
						got.exit, got.stderr = 0, ""
					}
					compare(t, 2, s.Name, r, got)
				})
			}
		})
	}
}

// messages returns what the module says when the script is played.
func (s *instrumented) messages(t *testing.T) []recorded {
	var all []recorded
	line := 0
	if slices.Contains(s.Script, "initial_state_done") {
		phase := "early"
		for _, text := range s.Script {
			line++
			if text == "initial_state_done" {
				phase = "event"
				continue
			}
			m := parseInstrumented(t, text, uint32(line))
			r := recorded{Phase: phase, Hex: m.encode(t)}
			if m.action&^schema.Continues == schema.Exists {
				r.Phase = "initial"
			}
			all = append(all, r)
		}
		return append(all, special(unload))
	}
	for _, text := range s.Script {
		if strings.HasPrefix(text, "get_") {
			all = append(all, recorded{Phase: "dump", Hex: parseInstrumented(t, text, 0).encode(t)})
		}
	}
	return all
}

// An instrumentedMessage is a line of the script.
type instrumentedMessage struct {
	object, event string
	action        schema.Action
	vars          map[string]uint64
	seq           uint32
}

var instrumentedDefaults = map[string]uint64{
	"auto_promote": 1, "on_no_quorum": 1, "minor": 1000, "has_quorum": 1, "al_extents": 1237,
	"max_bio_size": 1048576, "ping_int": 10, "c_max_rate": 102400, "c_min_rate": 250,
}

func parseInstrumented(t *testing.T, text string, seq uint32) *instrumentedMessage {
	words := strings.Fields(text)
	m := &instrumentedMessage{event: words[0], vars: map[string]uint64{}, seq: seq}
	for name, value := range instrumentedDefaults {
		m.vars[name] = value
	}
	for i := 1; i < len(words); i += 2 {
		n, err := strconv.ParseUint(words[i+1], 10, 32)
		require.NoError(t, err)
		m.vars[words[i]] = n
	}
	if n, ok := m.vars["msg_seq"]; ok {
		m.seq = uint32(n)
	}
	actions := map[string]schema.Action{
		"_exists": schema.Exists, "_create": schema.Create, "_change": schema.Change,
		"_destroy": schema.Destroy, "_call": schema.Call, "_response": schema.Response,
	}
	for suffix, action := range actions {
		if i := strings.Index(m.event, suffix); i >= 0 {
			m.object, m.action = m.event[:i], action
		}
	}
	if m.object == "" {
		m.object = strings.TrimPrefix(m.event, "get_")
	}
	return m
}

// encode returns the netlink message in hexadecimal.
func (m *instrumentedMessage) encode(t *testing.T) string {
	out := netlinkapi.Message{Minor: schema.NoMinor, Code: schema.NoError}
	context := schema.CfgContext.In(schema.V9).New().SetStr("ctx_resource_name", "some-resource")
	out.Sets = append(out.Sets, context)
	objects := map[string]struct{ notice, query schema.Op }{
		"resource":    {schema.ResourceState, schema.GetResources},
		"device":      {schema.DeviceState, schema.GetDevices},
		"connection":  {schema.ConnectionState, schema.GetConnections},
		"peer_device": {schema.PeerDeviceState, schema.GetPeerDevices},
		"path":        {schema.PathState, 0},
		"helper":      {schema.HelperEvent, 0},
	}
	out.Op = objects[m.object].query
	if !strings.HasPrefix(m.event, "get_") {
		out.Op = objects[m.object].notice
		out.Sets = append(out.Sets, set(schema.NotifyHeader, "nh_type", uint64(m.action)))
	}
	m.fill(&out, context)
	body, err := netlinkapi.Codec{Generation: schema.V9, Module: true}.Encode(&out)
	require.NoError(t, err)
	b := make([]byte, 16, 16+len(body))
	binary.LittleEndian.PutUint32(b, uint32(16+len(body)))
	binary.LittleEndian.PutUint16(b[4:], familyNumber)
	binary.LittleEndian.PutUint32(b[8:], m.seq)
	return fmt.Sprintf("%x", append(b, body...))
}

// set returns a set with numbers.
func set(id schema.ID, pairs ...any) *schema.Values {
	v := id.In(schema.V9).New()
	for i := 0; i < len(pairs); i += 2 {
		switch n := pairs[i+1].(type) {
		case uint64:
			v.SetUint(pairs[i].(string), n)
		case schema.Value:
			v.SetUint(pairs[i].(string), n.Num)
		case int:
			v.SetInt(pairs[i].(string), int64(n))
		case string:
			v.SetStr(pairs[i].(string), n)
		default:
			v.SetUint(pairs[i].(string), number(n))
		}
	}
	return v
}

func number(state any) uint64 {
	switch n := state.(type) {
	case schema.Role:
		return uint64(n)
	case schema.DiskState:
		return uint64(n)
	case schema.ConnState:
		return uint64(n)
	}
	return uint64(state.(schema.ReplState))
}

// fill adds what the test program says about an object.
func (m *instrumentedMessage) fill(out *netlinkapi.Message, context *schema.Values) {
	add := func(sets ...*schema.Values) { out.Sets = append(out.Sets, sets...) }
	if m.object != "resource" && m.object != "device" {
		context.SetUint("ctx_peer_node_id", 1).SetStr("ctx_conn_name", "some-peer")
	}
	if m.object == "device" || m.object == "peer_device" || m.object == "helper" {
		context.SetUint("ctx_volume", m.vars["volume_number"])
	}
	switch m.object {
	case "resource":
		add(m.resource()...)
	case "device":
		out.Minor = uint32(m.vars["minor"])
		add(m.device()...)
	case "connection":
		add(m.connection()...)
	case "peer_device":
		add(m.peerDevice()...)
	case "path":
		endpoint := func(text string) string {
			return string(netlinkapi.NewAddress(netlinkapi.FamilyIPv4, netip.MustParseAddrPort(text)))
		}
		context.SetStr("ctx_my_addr", endpoint("1.2.3.4:7789")).SetStr("ctx_peer_addr", endpoint("5.6.7.8:7790"))
		established := uint64(0)
		if m.action == schema.Change {
			established = 1
		}
		add(set(schema.PathInfo, "path_established", established))
	case "helper":
		add(set(schema.Helper, "helper_name", "before-resync-target", "helper_status", uint64(1)))
	}
}

func (m *instrumentedMessage) resource() []*schema.Values {
	role := schema.Secondary
	if m.event == "resource_change_role" {
		role = schema.Primary
	}
	return []*schema.Values{
		set(schema.ResourceOpts, "node_id", 4, "auto_promote", m.vars["auto_promote"], "on_no_quorum", m.vars["on_no_quorum"]),
		set(schema.ResourceInfo, "res_role", role, "res_susp", 0, "res_susp_nod", 0, "res_susp_fen", 0, "res_susp_quorum", 0, "res_fail_io", 0),
		set(schema.ResourceStats, "res_stat_write_ordering", 0),
	}
}

func (m *instrumentedMessage) device() []*schema.Values {
	state, lower, path := schema.UpToDate, "/dev/sda", "/dev/sda"
	switch {
	case m.vars["diskless"] == 1:
		state, lower, path = schema.Diskless, "none", ""
	case m.vars["inconsistent"] == 1:
		state = schema.Inconsistent
	}
	return []*schema.Values{
		set(schema.DiskConf, "backing_dev", lower, "meta_dev", lower, "meta_dev_idx", schema.MetaIndexFlexInt,
			"al_extents", m.vars["al_extents"], "read_balancing", m.vars["read_balancing"]),
		set(schema.DeviceConf, "max_bio_size", m.vars["max_bio_size"]),
		set(schema.DeviceInfo, "dev_disk_state", state, "is_intentional_diskless", 0, "dev_has_quorum", m.vars["has_quorum"],
			"backing_dev_path", path, "dev_is_open", 0),
		set(schema.DeviceStats, "dev_size", 10, "dev_read", 20, "dev_write", 30, "dev_al_writes", 40, "dev_bm_writes", 50,
			"dev_upper_pending", 60, "dev_lower_pending", 70, "dev_upper_blocked", 0, "dev_lower_blocked", 0, "dev_al_suspended", 0),
	}
}

func (m *instrumentedMessage) connection() []*schema.Values {
	state, role := schema.Connected, schema.Secondary
	switch m.event {
	case "connection_create":
		state, role = schema.StandAlone, schema.RoleUnknown
	case "connection_change_role":
		role = schema.Primary
	}
	return []*schema.Values{
		set(schema.NetConf, "ping_int", m.vars["ping_int"], "two_primaries", m.vars["two_primaries"]),
		set(schema.ConnectionInfo, "conn_connection_state", state, "conn_role", role),
		set(schema.ConnectionStats, "conn_congested", 0, "ap_in_flight", 10, "rs_in_flight", 20),
	}
}

func (m *instrumentedMessage) peerDevice() []*schema.Values {
	repl, disk, outOfSync := schema.Established, schema.UpToDate, 0
	stats := set(schema.PeerDeviceStats, "peer_dev_received", 10, "peer_dev_sent", 20, "peer_dev_pending", 30, "peer_dev_unacked", 40,
		"peer_dev_resync_failed", 0, "peer_dev_rs_total", 0, "peer_dev_ov_left", 0)
	switch m.event {
	case "peer_device_create":
		repl, disk = schema.ReplOff, schema.DUnknown
	case "peer_device_change_sync":
		repl, disk, outOfSync = schema.SyncSource, schema.Inconsistent, 5000
		stats.SetUint("peer_dev_rs_total", 8000).SetUint("peer_dev_rs_dt1_ms", 1000).SetUint("peer_dev_rs_db1_sectors", 500)
	}
	stats.SetUint("peer_dev_out_of_sync", uint64(outOfSync))
	return []*schema.Values{
		set(schema.PeerDeviceOpts, "c_max_rate", m.vars["c_max_rate"], "c_min_rate", m.vars["c_min_rate"]),
		set(schema.PeerDeviceInfo, "peer_repl_state", repl, "peer_disk_state", disk, "peer_resync_susp_user", 0,
			"peer_resync_susp_peer", 0, "peer_resync_susp_dependency", 0, "peer_is_intentional_diskless", 0),
		stats,
	}
}

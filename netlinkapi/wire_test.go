package netlinkapi

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// capture is one message of a recording; testdata/wire/README.md describes it.
type capture struct {
	step   string
	raw    bool // made by hand
	dir    string
	typ    string
	bytes  []byte // with the netlink header
	values string // "-": not described
}

var recordings = map[string]schema.Generation{"8.4.11": schema.V84, "9.3.3": schema.V9}

// readCaptures returns the messages of a recording.
func readCaptures(t testing.TB, module string) []capture {
	t.Helper()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the recordings are little endian")
	}
	f, err := os.Open(filepath.Join("..", "testdata", "wire", module+".txt.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var all []capture
	var step string
	var raw bool
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "= "); ok {
			var how string
			step, how, _ = strings.Cut(rest, " ")
			raw = how == "raw"
			continue
		}
		parts := strings.SplitN(lines.Text(), " ", 5)
		b, err := hex.DecodeString(parts[3])
		require.NoError(t, err)
		all = append(all, capture{step, raw, parts[0], parts[1], b, parts[4]})
	}
	require.NoError(t, lines.Err())
	require.Greater(t, len(all), 1000)
	return all
}

// describe renders a message in the notation of the recordings, fields sorted.
func describe(m *Message) string {
	var sets []string
	for i, v := range m.Sets {
		text := describeSet(v)
		if i > 0 && v.Set.ID == schema.PathParms && m.Sets[i-1].Set == v.Set {
			last := sets[len(sets)-1]
			sets[len(sets)-1] = last[:len(last)-1] + " " + text[strings.IndexByte(text, '{')+1:]
			continue
		}
		sets = append(sets, text)
	}
	return strings.Join(sets, " ")
}

func describeSet(v *schema.Values) string {
	var fields []string
	for f, val := range v.All() {
		fields = append(fields, f.Key+"="+describeValue(f, val))
	}
	return fmt.Sprintf("%d{%s}", v.Set.ID, strings.Join(fields, " "))
}

func describeValue(f *schema.Field, val schema.Value) string {
	switch {
	case f.Kind == schema.String:
		return strconv.Quote(val.Text)
	case f.Kind == schema.Address:
		family, _, _ := strings.Cut(Address(val.Text).String(), ":")
		ap := Address(val.Text).AddrPort()
		return family + ":" + netip.AddrPortFrom(ap.Addr().WithZone(""), ap.Port()).String()
	case f.Kind == schema.Binary:
		return describeNumbers(val.Text)
	case f.Kind == schema.Int32:
		return strconv.FormatInt(int64(val.Num), 10)
	case f.Words != nil:
		return strconv.FormatUint(uint64(f.Words.ToWire(uint32(val.Num))), 10)
	}
	return strconv.FormatUint(val.Num, 10)
}

func describeNumbers(raw string) string {
	var numbers []string
	for b := []byte(raw); len(b) >= 8; b = b[8:] {
		numbers = append(numbers, fmt.Sprintf("%016X", binary.NativeEndian.Uint64(b)))
	}
	for len(numbers) > 0 && numbers[len(numbers)-1] == "0000000000000000" {
		numbers = numbers[:len(numbers)-1]
	}
	return "[" + strings.Join(numbers, " ") + "]"
}

// sortFields brings a description into an order that does not depend on that of
// the attributes inside a nest.
func sortFields(description string) string {
	var sets []string
	for set := range strings.SplitSeq(description, "}") {
		head, fields, ok := strings.Cut(set, "{")
		if !ok {
			continue
		}
		words := splitFields(fields)
		slices.Sort(words)
		sets = append(sets, strings.TrimSpace(head)+"{"+strings.Join(words, " ")+"}")
	}
	return strings.Join(sets, " ")
}

// splitFields splits "a=1 b=\"x y\" c=[1 2]" into its fields.
func splitFields(s string) []string {
	var fields []string
	quoted, depth, start := false, 0, 0
	for i := range len(s) {
		switch s[i] {
		case '"':
			quoted = !quoted
		case '[':
			depth++
		case ']':
			depth--
		case ' ':
			if !quoted && depth == 0 {
				fields = append(fields, s[start:i])
				start = i + 1
			}
		}
	}
	return append(fields, s[start:])
}

func TestDecodeRecordings(t *testing.T) {
	for module, g := range recordings {
		t.Run(module, func(t *testing.T) {
			described := 0
			for _, c := range readCaptures(t, module) {
				if c.typ != "drbd" || len(c.bytes) < nlmsgHeaderSize+headerSize || c.raw && c.dir == ">" {
					continue
				}
				m, err := Codec{Generation: g}.Decode(c.bytes[nlmsgHeaderSize:])
				require.NoError(t, err, "%s: %x", c.step, c.bytes)
				if c.values == "-" {
					continue
				}
				described++
				require.Equal(t, sortFields(c.values), sortFields(describe(&m)), c.step)
			}
			require.Greater(t, described, 1000)
		})
	}
}

// attr is an attribute as a tree, for comparing messages up to the order inside
// a nest.
func attrTree(b []byte, depth int, mask uint16) []string {
	var all []string
	for r := (attrReader{rest: b}); r.next(); {
		if r.err != nil {
			return append(all, "broken")
		}
		value := hex.EncodeToString(r.payload)
		if depth > 0 {
			inner := attrTree(r.payload, depth-1, mask)
			slices.Sort(inner)
			value = strings.Join(inner, " ")
		}
		all = append(all, fmt.Sprintf("%04x{%s}", r.typ&mask, value))
	}
	return all
}

// normal returns the parts of a message that must be the same for both to mean
// the same.
func normal(b []byte, mask uint16) []string {
	return append([]string{hex.EncodeToString(b[:headerSize])}, attrTree(b[headerSize:], 1, mask)...)
}

func TestRequestsAsRecorded(t *testing.T) {
	for module, g := range recordings {
		t.Run(module, func(t *testing.T) {
			for _, c := range readCaptures(t, module) {
				if c.dir != ">" || c.typ != "drbd" || c.raw {
					continue
				}
				payload := c.bytes[nlmsgHeaderSize:]
				m, err := Codec{Generation: g, Module: true}.Decode(payload)
				require.NoError(t, err, c.step)
				got, err := Codec{Generation: g}.Encode(&m)
				require.NoError(t, err, c.step)
				// The reference marks attributes; requests do not need that.
				require.Equal(t, normal(payload, ^uint16(markBit)), normal(got, 0xffff), c.step)
				for _, v := range m.Sets {
					require.True(t, m.Op.In(g).Takes(v.Set.ID), "%s: %s", c.step, v.Set.Name)
				}
			}
		})
	}
}

func TestRepliesAsRecorded(t *testing.T) {
	for module, g := range recordings {
		t.Run(module, func(t *testing.T) {
			for _, c := range readCaptures(t, module) {
				if c.dir == ">" || c.typ != "drbd" || c.raw {
					continue
				}
				payload := c.bytes[nlmsgHeaderSize:]
				m, err := Codec{Generation: g}.Decode(payload)
				require.NoError(t, err, c.step)
				echo := isEcho(c, g, &m)
				got, err := Codec{Generation: g, Module: true, Echo: echo}.Encode(&m)
				require.NoError(t, err, c.step)
				want := normal(payload, 0xffff)
				if echo && g == schema.V9 { // 9.3.3 returns the marks of the request
					want = append(normal(payload, ^uint16(markBit))[:2], want[2:]...)
				}
				require.Equal(t, want, normal(got, 0xffff), "%s: %x", c.step, c.bytes)
			}
		})
	}
}

// isEcho reports whether a message replies to a command with a context.
func isEcho(c capture, g schema.Generation, m *Message) bool {
	const multi = 2
	cmd := m.Op.In(g)
	return c.dir == "<" && cmd != nil && cmd.Do && m.Op != schema.GetStatus && c.bytes[6]&multi == 0 && m.Get(schema.CfgContext) != nil
}

// What the tables say about commands and notifications holds for all that was
// recorded.
func TestTablesHoldForRecordings(t *testing.T) {
	for module, g := range recordings {
		t.Run(module, func(t *testing.T) {
			for _, c := range readCaptures(t, module) {
				if c.typ != "drbd" || c.raw {
					continue
				}
				m, err := Codec{Generation: g}.Decode(c.bytes[nlmsgHeaderSize:])
				require.NoError(t, err)
				cmd, notice := m.Op.In(g), m.Op.Notice(g)
				switch {
				case c.dir == ">":
					requireNeeds(t, c, cmd, &m)
				case notice != nil:
					requireSets(t, c, &m, notice.Sets)
				default:
					requireSets(t, c, &m, append([]schema.ID{schema.CfgContext, schema.CfgReply}, cmd.Reply...))
				}
			}
		})
	}
}

func requireSets(t *testing.T, c capture, m *Message, allowed []schema.ID) {
	for _, v := range m.Sets {
		require.Contains(t, allowed, v.Set.ID, c.step)
	}
}

// requireNeeds checks that a request names the object that its command is about.
func requireNeeds(t *testing.T, c capture, cmd *schema.Command, m *Message) {
	const dump = 0x3 // high byte of the header's flags
	where := m.Get(schema.CfgContext)
	if c.bytes[7]&dump != 0 {
		require.True(t, cmd.Dump, c.step)
		return
	}
	require.True(t, cmd.Do, c.step)
	node := where != nil && where.Set.Field("ctx_peer_node_id") != nil
	switch cmd.Needs {
	case schema.NeedMinor:
		require.NotEqual(t, uint32(schema.NoMinor), m.Minor, c.step)
	case schema.NeedResource:
		require.NotEmpty(t, where.Str("ctx_resource_name"), c.step)
	case schema.NeedPeerNode, schema.NeedConnection:
		if node {
			require.True(t, where.Has("ctx_peer_node_id"), c.step)
		} else {
			require.NotEmpty(t, where.Str("ctx_peer_addr"), c.step)
		}
	case schema.NeedPeerDevice:
		require.True(t, where.Has("ctx_peer_node_id") && where.Has("ctx_volume"), c.step)
	}
}

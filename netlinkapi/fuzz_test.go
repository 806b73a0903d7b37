package netlinkapi

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// FuzzDecode feeds the decoder anything. It fails or returns a message that can
// be shown and sent; what was sent is read back as the same message.
func FuzzDecode(f *testing.F) {
	for module, g := range recordings {
		seen := map[schema.Op]bool{}
		for _, c := range readCaptures(f, module) {
			if c.typ != "drbd" || len(c.bytes) < nlmsgHeaderSize+headerSize {
				continue
			}
			if op := schema.Op(c.bytes[nlmsgHeaderSize]); !seen[op] || c.raw {
				seen[op] = true
				f.Add(c.bytes[nlmsgHeaderSize:], g == schema.V84, c.dir == ">")
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, old, module bool) {
		codec := Codec{Generation: schema.V9, Module: module}
		if old {
			codec.Generation = schema.V84
		}
		m, err := codec.Decode(data)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(m.Sets), len(data))
		_ = describe(&m)
		_ = m.Texts()
		NewSnapshot(codec.Generation).Apply(m)
		sent, err := Codec{Generation: codec.Generation}.Encode(&m)
		if err != nil {
			return // a text that does not fit
		}
		again, err := Codec{Generation: codec.Generation}.Decode(sent)
		require.NoError(t, err)
		require.Equal(t, describe(&m), describe(&again))
	})
}

// FuzzFamily feeds the reader of the controller's messages anything.
func FuzzFamily(f *testing.F) {
	for _, c := range readCaptures(f, "8.4.11") {
		if c.typ == "nlctrl" {
			f.Add(c.bytes[nlmsgHeaderSize:])
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		family := parseFamily(data)
		_, err := dialectOf(&family)
		require.True(t, err == nil || strings.Contains(err.Error(), "knows versions"))
	})
}

// FuzzAddress takes anything for the bytes of an address.
func FuzzAddress(f *testing.F) {
	f.Add([]byte(NewAddress(FamilyIPv4, netip.MustParseAddrPort("10.0.0.1:7788"))))
	f.Add([]byte(NewAddress(0, netip.MustParseAddrPort("[fd00::1]:7788"))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a := Address(raw)
		ap := a.AddrPort()
		require.Equal(t, ap.IsValid() && a.FamilyName() != "unknown", a.String() != "unknown")
	})
}

func TestFamilyOfTheRealModules(t *testing.T) {
	for module, version := range map[string]uint8{"8.4.11": 1, "9.3.3": 2} {
		var f family
		for _, c := range readCaptures(t, module) {
			if c.typ == "nlctrl" && c.dir == "<" {
				f = parseFamily(c.bytes[nlmsgHeaderSize:])
				break
			}
		}
		require.Equal(t, version, f.version)
		require.Equal(t, drbdHeaderSize, f.headerSize)
		require.NotZero(t, f.id)
		require.NotZero(t, f.group)
		d, err := dialectOf(&f)
		require.NoError(t, err)
		for op := range 256 {
			require.Equal(t, schema.Op(op).In(d.generation) != nil, f.has(uint8(op)), "%s: command %d", module, op)
		}
	}
}

func TestAddresses(t *testing.T) {
	v4 := NewAddress(FamilyIPv4, netip.MustParseAddrPort("10.0.0.1:7788"))
	require.Equal(t, "ipv4:10.0.0.1:7788", v4.String())
	require.Len(t, v4, 16)
	v6 := NewAddress(0, netip.MustParseAddrPort("[fd00::1]:7788"))
	require.Equal(t, "ipv6:[fd00::1]:7788", v6.String())
	require.Len(t, v6, 28)
	require.Equal(t, "sdp:10.0.0.1:7788", NewAddress(FamilySDP, v4.AddrPort()).String())
	require.Equal(t, "unknown", Address("").String())
	require.Equal(t, "unknown", NewAddress(99, v4.AddrPort()).String())
	scoped := NewAddress(0, netip.MustParseAddrPort("[fe80::1%3]:1"))
	require.Equal(t, byte(3), scoped[24]+scoped[27], "the scope is in host order")
	far := NewAddress(0, netip.MustParseAddrPort("[fe80::1%99999]:1"))
	require.Equal(t, "ipv6:[fe80::1%99999]:1", far.String())
	lo, err := net.InterfaceByName("lo")
	require.NoError(t, err)
	near := NewAddress(0, netip.MustParseAddrPort(fmt.Sprintf("[fe80::1%%%d]:1", lo.Index)))
	require.Equal(t, "ipv6:[fe80::1%lo]:1", near.String())
}

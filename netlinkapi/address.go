package netlinkapi

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Address is an endpoint as the module keeps it: the bytes of a C sockaddr. The
// module compares addresses byte by byte. The zero Address is none.
type Address string

// Address families. That of SuperSockets, ssocks, has a number of the host's.
const (
	FamilyIPv4 = 2
	FamilyIPv6 = 10
	FamilySDP  = 27
)

// SSocks returns the number of the family ssocks on this host, and whether it has
// one. Where it has none, that of sdp stands for it.
func SSocks() (number uint16, known bool) { return hostSSocks() }

var hostSSocks = sync.OnceValues(func() (uint16, bool) {
	for _, path := range []string{"/proc/net/af_ssocks/family", "/proc/net/af_sci/family"} {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16); err == nil {
			return uint16(n), true
		}
	}
	return FamilySDP, false
})

// NewAddress returns the address of a family other than IPv6, or of IPv6 if ap
// is such an address (family is ignored then; a numeric zone becomes the scope).
func NewAddress(family uint16, ap netip.AddrPort) Address {
	if ap.Addr().Is6() && !ap.Addr().Is4In6() {
		raw := make([]byte, 28)
		binary.NativeEndian.PutUint16(raw, FamilyIPv6)
		binary.BigEndian.PutUint16(raw[2:], ap.Port())
		copy(raw[8:], ap.Addr().AsSlice())
		if scope, err := strconv.ParseUint(ap.Addr().Zone(), 10, 32); err == nil {
			binary.NativeEndian.PutUint32(raw[24:], uint32(scope))
		}
		return Address(raw)
	}
	raw := make([]byte, 16)
	binary.NativeEndian.PutUint16(raw, family)
	binary.BigEndian.PutUint16(raw[2:], ap.Port())
	v4 := ap.Addr().Unmap().As4()
	copy(raw[4:], v4[:])
	return Address(raw)
}

// Family returns the number of the address family, 0 for no address.
func (a Address) Family() uint16 {
	if len(a) < 2 {
		return 0
	}
	return binary.NativeEndian.Uint16([]byte(a[:2]))
}

// AddrPort returns IP address and port, the zero AddrPort if the bytes hold none.
func (a Address) AddrPort() netip.AddrPort {
	switch {
	case a.Family() == FamilyIPv6 && len(a) >= 24:
		ip := netip.AddrFrom16([16]byte([]byte(a[8:24]))).WithZone(a.zone())
		return netip.AddrPortFrom(ip, a.port())
	case a.Family() != FamilyIPv6 && len(a) >= 8:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte([]byte(a[4:8]))), a.port())
	}
	return netip.AddrPort{}
}

// zone returns the name of the interface that the scope of an IPv6 address means,
// its number if there is none of that number, "" without a scope.
func (a Address) zone() string {
	if len(a) < 28 {
		return ""
	}
	scope := binary.NativeEndian.Uint32([]byte(a[24:28]))
	if scope == 0 {
		return ""
	}
	if i, err := net.InterfaceByIndex(int(scope)); err == nil {
		return i.Name
	}
	return strconv.FormatUint(uint64(scope), 10)
}

func (a Address) port() uint16 { return binary.BigEndian.Uint16([]byte(a[2:4])) }

// FamilyName returns "ipv4", "ipv6", "ssocks", "sdp", or "unknown".
func (a Address) FamilyName() string {
	switch a.Family() {
	case FamilyIPv4:
		return "ipv4"
	case FamilyIPv6:
		return "ipv6"
	}
	if ssocks, known := SSocks(); known && a.Family() == ssocks {
		return "ssocks"
	}
	if a.Family() == FamilySDP {
		return "sdp"
	}
	return "unknown"
}

// String returns the address as the tools print it: ipv4:10.0.0.1:7788,
// ipv6:[fd00::1]:7788, or unknown.
func (a Address) String() string {
	ap := a.AddrPort()
	if !ap.IsValid() || a.FamilyName() == "unknown" {
		return "unknown"
	}
	return a.FamilyName() + ":" + ap.String()
}

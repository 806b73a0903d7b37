package setup

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// defaultPort is the port of an address without one.
const defaultPort = 7788

// parseAddress reads [local:|peer:][FAMILY:]HOST[:PORT]. An IPv6 host with a port
// stands in brackets.
func (t *tool) parseAddress(ctx context.Context, text string) (netlinkapi.Address, error) {
	rest := strings.TrimPrefix(strings.TrimPrefix(text, "local:"), "peer:")
	family, rest := cutFamily(rest)
	host, port, err := t.splitHost(family, rest)
	if err != nil {
		return "", err
	}
	ip, err := resolve(ctx, family, host)
	if err != nil {
		return "", err
	}
	return netlinkapi.NewAddress(family, netip.AddrPortFrom(ip, port)), nil
}

// cutFamily takes the address family off the front of text.
func cutFamily(text string) (family uint16, rest string) {
	name, rest, found := strings.Cut(text, ":")
	if found {
		switch name {
		case "ipv4":
			return netlinkapi.FamilyIPv4, rest
		case "ipv6":
			return netlinkapi.FamilyIPv6, rest
		case "sdp":
			return netlinkapi.FamilySDP, rest
		case "ssocks":
			number, _ := netlinkapi.SSocks()
			return number, rest
		}
	}
	return netlinkapi.FamilyIPv4, text
}

// splitHost separates host and port.
func (t *tool) splitHost(family uint16, text string) (host string, port uint16, err error) {
	if family == netlinkapi.FamilyIPv6 {
		return t.splitIPv6(text)
	}
	host, number, found := strings.Cut(text, ":")
	if !found {
		return host, defaultPort, nil
	}
	port, err = parsePort(number)
	return host, port, err
}

func (t *tool) splitIPv6(text string) (host string, port uint16, err error) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		host, number, closed := strings.Cut(inner, "]")
		if !closed || number != "" && number[0] != ':' {
			return "", 0, fail(exitUsage, "unexpected ipv6 format: %s", text)
		}
		if number == "" {
			return host, defaultPort, nil
		}
		port, err = parsePort(number[1:])
		return host, port, err
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", 0, fail(exitUsage, "unexpected ipv6 format: %s", text)
	}
	port, err = parsePort(text[i+1:])
	if err == nil {
		fmt.Fprintf(t.Stderr, "interpreting ipv6:%s as ipv6:[%s]:%d\n", text, text[:i], port)
	}
	return text[:i], port, err
}

// parsePort reads a port. One that does not exist is refused; the original takes
// its low 16 bits for another one.
func parsePort(text string) (uint16, error) {
	n, err := parseNumber(text, schema.One)
	if err != nil {
		return 0, err
	}
	if n > 65535 {
		return 0, fail(exitUsage, "%s: out of range [0..65535] for a port", text)
	}
	return uint16(n), nil
}

// resolve returns the first address of a host in a family.
func resolve(ctx context.Context, family uint16, host string) (netip.Addr, error) {
	network, function := "ip4", "gethostbyname(%s)"
	if family == netlinkapi.FamilyIPv6 {
		network, function = "ip6", "%s"
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() == (network == "ip4") {
		return scoped(ip)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	if err == nil && len(ips) > 0 {
		return ips[0].Unmap(), nil
	}
	if network == "ip6" {
		return netip.Addr{}, fail(exitUsage, "getaddrinfo %s: Name or service not known", host)
	}
	return netip.Addr{}, fail(exitUsage, "can not resolve the hostname: "+function+": Unknown host", host)
}

// scoped returns the address with the number of the interface in the place of its
// name.
func scoped(ip netip.Addr) (netip.Addr, error) {
	if _, err := strconv.ParseUint(ip.Zone(), 10, 32); ip.Zone() == "" || err == nil {
		return ip, nil
	}
	i, err := net.InterfaceByName(ip.Zone())
	if err != nil {
		return netip.Addr{}, fail(exitUsage, "%s: there is no network interface %s", ip, ip.Zone())
	}
	return ip.WithZone(strconv.Itoa(i.Index)), nil
}

package fake

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"drbdutils/netlinkapi"
)

// addressText returns sockaddr bytes in the form that tools print.
func addressText(raw string) string { return netlinkapi.Address(raw).String() }

// splitAddress returns family, IP address and port of sockaddr bytes.
func splitAddress(raw string) (family, ip, port string) {
	a := netlinkapi.Address(raw)
	ap := a.AddrPort()
	return a.FamilyName(), ap.Addr().String(), strconv.Itoa(int(ap.Port()))
}

// linkName names the end of a connection that lies at one address and faces
// another. It is short because a socket's path must be.
func linkName(at, facing string) string {
	sum := sha256.Sum256([]byte(at + "\x00" + facing))
	return hex.EncodeToString(sum[:8])
}

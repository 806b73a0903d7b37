package fake

import (
	"net"
	"os"
	"syscall"
)

// trusted reports whether a client has privileges: those that run as root or as the
// user of the node, and all of this process.
func trusted(conn net.Conn) bool {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	user := -1
	err = raw.Control(func(fd uintptr) {
		if cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			user = int(cred.Uid)
		}
	})
	return err == nil && (user == 0 || user == os.Getuid())
}

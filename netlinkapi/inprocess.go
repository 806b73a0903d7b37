package netlinkapi

import (
	"net"
	"sync"
	"time"
)

// inProcess are the modules of this process, by the path that tools know.
var inProcess struct {
	sync.Mutex
	dial map[string]func() (net.Conn, error)
}

// InProcess makes a fake module that runs in this process reachable without a
// socket: as Options.Socket, path stands for what dial returns. A write to that
// connection must arrive as one read. The returned function ends it. Tests use it
// to run whole clusters in the time of a testing/synctest bubble.
func InProcess(path string, dial func() (net.Conn, error)) (remove func()) {
	inProcess.Lock()
	defer inProcess.Unlock()
	if inProcess.dial == nil {
		inProcess.dial = map[string]func() (net.Conn, error){}
	}
	inProcess.dial[path] = dial
	return func() {
		inProcess.Lock()
		defer inProcess.Unlock()
		delete(inProcess.dial, path)
	}
}

// dialFake connects to a fake module, in this process or at a unix socket.
func dialFake(path string) (net.Conn, error) {
	inProcess.Lock()
	dial := inProcess.dial[path]
	inProcess.Unlock()
	if dial != nil {
		return dial()
	}
	d := net.Dialer{Timeout: 5 * time.Second}
	return d.Dial("unixpacket", path)
}

package setup

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// hangupInterval is how long after its reader went an idle events2 may notice.
const hangupInterval = time.Second

// waitHangup calls gone when the other end of a pipe or terminal is closed.
func waitHangup(f *os.File, done <-chan struct{}, gone func()) {
	fds := []unix.PollFd{{Fd: int32(f.Fd())}}
	for {
		n, err := unix.Poll(fds, int(hangupInterval.Milliseconds()))
		select {
		case <-done:
			return
		default:
		}
		if err != nil && err != unix.EINTR {
			return
		}
		if n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
			gone()
			return
		}
	}
}

package adm

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// maxRecord is the size of the largest record of /dev/kmsg, in bytes.
const maxRecord = 8 << 10

// readKernelLog returns the records of the kernel's log that there are, "" if it
// cannot be read. Records that were overwritten meanwhile are passed over.
func readKernelLog(path string) string {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var text strings.Builder
	buffer := make([]byte, maxRecord)
	for {
		n, err := unix.Read(fd, buffer)
		switch {
		case errors.Is(err, unix.EPIPE) || errors.Is(err, unix.EINTR):
		case err != nil || n <= 0:
			return text.String()
		default:
			text.Write(buffer[:n])
		}
	}
}

package adm

import (
	"fmt"
	"io"
	"log/syslog"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A systemLog takes what drbdadm has to say where nobody reads its standard error. What
// cannot be written within logPatience is lost: the module, and maybe all I/O, waits for
// the handler.
type systemLog struct{ tool, socket string }

// Where the system's log listens, and as what messages arrive there.
const (
	logSocket   = "/dev/log"
	logPriority = syslog.LOG_SYSLOG | syslog.LOG_ERR
	logPatience = time.Second
)

func (l systemLog) Write(text []byte) (int, error) {
	if len(text) == 0 {
		return 0, nil
	}
	c, err := net.Dial("unixgram", l.socket)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(logPatience))
	_, err = fmt.Fprintf(c, "<%d>%s %s[%d]: %s", logPriority, time.Now().Format(time.Stamp), l.tool, os.Getpid(), text)
	return len(text), err
}

// wasClosed reports whether this process began without that file, as those do which the
// module starts. Go puts /dev/null in its place, to be read and written.
func wasClosed(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	var is, null unix.Stat_t
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR &&
		unix.Fstat(int(f.Fd()), &is) == nil && unix.Stat(os.DevNull, &null) == nil && is.Rdev == null.Rdev
}

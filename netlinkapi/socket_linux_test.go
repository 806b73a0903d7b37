package netlinkapi

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"github.com/stretchr/testify/require"
)

// kernel returns a socket of this machine's kernel, which has generic netlink even
// where it has no DRBD.
func kernel(t *testing.T) *netlink.Conn {
	s, port, err := dialKernel()
	if errors.Is(err, syscall.EPROTONOSUPPORT) || errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Skip("this kernel has no generic netlink")
	}
	require.NoError(t, err)
	return netlink.NewConn(s, port)
}

func TestKernelSocketAsksForAFamily(t *testing.T) {
	c := kernel(t)
	defer c.Close()
	require.NoError(t, errors.Join(c.SetReadBuffer(1<<20), c.SetWriteBuffer(1<<17)))
	for range 3 {
		request, err := familyRequest("drbd")
		require.NoError(t, err)
		copy(request.Data[8:], "nlctrl\x00")
		request.Data = request.Data[:16]
		request.Data[4] = 4 + 7 // length of the attribute
		sent, err := c.Send(request)
		require.NoError(t, err)
		answers, err := c.Receive()
		require.NoError(t, err)
		require.Len(t, answers, 1)
		require.Equal(t, sent.Header.Sequence, answers[0].Header.Sequence)
		require.EqualValues(t, controllerID, parseFamily(answers[0].Data).id)
	}
}

// A dump of all families comes in several datagrams.
func TestKernelSocketDumps(t *testing.T) {
	c := kernel(t)
	defer c.Close()
	_, err := c.Send(netlink.Message{
		Header: netlink.Header{Type: controllerID, Flags: netlink.Request | netlink.Dump},
		Data:   []byte{ctrlGetFamily, controllerVersn, 0, 0},
	})
	require.NoError(t, err)
	found := false
	for m, err := range c.ReceiveIter() {
		require.NoError(t, err)
		found = found || parseFamily(m.Data).id == controllerID
	}
	require.True(t, found)
}

func TestKernelSocketStopsWaiting(t *testing.T) {
	for _, c := range []struct {
		name string
		stop func(*netlink.Conn)
		want error
	}{
		{"deadline-moves", func(c *netlink.Conn) { c.SetReadDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
		{"deadline-comes", func(c *netlink.Conn) { c.SetReadDeadline(time.Now().Add(time.Millisecond)) }, os.ErrDeadlineExceeded},
		{"closed", func(c *netlink.Conn) { c.Close() }, os.ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := kernel(t)
			done := make(chan error)
			go func() {
				_, err := conn.Receive()
				done <- err
			}()
			c.stop(conn)
			require.ErrorIs(t, <-done, c.want)
			conn.Close()
			_, err := conn.Receive()
			require.Error(t, err)
		})
	}
}

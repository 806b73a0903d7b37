package vmtest

import (
	"encoding/json"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAgent(t *testing.T) {
	host, guest := net.Pipe()
	go Serve(guest)
	defer host.Close()
	in, out := json.NewDecoder(host), json.NewEncoder(host)
	var hello Reply
	require.NoError(t, in.Decode(&hello))

	for _, c := range []struct {
		name string
		req  Request
		want Reply
	}{
		{"exit-code", Request{Command: "exit 11", Timeout: time.Minute}, Reply{Code: 11}},
		{"streams-are-apart", Request{Command: "cat; echo no >&2", Stdin: []byte("yes"), Timeout: time.Minute},
			Reply{Stdout: []byte("yes"), Stderr: []byte("no\n")}},
		{"hanging-command-ends", Request{Command: "sleep 600", Timeout: 10 * time.Millisecond},
			Reply{Problem: "no end after 10ms"}},
		{"background-job-does-not-block", Request{Command: "sleep 5 & echo on", Timeout: time.Minute},
			Reply{Stdout: []byte("on\n")}},
		{"killed", Request{Command: "kill -9 $$", Timeout: time.Minute}, Reply{Problem: "signal: killed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, out.Encode(c.req))
			var got Reply
			require.NoError(t, in.Decode(&got))
			require.Equal(t, c.want.Problem, got.Problem)
			require.Equal(t, c.want.Code, got.Code)
			require.Equal(t, string(c.want.Stdout), string(got.Stdout))
			require.Equal(t, string(c.want.Stderr), string(got.Stderr))
		})
	}
}

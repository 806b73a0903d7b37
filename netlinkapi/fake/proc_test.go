package fake

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// TestProcKnowsWhatAnAnswerSays changes something without a client, and asks as one:
// proc/drbd is not behind the answer.
func TestProcKnowsWhatAnAnswerSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		node, err := NewNode(dir, Config{Node: "n"})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ready, ended := make(chan bool), make(chan error)
		go func() { ended <- node.Serve(ctx, func() { close(ready) }) }()
		<-ready
		conn, err := node.Connect(ctx)
		require.NoError(t, err)
		n := &machine{t: t, m: node.Module}
		n.ok(schema.NewResource, schema.NoMinor, n.named())
		n.ok(schema.NewMinor, 0, n.named())

		request := startMessage(header{kind: familyID, flags: flagRequest, seq: 1, port: 42})
		request = append(request, byte(schema.DelMinor), schema.V84.FamilyVersion(), 0, 0)
		request = native.AppendUint32(native.AppendUint32(request, 99), 0)
		_, err = conn.Write(endMessage(request))
		require.NoError(t, err)
		_, err = conn.Read(make([]byte, 1024))
		require.NoError(t, err)
		text, err := os.ReadFile(filepath.Join(dir, "proc", "drbd"))
		require.NoError(t, err)
		require.Equal(t, node.Module.Proc(), string(text))
		require.Contains(t, string(text), " 0: cs:")
		require.NoError(t, conn.Close())
		stop()
		require.NoError(t, <-ended)
	})
}

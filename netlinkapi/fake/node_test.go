package fake_test

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"drbdutils/netlinkapi"
	"drbdutils/netlinkapi/fake"
	"drbdutils/schema"
)

// startNode runs a node in a directory until the test ends.
func startNode(t *testing.T) (dir string, node *fake.Node) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "n")
	node, err := fake.NewNode(dir, fake.Config{Node: "n"})
	require.NoError(t, err)
	ready, ended := make(chan struct{}), make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() { ended <- node.Run(ctx, func() { close(ready) }) }()
	<-ready
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	return dir, node
}

func dial(t *testing.T, dir string) *netlinkapi.Client {
	t.Helper()
	c, err := netlinkapi.Dial(t.Context(), netlinkapi.Options{Socket: filepath.Join(dir, "netlink.sock")})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func newResource(t *testing.T, c *netlinkapi.Client, name string) {
	t.Helper()
	ctx := schema.CfgContext.In(schema.V84).New().SetStr("ctx_resource_name", name)
	_, err := c.Do(t.Context(), netlinkapi.Request{Op: schema.NewResource, Object: name, Sets: []*schema.Values{ctx}})
	require.NoError(t, err)
}

func TestNodeServesClient(t *testing.T) {
	dir, _ := startNode(t)
	c := dial(t, dir)
	require.Equal(t, schema.V84, c.Generation())
	newResource(t, c, "r0")
	snapshot, err := c.Snapshot(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, snapshot.Resources, 1)
	require.FileExists(t, filepath.Join(dir, "proc", "drbd"))
}

// TestFilteredDumps asks with all that a context can hold, and for a resource that is
// not there: a marked number that 8.4 does not know would bring the machine down, and the answer
// about the resource never ends.
func TestFilteredDumps(t *testing.T) {
	dir, _ := startNode(t)
	c := dial(t, dir)
	context := schema.CfgContext.In(schema.V84).New().SetStr("ctx_resource_name", "nowhere")
	all := context.Clone().SetUint("ctx_volume", 0).SetStr("ctx_my_addr", "x").SetStr("ctx_peer_addr", "y")
	for _, where := range []*schema.Values{context, all} {
		for _, op := range []schema.Op{schema.GetDevices, schema.GetConnections, schema.GetPeerDevices} {
			for _, err := range c.Dump(t.Context(), netlinkapi.Request{Op: op, Object: "nowhere", Sets: []*schema.Values{where}}) {
				require.ErrorIs(t, err, fs.ErrNotExist)
			}
			newResource(t, c, "r0") // it still answers
		}
	}
}

// TestWatchSurvivesFaults lets a client watch while notifications are lost,
// repeated and out of order: in the end it knows every resource.
func TestWatchSurvivesFaults(t *testing.T) {
	for _, fault := range []string{"drop 2", "duplicate 3", "swap 1", "overrun"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			dir, node := startNode(t)
			c := dial(t, dir)
			seen := make(chan string, 100)
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
			defer stop()
			go func() {
				defer close(seen)
				for e, err := range dial(t, dir).Watch(ctx, netlinkapi.WatchOptions{}) {
					if err != nil {
						return
					}
					seen <- e.Message.Get(schema.CfgContext).Str("ctx_resource_name")
				}
			}()
			require.Equal(t, "", <-seen, "the end of the initial state")
			newResource(t, c, "first") // a gap shows only after a number was seen
			require.Equal(t, "first", <-seen)
			_, err := node.Command(fault)
			require.NoError(t, err)
			want := map[string]bool{}
			for i := range 5 {
				name := fmt.Sprintf("r%d", i)
				newResource(t, c, name)
				want[name] = true
			}
			for len(want) > 0 {
				name, ok := <-seen
				require.True(t, ok, "never seen: %v", want)
				delete(want, name)
			}
		})
	}
}

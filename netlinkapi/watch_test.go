package netlinkapi

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// watched is a Watch that runs beside a test.
type watched struct {
	t      *testing.T
	events chan Event
	err    chan error
}

func startWatch(t *testing.T, c *Client, o WatchOptions) *watched {
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{t, make(chan Event, 1000), make(chan error, 1)}
	var done sync.WaitGroup
	done.Go(func() {
		for e, err := range c.Watch(ctx, o) {
			if err != nil {
				w.err <- err
				return
			}
			w.events <- e
		}
		close(w.events)
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	return w
}

// next returns the next event in short: "4 change r0 Primary".
func (w *watched) next() string {
	w.t.Helper()
	select {
	case e := <-w.events:
		return short(e)
	case err := <-w.err:
		return err.Error()
	case <-time.After(patience):
		w.t.Fatal("no event")
	}
	return ""
}

func short(e Event) string {
	if e.Message.Op == schema.InitialStateDone {
		return "done"
	}
	r := e.New
	if r == nil {
		r = e.Old
	}
	if r == nil {
		return fmt.Sprintf("%d %s nothing", e.Message.Seq, e.Action)
	}
	return fmt.Sprintf("%d %s %s %s", e.Message.Seq, e.Action, r.Name, r.Role())
}

// scene is a module with resources whose role the test changes.
type scene struct {
	*testModule
	mu    sync.Mutex
	names []string
	role  schema.Role
	dumps int
	onAsk func(dump int) // runs before a dump is answered
}

func newScene(t *testing.T, names ...string) *scene {
	s := &scene{names: names, role: schema.Secondary}
	s.testModule = startModule(t, schema.V9, func(client *session, nm netlink.Message, m Message) {
		s.mu.Lock()
		s.dumps++
		names, role, dump, onAsk := s.names, s.role, s.dumps, s.onAsk
		s.mu.Unlock()
		if onAsk != nil {
			onAsk(dump)
		}
		client.initialState(nm, names, role)
	})
	return s
}

func (s *scene) set(role schema.Role, names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.role, s.names = role, names
}

// awaitDumps waits until the state was asked for so often.
func (s *scene) awaitDumps(n int) {
	require.Eventually(s.t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.dumps == n
	}, patience, time.Millisecond)
}

// change multicasts that r0 has a role now.
func (s *scene) change(seq uint32, role schema.Role) {
	s.multicast(seq, resourceMessage(schema.V9, "r0", schema.Change, role))
}

func (w *watched) expect(events ...string) {
	w.t.Helper()
	for _, want := range events {
		got := w.next()
		if want != "done" && want[0] == '*' { // any number
			_, got, _ = cutNumber(got)
			want = want[1:]
		}
		require.Equal(w.t, want, got)
	}
}

func cutNumber(s string) (number, rest string, ok bool) {
	for i := range len(s) {
		if s[i] == ' ' {
			return s[:i], s[i:], true
		}
	}
	return "", s, false
}

func TestWatchNowEnds(t *testing.T) {
	s := newScene(t, "r0", "r1")
	w := startWatch(t, s.dial(Options{}), WatchOptions{Now: true})
	w.expect("* exists r0 Secondary", "* exists r1 Secondary", "done")
	_, more := <-w.events
	require.False(t, more)
}

func TestWatchPutsChangesInOrder(t *testing.T) {
	s := newScene(t, "r0")
	w := startWatch(t, s.dial(Options{}), WatchOptions{})
	w.expect("* exists r0 Secondary", "done")
	s.change(5, schema.Primary)
	w.expect("5 change r0 Primary")
	s.change(8, schema.Primary)
	s.change(7, schema.Secondary)
	s.change(5, schema.Primary) // again
	s.change(6, schema.Primary)
	w.expect("6 change r0 Primary", "7 change r0 Secondary", "8 change r0 Primary")
}

func TestWatchNumbersWrapAround(t *testing.T) {
	s := newScene(t, "r0")
	w := startWatch(t, s.dial(Options{}), WatchOptions{})
	w.expect("* exists r0 Secondary", "done")
	s.change(1<<32-2, schema.Primary)
	w.expect("4294967294 change r0 Primary")
	s.change(0, schema.Primary)
	s.change(1<<32-1, schema.Secondary)
	w.expect("4294967295 change r0 Secondary", "0 change r0 Primary")
}

func TestWatchReadsTheStateAnewWhenANumberIsMissing(t *testing.T) {
	s := newScene(t, "r0", "r1")
	w := startWatch(t, s.dial(Options{}), WatchOptions{})
	w.expect("* exists r0 Secondary", "* exists r1 Secondary", "done")
	s.change(5, schema.Primary)
	w.expect("5 change r0 Primary")
	s.set(schema.Primary, "r0", "r2") // r1 went, r2 came, unseen
	s.change(9, schema.Primary)
	w.expect("0 destroy r1 Secondary", "0 create r2 Primary")
	s.change(20, schema.Secondary)
	w.expect("20 change r0 Secondary")
}

func TestWatchReadsTheStateAnewAfterAnOverrun(t *testing.T) {
	s := newScene(t, "r0")
	w := startWatch(t, s.dial(Options{}), WatchOptions{})
	w.expect("* exists r0 Secondary", "done")
	s.set(schema.Primary, "r0")
	s.overrun()
	w.expect("0 change r0 Primary")

	s.overrun() // what still waits in the old socket is older than what is read anew
	s.change(5, schema.Secondary)
	s.awaitDumps(3) // nothing differs: nothing is told
	s.change(30, schema.Secondary)
	w.expect("30 change r0 Secondary")
}

func TestWatchReadsTheStateAnewWhenAsked(t *testing.T) {
	s := newScene(t, "r0")
	refresh := make(chan struct{})
	w := startWatch(t, s.dial(Options{}), WatchOptions{Refresh: refresh})
	w.expect("* exists r0 Secondary", "done")
	s.set(schema.Primary, "r0")
	refresh <- struct{}{}
	w.expect("0 change r0 Primary")
}

func TestWatchHoldsChangesUntilTheInitialStateIsThere(t *testing.T) {
	s := newScene(t, "r0")
	s.onAsk = func(int) { s.change(6, schema.Primary); s.change(5, schema.Primary) }
	w := startWatch(t, s.dial(Options{}), WatchOptions{})
	w.expect("* exists r0 Secondary", "done", "5 change r0 Primary", "6 change r0 Primary")
}

func TestWatchStartsOverWhenItBeganTooLate(t *testing.T) {
	s := newScene(t, "r0")
	w := startWatch(t, s.dial(Options{}), WatchOptions{})
	w.expect("* exists r0 Secondary", "done")
	s.change(7, schema.Primary)
	w.expect("7 change r0 Primary")
	s.set(schema.Secondary, "r0")
	s.change(6, schema.Primary) // older than the first that was seen
	w.expect("0 change r0 Secondary")
}

func TestWatchEndsWhenTheModuleGoes(t *testing.T) {
	s := newScene(t)
	w := startWatch(t, s.dial(Options{}), WatchOptions{})
	w.expect("done")
	s.unload()
	require.ErrorIs(t, <-w.err, ErrUnloaded)
}

func TestWatchTellsThatTheModuleHangs(t *testing.T) {
	m := startModule(t, schema.V9, func(*session, netlink.Message, Message) {})
	w := startWatch(t, m.dial(Options{Timeout: 30 * time.Millisecond}), WatchOptions{})
	require.EqualError(t, <-w.err, "get-initial-state: all: no reply from the kernel within 30ms")
}

func TestWatchPassesHelpersAndRenames(t *testing.T) {
	s := newScene(t, "r0")
	w := startWatch(t, s.dial(Options{}), WatchOptions{})
	w.expect("* exists r0 Secondary", "done")
	call := Message{Op: schema.HelperEvent, Minor: schema.NoMinor, Code: schema.NoError, Sets: []*schema.Values{
		ctxOf(schema.V9, "r0"),
		schema.NotifyHeader.In(schema.V9).New().SetUint("nh_type", uint64(schema.Call)),
		schema.Helper.In(schema.V9).New().SetStr("helper_name", "fence-peer").SetUint("helper_status", 0),
	}}
	s.multicast(3, call)
	w.expect("3 call r0 Secondary")
	rename := resourceMessage(schema.V9, "r0", schema.Rename, schema.Secondary)
	rename.Sets = append(rename.Sets, schema.RenameInfo.In(schema.V9).New().SetStr("res_new_name", "r9"))
	s.multicast(4, rename)
	w.expect("4 rename r9 Secondary")
	s.multicast(5, resourceMessage(schema.V9, "r9", schema.Destroy, 0))
	w.expect("5 destroy r9 Secondary")
	s.multicast(6, resourceMessage(schema.V9, "r9", schema.Change, schema.Primary))
	w.expect("6 change nothing")
}

func TestListenMarksTheEndOfTheDump(t *testing.T) {
	s := newScene(t, "r0")
	c := s.dial(Options{})
	var ops []schema.Op
	for m, err := range c.Listen(t.Context(), Request{Op: schema.GetInitialState}) {
		require.NoError(t, err)
		ops = append(ops, m.Op)
		if m.Op == 0 {
			s.change(4, schema.Primary)
		}
		if len(ops) == 4 {
			break
		}
	}
	require.Equal(t, []schema.Op{schema.ResourceState, schema.InitialStateDone, 0, schema.ResourceState}, ops)
}

// A live step of the recordings holds the initial state, what followed, and the
// next step what the module answers then: the state followed must be the same.
func TestStateFollowsRecordings(t *testing.T) {
	for _, test := range []struct {
		module     string
		gen        schema.Generation
		live, then string
	}{
		{"8.4.11", schema.V84, "187-live-connect-initial-sync", "188-status-connected"},
		{"8.4.11", schema.V84, "227-live-peer-power-loss", "228-status-peer-lost"},
		{"9.3.3", schema.V9, "220-live-connect-initial-sync", "223-status-connected"},
		{"9.3.3", schema.V9, "269-live-peer-power-loss", "270-status-peer-lost"},
	} {
		t.Run(test.module+"/"+test.live, func(t *testing.T) {
			followed, asked := NewSnapshot(test.gen), NewSnapshot(test.gen)
			notifications := 0
			for _, c := range readCaptures(t, test.module) {
				if c.typ != "drbd" || c.dir == ">" {
					continue
				}
				m, err := Codec{Generation: test.gen}.Decode(c.bytes[nlmsgHeaderSize:])
				require.NoError(t, err)
				switch {
				case c.step == test.live && m.Get(schema.NotifyHeader) != nil:
					followed.Apply(m)
					notifications++
				case c.step == test.then && m.Op.In(test.gen) != nil && m.Op.In(test.gen).Dump:
					asked.add(&m)
				}
			}
			require.Greater(t, notifications, 5)
			require.NotNil(t, asked.Resource("r0"))
			requireSameStates(t, asked.Resource("r0"), followed.Resource("r0"))
		})
	}
}

// requireSameStates compares two states of a resource, statistics aside.
func requireSameStates(t *testing.T, want, got *Resource) {
	require.NotNil(t, got)
	require.True(t, want.Info.Equal(got.Info), "%s\n%s", describeSet(want.Info), describeSet(got.Info))
	require.Len(t, got.Devices, len(want.Devices))
	for _, d := range want.Devices {
		info := got.Device(d.Volume).Info
		require.True(t, d.Info.Equal(info), "%s\n%s", describeSet(d.Info), describeSet(info))
	}
	require.Len(t, got.Connections, len(want.Connections))
	for _, c := range want.Connections {
		other := got.Connection(c.PeerNodeID)
		require.True(t, c.Info.Equal(other.Info))
		require.Equal(t, c.Name, other.Name)
		require.Len(t, other.Paths, len(c.Paths))
		for _, p := range c.Paths {
			require.NotNil(t, other.Path(p.Local, p.Peer))
		}
		require.Len(t, other.PeerDevices, len(c.PeerDevices))
		for _, p := range c.PeerDevices {
			info := other.PeerDevice(p.Volume).Info
			require.True(t, p.Info.Equal(info), "%s\n%s", describeSet(p.Info), describeSet(info))
		}
	}
}

func TestWatchMemoryIsFlat(t *testing.T) {
	s := NewSnapshot(schema.V9)
	s.Apply(resourceMessage(schema.V9, "r0", schema.Create, schema.Secondary))
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range 100_000 {
		s.Apply(resourceMessage(schema.V9, "r0", schema.Change, schema.Role(1+i%2)))
	}
	require.Less(t, heap(), before+1<<20)
}

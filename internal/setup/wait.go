package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// maxWait is the longest time-out that makes sense, in seconds.
const maxWait = 300000

// timeouts are the seconds to wait, by what the module says about the past.
// 0 is for ever.
type timeouts struct {
	wfc, degraded, outdated int64
}

// parseTimeouts reads the time-outs of a command line. A time-out that is not
// given is that of the next more usual case; one that is longer than that makes
// no sense and is shortened, which the user is told.
func (c *call) parseTimeouts() (t timeouts, err error) {
	seconds := map[string]*int64{"wfc-timeout": &t.wfc, "degr-wfc-timeout": &t.degraded, "outdated-wfc-timeout": &t.outdated}
	for _, given := range c.given {
		to := seconds[given.Name]
		if to == nil {
			continue
		}
		n, err := parseNumber(given.Value, schema.One)
		if *to = int64(n); *to < 0 || *to > maxWait {
			err = fail(exitUsage, "%s => %d out of range [0..%d]", strings.ReplaceAll(given.Name, "-", "_"), *to, maxWait)
		}
		if err != nil {
			return t, allowing(err, "--"+given.Name, fmt.Sprintf("0..%d seconds, 0: for ever", maxWait))
		}
	}
	c.shorten("degr-wfc-timeout", &t.degraded, "wfc-timeout", t.wfc)
	c.shorten("outdated-wfc-timeout", &t.outdated, "degr-wfc-timeout", t.degraded)
	return t, nil
}

func (c *call) shorten(name string, seconds *int64, limitName string, limit int64) {
	if limit == 0 || *seconds > 0 && *seconds <= limit {
		return
	}
	if *seconds > limit {
		fmt.Fprintf(c.Stderr, "%s has to be shorter than %s\n%s implicitly set to %s (%ds)\n",
			name, limitName, name, limitName, limit)
	}
	*seconds = limit
}

// pick returns the time-out for a type that the module named.
func (t timeouts) pick(kind uint64) time.Duration {
	seconds := [...]int64{t.wfc, t.degraded, t.outdated}[min(kind, 2)]
	return time.Duration(seconds) * time.Second
}

// A target is a peer device that is waited for.
type target struct {
	peer, volume uint32
	until        time.Time // zero: for ever
}

// A waiter waits for its targets.
type waiter struct {
	*call
	connect      bool // being connected is enough
	seconds      timeouts
	afterSplit   bool // wait also if a connection gave up
	targets      []target
	complainedOf map[uint32]schema.ConnState
	fresh        map[uint32]bool      // peers whose connection was just made, and not begun yet
	now          *netlinkapi.Resource // nil: not there
}

// wait returns what waits for peer devices, or with DRBD 8.4 for the one of a
// device: until they are in sync, or if that is enough, connected.
func wait(connect bool) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		w, err := c.newWaiter(connect)
		if err != nil {
			return err
		}
		if _, err := c.dial(ctx); err != nil {
			return err
		}
		find := w.findTargets
		if c.gen == schema.V84 {
			find = w.findTarget84
		}
		if err := find(ctx); err != nil || len(w.targets) == 0 {
			return err
		}
		return w.wait(ctx)
	}
}

func (c *call) newWaiter(connect bool) (*waiter, error) {
	seconds, err := c.parseTimeouts()
	if err != nil {
		return nil, err
	}
	w := &waiter{call: c, connect: connect, seconds: seconds, complainedOf: map[uint32]schema.ConnState{}, fresh: map[uint32]bool{}}
	if o, ok := c.value("wait-after-sb"); ok {
		switch {
		case !o.HasValue || o.Value == "yes":
			w.afterSplit = true
		case o.Value != "no":
			return nil, fail(exitUsage, "Option --wait-after-sb: invalid argument '%s' (yes, no)", o.Value)
		}
	}
	return w, nil
}

// patience asks the module which time-out holds for a peer device, and returns it.
func (w *waiter) patience(ctx context.Context, r netlinkapi.Request) (time.Duration, error) {
	r.Op, r.Object = schema.GetTimeoutType, w.object
	reply, err := w.client.Do(ctx, r)
	if _, refused := errors.AsType[*netlinkapi.KernelError](err); refused {
		return 0, fail(exitUsage, "%s: the module does not say how long to wait: %v", w.object, err)
	}
	return w.seconds.pick(reply.Get(schema.TimeoutParms).Uint("timeout_type")), err
}

// findTargets looks which peer devices the command means.
//
// compat: a peer that is not there, of a resource that has others, is waited for as
// long as for all of those.
func (w *waiter) findTargets(ctx context.Context) error {
	s, err := w.snapshot(ctx)
	if err != nil {
		return err
	}
	r := s.Resource(w.resource)
	if r == nil {
		return nil
	}
	var others []time.Duration
	for _, conn := range r.Connections {
		for _, p := range conn.PeerDevices {
			object := schema.CfgContext.In(w.gen).New().SetStr("ctx_resource_name", w.resource).
				SetUint("ctx_peer_node_id", uint64(conn.PeerNodeID)).SetUint("ctx_volume", uint64(p.Volume))
			patience, err := w.patience(ctx, netlinkapi.Request{Sets: []*schema.Values{object}})
			switch {
			case err != nil:
				return err
			case w.selects(conn.PeerNodeID, p.Volume):
				w.target(conn.PeerNodeID, p.Volume, patience)
			default:
				others = append(others, patience)
			}
		}
	}
	if len(w.targets) == 0 {
		for _, patience := range others {
			w.target(w.peer, w.volume, patience)
		}
	}
	return nil
}

// selects reports whether the command is about a peer device.
func (w *waiter) selects(peer, volume uint32) bool {
	return w.selectsPeer(peer) && (!w.context.Has("ctx_volume") || volume == w.volume)
}

func (w *waiter) selectsPeer(peer uint32) bool {
	return w.gen == schema.V84 || !w.context.Has("ctx_peer_node_id") || peer == w.peer
}

func (w *waiter) target(peer, volume uint32, d time.Duration) {
	t := target{peer: peer, volume: volume}
	if d > 0 {
		t.until = time.Now().Add(d)
	}
	w.targets = append(w.targets, t)
}

// wait watches until all targets are reached or their time is over. It fails when
// the time of the last one is over.
func (w *waiter) wait(ctx context.Context) error {
	if end := w.end(); !end.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end)
		defer cancel()
	}
	started := false
	for e, err := range w.client.Watch(ctx, netlinkapi.WatchOptions{}) {
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return w.broken(err)
		}
		started = started || e.Message.Op == schema.InitialStateDone
		w.follow(e)
		if started && w.settled(time.Now()) {
			return nil
		}
	}
	return &failure{code: exitOutdated}
}

// end returns when the time of all targets is over, zero if that is never.
func (w *waiter) end() (last time.Time) {
	for _, t := range w.targets {
		if t.until.IsZero() {
			return t.until
		}
		if t.until.After(last) {
			last = t.until
		}
	}
	return last
}

// broken returns the error of a watch.
//
// compat: that the module goes away is no error with DRBD 8.4.
func (c *call) broken(err error) error {
	if c.gen == schema.V84 && errors.Is(err, netlinkapi.ErrUnloaded) {
		return nil
	}
	if errors.Is(err, netlinkapi.ErrUnloaded) {
		return fmt.Errorf("%s: %w", c.object, err)
	}
	return err
}

// follow keeps the state of the resource that is waited for.
func (w *waiter) follow(e netlinkapi.Event) {
	for _, r := range []*netlinkapi.Resource{e.Old, e.New} {
		if r == nil || r.Name != w.resource {
			continue
		}
		w.now = e.New
		if e.Message.Op == schema.ConnectionState && w.gen == schema.V9 {
			w.fresh[uint32(e.Message.Get(schema.CfgContext).Uint("ctx_peer_node_id"))] = e.Action == schema.Create
		}
	}
}

// settled reports whether there is nothing more to wait for: every target is
// reached, or its own time is over.
func (w *waiter) settled(now time.Time) bool {
	if w.now == nil && w.gen == schema.V9 || w.gaveUp() {
		return true
	}
	for _, t := range w.targets {
		if !w.reached(t) && (t.until.IsZero() || now.Before(t.until)) {
			return false
		}
	}
	return true
}

// reached reports whether a target is as it shall be.
func (w *waiter) reached(t target) bool {
	p := w.now.Connection(t.peer).PeerDevice(t.volume)
	return p != nil && (p.ReplState() == schema.Established || w.connect && p.ReplState() > schema.Established)
}

// gaveUp reports whether a connection that is waited for was given up, as after a
// split brain, and nobody asked to wait also then.
//
// compat: one is enough, also for a whole resource; a single volume is waited for
// nevertheless.
func (w *waiter) gaveUp() bool {
	if w.context.Has("ctx_volume") {
		return false
	}
	for _, conn := range w.connections() {
		switch {
		case conn.State() >= schema.Unconnected || w.fresh[conn.PeerNodeID]:
		case !w.afterSplit:
			return true
		default:
			w.complain(conn)
		}
	}
	return false
}

// connections returns those that are waited for. DRBD 8.4 lists none that was given
// up.
func (w *waiter) connections() (selected []*netlinkapi.Connection) {
	if w.now != nil {
		selected = slices.DeleteFunc(slices.Clone(w.now.Connections), func(c *netlinkapi.Connection) bool {
			return !w.selectsPeer(c.PeerNodeID)
		})
	}
	if w.gen == schema.V84 && len(selected) == 0 {
		return []*netlinkapi.Connection{{}}
	}
	return selected
}

// complain says once why waiting may take long.
func (w *waiter) complain(c *netlinkapi.Connection) {
	if told, ok := w.complainedOf[c.PeerNodeID]; ok && told == c.State() {
		return
	}
	w.complainedOf[c.PeerNodeID] = c.State()
	fmt.Fprintf(w.Stderr, "%s: connection to peer %d (%s) is %s; waiting all the same, because of --wait-after-sb\n",
		w.object, c.PeerNodeID, c.Name, c.State())
}

// findTarget84 finds the peer device of a device of DRBD 8.4.
func (w *waiter) findTarget84(ctx context.Context) error {
	patience, err := w.patience(ctx, netlinkapi.Request{Minor: w.minor})
	if err != nil {
		return err
	}
	v, _, err := w.volume84(ctx)
	if err != nil {
		return err
	}
	number, _ := v.Number()
	w.resource = v.Resource()
	w.target(0, uint32(number), patience)
	return nil
}

package setup

import (
	"context"
	"sync"

	"drbdutils/internal/cli"
	"drbdutils/netlinkapi"
)

// A Process runs many of drbdsetup's command lines, also side by side. They share
// connections to the module, which one run after the other would open anew. The
// zero value is ready to use.
type Process struct {
	Bars bool // status on a terminal pictures how resyncs go

	mu     sync.Mutex
	idle   []*netlinkapi.Client
	held   *netlinkapi.Snapshot
	minors map[uint32]string // resources of the devices that were made
}

// Main runs drbdsetup like the function Main.
func (p *Process) Main(ctx context.Context, env cli.Env) int {
	t := &tool{Env: env, process: p}
	p.lend(t)
	defer p.takeBack(t)
	return t.main(ctx)
}

// lend gives a run a connection, if one is idle. A run that its caller gave up on
// keeps its connection until it ends.
func (p *Process) lend(t *tool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.held = p.held
	if last := len(p.idle) - 1; last >= 0 {
		t.client, p.idle = p.idle[last], p.idle[:last]
	}
}

func (p *Process) takeBack(t *tool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.client != nil {
		p.idle = append(p.idle, t.client)
	}
}

// Hold reads the state of all resources once. Until the function that it returns
// is called, commands that list the state take it from there. Where the module
// cannot be asked, they do so themselves, and say why.
func (p *Process) Hold(ctx context.Context, env cli.Env) (release func()) {
	t := &tool{Env: env}
	p.lend(t)
	defer p.takeBack(t)
	t.gen = t.generation(ctx)
	if s, err := t.readState(ctx, ""); err == nil {
		p.hold(s)
	}
	return func() { p.hold(nil) }
}

func (p *Process) hold(s *netlinkapi.Snapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = s
}

// made notes of which resource a device was made. A nil Process forgets it.
func (p *Process) made(minor uint32, resource string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.minors == nil {
		p.minors = map[uint32]string{}
	}
	p.minors[minor] = resource
}

// resourceOf returns of which resource a device was made here, "" if it was not.
func (p *Process) resourceOf(minor uint32) string {
	if p == nil {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.minors[minor]
}

// Close ends the connections.
func (p *Process) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		_ = c.Close()
	}
}

package fake

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// TestCapturesFencing cuts the network of a Primary: fence-peer outdates the peer, and
// unfence-peer is called when it has all data again.
func TestCapturesFencing(t *testing.T) {
	for module, name := range map[string]string{"8.4.11": "234-live-fence-peer-network", "9.3.3": "275-live-fence-peer-network"} {
		t.Run(module, func(t *testing.T) {
			replay(t, module, func(p *player) {
				s := p.steps[slices.IndexFunc(p.steps, func(s step) bool { return s.name == name })]
				p.deviating = map[string]string{} // options were others: only what is told of states counts
				p.connected()
				p.node.m.cfg.Helper = func(_ context.Context, args, _ []string) uint32 {
					if args[0] == "fence-peer" {
						return peerOutdated << 8
					}
					return 0
				}
				p.play(s)
				p.compareStates(s)
			})
		})
	}
}

// connected brings up both nodes, with the same data.
func (p *player) connected() {
	if p.node.m.gen == schema.V9 {
		p.addPeer9()
		p.peer.ok(schema.Connect, schema.NoMinor, p.peer.peerContext(0))
		p.node.ok(schema.Connect, schema.NoMinor, p.node.peerContext(1))
	} else {
		p.addPeer()
		p.peer.connect(p.peer.verifies())
		ctx := p.node.ends().SetStr("ctx_resource_name", "r0")
		p.node.ok(schema.Connect, schema.NoMinor, ctx, p.node.verifies())
	}
	wait(p)
	require.Contains(p.t, p.node.m.minors[0].peers[0].state().pdsk.String(), "UpToDate")
}

package cmd_test

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"drbdutils/netlinkapi/fake"
	"drbdutils/schema"
)

// TestEveryRefusal lets the module refuse the steps of up, one with this return code, the
// next with that one: what it said is shown, and drbdadm states what was done, what was
// not, and the command that goes on, which then does.
func TestEveryRefusal(t *testing.T) {
	keepSignals()
	steps := map[string][]string{
		"8.4.11": {"new-resource", "new-minor", "attach", "connect"},
		"9.3.3":  {"new-resource", "new-minor", "new-peer", "new-path", "peer-device-options", "attach", "connect"},
	}
	for module, commands := range steps {
		for i, command := range commands {
			t.Run(module+" "+command, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newHost(t, t.TempDir(), "", module, "true", 1, fake.NewMemoryNetwork())
					defer h.off()
					h.write("etc/drbd.d/r0.res", h.local("resource r0 {\n"+
						"  device minor 0; disk /dev/vda; meta-disk internal; disk { c-max-rate 5M; }\n"+
						"  on node1 { address 10.0.0.1:7788; }\n  on node2 { address 10.0.0.2:7788; }\n}\n"))
					h.succeeds("drbdadm create-md r0")
					for n, code := range everyCode(h.generation()) {
						if n%len(commands) != i {
							continue
						}
						require.Zero(t, h.control(fmt.Sprintf("refuse %s %d", command, code)))
						h.refused(code, command)
					}
				})
			})
		}
	}
}

// everyCode returns all codes of a generation that are refusals. After one of them, drbdsetup
// tries again.
func everyCode(g schema.Generation) []schema.Code {
	var all []schema.Code
	for code := schema.Code(-50); code < 300; code++ {
		if _, known := code.Text(g); known && code != schema.NoError && code != schema.StateTransient {
			all = append(all, code)
		}
	}
	return all
}

func (h *host) generation() schema.Generation {
	if h.module[0] == '8' {
		return schema.V84
	}
	return schema.V9
}

// succeeds runs a command that has nothing to complain about.
func (h *host) succeeds(command string) {
	var out, errs bytes.Buffer
	require.Zero(h.t, h.run(h.t.Context(), command, &out, &errs), "%s: %s", command, errs.String())
	require.Empty(h.t, errs.String(), command)
}

// refused brings the resource up while the module refuses a step, goes on as the message
// says, and takes it down again.
func (h *host) refused(code schema.Code, command string) {
	var out, errs bytes.Buffer
	exit := h.run(h.t.Context(), "drbdadm up r0", &out, &errs)
	require.Equal(h.t, 1, exit, "%d: %s", code, errs.String())
	if code != schema.StateUnknownError {
		require.Contains(h.t, errs.String(), fmt.Sprintf("(%d) ", code))
	}
	text, _ := code.Text(h.generation())
	require.Contains(h.t, errs.String(), text)
	require.Regexp(h.t, "\ndrbdadm: r0:( done: [a-z, -]+;)? failed: "+command+";( not done: [a-z, -]+;)? to go on, use: drbdadm adjust r0\n$", errs.String())
	h.succeeds("drbdadm adjust r0")
	out.Reset()
	require.Zero(h.t, h.run(h.t.Context(), "drbdadm -d adjust r0", &out, &errs))
	require.Empty(h.t, out.String())
	h.succeeds("drbdadm down r0")
}

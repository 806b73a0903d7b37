package adm

import (
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/internal/render"
)

// order runs a plan and returns the names of its steps; those in broken do not
// run.
func order(p Plan, broken ...string) []string {
	var names []string
	bad := map[string]bool{}
	for _, b := range broken {
		bad[b] = true
	}
	p.run(func(steps []*Step) {
		for _, s := range steps {
			names = append(names, s.Name)
			if !bad[s.Name] {
				s.outcome = done
			}
		}
	}, func() bool { return false })
	return names
}

func TestPlanRun(t *testing.T) {
	t.Run("stage by stage over all resources", func(t *testing.T) {
		var p Plan
		for _, res := range []string{"a", "b"} {
			p.add(Step{Stage: Disk, Name: "attach " + res})
			p.add(Step{Stage: Prerequisites, Name: "new-resource " + res})
		}
		require.Equal(t, []string{"new-resource a", "new-resource b", "attach a", "attach b"}, order(p))
	})
	t.Run("a step that waits for a later stage runs in another round", func(t *testing.T) {
		var p Plan
		wait := p.add(Step{Stage: Wait, Name: "wait"})
		p.add(Step{Stage: NetDown, Name: "del-peer", After: wait})
		p.add(Step{Stage: NetUp, Name: "new-peer"})
		require.Equal(t, []string{"new-peer", "wait", "del-peer"}, order(p))
	})
	t.Run("what depends on a step that did not run is not called", func(t *testing.T) {
		var p Plan
		minor := p.add(Step{Stage: DiskUp, Name: "new-minor"})
		p.add(Step{Stage: Disk, Name: "attach", After: minor})
		p.add(Step{Stage: Disk, Name: "resize"})
		require.Equal(t, []string{"new-minor", "resize"}, order(p, "new-minor"))
	})
	t.Run("stop ends it after the stage", func(t *testing.T) {
		var p Plan
		p.add(Step{Stage: DiskUp, Name: "one"})
		p.add(Step{Stage: DiskUp, Name: "two"})
		p.add(Step{Stage: Disk, Name: "three"})
		var names []string
		p.run(func(steps []*Step) {
			for _, s := range steps {
				names = append(names, s.Name)
			}
		}, func() bool { return true })
		require.Equal(t, []string{"one", "two"}, names)
	})
}

func TestMootStepsAreNeitherRunNorWaitedFor(t *testing.T) {
	var p Plan
	wait := p.add(Step{Stage: Wait, Name: "wait", Moot: true})
	p.add(Step{Stage: NetDown, Name: "del-peer", After: wait})
	require.Equal(t, []string{"del-peer"}, order(p))
	require.Len(t, p.useful(), 1)
}

// TestStageRules holds that every stage has a rule, in both generations.
func TestStageRules(t *testing.T) {
	require.Len(t, stages9, int(Wait)+1)
	require.Len(t, stages84, int(Connect84)+1)
}

func TestEscape(t *testing.T) {
	for arg, want := range map[string]string{
		"ipv6:[fd01::1]:7891": `ipv6:\[fd01::1\]:7891`,
		"1,2":                 `1\,2`,
		"s p":                 `s\ p`,
		"--size=1.5G+a%b@c":   "--size=1.5G+a%b@c",
		"ä":                   "\\\xc3\\\xa4",
	} {
		require.Equal(t, want, render.ShellWord(arg), arg)
	}
}

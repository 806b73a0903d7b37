package adm

import (
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// Every command has its sentence, and every sentence its command.
func TestPurposes(t *testing.T) {
	var names, told []string
	for _, g := range []schema.Generation{schema.V84, schema.V9} {
		for _, c := range commands(g) {
			usage(io.Discard, g, &c)
			names = append(names, c.name)
		}
	}
	for _, p := range purposes {
		told = append(told, p.name)
	}
	slices.Sort(names)
	require.Equal(t, slices.Compact(names), told)
}

func TestOperands(t *testing.T) {
	for name, want := range map[string]string{
		"dump":             " [all|RESOURCE]...",
		"lint":             "",
		"down":             " {all|RESOURCE}...",
		"up":               " {all|RESOURCE[:PEER]}...",
		"connect":          " {all|RESOURCE[:PEER]}...",
		"attach":           " {all|RESOURCE[/VOLUME]|minor-MINOR}...",
		"verify":           " {all|RESOURCE[:PEER][/VOLUME]|minor-MINOR}...",
		"new-current-uuid": " {RESOURCE/VOLUME|minor-MINOR}...",
	} {
		c, known := find(commands9(), name)
		require.True(t, known, name)
		require.Equal(t, want, c.operands(schema.V9), name)
	}
}

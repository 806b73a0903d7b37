package adm

import (
	"strings"
	"testing"

	"drbdutils/internal/render"
	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// FuzzEscape holds that a shell gets back what was escaped.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "r0", "s p", `a\b`, "ipv6:[fd01::1]:7", "ä", "\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var back strings.Builder
		for e := render.ShellWord(s); e != ""; e = e[1:] {
			if e[0] == '\\' {
				e = e[1:]
			}
			back.WriteByte(e[0])
		}
		require.Equal(t, s, back.String())
	})
}

// FuzzObjects holds that every word of the command line is either refused or names
// something, and that what it names does not grow.
func FuzzObjects(f *testing.F) {
	for _, s := range []string{"r0", "r0/1", "r0:pine", "r0:pine/1", "minor-3", "r0/", "a/b/1", "minor--1", ":", "all"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, word string, nine bool) {
		g := schema.V84
		if nine {
			g = schema.V9
		}
		w, refused := parseName(g, word)
		if refused != nil {
			require.NotZero(t, refused.exit)
			require.NotEmpty(t, refused.text)
			return
		}
		require.LessOrEqual(t, len(w.res)+len(w.peer), len(word))
		require.True(t, w.hasNum || w.num == 0)
		require.Equal(t, word, w.text)
		require.False(t, w.hasPeer && g == schema.V84)
	})
}

// FuzzCommandLine holds that a command line is either refused or taken apart
// without losing a word.
func FuzzCommandLine(f *testing.F) {
	for _, s := range []string{"up all", "-d primary --force r0", "-- --force primary r0", "-W--x connect a b", "help up", "-vv -c f dump"} {
		f.Add(s)
	}
	table := commands(schema.V9)
	f.Fuzz(func(t *testing.T, line string) {
		r, err := parse(schema.V9, table, strings.Fields(line))
		if err != nil {
			return
		}
		if r.command != "" {
			require.True(t, isCommand(table, r.command))
		}
		for _, o := range r.objects {
			require.Contains(t, line, o)
		}
	})
}

package confparse

import (
	"slices"
	"strings"
	"testing"

	"drbdutils/internal/testkit"
	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// FuzzLoad reads text as a configuration of either generation. Invariants: no
// panic; every diagnostic has a place in the text; what is read without a
// warning is dumped as text that is read as the same.
func FuzzLoad(f *testing.F) {
	for _, c := range testkit.ConfigCases(f, "..") {
		f.Add(c.Files["input.conf"], true)
		f.Add(c.Files["input.conf"], false)
	}
	f.Fuzz(func(t *testing.T, text string, nine bool) {
		g := schema.V84
		if nine {
			g = schema.V9
		}
		src := textSource(g, text)
		cfg, diags := Load(src)
		for _, d := range diags {
			require.LessOrEqual(t, int(d.Place.offset), len(text))
			_ = d.Place.Source()
		}
		if diags.Invalid() {
			return
		}
		clean := len(diags) == 0
		plain := withoutComments(dumpOf(t, cfg, DumpForm{}))
		if more := append(cfg.Expand(), cfg.Validate()...); more.Invalid() {
			return
		}
		_ = dumpOf(t, cfg, DumpForm{Verbose: true})
		cfg.Prepare()
		cfg.Lint()
		emptyMesh := func(r *Resource) bool { // dumped as the reference does, which cannot be read
			return slices.ContainsFunc(r.Meshes, func(m *Mesh) bool { return len(m.Hosts) == 0 })
		}
		twoDisks := func(r *Resource) bool { // 8.4 shows in its section what a host inherits
			return !nine && slices.ContainsFunc(r.Hosts, func(h *Host) bool {
				return slices.ContainsFunc(h.Volumes, func(v *Volume) bool { return v.Implicit && len(v.DiskOptions) > 0 })
			})
		}
		if !clean || slices.ContainsFunc(cfg.Resources, emptyMesh) || slices.ContainsFunc(cfg.Resources, twoDisks) {
			return
		}
		again, diags := reload(src, plain)
		require.False(t, diags.Invalid(), "%v\n%s", diags, plain)
		require.Equal(t, plain, withoutComments(dumpOf(t, again, DumpForm{})))
	})
}

// FuzzShow reads text as drbdsetup show prints it. Invariant: no panic.
func FuzzShow(f *testing.F) {
	for _, c := range testkit.ConfigCases(f, "..") {
		f.Add(c.Show)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ParseShow(schema.V9, []byte(text))
		ParseShow(schema.V84, []byte(text))
	})
}

// FuzzGlance asks for one of many resources. Invariant: collisions between others are
// seen as they are when all are asked for.
func FuzzGlance(f *testing.F) {
	for _, c := range testkit.ConfigCases(f, "..") {
		f.Add(c.Files["input.conf"], true)
		f.Add(c.Files["input.conf"], false)
	}
	many := manyResources()
	f.Fuzz(func(t *testing.T, text string, nine bool) {
		g := schema.V84
		if nine {
			g = schema.V9
		}
		src := textSource(g, many+text)
		all, diags := Load(src)
		if diags.Unreadable() && !slices.ContainsFunc(diags, func(d Diagnostic) bool { return strings.HasPrefix(d.Code, "duplicate-") }) {
			return
		}
		between := collidesBetween(all)
		src.Want = []string{"many0"}
		_, diags = Load(src)
		require.True(t, !between || diags.Invalid())
	})
}

// FuzzTokens cuts text into tokens. Invariants: each is where it says, in order, up to the end
// of the text; between them are blanks and comments only; lines are counted right.
func FuzzTokens(f *testing.F) {
	for _, text := range []string{
		"resource r { } # }\n\"a\\\"b\"; [fd00::1%eth0]:7000 10.1.0.1", "\"a\nb", "\xff\x00ü ::ffff:10.1.0.1 1:2:3", "#", "%a::%", "\\\"",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, end := scanner{text: text, line: 1}, 0
		for {
			w := s.next()
			require.GreaterOrEqual(t, int(w.offset), end)
			require.Equal(t, 1+strings.Count(text[:w.offset], "\n"), int(w.line))
			for line := range strings.Lines(text[end:w.offset]) {
				code, _, _ := strings.Cut(line, "#")
				require.Empty(t, strings.Trim(code, " \t\r\n"))
			}
			if w.kind == endToken {
				require.Equal(t, len(text), int(w.offset))
				return
			}
			end = s.at
			require.Greater(t, end, int(w.offset))
			if w.kind != quotedToken && w.kind != longToken {
				require.Equal(t, text[w.offset:end], w.text)
			}
		}
	})
}

package confparse

import (
	"testing"

	"drbdutils/internal/testkit"
	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// sameOutline holds the reading by hand against the grammar, with and without a glance at the blocks.
func sameOutline(t *testing.T, text string) {
	t.Helper()
	got := new(outliner).outline(&file{text: text})
	want, err := parseOutline(text)
	require.Equal(t, got.broken != nil, err != nil, "%q: %v", text, err)
	if err != nil {
		return
	}
	require.Len(t, got.items, len(want.items))
	for i, it := range want.items {
		require.Equal(t, it, got.items[i])
	}
	glancing := outliner{glance: newLoader(Source{Generation: schema.V9, Want: []string{}}, nil).newGlance(true)}
	require.Equal(t, got, glancing.outline(&file{text: text}), "a glance ends blocks elsewhere: %q", text)
}

func TestOutlineIsTheGrammar(t *testing.T) {
	for _, c := range testkit.ConfigCases(t, "..") {
		for name, text := range c.Files {
			t.Run(c.Case+"/"+name, func(t *testing.T) { sameOutline(t, text) })
		}
	}
}

// Invariants: the production agrees with the grammar, and the blocks of an
// outline cover every brace.
func FuzzOutline(f *testing.F) {
	for _, text := range []string{
		"", ";", "a;", "a b { c; }", "skip x ; y { } z;", "a { b { \"}\" } # }\n}", "include \"x\";", "}", "a { ", "\"", "\"}\";", "a \"b\nc;", "resource r { on a { disk /dev/x; # }\n address 10.0.0.1:1; } device \"}\"; }",
	} {
		f.Add(text)
	}
	f.Fuzz(sameOutline)
}

func TestTokens(t *testing.T) {
	tests := []struct {
		text  string
		kinds []kind
	}{
		{"disk-flushes disk 17 17a 17k 10M 123456789", []kind{wordToken, wordToken, integerToken, wordToken, wordToken, integerToken, wordToken}},
		{"9.2.0 10.1.0.1 1.2 1.2.3.4.5 1..2 1000.1.1.1", []kind{versionToken, ipv4Token, wordToken, wordToken, wordToken, wordToken}},
		{"10.1.0.1:7000;", []kind{ipv4Token, punctToken, integerToken, punctToken}},
		{"[fd00::1]:7000", []kind{punctToken, ipv6Token, punctToken, punctToken, integerToken}},
		{"[fe80::1:2%eth0] [::ffff:10.1.0.1] [::1] [::]", []kind{
			punctToken, ipv6Token, punctToken, punctToken, ipv6Token, punctToken, punctToken, ipv6Token, punctToken, punctToken, ipv6Token, punctToken,
		}},
		{"fd00:1::a:7000 1:2:3 ab:cd: 1:2", []kind{ipv6Token, ipv6Token, ipv6Token, integerToken, punctToken, integerToken}},
		{`"a b" "" "a\"b" "a`, []kind{quotedToken, quotedToken, quotedToken, unclosedToken}},
		{"a # b\nc", []kind{wordToken, wordToken}},
		{"// ü ' ,", []kind{wordToken, strayToken, strayToken, strayToken}},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			s := scanner{text: test.text, line: 1}
			var kinds []kind
			for w := s.next(); w.kind != endToken; w = s.next() {
				kinds = append(kinds, w.kind)
			}
			require.Equal(t, test.kinds, kinds)
		})
	}
}

func TestQuotedTextLosesItsEscapes(t *testing.T) {
	s := scanner{text: `"a\"b\\c\nd"`, line: 1}
	require.Equal(t, `a"b\cnd`, s.next().text)
}

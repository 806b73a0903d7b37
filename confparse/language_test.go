package confparse

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// three is a resource of three hosts of DRBD 9, with more statements behind them.
func three(more string) string {
	const hosts = `resource r {
  volume 0 { device minor 1; disk /dev/a; }
  on alpha { node-id 0; address 10.1.0.1:7001; }
  on bravo { node-id 1; address 10.1.0.2:7001; }
  on charlie { node-id 2; address 10.1.0.3:7001; }
`
	return hosts + more + "\n}\n"
}

// What is taken has no code. Each row but those that a comment names is as the original
// has it.
func TestLanguage(t *testing.T) {
	const (
		v9, v84  = schema.V9, schema.V84
		joined   = "connection-mesh { hosts alpha bravo charlie; } "
		outside  = "outside 10.3.0.1:7; "
		inside   = "inside 127.0.0.1:7; "
		template = "template-file t.conf; "
	)
	ends := func(a, b string) string {
		return three("connection { host alpha via proxy on alpha { " + a + "} host bravo via proxy on bravo { " + b + "} }")
	}
	on := func(old, new string) string { return strings.Replace(pair("r", ""), old, new, 1) }
	for _, test := range []struct {
		gen  schema.Generation
		text string
		code string
	}{
		{v9, "skip { a b; c { d } }", ""},
		{v9, "skip resource x { y; }", ""},
		{v9, "skip; x { y; }", ""},
		{v84, "skip x { y; }", ""},
		{v84, "skip resource x { y; }", "syntax"},
		{v9, pair("r", "skip net { x; }"), ""},
		{v84, pair("r", "skip net { x; }"), "generation"},
		{v9, three(joined + "skip path { x; }"), ""},
		{v9, three("connection { host alpha; host bravo; skip { x } } connection-mesh { hosts charlie alpha; }"), ""},
		{v9, three("connection { path { host alpha; host bravo; skip { x } } }"), "syntax"},
		{v9, three("connection-mesh { hosts alpha bravo; skip { x } }"), "syntax"},
		{v9, on("device", "skip { x } device"), ""},
		{v9, pair("r", "net { skip { x } }"), "syntax"},

		{v9, pair("r", template+template), "duplicate"},
		{v9, ends(inside+outside, inside+outside), ""},
		{v9, ends(inside+outside, inside), "proxy"},
		{v9, ends(outside, inside+outside), "proxy"},

		{v9, on("device", "node-id 31; device"), "node-id-missing"},
		{v9, on("device", "node-id 5K; device"), "value"},
		{v9, on("device", "node-id 33; device"), "value"},
		{v9, on("internal", "/dev/m[007]"), ""},
		{v84, on("internal", "/dev/m [ 3 ]"), ""},
		{v9, on("internal", "internal[0]"), "syntax"},
		{v84, on("address", "alternate-link-address 10.1.0.2:7001; address"), "duplicate-address"},
		{v84, on("address", "alternate-link-address 10.9.0.1:7001; address"), ""},

		// The original takes these. It stops in the middle of its work, or takes another
		// device, index or peer than the one that is meant.
		{v9, on("/dev/a", `""`), "syntax"},
		{v84, on("/dev/a", `""`), "syntax"},
		{v9, on("internal", `""`), "syntax"},
		{v9, on("internal", "/dev/m[5K]"), "value"},
		{v84, on("minor 1", "/dev/drbd4294967297"), "device-name"},
		{v9, on("minor 1", "/dev/drbd99999999999999999999"), "device-name"},
		{v9, three("connection { path { host alpha; host bravo; } path { host alpha; host charlie; } }"), "endpoints"},
		{v9, three("connection { path { host alpha; host bravo; } path { host bravo; host alpha; } }"), ""},
		{v9, three("connection { host alpha port 0; host bravo; }"), "value"},
		{v9, pair("r", "device minor 2; volume 0 { device minor 1; }"), "mixed-volumes"},
	} {
		_, diags := Load(textSource(test.gen, test.text))
		if test.code == "" {
			require.False(t, diags.Invalid(), "%s\n%v", test.text, diags)
			continue
		}
		require.True(t, diags.Invalid(), test.text)
		require.Equal(t, test.code, diags[0].Code, "%s\n%v", test.text, diags)
	}
}

// What a template may hold.
func TestTemplates(t *testing.T) {
	for text, code := range map[string]string{
		"common { net { timeout 50; } }":          "",
		"common { net { timeout 50; } } nonsense": "",
		"common { on alpha { } }":                 "host-in-common",
		"common { nonsense; }":                    "syntax",
		"global { }":                              "template",
		"":                                        "template",
	} {
		src := textSource(schema.V9, pair("r", "template-file t.conf;"))
		src.FS.(fstest.MapFS)["etc/t.conf"] = &fstest.MapFile{Data: []byte(text)}
		_, diags := Load(src)
		diags = slices.DeleteFunc(diags, func(d Diagnostic) bool { return d.Code == "node-id-missing" })
		if code == "" {
			require.Empty(t, diags, text)
			continue
		}
		require.NotEmpty(t, diags, text)
		require.Equal(t, code, diags[0].Code, text)
	}
}

// What is written without quotes would be a keyword when the dump is read.
func TestDumpQuotesKeywords(t *testing.T) {
	for _, g := range []schema.Generation{schema.V84, schema.V9} {
		text := strings.NewReplacer("/dev/a", `"no"`, "internal", `"disk"`).Replace(pair("r", `net { cram-hmac-alg "timeout"; }`))
		text = strings.Replace(text, `meta-disk "disk"; address 10.1.0.1`, `meta-disk "disk"[1]; address 10.1.0.1`, 1)
		src := textSource(g, text)
		c, diags := Load(src)
		require.Empty(t, diags)
		plain := dumpOf(t, c, DumpForm{})
		again, diags := reload(src, plain)
		require.Empty(t, diags, plain)
		require.Equal(t, withoutComments(plain), withoutComments(dumpOf(t, again, DumpForm{})))
	}
}

package confparse

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// What the reference does wrong, and is right here.

// The reference reads on for ever where these lists meet the end of the file.
func TestListsEndWithTheFile(t *testing.T) {
	for text, g := range map[string]schema.Generation{
		"common { proxy { plugin { zlib":                        schema.V9,
		"common { proxy { plugin {":                             schema.V84,
		"common { startup { become-primary-on":                  schema.V84,
		"common { startup { become-primary-on alpha":            schema.V9,
		"resource r { connection-mesh { hosts alpha":            schema.V9,
		"resource r { on alpha":                                 schema.V84,
		"resource r { on alpha { proxy on bravo":                schema.V9,
		"resource r { connection { host a via proxy on b { on ": schema.V9,
	} {
		_, diags := Load(textSource(g, text))
		require.True(t, diags.Invalid(), text)
	}
}

// The reference aborts.
func TestTwoHostsWithoutAddress(t *testing.T) {
	c, diags := Load(textSource(schema.V9, "resource r { on alpha { node-id 0; } on bravo { node-id 1; } }"))
	require.Contains(t, diags.Error(), "on alpha: there is no address")
	require.Empty(t, c.Resources[0].Connections)
}

// The reference names line 0.
func TestDoublesHavePlaces(t *testing.T) {
	const first, second = "resource a { on alpha { node-id 0; address 10.1.0.1:7000; ", "\nresource b { on alpha { node-id 0; address 10.1.0.1:7001; "
	for code, text := range map[string]string{
		"duplicate-minor":     first + "device minor 1; disk /dev/a; } }" + second + "device minor 1; disk /dev/b; } }",
		"duplicate-device":    first + "device /dev/drbd_x minor 1; disk /dev/a; } }" + second + "device /dev/drbd_x minor 2; disk /dev/b; } }",
		"duplicate-disk":      "resource a { disk /dev/a; on alpha { node-id 0; device minor 1; } }\nresource b { disk /dev/a; on alpha { node-id 0; device minor 2; } }",
		"duplicate-meta-disk": first + "device minor 1; disk /dev/a; meta-disk /dev/m [0]; } }" + second + "device minor 2; disk /dev/b; meta-disk /dev/m [0]; } }",
		"duplicate-address":   pair("a", "") + strings.NewReplacer("minor 1", "minor 2", "/dev/a", "/dev/b").Replace(pair("b", "")),
	} {
		_, diags := Load(textSource(schema.V9, text))
		require.NotEmpty(t, diags, code)
		d := diags[len(diags)-1]
		require.Equal(t, code, d.Code, "%v", diags)
		require.Greater(t, d.Place.Line(), d.Other.Line(), code)
		require.Positive(t, d.Other.Line(), code)
	}
}

// The reference subtracts unsigned numbers.
func TestRequiredModuleVersion(t *testing.T) {
	for _, test := range []struct {
		require string
		holds   bool
	}{
		{"eq 9.2.12", true}, {"eq 9.2.11", false}, {"ne 9.2.12", false}, {"ne 9.2.11", true},
		{"gt 9.2.11", true}, {"gt 9.2.12", false}, {"gt 9.10.0", false}, {"ge 9.2.12", true}, {"ge 9.3.0", false},
		{"lt 9.2.13", true}, {"lt 9.2.12", false}, {"lt 10.0.0", true}, {"le 9.2.12", true}, {"le 9.2.13", true}, {"le 9.1.99", false},
	} {
		_, diags := Load(textSource(schema.V9, requirePrefix+test.require+";"))
		require.Equal(t, test.holds, !diags.Invalid(), test.require)
	}
}

// The reference takes marks for values, and says that a semicolon is missing.
func TestWhatIsNoValue(t *testing.T) {
	for _, value := range []string{"[", ":", `"` + strings.Repeat("x", maxQuoted+1) + `"`, strings.Repeat("x", maxWord+2)} {
		_, diags := Load(textSource(schema.V9, pair("r", "net { timeout "+value+"; }")))
		require.True(t, diags.Invalid(), value)
		require.Contains(t, diags[0].Message, "timeout", value)
	}
}

// The reference offers a word that it refuses, and leaves out others.
func TestWordsOfASection(t *testing.T) {
	for g, lists := range map[schema.Generation]map[string]string{
		schema.V9: {
			"resource r { ? }":                "options, volume, device, meta-disk, template-file, proxy",
			"resource r { on a { ? } }":       "volume, options, proxy",
			"resource r { connection { ? } }": "path, disk, volume, address",
		},
		schema.V84: {"resource r { ? }": "options, volume, device, meta-disk, proxy, ignore-on"},
	} {
		for text, words := range lists {
			_, diags := Load(textSource(g, strings.Replace(text, "?", "nonsense;", 1)))
			detail := diags[len(diags)-1].Detail
			known := strings.Split(strings.TrimPrefix(detail, "known here: "), ", ")
			require.Subset(t, known, strings.Split(words, ", "), "%s: %v", text, diags)
			require.Equal(t, strings.Contains(words, "ignore-on"), strings.Contains(detail, "ignore-on"))
		}
	}
}

// The reference says nothing.
func TestWhatIsWarnedOf(t *testing.T) {
	const hosts = "on alpha { node-id 0; address 10.1.0.1:7000; } on bravo { node-id 1; address 10.1.0.2:7000; } "
	const volume = "volume 0 { device minor 1; disk /dev/a; } "
	for code, text := range map[string]string{
		"duplicate-volume":     volume + volume + hosts,
		"duplicate-connection": volume + hosts + "connection-mesh { hosts alpha bravo alpha; }",
		"mixed-paths":          volume + hosts + "connection { host alpha; host bravo; path { host alpha; host bravo; } }",
		"device-name":          strings.Replace(hosts, "7000; } ", "7000; device minor 1; disk /dev/a; } ", 1) + "#\n",
		"resync-after":         volume + hosts + "disk { resync-after elsewhere; }",
	} {
		text = strings.Replace(text, "} on bravo {", "} on bravo { ", 1)
		if code == "device-name" {
			text = strings.Replace(text, "on bravo { ", "on bravo { device /dev/wrong minor 1; disk /dev/a; ", 1)
		}
		c, diags := Load(textSource(schema.V9, "resource r { "+text+"}"))
		diags = append(append(diags, c.Expand()...), c.Prepare()...)
		require.False(t, diags.Invalid(), "%v", diags)
		require.Contains(t, diags.Error(), "warning", code)
		require.Equal(t, code, diags[0].Code, "%v", diags)
	}
}

// The reference prints names without the quotes they need, marks that nobody opened,
// and addresses that are none.
func TestDumpsAreWellFormed(t *testing.T) {
	src := textSource(schema.V9, `resource "net" { on "on" { node-id 0; } on "b c" { node-id 1; address 10.1.0.2:7000; } }`)
	c, _ := Load(src)
	text := dumpOf(t, c, DumpForm{})
	for _, want := range []string{`resource "net" {`, `on "on" {`, `on "b c" {`} {
		require.Contains(t, text, want)
	}
	var xml bytes.Buffer
	require.NoError(t, c.DumpXML(&xml, DumpForm{}))
	require.NotContains(t, xml.String()+text, "null")
}

// The reference makes an empty statement a plugin called UNKNOWN. Elsewhere, it is none of the language.
func TestEmptyPlugin(t *testing.T) {
	for _, g := range []schema.Generation{schema.V84, schema.V9} {
		c, diags := Load(textSource(g, "common { proxy { plugin { ; zlib level 9;; lzma; } memlimit 100M; } }"))
		require.False(t, diags.Invalid(), "%v", diags)
		require.Len(t, c.Common.Proxy, 1)
		require.Len(t, c.Common.Plugins, 2)
		require.Equal(t, "zlib level 9", c.Common.Plugins[0].Name)
		for _, text := range []string{"common { ; }", "common { net { ; } }", "common { proxy { ; } }"} {
			_, diags = Load(textSource(g, text))
			require.True(t, diags.Invalid(), text)
		}
	}
}

// The reference looks at some things on some nodes only, so that a file is good on one node
// and bad on another. Here each node tells what is wrong for some node.
func TestEachNodeTells(t *testing.T) {
	const stacked = `
resource up {
  stacked-on-top-of r { volume 1 { device minor 10; } address 10.1.0.9:7002; }
  on charlie { volume 1 { device minor 10; disk /dev/c; } address 10.1.0.3:7002; }
}`
	for code, text := range map[string]string{
		"device-name": "resource r { " + strings.Join([]string{
			"on alpha { node-id 0; device minor 1; disk /dev/a; address 10.1.0.1:7000; }",
			"on bravo { node-id 1; device /dev/wrong minor 1; disk /dev/a; address 10.1.0.2:7000; }"}, "\n") + "}",
		"volume-sets": pair("r", "") + stacked,
		"ambiguous":   strings.Replace(pair("r", "disk { al-extents 257; } volume 0 { device minor 1; disk /dev/a; disk { al-extents 331; } }"), "device minor 1; disk /dev/a; meta-disk internal; ", "", -1),
	} {
		for _, node := range []string{"alpha", "bravo", "charlie", "delta"} {
			src := textSource(schema.V9, text)
			src.Node = node
			c, diags := Load(src)
			diags = append(diags, c.Expand()...)
			require.True(t, slices.ContainsFunc(diags, func(d Diagnostic) bool { return d.Code == code }), "%s on %s: %v", code, node, diags)
		}
	}
}

// The reference shows what is written without looking whether it can be handed down. So does
// a plain dump here, which is for finding out; everything else that shows it refuses it.
func TestDumpOfWhatIsAmbiguous(t *testing.T) {
	src := textSource(schema.V9, pair("r", "net { timeout 50; }")+"common { net { timeout 40; timeout 41; } }")
	c, diags := Load(src)
	require.Empty(t, diags)
	require.Contains(t, dumpOf(t, c, DumpForm{}), "timeout           41;")
	require.False(t, c.Expand().Invalid(), "the resource's own option counts")

	src = textSource(schema.V9, pair("r", "")+"common { net { timeout 40; timeout 41; } }")
	c, diags = Load(src)
	require.Empty(t, diags)
	require.True(t, c.Expand().Invalid())
}

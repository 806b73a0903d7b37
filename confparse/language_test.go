package confparse

import (
	"bytes"
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

		{v84, pair("r", "syncer { rate 3M; after s; }"), ""},
		{v84, pair("r", "syncer { resync-rate 3M; }"), "syntax"},
		{v84, pair("r", "syncer { resync-after s; }"), "syntax"},
		{v84, pair("r", "disk { use-bmbv; }"), ""},
		{v84, pair("r", "disk { use-bmbv no; }"), ""},
		{v84, pair("r", "disk { use-bmbv 1; }"), "value"},
		{v84, pair("r", "net { use-bmbv; }"), "syntax"},
		{v84, pair("r", "net { throttle-threshold 5; }"), ""},

		{v84, pair("r", "") + strings.NewReplacer("minor 1", "minor 2", "/dev/a", "/dev/b", "10.1", "ssocks 10.1").Replace(pair("s", "")), "duplicate-address"},
		{v9, pair("r", "") + strings.NewReplacer("minor 1", "minor 2", "/dev/a", "/dev/b", "10.1", "ssocks 10.1").Replace(pair("s", "")), ""},

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
		first := slices.IndexFunc(diags, func(d Diagnostic) bool { return d.Severity == Error })
		require.GreaterOrEqual(t, first, 0, test.text)
		require.Equal(t, test.code, diags[first].Code, "%s\n%v", test.text, diags)
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

// One section says two things: nothing that inherits can have both.
func TestAmbiguousInheritance(t *testing.T) {
	for section, options := range map[string]string{
		"net": "timeout 50; timeout 60;", "disk": "al-extents 257; al-extents 1237;", "options": "cpu-mask 1; cpu-mask 2;",
		"startup": "wfc-timeout 1; wfc-timeout 2;", "handlers": "pri-lost a; pri-lost b;", "proxy": "memlimit 1M; memlimit 2M;",
	} {
		for g, ambiguous := range map[schema.Generation]bool{schema.V9: true, schema.V84: false} {
			c, diags := Load(textSource(g, "common { "+section+" { "+options+" } }\n"+pair("r", "")))
			require.Empty(t, diags, section)
			require.Equal(t, ambiguous, c.Expand().Invalid(), "%s, DRBD %s", section, g)
		}
	}
}

// A floating address is this node's if an interface has it.
func TestFloatingAddress(t *testing.T) {
	for address, mine := range map[string]bool{
		"127.0.0.1:7000": true, "ipv6 [::1]:7000": true, "10.1.0.1:7000": false, "0.0.0.0:7000": false, "ssocks 10.1.0.1:7000": true,
	} {
		c, diags := Load(textSource(schema.V9, "resource r { floating "+address+" { node-id 0; } }"))
		require.Empty(t, diags, address)
		require.Equal(t, mine, c.Resources[0].Me != nil, address)
	}
}

// The sets of volumes are compared with those below on the nodes of the upper resource,
// also on those that do not have the lower one.
func TestStackedVolumeSets(t *testing.T) {
	const text = `resource low {
  volume 0 { device minor 1; disk /dev/a; }
  volume 1 { device minor 2; disk /dev/b; }
  on alpha { address 10.1.0.1:7001; }
  on bravo { address 10.1.0.2:7001; }
}
resource up {
  stacked-on-top-of low { volume 0 { device minor 10; } address 10.1.0.9:7002; }
  on charlie { volume 0 { device minor 10; disk /dev/c; } address 10.1.0.3:7002; }
}
`
	for node, compared := range map[string]bool{"alpha": true, "charlie": true, "delta": false} {
		src := textSource(schema.V9, text)
		src.Node = node
		c, diags := Load(src)
		require.Equal(t, compared, diags.Invalid(), node)
		below := map[bool]string{true: "/dev/drbd1", false: ""}[compared]
		require.Equal(t, below, c.Resources[1].Hosts[0].Volumes[0].Disk, node)
	}
}

// What follows from a peer without a disk is shown of resources that were named.
func TestDumpShowsWhatFollows(t *testing.T) {
	src := textSource(schema.V9, strings.Replace(three("connection-mesh { hosts alpha bravo charlie; }"), "on charlie {", "on charlie { volume 0 { disk none; tiebreaker no; } ", 1))
	c := load(t, src)
	for form, count := range map[DumpForm]int{{Verbose: true, Named: true}: 1, {Verbose: true}: 0, {Named: true}: 0} {
		var text, xml bytes.Buffer
		require.NoError(t, c.DumpResource(&text, c.Resources[0], form))
		require.NoError(t, c.DumpResourceXML(&xml, c.Resources[0], form))
		for _, option := range []string{"bitmap", "peer-tiebreaker"} {
			require.Equal(t, count, strings.Count(text.String(), option), form)
			require.Equal(t, count, strings.Count(xml.String(), option), form)
		}
	}
}

// "both" needs two primaries, whatever stands beside it.
func TestBecomePrimaryOnBoth(t *testing.T) {
	for hosts, wrong := range map[string]bool{"both": true, "alpha both": true, "both alpha": true, "alpha bravo": false, "charlie": true} {
		c, diags := Load(textSource(schema.V84, pair("r", "startup { become-primary-on "+hosts+"; }")))
		require.Empty(t, diags, hosts)
		require.Equal(t, wrong, c.Validate().Invalid(), hosts)
	}
}

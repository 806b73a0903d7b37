package confparse

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// textSource returns a source with one file.
func textSource(g schema.Generation, text string) Source {
	src := source(fstest.MapFS{"etc/drbd.conf": {Data: []byte(text)}})
	src.Generation, src.Node = g, "alpha"
	return src
}

// pair returns a resource of two hosts, with more statements before them.
func pair(name, more string) string {
	return "resource " + name + " {\n" + more + `
  on alpha { device minor 1; disk /dev/a; meta-disk internal; address 10.1.0.1:7001; }
  on bravo { device minor 1; disk /dev/a; meta-disk internal; address 10.1.0.2:7001; }
}
`
}

func TestMessages(t *testing.T) {
	tests := []struct {
		name string
		gen  schema.Generation
		text string
		want string // the whole report
	}{
		{"misspelt-option", schema.V9, pair("r", "disk { on-io-eror detach; }"), `
/etc/drbd.conf:2:8: error: unknown option 'on-io-eror' in the disk section
    2 | disk { on-io-eror detach; }
      |        ^^^^^^^^^^
  did you mean 'on-io-error'?
`},
		{"other-section", schema.V9, pair("r", "net { quorum 1; }"), `
/etc/drbd.conf:2:7: error: 'quorum' belongs to the options section, not to net
    2 | net { quorum 1; }
      |       ^^^^^^
`},
		{"other-generation", schema.V84, pair("r", "options { quorum 1; }"), `
/etc/drbd.conf:2:11: error: 'quorum' needs DRBD 9; the configuration is judged for DRBD 8.4
    2 | options { quorum 1; }
      |           ^^^^^^
`},
		{"range", schema.V9, pair("r", "disk { c-fill-target 9000000; }"), `
/etc/drbd.conf:2:22: error: c-fill-target: "9000000" is out of range; allowed: 0s..1048576s (bytes)
    2 | disk { c-fill-target 9000000; }
      |                      ^^^^^^^
`},
		{"missing-semicolon", schema.V9, pair("r", "protocol C\nnet { }"), `
/etc/drbd.conf:3:1: error: expected ';', found 'net'
    3 | net { }
      | ^^^
  it is missing after 'C' on line 2
`},
		{"duplicate-section", schema.V9, pair("r", "net { }\nnet { }"), `
/etc/drbd.conf:3:1: error: the net statement is already there
    3 | net { }
      | ^^^
  the other one: /etc/drbd.conf:2:1
    2 | net { }
      | ^^^
`},
		{"keyword-as-name", schema.V9, "resource disk { }", `
/etc/drbd.conf:1:10: error: expected the name of the resource (quote it, since it is a keyword), found 'disk'
    1 | resource disk { }
      |          ^^^^
`},
		{"unclosed-section", schema.V9, "resource r {\n  net {\n", `
/etc/drbd.conf:3:1: error: the net section has no closing brace
    3 | 
      | ^
  the other one: /etc/drbd.conf:2:7
    2 |   net {
      |       ^
`},
		{"tabs", schema.V9, "global {\n\tusage-count\tnever;\n}\n", `
/etc/drbd.conf:2:14: error: expected yes, no or ask, found 'never'
    2 | 	usage-count	never;
      | 	           	^^^^^
`},
		{"two-errors", schema.V9, pair("r", "net { ping-int 0; timeout x; }"), `
/etc/drbd.conf:2:16: error: ping-int: "0" is out of range; allowed: 1..120 (seconds)
    2 | net { ping-int 0; timeout x; }
      |                ^
/etc/drbd.conf:2:27: error: timeout: "x" is not a number; allowed: 1..600 (1/10 seconds)
    2 | net { ping-int 0; timeout x; }
      |                           ^
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, diags := Load(textSource(test.gen, test.text))
			var b strings.Builder
			require.NoError(t, diags.Print(&b, DiagStyle{Source: true}))
			var lines []string
			for line := range strings.Lines(b.String()) {
				if !strings.HasPrefix(line, "  known here:") {
					lines = append(lines, line)
				}
			}
			require.Equal(t, strings.TrimPrefix(test.want, "\n"), strings.Join(lines, ""))
			require.Equal(t, 10, diags.ExitCode())
		})
	}
}

func TestSecretsStayOutOfMessages(t *testing.T) {
	_, diags := Load(textSource(schema.V9, pair("r", `net { shared-secret "`+strings.Repeat("hush", 20)+`"; }`)))
	require.True(t, diags.Invalid())
	var b strings.Builder
	require.NoError(t, diags.Print(&b, DiagStyle{}))
	require.NotContains(t, b.String(), "hush")
}

func TestDiagnosticsAsJSON(t *testing.T) {
	cfg, diags := Load(textSource(schema.V9, pair("r", "net { }\nnet { }")))
	var b bytes.Buffer
	require.NoError(t, diags.WriteJSON(&b, cfg))
	var doc DiagnosticsDocument
	require.NoError(t, json.Unmarshal(b.Bytes(), &doc))
	require.Equal(t, DiagnosticsDocument{
		Version: 1, Generation: "9", Valid: false,
		Diagnostics: []JSONDiagnostic{{
			Severity: "error", Code: "duplicate", Message: "the net statement is already there",
			Place: &JSONPlace{"/etc/drbd.conf", 3, 1}, Other: &JSONPlace{"/etc/drbd.conf", 2, 1},
		}},
	}, doc)
}

func TestConfigAsJSON(t *testing.T) {
	cfg := load(t, textSource(schema.V9, "common { net { ping-int 7; } }\n"+pair("r", "net { protocol A; }")))
	var b bytes.Buffer
	require.NoError(t, cfg.WriteJSON(&b))
	var doc ConfigDocument
	require.NoError(t, json.Unmarshal(b.Bytes(), &doc))
	require.Equal(t, "alpha", doc.Node)
	r := doc.Resources[0]
	require.Equal(t, []string{"alpha"}, r.Hosts[0].Names)
	require.True(t, r.Hosts[0].Local)
	require.Equal(t, &JSONAddress{"ipv4", "10.1.0.2", "7001"}, r.Connections[0].Paths[0][1].Address)
	require.Equal(t, []JSONOption{{"protocol", "A", true}, {"ping-int", "7", true}}, r.Connections[0].Net)
	require.Equal(t, JSONVolume{Implicit: true, Device: "/dev/drbd1", Minor: 1, Disk: "/dev/a", MetaDisk: "internal", MetaIndex: "internal"},
		r.Hosts[1].Volumes[0])
}

// Bad input ends in an error, never in a panic or a hang.
func TestBadInput(t *testing.T) {
	tests := map[string]string{
		"binary":        "\x00\x01\x02\xff resource",
		"nul-in-name":   "resource \"a\x00b\" { }",
		"long-line":     "resource r { net { " + strings.Repeat("x", 10<<20) + "; } }",
		"long-quote":    "resource \"" + strings.Repeat("x", 10<<20) + "\" { }",
		"nesting":       strings.Repeat("resource r { ", 64) + strings.Repeat("}", 64),
		"deep-nesting":  "resource r " + strings.Repeat("{ a ", 1<<20),
		"closing-only":  strings.Repeat("}", 1000),
		"opening-quote": "resource r { on \"alpha",
		"lone-skip":     "skip",
		"utf8-name":     "resource größe { }",
	}
	for name, text := range tests {
		for _, g := range []schema.Generation{schema.V9, schema.V84} {
			t.Run(name+"/"+g.String(), func(t *testing.T) {
				_, diags := Load(textSource(g, text))
				require.True(t, diags.Invalid())
				var b strings.Builder
				require.NoError(t, diags.Print(&b, DiagStyle{Source: true, Warnings: true}))
				require.Less(t, b.Len(), 8192)
			})
		}
	}
}

func TestFiles(t *testing.T) {
	good := pair("good", "")
	many := manyResources()
	files := func(main string, more fstest.MapFS) fstest.MapFS {
		all := fstest.MapFS{"etc/drbd.conf": {Data: []byte(main)}}
		for name, f := range more {
			all[name] = f
		}
		return all
	}
	tests := []struct {
		name      string
		files     fstest.MapFS
		src       Source // what differs from the usual one
		resources []string
		exit      int
	}{
		{name: "glob-in-order", files: files("include \"d/*.res\";", fstest.MapFS{
			"etc/d/b.res": {Data: []byte("resource b { }")}, "etc/d/a.res": {Data: []byte("resource a { }")},
			"etc/d/.hidden.res": {Data: []byte("nonsense")}, "etc/d/c.conf": {Data: []byte("nonsense")},
		}), resources: []string{"a", "b"}},
		{name: "itself", files: files("include \"drbd.conf\";\n"+good, nil), resources: []string{"good"}},
		{name: "circle", files: files("include a;\n", fstest.MapFS{
			"etc/a": {Data: []byte("include b;\nresource a { }")}, "etc/b": {Data: []byte("include a;\nresource b { }")},
		}), resources: []string{"b", "a"}},
		{name: "link-to-the-same", files: files("include a;\ninclude l;\n", fstest.MapFS{
			"etc/a": {Data: []byte("resource a { }")}, "etc/l": {Data: []byte("a"), Mode: fs.ModeSymlink},
		}), resources: []string{"a"}},
		{name: "nothing-matches", files: files("include \"d/*.res\";", nil)},
		{name: "missing", files: files("include d;", nil), exit: 10},
		{name: "directory", files: files("include d;", fstest.MapFS{"etc/d/x": {}}), exit: 20},
		{name: "device", files: files("include d;", fstest.MapFS{"etc/d": {Mode: fs.ModeDevice}}), exit: 10},
		{name: "no-main-file", files: fstest.MapFS{}, exit: 20},
		{name: "no-default-file", files: fstest.MapFS{}, src: Source{Files: DefaultFiles(schema.V9)}, exit: 10},
		{name: "first-default-file", files: files("nonsense", fstest.MapFS{"etc/drbd-84.conf": {Data: []byte(good)}}),
			src: Source{Files: DefaultFiles(schema.V9)}, resources: []string{"good"}},
		{name: "main-is-a-directory", files: fstest.MapFS{"etc/drbd.conf/x": {}}, exit: 20},
		{name: "test-file", files: files(good, fstest.MapFS{"t/x.res": {Data: []byte("resource x { }")}}),
			src: Source{Test: []string{"t/x.res"}}, resources: []string{"good", "x"}},
		{name: "test-file-missing", files: files(good, nil), src: Source{Test: []string{"t/x.res"}}, exit: 20},
		{name: "excluded", files: files("include d/x;\n"+good, fstest.MapFS{"etc/d/x": {Data: []byte("nonsense")}}),
			src: Source{Exclude: []string{"etc/d/x"}}, resources: []string{"good"}},
		{name: "stdin", files: fstest.MapFS{"s": {Data: []byte("resource s { }")}},
			src: Source{Files: []string{"-"}, Stdin: strings.NewReader("include s;\n" + good)}, resources: []string{"s", "good"}},
		{name: "one-of-a-few", files: files(good+"resource bad { nonsense; }", nil), src: Source{Want: []string{"good"}}, exit: 10},
		{name: "only-wanted", files: files(many+good+"resource bad { nonsense; }", nil), src: Source{Want: []string{"good"}}, resources: []string{"good"}},
		{name: "wanted-and-what-it-needs", files: files(many+good+strings.NewReplacer("minor 1", "minor 2", "/dev/a", "/dev/b", "7001", "7002").Replace(
			pair("late", "disk { resync-after good; }"))+"resource bad { nonsense; }", nil), src: Source{Want: []string{"late"}}, resources: []string{"late", "good"}},
		{name: "others-collide", files: files(many+good+strings.ReplaceAll(pair("x", "")+pair("y", ""), "700", "800"), nil),
			src: Source{Want: []string{"good"}}, exit: 10},
		{name: "others-seem-to-collide", files: files(many+good+"resource x { on c { device minor 7; disk /dev/c; node-id 1; } }\n"+
			"resource bad { nonsense; on d { device minor 7; disk /dev/d; node-id 1; } }", nil),
			src: Source{Want: []string{"good"}}, exit: 10},
		{name: "stdin-is-read-once", files: fstest.MapFS{}, src: Source{Want: []string{"good"}, Files: []string{"-"}, Stdin: strings.NewReader(
			many + good + "resource x { on c { device minor 7; disk /dev/c; node-id 1; } }\n" +
				"resource bad { nonsense; on d { device minor 7; disk /dev/d; node-id 1; } }")}, exit: 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			src := source(test.files)
			src.Node, src.Stdin, src.Test, src.Exclude, src.Want = "alpha", test.src.Stdin, test.src.Test, test.src.Exclude, test.src.Want
			if test.src.Files != nil {
				src.Files = test.src.Files
			}
			cfg, diags := Load(src)
			require.Equal(t, test.exit, diags.ExitCode(), "%v", diags)
			var names []string
			for _, r := range cfg.Resources {
				names = append(names, r.Name)
			}
			if test.exit == 0 {
				require.Equal(t, test.resources, names)
			}
		})
	}
}

func TestAdvice(t *testing.T) {
	const hosts = "on alpha { address 10.1.0.1:7001; } on bravo { address 10.1.0.2:7001; }"
	tests := []struct{ name, text, message, detail string }{
		{"missing-brace", "resource r { on alpha { address 10.1.0.1:7001; on bravo { } }", "unknown statement 'on' in the on section",
			"it belongs to the resource section; is a '}' missing that ends the on section of line 1?"},
		{"missing-brace-of-resource", "resource r { " + hosts + "\nresource s { } }", "unknown statement 'resource' in the resource section",
			"it belongs outside of all sections; is a '}' missing that ends the resource section of line 1?"},
		{"surplus-brace", "common { } }", "expected a section, found '}'", "there is a '}' too many, here or above"},
		{"early-brace", "common { } net { }", "expected a section, found 'net'", "it belongs to a resource section; is there a '}' too many above?"},
		{"missing-semicolon", "resource r { disk /dev/a\nmeta-disk internal; }", "expected ';', found 'meta-disk'", "it is missing after '/dev/a' on line 1"},
		{"bare-ipv6", "resource r { on alpha { address fd00::1:7000; } }", "found 'fd00::1:7000'", "an IPv6 address is written as: ipv6 [fd00::1]:7000"},
		{"host-name", "resource r { on alpha { address a.example:7000; } }", "found 'a.example'", "names of hosts are not looked up; write the address"},
		{"no-port", "resource r { on alpha { address 10.1.0.1; } }", "expected ':' and a port, found ';'", ""},
		{"equals", "resource r { disk = /dev/a; }", "found '='", "no '=' stands between a name and its value"},
		{"equals-option", "common { net { timeout = 5; } }", "expected a value for timeout, found '='", "no '=' stands between a name and its value"},
		{"unit", "common { net { sndbuf-size 1T; } }", `"1T" is in an unknown unit; allowed: 0..134217728 (bytes), with K, M, G, or s for sectors`, ""},
		{"umlaut", "resource r { on \u00e4 { } }", "(quote it, since it has other characters", ""},
		{"comment", "// x\nresource r { " + hosts + " }", "found '//'", "a comment begins with #"},
		{"byte-order-mark", "\ufeffresource r { " + hosts + " }", "found the character U+FEFF", "the file begins with a byte order mark; save it as UTF-8 without one"},
		{"binary", "\x7fELF\x02\x01\x00\x00;\n}\n;", "found the character U+007F", "the file is binary, or a text in UTF-16"},
		{"not-utf8", "\xff", `found the byte "\xff"`, "known here: global,"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, diags := Load(textSource(schema.V9, test.text))
			require.Len(t, diags, 1, "%v", diags)
			require.Contains(t, diags[0].Message, test.message)
			require.Contains(t, diags[0].Detail, test.detail)
		})
	}
}

func TestHints(t *testing.T) {
	const hosts = "device minor 1; disk /dev/a; on alpha { node-id 0; address 10.1.0.1:7001; } on bravo { node-id 1; address 10.1.0.2:7001; } "
	for text, hint := range map[string]string{
		"handelrs { }":       "handlers",
		"net { protocl C; }": "protocol",
		"net { after-sb-0pri discard-least-chnages; }":   "discard-least-changes",
		"options { quorum majoriy; }":                    "majority",
		"connection-mesh { hosts alhpa bravo; }":         "alpha",
		"connection { host alpha; host brave; }":         "bravo",
		"net { on-congestion something-else-entirely; }": "",
	} {
		_, diags := Load(textSource(schema.V9, "resource r { "+hosts+text+" }"))
		require.NotEmpty(t, diags, text)
		require.Equal(t, hint, diags[0].Hint, text)
		require.False(t, hint != "" && diags[0].Detail != "", "what is meant is said; all that is known is noise: %s", text)
	}
}

// A word that another generation has elsewhere.
func TestGenerationOfAnotherSection(t *testing.T) {
	_, diags := Load(textSource(schema.V84, pair("r", "net { quorum majority; }")))
	require.Contains(t, diags.Error(), "'quorum' needs DRBD 9, and belongs to the options section there")
}

// On a terminal no line of a note is long; elsewhere it is one.
func TestNotesAreWrapped(t *testing.T) {
	_, diags := Load(textSource(schema.V9, pair("r", "net { nonsense; }")))
	for _, terminal := range []bool{true, false} {
		var b strings.Builder
		require.NoError(t, diags.Print(&b, DiagStyle{Source: terminal, Generation: schema.V9, Why: "so"}))
		longest := 0
		for line := range strings.Lines(b.String()) {
			longest = max(longest, len(line))
		}
		require.Equal(t, terminal, longest < 110, b.String())
		require.Contains(t, strings.Join(strings.Fields(b.String()), " "), "rdma-ctrl-rcvbuf-size, rdma-ctrl-sndbuf-size judged for DRBD 9: so")
	}
	var b strings.Builder
	nowhere := Diagnostics{{Severity: Error, Message: "no such file"}}
	require.NoError(t, nowhere.Print(&b, DiagStyle{Generation: schema.V9, Why: "so"}))
	require.Equal(t, "error: no such file\n", b.String(), "it was not judged")
}

func TestOneMistakeIsReportedOnce(t *testing.T) {
	_, diags := Load(textSource(schema.V9, pair("a", "")+strings.ReplaceAll(pair("b", "device /dev/drbd1;"), "device minor 1;", "")+
		pair("c", "")))
	for i, d := range diags {
		for _, other := range diags[:i] {
			require.False(t, d.Place == other.Place && d.Other == other.Other, "%v", diags)
		}
	}
	_, diags = Load(textSource(schema.V9, "resource r { on alpha { } on alpha { } }"))
	require.Equal(t, 1, strings.Count(diags.Error(), "a second section"), "%v", diags)
}

// A loopback address is one of each host of a section, in the language of 8.4.
func TestLoopbackOfSeveralHosts(t *testing.T) {
	resource := func(name, hosts, proxies, minor, port string) string {
		proxy := ""
		if proxies != "" {
			proxy = "proxy on " + proxies + " { inside 127.0.0.1:1; outside 10.9.0.1:1; }"
		}
		peer := strings.Replace(strings.Replace(proxy, "127.0.0.1", "127.0.0.2", 1), "10.9.0.1", "10.9.0.2", 1)
		return "resource " + name + " { on " + hosts + " { device minor " + minor + "; disk /dev/d; meta-disk internal; address 127.0.0.1:7000; " + proxy +
			" } on far { device minor " + minor + "; disk /dev/d; meta-disk internal; address 10.1.0.2:" + port + "; " + peer + " } }\n"
	}
	for text, want := range map[string]bool{
		resource("a", "alpha", "alpha bravo", "0", "7001"):                                              false,
		resource("a", "alpha", "alpha alpha", "0", "7001"):                                              true,
		resource("a", "alpha bravo", "", "0", "7001") + resource("b", "alpha", "", "1", "7002"):         true,
		resource("a", "alpha bravo", "", "0", "7001") + resource("b", "charlie alpha", "", "1", "7002"): true,
		resource("a", "alpha bravo", "", "0", "7001") + resource("b", "charlie delta", "", "1", "7002"): false,
	} {
		_, diags := Load(textSource(schema.V84, text))
		require.Equal(t, want, diags.Invalid(), "%s%v", text, diags)
		if want {
			require.Contains(t, diags.Error(), "address", text)
		}
	}
}

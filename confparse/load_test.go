package confparse

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"drbdutils/internal/testkit"
	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// caseSource returns a recorded case as a source that is read from memory.
func caseSource(c testkit.ConfigCase, g schema.Generation) Source {
	files := fstest.MapFS{}
	for name, text := range c.Files {
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			files[path.Join("case", dir)] = &fstest.MapFile{Mode: fs.ModeDir}
			continue
		}
		files[path.Join("case", name)] = &fstest.MapFile{Data: []byte(text)}
	}
	src := Source{
		Generation: g, Version: [3]int{9, 2, 12}, Node: c.Node, Files: []string{"input.conf"}, Dir: "/case", FS: files,
		Local: func(a netip.Addr) bool { return slices.Contains(c.IPs, a.String()) },
	}
	if g == schema.V84 {
		src.Version = [3]int{8, 4, 11}
	}
	return src
}

// eachCase calls do for every recorded case in every generation.
func eachCase(t *testing.T, do func(t *testing.T, src Source, r *testkit.ConfigResult)) {
	t.Helper()
	for _, c := range testkit.ConfigCases(t, "..") {
		for g, r := range map[schema.Generation]*testkit.ConfigResult{schema.V9: c.V9, schema.V84: c.V84} {
			if r != nil {
				t.Run(fmt.Sprintf("%s/%s", g, c.Case), func(t *testing.T) { do(t, caseSource(c, g), r) })
			}
		}
	}
}

func dumpOf(t testing.TB, c *Config, form DumpForm) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, c.Dump(&b, form))
	return b.String()
}

// withoutComments drops the lines that name files and lines.
func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// reload reads a dump as a configuration file.
func reload(src Source, text string) (*Config, Diagnostics) {
	files := fstest.MapFS{}
	for name, f := range src.FS.(fstest.MapFS) {
		files[name] = f
	}
	name := src.Files[0]
	if !path.IsAbs(name) {
		name = path.Join(src.Dir, name)
	}
	files[name[1:]] = &fstest.MapFile{Data: []byte(text)}
	src.FS = files
	return Load(src)
}

// lossy are dumps that do not say everything, with the reason. They are byte for
// byte what the reference prints.
var lossy = map[string]string{
	"9/bare-numeric-option":      "a number without value is taken for yes, which is no number when it is written",
	"8.4/fencing-in-volume-disk": "8.4 shows volumes in the hosts, and their options only with -v",
	"8.4/volumes-explicit":       "8.4 shows volumes in the hosts, and their options only with -v",
	"8.4/host-disk-section":      "8.4 cannot write an inherited disk beside a disk section of the host",
}

func TestDumpIsReadAsTheSame(t *testing.T) {
	eachCase(t, func(t *testing.T, src Source, _ *testkit.ConfigResult) {
		cfg, diags := Load(src)
		_, name, _ := strings.Cut(t.Name(), "/")
		if diags.Invalid() || lossy[name] != "" {
			return
		}
		text := dumpOf(t, cfg, DumpForm{})
		again, diags := reload(src, text)
		require.False(t, diags.Invalid(), "%v\n%s", diags, text)
		require.Equal(t, withoutComments(text), withoutComments(dumpOf(t, again, DumpForm{})))
		require.Equal(t, expandedDump(t, cfg), expandedDump(t, again))
	})
}

// expandedDump returns what takes effect, "" if the configuration is ambiguous.
func expandedDump(t *testing.T, c *Config) string {
	if c.Expand().Invalid() {
		return ""
	}
	return withoutComments(dumpOf(t, c, DumpForm{Verbose: true}))
}

func TestFirstErrorIsWhereTheReferenceSees(t *testing.T) {
	eachCase(t, func(t *testing.T, src Source, r *testkit.ConfigResult) {
		cfg, diags := Load(src)
		if r.Place == "" || r.Exit["sh-nop"] == 0 {
			return
		}
		if !diags.Invalid() {
			diags = append(diags, cfg.Expand()...)
		}
		i := slices.IndexFunc(diags, func(d Diagnostic) bool { return d.Severity == Error })
		if i < 0 {
			return
		}
		if !slices.Contains([]string{"syntax", "value", "generation"}, diags[i].Code) {
			return // where sections do not fit each other, the reference names the resource
		}
		if strings.HasSuffix(t.Name(), "/err-proxy-plugin-semicolon") {
			return // the reference names the beginning of the statement, here only
		}
		require.Equal(t, r.Place, fmt.Sprintf("%s:%d", diags[i].Place.File(), diags[i].Place.Line()), diags[i].Message)
	})
}

// manyResources returns so many resources that unwanted ones are not decoded.
func manyResources() string {
	var b strings.Builder
	for i := range few {
		fmt.Fprintf(&b, "resource many%d { }\n", i)
	}
	return b.String()
}

// collidesBetween reports whether two resources use the same.
func collidesBetween(c *Config) bool {
	return slices.ContainsFunc(c.checkAcross(), func(d Diagnostic) bool {
		name, rest, _ := strings.Cut(strings.TrimPrefix(d.Message, "resource "), ":")
		return !strings.HasSuffix(rest, " of "+name)
	})
}

// Invariant: who asks for one resource learns of everything that two others share and
// cannot, as if all of them had been asked for.
func TestCollisionsOfOthersAreSeen(t *testing.T) {
	seen := 0
	eachCase(t, func(t *testing.T, src Source, _ *testkit.ConfigResult) {
		all, _ := Load(src)
		if !collidesBetween(all) {
			return
		}
		main := src.FS.(fstest.MapFS)["case/input.conf"]
		main.Data = append([]byte(manyResources()), main.Data...)
		for _, r := range all.Resources {
			src.Want = []string{r.Name}
			_, diags := Load(src)
			require.True(t, diags.Invalid(), r.Name)
			seen++
		}
	})
	require.Greater(t, seen, 20)
}

// Who asks for one resource of many files gets what he would get if everything were read.
func TestOneOfManyFiles(t *testing.T) {
	tests := []struct {
		name, file, text string
		resources        []string // nil: refused
	}{
		{"alone", "r1.res", resourceText(1), []string{"r0"}},
		{"what-it-needs", "r0.res", strings.Replace(resourceText(0), "rs-discard-granularity 65536", "resync-after r7", 1), []string{"r0", "r7"}},
		{"not-decoded", "r1.res", "resource r1 { nonsense; }", []string{"r0"}},
		{"name-of-another", "r1.res", strings.Replace(resourceText(1), "r1", "r2", 1), nil},
		{"minor-of-another", "r1.res", strings.ReplaceAll(resourceText(1), "minor 1;", "minor 2;"), nil},
		{"address-of-another", "r1.res", strings.ReplaceAll(resourceText(1), ":7001", ":7002"), nil},
		{"no-brace", "r1.res", strings.TrimSuffix(resourceText(1), "}\n") + "nonsense", nil},
		{"behind-the-brace", "r1.res", resourceText(1) + "}", nil},
		{"keyword-for-a-name", "r1.res", strings.Replace(resourceText(1), `"r1"`, "disk", 1), nil},
		{"directory", "r1.res/x", "", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := manyFiles(2 * few).(fstest.MapFS)
			delete(files, "etc/drbd.d/"+test.file[:len("r1.res")])
			files["etc/drbd.d/"+test.file] = &fstest.MapFile{Data: []byte(test.text)}
			src := source(files)
			src.Want = []string{"r0"}
			c, diags := Load(src)
			require.Equal(t, test.resources == nil, diags.Invalid(), "%v", diags)
			if test.resources == nil {
				return
			}
			var names []string
			for _, r := range c.Resources {
				names = append(names, r.Name)
			}
			require.Equal(t, test.resources, names)
			require.Equal(t, 2*few, c.Defined)
		})
	}
}

func TestSkippedBlocksAreNotRead(t *testing.T) {
	const hosts = `device minor 1; disk /dev/a; meta-disk internal;
		on alpha { address 10.9.9.1:1; } on bravo { address 10.9.9.2:1; }`
	for _, skipped := range []string{
		"skip net { foo }", "skip { foo }", "skip; net { { } ; bar }", `skip on charlie { "}" # }
		}`,
	} {
		c, diags := Load(textSource(schema.V9, "resource r { "+skipped+" "+hosts+" net { timeout 60; } }\nresource r { }"))
		require.Len(t, c.Resources[0].Hosts, 2, skipped)
		timeout, _ := c.Resources[0].Net.Get("timeout")
		require.Equal(t, "60", timeout.Value, skipped)
		require.Contains(t, diags[0].Message, "already defined", skipped)
		require.Equal(t, 2+strings.Count(skipped+hosts, "\n"), diags[0].Place.Line(), skipped)
	}
	_, diags := Load(textSource(schema.V9, "resource r { "+hosts+" skip net { foo"))
	require.True(t, diags.Invalid())
}

func TestStatementsThatStandTwice(t *testing.T) {
	const other = " on bravo { address 10.9.9.2:1; device minor 1; disk /dev/a; meta-disk internal; node-id 7; }"
	tests := []struct {
		name, host string
		minor      int // -1: an error
	}{
		{"in-on", "on alpha { address 10.9.9.1:1; device minor 1; device minor 2; disk /dev/a; meta-disk internal; node-id 6; }", -1},
		{"in-floating", "floating 127.0.0.1:1 { device minor 1; device minor 2; disk /dev/a; meta-disk internal; node-id 6; }", 2},
		{"in-floating-the-same", "floating 127.0.0.1:1 { device minor 1; device minor 1; disk /dev/a; meta-disk internal; node-id 6; }", 1},
		{"in-a-volume", "on alpha { address 10.9.9.1:1; volume 0 { device minor 1; device minor 2; disk /dev/a; meta-disk internal; } node-id 6; }", 2},
		{"in-a-volume-the-same", "on alpha { address 10.9.9.1:1; volume 0 { device minor 1; device minor 1; disk /dev/a; meta-disk internal; } node-id 6; }", -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			peer := other
			if strings.Contains(test.host, "volume") {
				peer = strings.Replace(other, "device", "volume 0 { device", 1)
				peer = strings.Replace(peer, "internal;", "internal; }", 1)
			}
			c, diags := Load(textSource(schema.V9, "resource r { "+test.host+peer+" }"))
			require.Equal(t, test.minor < 0, diags.Invalid(), "%v", diags)
			if test.minor >= 0 {
				require.Equal(t, test.minor, c.Resources[0].Me.Volumes[0].Minor)
			}
		})
	}
}

// The reference of 8.4 forgets what stands behind the host sections, and brings up a
// resource without volumes.
func TestOrderOfSectionsDoesNotMatter(t *testing.T) {
	const hosts = " on alpha { address 10.9.9.1:1; } on bravo { address 10.9.9.2:1; } "
	const volume = " device minor 1; disk /dev/a; meta-disk internal; "
	for _, g := range []schema.Generation{schema.V84, schema.V9} {
		before := load(t, textSource(g, "resource r {"+volume+hosts+"}"))
		behind := load(t, textSource(g, "resource r {"+hosts+volume+"}"))
		require.Equal(t, dumpOf(t, before, DumpForm{Verbose: true}), dumpOf(t, behind, DumpForm{Verbose: true}))
	}
}

func TestTemplatesThatAreNone(t *testing.T) {
	for _, text := range []string{"", "}", ";", "{ }", "resource x { }", "common;", "skip", "common { nonsense; }"} {
		src := textSource(schema.V9, "resource r { template-file t; on alpha { node-id 0; } }")
		src.FS.(fstest.MapFS)["etc/t"] = &fstest.MapFile{Data: []byte(text)}
		_, diags := Load(src)
		require.True(t, diags.Invalid(), "%q", text)
	}
}

// A link's parent is where the link leads to, not where it is.
func TestIncludesAboveALink(t *testing.T) {
	src := textSource(schema.V9, "include \"link/../x/*.res\";\ninclude \"nowhere/../d/x/*.res\";")
	files := src.FS.(fstest.MapFS)
	files["etc/link"] = &fstest.MapFile{Data: []byte("d/deep"), Mode: fs.ModeSymlink}
	files["etc/d/deep/y"] = &fstest.MapFile{}
	files["etc/d/x/a.res"] = &fstest.MapFile{Data: []byte("resource below-d { }")}
	files["etc/x/a.res"] = &fstest.MapFile{Data: []byte("resource below-etc { }")}
	c, diags := Load(src)
	require.False(t, diags.Invalid(), "%v", diags)
	require.Len(t, c.Resources, 1)
	require.Equal(t, "below-d", c.Resources[0].Name)
}

func TestExitCodes(t *testing.T) {
	late := Diagnostics{{Severity: Error, Code: "value"}, {Severity: Error, Code: "resource-name", Exit: 1}}
	require.Equal(t, 1, late.ExitCode(), "a wrong value does not end the reading")
	require.Equal(t, 10, late[:1].ExitCode())
	for _, code := range []string{"include", "template", "host-in-common"} {
		require.Equal(t, 1, Diagnostics{{Severity: Error, Code: code}, late[1]}.ExitCode(), code)
	}
	require.Equal(t, 10, Diagnostics{{Severity: Error, Code: "syntax"}, late[1]}.ExitCode())
	require.Zero(t, Diagnostics{{Severity: Warning, Exit: 3}}.ExitCode())
}

func TestValuesOfEachGeneration(t *testing.T) {
	tests := []struct {
		gen     schema.Generation
		section string
		valid   bool
	}{
		{schema.V9, "disk { al-extents 5; }", true}, // the kernel takes the nearest that it can
		{schema.V9, "disk { al-extents nonsense; }", false},
		{schema.V84, "net { allow-two-primaries yes; }", true},
		{schema.V84, "net { ping-int yes; }", false}, // a keyword
		{schema.V84, "net { verify-alg yes; }", false},
		{schema.V84, "net { verify-alg \"yes\"; }", true},
		{schema.V9, "net { verify-alg yes; }", true},
		{schema.V84, "proxy { memlimit 5M; verify-alg sha1; c-max-rate 30M; }", true},
		{schema.V9, "proxy { memlimit 5M; verify-alg sha1; }", false},
		{schema.V84, "proxy { ping-int 5; }", false},
	}
	for _, test := range tests {
		_, diags := Load(textSource(test.gen, pair("r", test.section)))
		require.Equal(t, test.valid, !diags.Invalid(), "%s: %v", test.section, diags)
	}
}

func TestAddressesOfProxies84(t *testing.T) {
	conf := func(inside, outside string) string {
		return "resource r { device minor 1; disk /dev/a; meta-disk internal; on alpha { address 10.1.0.1:1; proxy on x { inside " + inside +
			"; outside " + outside + "; } } on bravo { address 10.1.0.2:1; proxy on y { inside 127.0.0.1:3; outside 10.3.0.2:1; } } }"
	}
	for text, valid := range map[string]bool{
		conf("127.0.0.1:3", "10.3.0.1:1"): true, // another host's loopback
		conf("127.0.0.1:1", "10.3.0.2:1"): false,
		conf("10.1.0.1:1", "10.3.0.1:1"):  false,
	} {
		_, diags := Load(textSource(schema.V84, text))
		require.Equal(t, valid, !diags.Invalid(), "%s: %v", text, diags)
	}
}

func TestDeviceNamesOfResourcesAreCheckedWithoutHosts(t *testing.T) {
	for _, g := range []schema.Generation{schema.V84, schema.V9} {
		_, diags := Load(textSource(g, "resource r { volume 0 { device drbd1 minor 0; } }"))
		require.True(t, diags.Invalid(), g)
	}
}

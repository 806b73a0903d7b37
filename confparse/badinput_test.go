package confparse

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

func TestLineEndsOfWindows(t *testing.T) {
	text := pair("r", "net { protocol A; } # comment")
	unix, windows := load(t, textSource(schema.V9, text)), load(t, textSource(schema.V9, strings.ReplaceAll(text, "\n", "\r\n")))
	require.Equal(t, dumpOf(t, unix, DumpForm{}), dumpOf(t, windows, DumpForm{}))

	_, diags := Load(textSource(schema.V9, "resource r {\r\n  nonsense;\r\n}\r\n"))
	require.Equal(t, "/etc/drbd.conf:2:3", diags[0].Place.String())
	require.Equal(t, "  nonsense;", diags[0].Place.Source())
}

func TestNamesInUTF8(t *testing.T) {
	text := strings.ReplaceAll(pair(`"größe"`, ""), "bravo", `"höst"`)
	src := textSource(schema.V9, text)
	cfg := load(t, src)
	require.Equal(t, "größe", cfg.Resources[0].Name)
	require.Equal(t, []string{"höst"}, cfg.Resources[0].Hosts[1].Names)
	again, diags := reload(src, dumpOf(t, cfg, DumpForm{}))
	require.Empty(t, diags)
	require.Equal(t, "größe", again.Resources[0].Name)
}

// brokenFS gives an error for one file: when it is opened, or when it is read.
type brokenFS struct {
	fstest.MapFS
	name             string
	opening, reading error
}

func (f brokenFS) Open(name string) (fs.File, error) {
	in, err := f.MapFS.Open(name)
	if name != f.name || err != nil {
		return in, err
	}
	if f.opening != nil {
		in.Close()
		return nil, &fs.PathError{Op: "open", Path: name, Err: f.opening}
	}
	return brokenFile{in, f.reading}, nil
}

type brokenFile struct {
	fs.File
	err error
}

func (f brokenFile) Read(p []byte) (int, error) { return copy(p, "resource r {"), f.err }

// hugeFS has files of a size that no configuration has.
type hugeFS struct{ fstest.MapFS }

func (f hugeFS) Open(name string) (fs.File, error) {
	in, err := f.MapFS.Open(name)
	return hugeFile{in}, err
}

type hugeFile struct{ fs.File }

type hugeInfo struct{ fs.FileInfo }

func (f hugeFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	return hugeInfo{info}, err
}

func (hugeInfo) Size() int64 { return 1 << 40 }

func TestUnreadableFiles(t *testing.T) {
	files := fstest.MapFS{"etc/drbd.conf": {Data: []byte("include \"x.res\";")}, "etc/x.res": {}}
	broken := errors.New("input/output error")
	tests := []struct {
		name    string
		fs      fs.FS
		exit    int
		message string
	}{
		{"main-file", brokenFS{files, "etc/drbd.conf", fs.ErrPermission, nil}, 20, "configuration file /etc/drbd.conf: permission denied"},
		{"included", brokenFS{files, "etc/x.res", fs.ErrPermission, nil}, 10, "include x.res: permission denied"},
		{"main-file-half", brokenFS{files, "etc/drbd.conf", nil, broken}, 20, "configuration file /etc/drbd.conf: input/output error"},
		{"included-half", brokenFS{files, "etc/x.res", nil, broken}, 10, "include x.res: input/output error"},
		{"huge", hugeFS{files}, 20, "configuration file /etc/drbd.conf: is larger than 1073741824 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			src := source(files)
			src.FS = test.fs
			_, diags := Load(src)
			require.Equal(t, test.exit, diags.ExitCode())
			require.Len(t, diags, 1)
			require.Equal(t, test.message, diags[0].Message)
		})
	}
}

func TestDeepNesting(t *testing.T) {
	deep := "resource r { " + strings.Repeat("skip { ", 64) + strings.Repeat("}", 65)
	_, diags := Load(textSource(schema.V9, deep))
	require.False(t, diags.Invalid(), "what is skipped may be nested: %v", diags)

	_, diags = Load(textSource(schema.V9, "resource r {\nnet "+strings.Repeat("{ a ", 64)+";"+strings.Repeat("}", 65)))
	require.Equal(t, "/etc/drbd.conf:2:7", diags[0].Place.String())
	require.Contains(t, diags[0].Message, "unknown option 'a' in the net section")
}

// What is read takes memory in proportion to the text, however it is made.
func TestMemoryIsBoundedByTheText(t *testing.T) {
	const n = 3000
	repeat := func(format string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(format, "%", fmt.Sprint(i)))
		}
		return b.String()
	}
	hosts := repeat("on h% { address 10.0.0.1:%; } ")
	three := "on alpha { address 10.0.0.1:1; node-id 0; } on b { address 10.0.0.2:1; node-id 1; } on c { address 10.0.0.3:1; node-id 2; } "
	for name, text := range map[string]string{
		"hosts":            "resource r { device minor 1; disk /dev/a; " + hosts + " }",
		"mesh":             "resource r { device minor 1; disk /dev/a; " + hosts + "connection-mesh { hosts " + repeat("h% ") + "; } }",
		"mesh-of-two":      "resource r { device minor 1; disk /dev/a; " + three + "connection-mesh { hosts " + repeat("alpha b ") + "; } }",
		"names":            "resource r { device minor 1; disk /dev/a; on " + repeat("a% ") + " { address 10.0.0.1:1; } on " + repeat("b% ") + "{ } }",
		"volumes":          "resource r { " + repeat("volume % { device minor %; disk /dev/a%; } ") + three + "connection-mesh { hosts alpha b c; } }",
		"options":          "resource r { net { " + repeat("ping-int 5; ") + "} }",
		"one-name":         repeat("resource r { } "),
		"resync-after":     repeat("resource r% { disk { resync-after r1; } } "),
		"patterns":         repeat("include \"none%*\"; "),
		"errors":           repeat("resource r% { nonsense; }\n"),
		"quotes":           strings.Repeat("\"", 10*n),
		"braces-of-a-skip": "skip " + strings.Repeat("{", 10*n),
	} {
		for _, g := range []schema.Generation{schema.V84, schema.V9} {
			t.Run(name+"/"+g.String(), func(t *testing.T) {
				src := textSource(g, text)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				cfg, diags := Load(src)
				if !diags.Invalid() {
					cfg.Expand()
				}
				runtime.ReadMemStats(&after)
				require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(300*len(text)+1<<20))
			})
		}
	}
}

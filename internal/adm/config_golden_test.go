package adm

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

// A configCase is one configuration, and what the reference made of it as it was
// recorded from drbd-utils 9.34.0 with modules 9.2 and 8.4.
type configCase struct {
	Case, Note, Node string
	IPs              []string
	Show             string
	Files            map[string]string
	V9, V84          *configResult
}

type configResult struct {
	Exit  map[string]int
	Out   map[string]string
	Place string // file:line of the first message
}

// configCases reads the recorded cases.
func configCases(t *testing.T) []configCase {
	t.Helper()
	f, err := os.Open("../../testdata/conf/cases.jsonl.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var all []configCase
	for d := json.NewDecoder(z); d.More(); {
		var c configCase
		require.NoError(t, d.Decode(&c))
		all = append(all, c)
	}
	require.Greater(t, len(all), 280)
	return all
}

// improved are the outputs in which the reference is defective. The key is
// "generation case: command", the value what ours does instead.
var improved = map[string]string{}

func TestConfigurationsAsTheReference(t *testing.T) {
	for _, c := range configCases(t) {
		dir := c.unpack(t)
		for gen, result := range map[string]*configResult{"9.2.12": c.V9, "8.4.11": c.V84} {
			if result == nil {
				continue
			}
			for command, exit := range result.Exit {
				name := gen[:1] + " " + c.Case + ": " + command
				t.Run(name, func(t *testing.T) {
					if why := improved[name]; why != "" {
						t.Skip(why)
					}
					stdout, stderr, code := c.run(t, dir, gen, strings.Fields(command))
					require.Equal(t, exit, code, "exit code; %s\n%s", c.Note, stderr)
					require.Contains(t, result.outputs(command), strings.ReplaceAll(stdout, dir, "@DIR@"), c.Note)
				})
			}
		}
	}
}

// outputs returns what a command may print. Where that is usual the record leaves
// it out: the one resource, 32 minors, and an adjust that is an up or nothing.
func (r *configResult) outputs(command string) []string {
	out, ok := r.Out[command]
	switch {
	case ok || r.Exit[command] != 0:
		return []string{out}
	case command == "sh-mod-parms":
		return []string{"minor_count=32\n"}
	case command == "sh-resources":
		_, name, _ := strings.Cut(r.Out["dump"], ": not ignored, not stacked\n# defined at ")
		_, name, _ = strings.Cut(name, "\nresource ")
		name, _, _ = strings.Cut(name, " {\n")
		return []string{"", strings.Trim(name, `"`) + "\n"}
	case command == "-d adjust all":
		return []string{"", r.Out["-d up all"]}
	}
	return []string{""}
}

// unpack writes the case's files and returns where they are.
func (c configCase) unpack(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for name, text := range c.Files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if strings.HasSuffix(name, "/") {
			require.NoError(t, os.MkdirAll(path, 0o755))
			continue
		}
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

// run runs drbdadm on the case. The host has the case's addresses and no others.
func (c configCase) run(t *testing.T, dir, version string, args []string) (stdout, stderr string, exit int) {
	t.Helper()
	t.Chdir(dir)
	show := filepath.Join(t.TempDir(), "show")
	require.NoError(t, os.WriteFile(show, []byte(c.Show), 0o644))
	vars := map[string]string{
		"__DRBD_NODE__": c.Node, "DRBD_DRIVER_VERSION_OVERRIDE": version, "FAKE_DRBDSETUP_SHOW": show,
	}
	var out, errs bytes.Buffer
	tool, err := newTool(t.Context(), cli.Env{
		Name: "drbdadm", Args: append([]string{"-c", "input.conf"}, args...),
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return vars[name] },
	})
	require.NoError(t, err)
	tool.locals = map[netip.Addr]bool{netip.MustParseAddr("127.0.0.1"): true, netip.MustParseAddr("::1"): true}
	for _, ip := range c.IPs {
		tool.locals[netip.MustParseAddr(ip).Unmap()] = true
	}
	exit = tool.main(t.Context())
	tool.flush()
	return out.String(), errs.String(), exit
}

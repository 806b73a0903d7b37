// Package arch_test holds the rules of the source tree that the compiler does
// not know: which package may import which.
package arch_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// allowed names, for each package of ours, the packages of ours it may import.
// A package that is not listed fails the test: whoever adds one says here where
// it belongs.
var allowed = map[string][]string{
	"bench/compare":     {"meta"},
	"dist":              {},
	"dist/init":         {},
	"dist/man":          {"schema"},
	"schema":            {},
	"confparse":         {"schema"},
	"netlinkapi":        {"schema"},
	"netlinkapi/fake":   {"netlinkapi", "meta", "schema"},
	"meta":              {},
	"internal/arch":     {},
	"internal/cli":      {"schema"},
	"internal/render":   {"netlinkapi", "schema"},
	"internal/setup":    {"netlinkapi", "internal/render", "internal/cli", "schema"},
	"internal/metatool": {"meta", "netlinkapi", "internal/render", "internal/cli", "schema"},
	"internal/adm": {
		"confparse", "netlinkapi", "meta", "internal/setup", "internal/metatool",
		"internal/render", "internal/cli", "schema",
	},
	"internal/testkit": {"internal/cli"},
	"cmd":              {"internal/adm", "internal/setup", "internal/metatool", "internal/cli"},
	"cmd/drbdadm":      {"internal/adm", "internal/cli"},
	"cmd/drbdsetup":    {"internal/setup", "internal/cli"},
	"cmd/drbdmeta":     {"internal/metatool", "internal/cli"},
	"cmd/drbdfake":     {"netlinkapi/fake", "internal/cli"},
}

// owners names the only packages of ours that may import a module of others,
// tests included.
var owners = map[string][]string{
	"github.com/alecthomas/participle": {"confparse"},
	"github.com/mdlayher/":             {"netlinkapi", "netlinkapi/fake"},
	"github.com/spf13/pflag":           {"internal/cli"},
}

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "drbdutils/")
		rule, known := allowed[name]
		require.True(t, known, "%s has no row in the table of allowed imports", name)
		for _, imp := range p.Imports {
			if ours, ok := strings.CutPrefix(imp, "drbdutils/"); ok {
				require.Contains(t, rule, ours, "%s must not import %s", name, ours)
			}
		}
		for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			for module, owner := range owners {
				if strings.HasPrefix(imp, module) {
					require.Contains(t, owner, name, "%s must not import %s", name, imp)
				}
			}
		}
	}
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "drbdutils/...")
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			require.NotEmpty(t, all)
			return all
		} else {
			require.NoError(t, err)
		}
		all = append(all, p)
	}
}

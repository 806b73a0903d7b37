package adm

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"drbdutils/confparse"
	"drbdutils/internal/testkit"
	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// TestOneOfManyRandomConfigurations asks for each resource of random configurations, alone and
// beside so many others that no more is read than has to be. The answers must be the same.
func TestOneOfManyRandomConfigurations(t *testing.T) {
	for _, g := range []schema.Generation{schema.V9, schema.V84} {
		t.Run(g.String(), func(t *testing.T) {
			c, asked := comparison{gen: g, dir: filepath.Join(t.TempDir(), "case")}, 0
			for i := range randomCount() {
				seed := *compareSeed + uint64(i)
				lines := newInventor(g, seed).lines()
				c.write(t, lines)
				alone := map[string]string{}
				for _, name := range c.resources(t) {
					alone[name] = c.answer(t, name)
				}
				c.addOthers(t)
				for name, want := range alone {
					require.Equal(t, want, c.answer(t, name), "seed %d, resource %s", seed, name)
					asked++
				}
			}
			require.Greater(t, asked, randomCount()/4)
		})
	}
}

// resources returns the names of all resources, none if the configuration is refused.
func (c comparison) resources(t *testing.T) []string {
	t.Helper()
	out, _, code := runConfig(t, testkit.ConfigCase{Node: "alpha"}, c.dir, c.version(), []string{"dump", "--json"})
	if code != 0 {
		return nil
	}
	var doc confparse.ConfigDocument
	require.NoError(t, json.Unmarshal([]byte(out), &doc), out)
	var names []string
	for _, r := range doc.Resources {
		names = append(names, r.Name)
	}
	return names
}

// answer returns the output and exit code of a question about one resource.
func (c comparison) answer(t *testing.T, name string) string {
	t.Helper()
	out, _, code := runConfig(t, testkit.ConfigCase{Node: "alpha"}, c.dir, c.version(), []string{"sh-ll-dev", name})
	return fmt.Sprint(out, code)
}

// addOthers adds resources that have nothing to do with those that are there, a file each.
func (c comparison) addOthers(t *testing.T) {
	t.Helper()
	main := filepath.Join(c.dir, "input.conf")
	text, err := os.ReadFile(main)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(main, append([]byte("include \"others/*\";\n"), text...), 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(c.dir, "others"), 0o755))
	for i := range 120 {
		other := fmt.Sprintf("resource other%d {\n device /dev/drbd%d; disk /dev/other/%d; meta-disk internal;\n"+
			" on alpha { address 10.250.0.1:%d; }\n on other { address 10.250.0.2:%d; }\n}\n", i, 40000+i, i, 40000+i, 40000+i)
		require.NoError(t, os.WriteFile(filepath.Join(c.dir, "others", fmt.Sprint(i)), []byte(other), 0o644))
	}
}

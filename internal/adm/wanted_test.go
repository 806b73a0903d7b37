package adm

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

// Who names one resource of many is not stopped by what is wrong inside another.
func TestOneOfMany(t *testing.T) {
	var conf strings.Builder
	for i := range 150 {
		fmt.Fprintf(&conf, "resource r%d { device minor %d; disk /dev/d%[1]d; meta-disk internal; on alpha { address 10.1.0.1:%[3]d; } on bravo { address 10.1.0.2:%[3]d; } }\n", i, i, 7000+i)
	}
	conf.WriteString("resource bad { nonsense; }\n")
	file := filepath.Join(t.TempDir(), "drbd.conf")
	require.NoError(t, os.WriteFile(file, []byte(conf.String()), 0o600))
	vars := map[string]string{cli.FakeVariable: t.TempDir(), "__DRBD_NODE__": "alpha", "DRBD_DRIVER_VERSION_OVERRIDE": "8.4.11"}

	for name, want := range map[string]struct {
		exit  int
		calls []string
	}{
		"r5":  {0, []string{"drbdsetup-84 secondary 5"}},
		"all": {exitConfig, nil},
		"bad": {exitConfig, nil},
	} {
		tl, err := newTool(t.Context(), cli.Env{Name: "drbdadm", Args: []string{"-c", file, "secondary", name},
			Stdout: io.Discard, Stderr: io.Discard, Getenv: func(name string) string { return vars[name] }})
		require.NoError(t, err)
		var s stub
		tl.backends = map[program]backend{drbdsetup: s.run}
		require.Equal(t, want.exit, tl.main(t.Context()), name)
		require.Equal(t, want.calls, s.seen(), name)
	}
}

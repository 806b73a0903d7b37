package adm

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

// readsAs runs sh-nop and returns its exit code and messages.
func readsAs(t *testing.T, file string) (int, string) {
	t.Helper()
	vars := map[string]string{"__DRBD_NODE__": "alpha", "DRBD_DRIVER_VERSION_OVERRIDE": "9.2.0"}
	var errs bytes.Buffer
	code := Main(t.Context(), cli.Env{
		Name: "drbdadm", Args: []string{"-c", file, "sh-nop"}, Stdin: &bytes.Buffer{}, Stdout: &bytes.Buffer{}, Stderr: &errs,
		Getenv: func(name string) string { return vars[name] },
	})
	return code, errs.String()
}

func TestFilesOfTheHost(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	write("real.res", "resource r { on alpha { node-id 0; } }\n")
	require.NoError(t, os.Symlink("real.res", filepath.Join(dir, "link.res")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))

	t.Run("a-link-and-its-file-are-one", func(t *testing.T) {
		code, messages := readsAs(t, write("both.conf", "include \"*.res\";\ninclude link.res;\n"))
		require.Zero(t, code, messages)
	})
	for _, include := range []string{"pipe", "\"pip*\"", "/dev/zero"} {
		t.Run("no-wait-for-"+filepath.Base(include), func(t *testing.T) {
			code, messages := readsAs(t, write("pipe.conf", "include "+include+";\n"))
			require.Equal(t, exitConfig, code)
			require.Contains(t, messages, "is no regular file")
		})
	}
}

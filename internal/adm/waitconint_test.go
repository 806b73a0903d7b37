package adm

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

// A sitter is somebody at a terminal: it types at certain times.
type sitter struct {
	after time.Duration // after the prompt
	keys  string
}

// converse plays a dialogue while connections take their time, and returns what is
// on the terminal, how long it took, and whether somebody gave up.
func converse(t *testing.T, connections time.Duration, refresh int, who ...sitter) (screen string, took time.Duration, abort bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		keyboard, typing := io.Pipe()
		var out strings.Builder
		d := dialogue{keyboard, &out, refresh}
		done := make(chan struct{})
		stop := time.AfterFunc(connections, func() { close(done) })
		go func() {
			for _, s := range who {
				time.Sleep(s.after)
				io.WriteString(typing, s.keys)
			}
		}()
		begin := time.Now()
		abort = d.ask("banner\n", done)
		took, screen = time.Since(begin), out.String()
		if stop.Stop() {
			close(done)
		}
		typing.Close()
	})
	return screen, took, abort
}

// The sequence is what the installed reference sends to a terminal.
func TestCountdown(t *testing.T) {
	count := func(n string) string { return "\x1b[s\x1b[31G[" + n + "]:\x1b[u" }
	t.Run("goes on until all are connected", func(t *testing.T) {
		screen, took, abort := converse(t, 3500*time.Millisecond, 1)
		require.False(t, abort)
		require.Equal(t, 3500*time.Millisecond, took)
		require.Equal(t, "banner\n"+prompt+count("  10")+count("  11")+count("  12")+count("  13")+"\n", screen)
	})
	t.Run("as often as dialog-refresh says", func(t *testing.T) {
		screen, _, _ := converse(t, 5*time.Second+time.Millisecond, 2)
		require.Equal(t, "banner\n"+prompt+count("  10")+count("  12")+count("  14")+"\n", screen)
	})
	t.Run("never with dialog-refresh 0", func(t *testing.T) {
		screen, _, _ := converse(t, 5*time.Second, 0)
		require.Equal(t, "banner\n"+prompt+"\n", screen)
	})
	t.Run("yes ends it", func(t *testing.T) {
		screen, took, abort := converse(t, time.Hour, 2, sitter{3 * time.Second, "no\n"}, sitter{2 * time.Second, "yes\n"})
		require.True(t, abort)
		require.Equal(t, 5*time.Second, took)
		require.Equal(t, "banner\n"+prompt+count("  10")+count("  12")+prompt+count("  12")+count("  14")+"\n", screen)
	})
	t.Run("yes without an end of line", func(t *testing.T) {
		_, took, abort := converse(t, time.Hour, 1, sitter{time.Second, "y"}, sitter{time.Second, "e"}, sitter{time.Second, "s"})
		require.True(t, abort)
		require.Equal(t, 3*time.Second, took)
	})
	t.Run("yesterday is not yes", func(t *testing.T) {
		_, _, abort := converse(t, time.Minute, 0, sitter{time.Second, "yesterday\n"})
		require.False(t, abort)
	})
	t.Run("Ctrl-C three times in a row", func(t *testing.T) {
		_, took, abort := converse(t, time.Hour, 0, sitter{time.Second, "\x03\x03x\x04\x03"}, sitter{time.Second, "\x03"})
		require.True(t, abort)
		require.Equal(t, 2*time.Second, took)
	})
	t.Run("nobody there any more", func(t *testing.T) {
		_, took, abort := converse(t, time.Minute, 0, sitter{time.Second, ""})
		require.False(t, abort)
		require.Equal(t, time.Minute, took)
	})
}

func TestDots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		d := dialogue{nil, &out, 1}
		require.False(t, d.dots(make(chan struct{}), patienceAlone))
		require.Equal(t, "..........", out.String())

		out.Reset()
		done := make(chan struct{})
		time.AfterFunc(2500*time.Millisecond, func() { close(done) })
		require.True(t, d.dots(done, patienceAlone))
		require.Equal(t, "..\n", out.String())
	})
}

// TestWaitConIntWithoutTerminal holds that, without anybody to ask, it says how to
// end the waiting, and goes on.
func TestWaitConIntWithoutTerminal(t *testing.T) {
	for _, tt := range []struct {
		takes time.Duration
		hint  bool
	}{{3500 * time.Millisecond, false}, {20 * time.Second, true}} {
		synctest.Test(t, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "drbd.conf")
			require.NoError(t, os.WriteFile(file, []byte(twoHosts(oneDisk)), 0o600))
			var errs strings.Builder
			tl := interruptible(t, t.Context(), file, "wait-con-int")
			tl.env.Stderr = &errs
			tl.backends = map[program]backend{drbdsetup: func(_ context.Context, env cli.Env) int {
				require.Equal(t, []string{"wait-connect-resource", "r0"}, env.Args)
				time.Sleep(tt.takes)
				return setupTimeout
			}}
			require.Zero(t, tl.main(t.Context()), "boot goes on whatever comes of the waiting")
			require.Equal(t, tt.hint, strings.Contains(errs.String(), "to go on without them: kill -INT"), errs.String())
		})
	}
}

package metatool_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"drbdutils/internal/cli"
	"drbdutils/internal/metatool"
	"drbdutils/meta"

	"github.com/stretchr/testify/require"
)

// With -v ten times a dump ends with the activity log, as the original shows it.
func TestDumpShowsLog(t *testing.T) {
	if _, err := os.Stat(referencePath); err != nil && os.Getenv("CI") == "" {
		t.Skip("needs drbdmeta of drbd-utils")
	}
	w := newTwin(t, 64*miB)
	w.both("--force - v08 IMG internal create-md")
	w.change(meta.V08, meta.FlexInternal, func(img *meta.Image) {
		a := meta.NewActivity(1000)
		for i := range 6 {
			require.NoError(t, img.MarkAL(a, 150*i, uint32(i+5)))
		}
	})
	for _, path := range []string{w.image, w.theirs} {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.WriteAt(make([]byte, 512), 67072000+2*4096)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	ours, theirs := w.both("--force -vvvvvvvvvv - v08 IMG internal dump-md")
	_, want, _ := strings.Cut(theirs, "# al {")
	_, got, found := strings.Cut(ours, "# al {")
	require.True(t, found)
	require.Equal(t, want, got)
	require.Contains(t, w.stderr, "83 74 02 6b", "the superblock is shown")
}

// On a terminal a bar shows how far a large bitmap is; elsewhere there is none.
func TestProgressBar(t *testing.T) {
	b := newBench(t, 4<<40)
	b.ok("--force - v09 IMG internal create-md 7")
	require.NotContains(t, b.stderr, "%")
	b.ok("--force --quiet - v09 IMG internal wipe-md")
	master, slave := openTerminal(t)
	shown := make(chan string)
	go func() {
		text, _ := io.ReadAll(master)
		shown <- string(text)
	}()
	env := cli.Env{
		Name: "drbdmeta", Args: strings.Fields("--force - v09 " + b.image + " internal create-md 7"),
		Stdin: strings.NewReader(""), Stdout: &bytes.Buffer{}, Stderr: slave,
		Getenv: func(name string) string { return map[string]string{cli.FakeVariable: b.dir}[name] },
	}
	require.Zero(t, metatool.Main(t.Context(), env))
	require.NoError(t, slave.Close())
	text := <-shown
	require.Contains(t, text, "\rinitializing bitmap [####")
	require.Contains(t, text, "100%")
}

// Disks with sectors of 4 KiB take only accesses aligned to them.
func TestSectorsOf4KiB(t *testing.T) {
	b := newBench(t, 64*miB)
	out, err := exec.Command("losetup", "--sector-size", "4096", "--find", "--show", b.image).CombinedOutput()
	if err != nil {
		t.Skipf("needs a loop device: %s", out)
	}
	dev := strings.TrimSpace(string(out))
	defer func() { _ = exec.Command("losetup", "--detach", dev).Run() }()
	for _, format := range []string{"v08", "v09"} {
		for _, index := range []string{"internal", "flex-external"} {
			on := "--force 3 " + format + " " + dev + " " + index + " "
			create := map[string]string{"v08": "create-md -s 3 -z 44", "v09": "create-md 3 -s 3 -z 44"}[format]
			b.ok(on + create + " --effective-size 100000 -b set-all")
			dump := b.ok(on + "dump-md")
			require.NoError(t, os.WriteFile(b.dir+"/dump", []byte(dump), 0o600))
			b.ok(on + "wipe-md")
			b.ok(on + "restore-md DIR/dump")
			require.Equal(t, uncommented(dump), uncommented(b.ok(on+"dump-md")))
			b.ok(on + "apply-al")
			b.ok(on + "explain")
			b.ok(on + "dump-superblock")
			b.ok(on + "check-resize")
			b.ok(on + "wipe-md")
		}
	}
}

// LVM is asked how much of a physical volume is in use.
func TestPhysicalVolume(t *testing.T) {
	for _, tool := range []string{"pvcreate", "pvs"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs " + tool)
		}
	}
	b := newBench(t, 64*miB)
	b.loop(func(dev string) {
		out, err := exec.Command("pvcreate", "-q", dev).CombinedOutput()
		require.NoError(t, err, "%s", out)
		code, said := b.run("--force - v09 " + dev + " internal create-md 1")
		require.Equal(t, 40, code)
		require.Contains(t, said, "LVM2 physical volume")
		require.Contains(t, said, "kB are in use")
	})
	require.NoError(t, os.Truncate(b.image, 80*miB)) // LVM does not use what was added
	b.loop(func(dev string) {
		code, said := b.run("- v09 " + dev + " internal create-md 1")
		require.Equal(t, 1, code, said)
		require.Contains(t, b.stderr, "Do you want to proceed?")
	})
}

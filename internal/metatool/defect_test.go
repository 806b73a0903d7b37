package metatool_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"drbdutils/internal/cli"
	"drbdutils/internal/metatool"

	"github.com/stretchr/testify/require"
)

// bench is an image file and what runs drbdmeta on it.
type bench struct {
	*testing.T
	dir, image string
	stdin      any
	stderr     string // of the last run
}

func newBench(t *testing.T, size int64) *bench {
	b := &bench{T: t, dir: t.TempDir()}
	b.image = filepath.Join(b.dir, "image")
	require.NoError(t, os.WriteFile(b.image, nil, 0o600))
	require.NoError(t, os.Truncate(b.image, size))
	return b
}

// run runs drbdmeta with "IMG" replaced by the image, and returns its exit code
// and output.
func (b *bench) run(line string) (int, string) {
	var out, errs bytes.Buffer
	words := strings.Fields(line)
	for i := range words {
		words[i] = strings.NewReplacer("IMG", b.image, "DIR", b.dir).Replace(words[i])
	}
	env := cli.Env{
		Name: "drbdmeta", Args: words, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return map[string]string{cli.FakeVariable: b.dir}[name] },
	}
	if f, ok := b.stdin.(*os.File); ok {
		env.Stdin = f
	}
	code := metatool.Main(b.Context(), env)
	b.stderr = errs.String()
	return code, out.String()
}

// ok runs drbdmeta, which must succeed, and returns its output.
func (b *bench) ok(line string) string {
	b.Helper()
	code, out := b.run(line)
	require.Equal(b, 0, code, "%s\n%s%s", line, out, b.stderr)
	return out
}

func (b *bench) content() []byte {
	data, err := os.ReadFile(b.image)
	require.NoError(b, err)
	return data
}

func TestOverwriteQuestions(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force - v09 IMG internal create-md 1")
	before := b.content()
	for _, answer := range []string{"no\n", "y\n", "YES\n", "yes please\n"} {
		b.stdin = terminal(t, answer)
		b.loop(func(dev string) {
			code, out := b.run("- v09 " + dev + " internal create-md 2")
			require.Equal(t, 1, code, answer)
			require.Contains(t, out, "Operation canceled.")
		})
		require.Equal(t, before, b.content())
	}
	b.stdin = nil
	b.loop(func(dev string) {
		code, _ := b.run("- v09 " + dev + " internal create-md 2")
		require.Equal(t, 1, code, "nobody can answer")
		b.stdin = terminal(t, "yes\n")
		b.ok("- v09 " + dev + " internal create-md 2 --al-stripes 2")
		require.Contains(t, b.stderr, "Overwrite the meta data that is there")
	})
	require.NotEqual(t, before, b.content())
}

// loop puts a loop device on the image while f runs.
func (b *bench) loop(f func(dev string)) {
	p := &player{t: b.T, image: b.image, dev: b.image}
	b.Run("loop", func(t *testing.T) {
		p.t = t
		p.attachLoop()
		f(p.dev)
	})
}

func TestNoQuestionsWithForce(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force - v09 IMG internal create-md 1 --al-stripes 4")
	b.ok("--force - v09 IMG internal create-md 1") // other striping
	require.Contains(t, b.stderr, "confirmation forced")
	b.ok("--force --quiet - v09 IMG internal create-md 1")
	require.Equal(t, "questions answered with yes because of --force: 1\n", b.stderr)
}

func TestDryRunChangesNothing(t *testing.T) {
	for _, line := range []string{
		"v09 IMG internal create-md 3", "v09 IMG internal create-md 3 -b zeroout", "v08 IMG internal create-md",
		"v09 IMG internal wipe-md", "v09 IMG internal apply-al", "v09 IMG internal outdate", "v09 IMG internal invalidate",
		"v09 IMG internal write-dev-uuid 1", "v09 IMG internal set-gi --node-id 1 1:2", "v09 IMG internal restore-md DIR/dump",
		"v09 IMG internal forget-peer --node-id 1", "v09 IMG internal check-resize", "v09 IMG internal repair-md",
	} {
		t.Run(line, func(t *testing.T) {
			b := newBench(t, 64*miB)
			b.ok("--force 3 v09 IMG internal create-md 1 --uptodate --effective-size 100000 -b set-all")
			b.ok("--force 3 v09 IMG internal set-gi --node-id 1 1:2:3:4:1:1:1")
			require.NoError(t, os.WriteFile(b.dir+"/dump", []byte(b.ok("--force 3 v09 IMG internal dump-md")), 0o600))
			before, last := b.content(), b.lastKnown()
			_, _ = b.run("--force --dry-run 3 " + line)
			require.True(t, bytes.Equal(before, b.content()))
			require.Equal(t, last, b.lastKnown())
		})
	}
}

func (b *bench) lastKnown() string {
	text, err := os.ReadFile(b.dir + "/var/lib/drbd/drbd-minor-3.lkbd")
	require.NoError(b, err)
	return string(text)
}

func TestDumpOfV07IsRestored(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force - v07 IMG flex-internal create-md")
	b.ok("--force - v07 IMG flex-internal set-gi 1:2:3:4:5")
	dump := b.ok("- --force v07 IMG flex-internal dump-md")
	require.NoError(t, os.WriteFile(b.dir+"/dump", []byte(dump), 0o600))
	b.ok("--force - v07 IMG flex-internal wipe-md")
	b.ok("--force - v07 IMG flex-internal restore-md DIR/dump")
	require.Equal(t, "1:2:3:4:5:0:0:0\n", b.ok("--force - v07 IMG flex-internal get-gi"))
}

func TestV06(t *testing.T) {
	b := newBench(t, 0)
	require.NoError(t, os.MkdirAll(b.dir+"/var/lib/drbd", 0o700))
	code, _ := b.run("- v06 5 get-gi")
	require.Equal(t, 255, code)
	require.NoError(t, os.WriteFile(b.dir+"/var/lib/drbd/drbd5", nil, 0o600))
	b.ok("- v06 5 create-md")
	require.Equal(t, "0:1:1:1:1:0:0:0\n", b.ok("- v06 5 get-gi"))
	b.ok("--force - v06 5 set-gi 1:7::::1")
	require.Equal(t, "1:7:1:1:1:1:0:0\n", b.ok("- v06 5 get-gi"))
	require.Contains(t, b.ok("--force - v06 5 dump-md"), "gc {\n    3; 7; 1; 1; 1;\n}\n")
	require.Equal(t, "Consistent\n", b.ok("- v06 5 dstate"))
	b.ok("- v06 5 show-gi")
	for line, want := range map[string]int{
		"apply-al": 255, "explain": 10, "restore-md": 10, "outdate": 5, "dump-superblock": 10, "dump-superblock -o json": 4,
		"forget-peer": 255, "check-resize": 0, "repair-md": 0, "read-dev-uuid": 0, "invalidate": 0,
	} {
		code, _ := b.run("--force - v06 5 " + line)
		require.Equal(t, want, code, line)
	}
}

func TestSmallDevicesNeedForce(t *testing.T) {
	b := newBench(t, 512<<10)
	b.loop(func(dev string) {
		code, _ := b.run("- v09 " + dev + " internal create-md 1")
		require.Equal(t, 10, code)
		require.Contains(t, b.stderr, "the kernel attaches no device below")
	})
	b.ok("--force - v09 IMG internal create-md 1")
}

// The device grew by less than the metadata take: their old place and the new one
// overlap.
func TestMoveOverItself(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force 3 v09 IMG internal create-md 7 --effective-size 100000")
	b.ok("--force 3 v09 IMG internal write-dev-uuid 77")
	gi := b.ok("--force 3 v09 IMG internal get-gi --node-id 0")
	require.NoError(t, os.Truncate(b.image, 64*miB+8192))
	code, _ := b.run("--force 3 v09 IMG internal get-gi --node-id 0")
	require.Equal(t, 255, code)
	require.Contains(t, b.ok("--force 3 v09 IMG internal check-resize"), "Internal drbd meta data successfully moved.")
	require.Equal(t, gi, b.ok("--force 3 v09 IMG internal get-gi --node-id 0"))
	left, err := filepath.Glob(b.dir + "/var/lib/drbd/*")
	require.NoError(t, err)
	require.Len(t, left, 1, "the copy is gone")
}

// The superblock can stay, but the bitmap before it needs more room.
func TestMoveInPlace(t *testing.T) {
	b := newBench(t, 128*miB)
	b.ok("--force 3 v09 IMG internal create-md 31 --effective-size 100000 -b set-all")
	bitmaps := uncommented(b.ok("--force 3 v09 IMG internal dump-md"))
	require.NoError(t, os.Truncate(b.image, 128*miB+3584))
	b.ok("--force 3 v09 IMG internal check-resize")
	require.Equal(t, bitmaps, uncommented(b.ok("--force 3 v09 IMG internal dump-md")))
}

func uncommented(dump string) string {
	return regexp.MustCompile(`(?m)^ *#.*\n`).ReplaceAllString(dump, "")
}

// A move that was cut off goes on from the copy, even if the device holds what
// looks like metadata in the old place.
func TestMoveGoesOnFromTheCopy(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force 3 v09 IMG internal create-md 1 --effective-size 100000 -b set-all")
	b.ok("--force 3 v09 IMG internal write-dev-uuid 77")
	md, err := os.ReadFile(b.image)
	require.NoError(t, err)
	header := append([]byte("67108864\t"+b.image+"\nuuid:\t0000000000000077\n"), make([]byte, 4096)...)[:4096]
	require.NoError(t, os.WriteFile(b.dir+"/var/lib/drbd/drbd-minor-3.lkbd.moving", append(header, md[67067904:]...), 0o600))
	f, err := os.OpenFile(b.image, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(make([]byte, 4096), 67067904) // the bitmap is overwritten already
	require.NoError(t, err)
	require.NoError(t, f.Truncate(64*miB+8192))
	require.NoError(t, f.Close())
	b.ok("--force 3 v09 IMG internal check-resize")
	require.Contains(t, b.ok("--force 3 v09 IMG internal dump-md"), "512 times 0xFFFFFFFFFFFFFFFF")
}

// The copy that a move leaves when it is cut off belongs to one device: another one
// that has the minor now must not get it.
func TestCopyIsNotForAnotherDevice(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force 3 v09 IMG internal create-md 1 --effective-size 100000")
	copied := b.dir + "/var/lib/drbd/drbd-minor-3.lkbd.moving"
	header := append([]byte("67108864\t/dev/other\n"), make([]byte, 4096)...)[:4096]
	content := append(header, b.content()[67067904:]...)
	require.NoError(t, os.WriteFile(b.image, bytes.Repeat([]byte("data"), 16*miB+2048), 0o600))
	before := b.content()
	for _, command := range []string{"check-resize", "repair-md"} {
		require.NoError(t, os.WriteFile(copied, content, 0o600))
		code, _ := b.run("3 v09 IMG internal " + command)
		require.Equal(t, 255, code, "%s: %s", command, b.stderr)
		require.True(t, bytes.Equal(before, b.content()), command)
		require.FileExists(t, copied)
	}
	b.run("3 v09 IMG internal check-resize")
	require.Contains(t, b.stderr, "/dev/other")
	b.ok("--force 3 v09 IMG internal create-md 1")
	require.FileExists(t, copied, "the other device still needs it")
}

// What was wiped does not come back from the copy of a move.
func TestWipedIsGone(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force 3 v09 IMG internal create-md 1 --effective-size 100000")
	copied := b.dir + "/var/lib/drbd/drbd-minor-3.lkbd.moving"
	header := append([]byte("67108864\t"+b.image+"\n"), make([]byte, 4096)...)[:4096]
	require.NoError(t, os.WriteFile(copied, append(header, b.content()[67067904:]...), 0o600))
	b.ok("--force 3 v09 IMG internal wipe-md")
	code, _ := b.run("3 v09 IMG internal repair-md")
	require.Equal(t, 255, code)
	require.NoFileExists(t, copied)
}

// A move that was cut off after the metadata were in place leaves the old ones.
func TestMoveIsCleanedUp(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force 3 v08 IMG internal create-md --effective-size 100000")
	b.ok("--force 3 v08 IMG internal write-dev-uuid 77")
	last, old := b.lastKnown(), b.content()[67067904:]
	require.NoError(t, os.Truncate(b.image, 128*miB))
	b.ok("--force 3 v08 IMG internal check-resize")
	f, err := os.OpenFile(b.image, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(old, 67067904)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.WriteFile(b.dir+"/var/lib/drbd/drbd-minor-3.lkbd", []byte(last), 0o600))
	b.ok("--force 3 v08 IMG internal check-resize")
	require.Empty(t, bytes.Trim(b.content()[67067904:67067904+int64(len(old))], "\x00"))
}

// A device that grew by a little may need more room for its metadata than it
// gained: then the end of the data would be overwritten.
func TestMoveNeverCutsOffData(t *testing.T) {
	b := newBench(t, 128*miB)
	b.ok("--force 3 v09 IMG internal create-md 31")
	usable := regexp.MustCompile(`data +0 +(\d+) `).FindStringSubmatch(b.ok("3 v09 IMG internal explain"))
	require.NotNil(t, usable)
	last, err := strconv.Atoi(usable[1])
	require.NoError(t, err)
	b.ok("--force 3 v09 IMG internal wipe-md")
	b.ok(fmt.Sprintf("--force 3 v09 IMG internal create-md 31 --effective-size %d", (last+1)/512))
	before := b.content()
	require.NoError(t, os.Truncate(b.image, 128*miB+3584))
	code, _ := b.run("--force 3 v09 IMG internal check-resize")
	require.Equal(t, 255, code)
	require.Contains(t, b.stderr, "grew by too little")
	require.True(t, bytes.Equal(before, b.content()[:len(before)]))
}

func TestStripesOfOldFormatsAreIgnored(t *testing.T) {
	for _, index := range []string{"internal", "flex-internal", "flex-external"} {
		plain, striped := newBench(t, 130*miB), newBench(t, 130*miB)
		plain.ok("--force 7 v07 IMG " + index + " create-md")
		striped.ok("--force 7 v07 IMG " + index + " create-md --al-stripes 3 --al-stripe-size-kB 64")
		require.True(t, bytes.Equal(plain.content(), striped.content()), index)
		require.Contains(t, striped.ok("--force 7 v07 IMG "+index+" dump-md"), `version "v07";`)
	}
}

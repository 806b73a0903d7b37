package metatool_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"drbdutils/internal/cli"
	"drbdutils/internal/metatool"

	"github.com/stretchr/testify/require"
)

// step is one step of a recorded session with drbdmeta 9.34.
type step struct {
	Cmd    string
	RC     int
	Stdout string
	Typed  string
	Stdin  *string

	File, Content string
	Action        string

	LastKnown    map[string]string `json:"lkbd_files"`
	SuperblockAt *int64            `json:"superblock_at"`
	BytesAt      *int64            `json:"bytes_at"`
	Length       int64
	Nonzero      [][2]any
	MDStart      int64    `json:"md_start"`
	MDEnd        int64    `json:"md_end"`
	MDSum        string   `json:"md_sha256"`
	BMOffset     int64    `json:"bitmap_offset"`
	BMHex        [][2]any `json:"bitmap_nonzero_hex"`
	SetupArgs    string   `json:"drbdsetup_args"`
}

type sequence struct {
	ID    string
	Size  int64 `json:"device_size"`
	Note  string
	Steps []step
}

// A difference says where we differ from the record on purpose.
type difference struct {
	why     string
	rc      map[string]int // by the end of a command line and what was typed: the exit code that we give
	content bool           // what is on disk and in dumps differs; another test says how
}

// better lists the sequences in which the reference does something wrong.
var better = map[string]difference{
	"v08-gi-commands": {why: "--node-id 3 is ignored, as it says, and not used as an index", content: true},
	"device-name-forms": {why: "a mistyped device is refused, not used without a lock", content: true, rc: map[string]int{
		"/dev/drbd12x v08 DEVICE internal check-resize": 20,
		"foo v08 DEVICE internal check-resize":          20,
		"foo v08 DEVICE internal create-md":             20,
	}},
	"prompts-v09-loop": {why: "there is no question about changing the striping only, which cannot be done", rc: map[string]int{
		"create-md 2 --al-stripes 2 yes ":                                         0,
		"create-md 2 --al-stripes 2 no yes ":                                      1,
		"--force --quiet --var-lib-drbd LIBDIR - v09 DEVICE internal create-md 1": 0,
	}},
	"attached-check-Bogus-rc0": {why: "a state that is not known is no reason not to read", rc: map[string]int{
		"v08 DEVICE internal dstate":                  0,
		"v08 DEVICE internal dump-superblock -o json": 0,
		"repair-md --tentative":                       255,
	}},
	"errors":                    {why: "no assertion fails", rc: map[string]int{"DEVICE 0 create-md 1 -B 64k": 10}},
	"convert-v07-to-v08-to-v09": {why: "v07 metadata can be consistent, and its dump can be restored", content: true},
	"convert-v08-to-v09-force":  {why: "v07 metadata of a secondary is clean", content: true},
	"restore-v07-pattern":       {why: "v07 metadata of a secondary is clean", content: true},
	"restore-parse-errors": {why: "the standard input need not be seekable", rc: map[string]int{
		"internal verify-dump": 0,
		"internal restore-md":  0,
	}},
	"restore-v09-p3-pattern":              {why: "slots of different length are all restored", content: true},
	"restore-v09-p2-odd-runs":             {why: "slots of different length are all restored", content: true},
	"restore-v09-striped-4x64k":           {why: "slots of different length are all restored", content: true},
	"restore-v09-override-striping":       {why: "slots of different length are all restored", content: true},
	"restore-v09-B64k-striped":            {why: "slots of different length are all restored", content: true},
	"restore-v09-flexext":                 {why: "slots of different length are all restored", content: true},
	"restore-v09-index1":                  {why: "slots of different length are all restored", content: true},
	"restore-v09-B64k":                    {why: "offsets are those of the dump's block size", content: true, rc: map[string]int{"restore-md WORKDIR/in.txt": 0}},
	"restore-v09-B64k-onto-existing-B64k": {why: "offsets are those of the dump's block size", content: true, rc: map[string]int{"restore-md WORKDIR/in.txt": 0}},
	"restore-v08-multi-window-1TiB":       {why: "all of a large bitmap is read and restored", content: true, rc: map[string]int{"verify-dump WORKDIR/in.txt": 0}},
	"restore-v09-p3-multi-window-1TiB":    {why: "all of a large bitmap is read and restored", content: true, rc: map[string]int{"verify-dump WORKDIR/in.txt": 0}},
}

type player struct {
	t     *testing.T
	seq   sequence
	dir   string
	image string // the file
	dev   string // the file, or the loop device on it
	vars  map[string]string
}

func TestSequences(t *testing.T) {
	f, err := os.Open("../../testdata/meta/sequences.json.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var list []sequence
	require.NoError(t, json.NewDecoder(z).Decode(&list))
	require.Len(t, list, 102)
	for _, s := range list {
		if s.ID == "restore-stdin-from-file" { // its file is that of another sequence
			i := slices.IndexFunc(list, func(s sequence) bool { return s.ID == "restore-v08-pattern" })
			s.Steps = append([]step{{File: "WORKDIR/in.txt", Content: list[i].Steps[0].Content}}, s.Steps...)
		}
		t.Run(s.ID, func(t *testing.T) { play(t, s) })
	}
}

func play(t *testing.T, s sequence) {
	p := &player{t: t, seq: s, dir: t.TempDir(), vars: map[string]string{}}
	if s.ID != "errors" { // locks belong below the directory; but there, files are devices
		p.vars[cli.FakeVariable] = p.dir
	}
	p.image = filepath.Join(p.dir, "image")
	require.NoError(t, os.WriteFile(p.image, nil, 0o600))
	require.NoError(t, os.Truncate(p.image, s.Size))
	p.dev = p.image
	for _, st := range s.Steps {
		if st.SetupArgs != "" {
			p.listMinor()
		}
		if st.Typed != "" || strings.HasSuffix(s.ID, "loop") || s.ID == "exclusive-open" {
			p.attachLoop()
		}
	}
	for i, st := range s.Steps {
		if i == 1 && s.ID == "exclusive-open" {
			p.occupy()
		}
		if i == 1 && s.ID == "lock-held" {
			p.holdLock()
		}
		p.step(st)
	}
}

// occupy opens the device like a mounted file system does.
func (p *player) occupy() {
	f, err := os.OpenFile(p.dev, os.O_RDWR|syscall.O_EXCL, 0)
	require.NoError(p.t, err)
	p.t.Cleanup(func() { f.Close() })
}

// holdLock has another process hold the lock of minor 0.
func (p *player) holdLock() {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), lockerVariable+"="+p.dir)
	in, err := cmd.StdinPipe()
	require.NoError(p.t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, cmd.Start())
	p.t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	_, err = out.Read(make([]byte, 1))
	require.NoError(p.t, err)
}

// lockerVariable makes the test binary the process that holds a lock.
const lockerVariable = "METATOOL_TEST_LOCKER"

func TestMain(m *testing.M) {
	dir := os.Getenv(lockerVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	env := cli.Env{Getenv: func(name string) string {
		return map[string]string{cli.FakeVariable: dir}[name]
	}}
	if _, err := env.LockMinor(0); err == nil {
		os.Stdout.WriteString("locked")
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// attachLoop puts a loop device on the image, where that is possible.
func (p *player) attachLoop() {
	if p.dev != p.image {
		return
	}
	out, err := exec.Command("losetup", "--find", "--show", p.image).CombinedOutput()
	if err != nil {
		p.t.Skipf("needs a loop device: %s", out)
	}
	p.dev = strings.TrimSpace(string(out))
	p.t.Cleanup(func() { _ = exec.Command("losetup", "--detach", p.dev).Run() })
}

// listMinor has DRBD 8.4 list minor 0 in the state that the sequence is about. When
// it was recorded, a drbdsetup that printed this stood in for a module.
func (p *player) listMinor() {
	m := regexp.MustCompile(`printing '(.*)', exit (\d+)`).FindStringSubmatch(p.seq.Note)
	require.NotNil(p.t, m, p.seq.Note)
	text := "version: 8.4.11 (api:1/proto:86-101)\n"
	switch {
	case m[2] != "0": // no such minor
	case m[1] == "Unconfigured":
		text += " 0: cs:Unconfigured\n"
	default:
		disk, peer, _ := strings.Cut(m[1], "/")
		text += fmt.Sprintf(" 0: cs:StandAlone ro:Secondary/Unknown ds:%s/%s   r-----\n", disk, cmp.Or(peer, "DUnknown"))
	}
	require.NoError(p.t, os.MkdirAll(p.dir+"/proc", 0o700))
	require.NoError(p.t, os.WriteFile(p.dir+"/proc/drbd", []byte(text), 0o600))
}

func (p *player) step(st step) {
	switch {
	case st.Cmd != "":
		p.command(st)
	case st.File != "":
		require.NoError(p.t, os.WriteFile(p.expand(st.File), []byte(st.Content), 0o600))
	case st.Action != "":
		p.action(st.Action)
	case better[p.seq.ID].content:
	case st.LastKnown != nil:
		for name, want := range st.LastKnown {
			got, err := os.ReadFile(filepath.Join(p.dir, "lib", name))
			require.NoError(p.t, err)
			require.Equal(p.t, want, p.hide(string(got)))
		}
		if len(st.LastKnown) == 0 {
			left, _ := filepath.Glob(p.dir + "/lib/*")
			require.Empty(p.t, left)
		}
	case st.SuperblockAt != nil && st.Nonzero != nil:
		p.bytes(*st.SuperblockAt, 4096, st.Nonzero)
	case st.BytesAt != nil && p.seq.ID != "dry-run-loop":
		p.bytes(*st.BytesAt, st.Length, st.Nonzero)
	}
	for _, x := range st.BMHex {
		b, err := hex.DecodeString(x[1].(string))
		require.NoError(p.t, err)
		p.write(st.BMOffset+int64(x[0].(float64)), b)
	}
	if st.MDSum != "" && !better[p.seq.ID].content {
		p.region(st)
	}
}

// region compares the whole metadata area. The record was made with a release
// that leaves the activity log as it was, which was zero.
func (p *player) region(st step) {
	got := p.read(st.MDStart, st.MDEnd-st.MDStart)
	untouched := bytes.Clone(got)
	untouched = bytes.ReplaceAll(untouched, initialised(), make([]byte, 4096))
	require.Contains(p.t, []string{sum(got), sum(untouched)}, st.MDSum)
}

// initialised is a block of an empty activity log.
func initialised() []byte {
	b := make([]byte, 4096)
	copy(b, "\x69\xcb\x65\xa2\x00\x00\x00\x00\x70\x9c\xc6\x51\xff\xff")
	return b
}

func (p *player) bytes(off, n int64, nonzero [][2]any) {
	want := make([]byte, n)
	for _, x := range nonzero {
		b, err := hex.DecodeString(x[1].(string))
		require.NoError(p.t, err)
		copy(want[int(x[0].(float64)):], b)
	}
	require.Equal(p.t, hex.Dump(want), hex.Dump(p.read(off, n)))
}

func (p *player) read(off, n int64) []byte {
	f, err := os.Open(p.dev)
	require.NoError(p.t, err)
	defer f.Close()
	b := make([]byte, n)
	_, err = f.ReadAt(b, off)
	require.NoError(p.t, err)
	return b
}

func (p *player) write(off int64, b []byte) {
	f, err := os.OpenFile(p.dev, os.O_WRONLY, 0)
	require.NoError(p.t, err)
	_, err = f.WriteAt(b, off)
	require.NoError(p.t, err)
	require.NoError(p.t, f.Sync())
	require.NoError(p.t, f.Close())
}

func (p *player) grow(size int64) {
	require.NoError(p.t, os.Truncate(p.image, size))
	if p.dev != p.image {
		require.NoError(p.t, exec.Command("losetup", "--set-capacity", p.dev).Run())
	}
}

func (p *player) expand(s string) string {
	return strings.NewReplacer("DEVICE", p.dev, "LIBDIR", p.dir+"/lib", "WORKDIR", p.dir, "DRBD_LIB_DIR", p.dir+"/lib").Replace(s)
}

func (p *player) hide(s string) string {
	return strings.NewReplacer(p.dev, "DEVICE", p.dir+"/lib", "LIBDIR", p.dir, "WORKDIR").Replace(s)
}

// command runs drbdmeta and compares what scripts depend on.
func (p *player) command(st step) {
	line, in, redirected := strings.Cut(st.Cmd, " < ")
	words := strings.Fields(line)
	require.Equal(p.t, "drbdmeta", words[0])
	var out, errs bytes.Buffer
	env := cli.Env{Name: "drbdmeta", Stdout: &out, Stderr: &errs, Getenv: func(name string) string { return p.vars[name] }}
	for _, w := range words[1:] {
		env.Args = append(env.Args, p.expand(w))
	}
	null, err := os.Open(os.DevNull)
	require.NoError(p.t, err)
	defer null.Close()
	env.Stdin = null
	switch {
	case st.Typed != "":
		env.Stdin = terminal(p.t, st.Typed)
	case st.Stdin != nil:
		env.Stdin = strings.NewReader(*st.Stdin)
	case redirected:
		f, err := os.Open(filepath.Join(p.dir, in))
		require.NoError(p.t, err)
		defer f.Close()
		env.Stdin = f
	}
	rc := metatool.Main(p.t.Context(), env)
	want := st.RC
	for end, rc := range better[p.seq.ID].rc {
		if strings.HasSuffix(st.Cmd+" "+strings.ReplaceAll(st.Typed, "\n", " "), end) || strings.HasSuffix(st.Cmd, end) {
			want = rc
		}
	}
	require.Equal(p.t, want, rc, "%s\nstdout: %s\nstderr: %s", st.Cmd, out.String(), errs.String())
	if want == 0 && want == st.RC && st.Stdout != "" && !strings.HasPrefix(st.Stdout, "(omitted") && !better[p.seq.ID].content {
		require.Equal(p.t, parsed(p.t, st.Cmd, st.Stdout), parsed(p.t, st.Cmd, p.hide(out.String())), st.Cmd)
	}
}

// generated matches what differs from run to run, and comments of a dump.
var generated = regexp.MustCompile(`(?m)^#.*\n|"dump_(time_utc|host)": ".*"|^ *#.*\n`)

// parsed returns the part of the output that other programs read.
func parsed(t *testing.T, cmd, out string) string {
	for _, c := range []string{"dump-md", "get-gi", "set-gi", "dstate", "read-dev-uuid", "dump-superblock", "hexdump-superblock"} {
		if strings.Contains(cmd, c) {
			out = generated.ReplaceAllString(out, "")
			return regexp.MustCompile(`(?m)^(\[cancelled\]|Operation canceled\.)\n`).ReplaceAllString(out, "")
		}
	}
	return ""
}

func sum(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

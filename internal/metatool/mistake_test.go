package metatool_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Mistakes that people make. Each is refused before anything is written, with a
// message that names what it is about and a way out.
func TestMistakes(t *testing.T) {
	tests := []struct {
		line string
		code int
		says []string
	}{
		{"0 v09 /dev/nonexistent internal create-md 1", 20, []string{"/dev/nonexistent", "no such file", "Is the name right"}},
		{"0 v09 /tmp internal create-md 1", 20, []string{"'/tmp' is not a block device"}},
		{"0 v09 /dev/null internal create-md 1", 20, []string{"'/dev/null' is not a block device"}},
		{"0 v09 DIR/tiny internal create-md 1", 10, []string{"DIR/tiny", "40960 bytes", "at least 69632"}},
		{"0 v09 IMG 3 create-md 1", 10, []string{"IMG", "too small", "index 3"}},
		{"0 v10 IMG internal create-md 1", 20, []string{`"v10"`, "v06, v07, v08, v09"}},
		{"0 v09 IMG interal create-md 1", 20, []string{`"interal"`, "internal, flex-internal, flex-external"}},
		{"0 v09 IMG 256 create-md 1", 20, []string{`"256"`, "0 to 255"}},
		{"0 v09 IMG", 20, []string{"index is missing", "internal"}},
		{"0 v09 IMG internal", 20, []string{"command is missing", "without arguments"}},
		{"0 v09 IMG internal crate-md 1", 20, []string{"'crate-md'", "without arguments"}},
		{"0 v09 IMG internal create-md", 20, []string{"MAX_PEERS argument missing"}},
		{"0 v09 IMG internal create-md abc", 20, []string{"MAX_PEERS 'abc'"}},
		{"0 v09 IMG internal create-md 32", 20, []string{"1 .. 31"}},
		{"0 v09 IMG internal create-md 1 -z 1", 10, []string{"al-stripe-size-kB", "'1'"}},
		{"0 v09 IMG internal create-md 1 -s 100000", 10, []string{"100000 stripes", "32768 kB"}},
		{"0 v09 IMG internal create-md 1 -Z 10X", 20, []string{"effective-size", "10X"}},
		{"0 v09 IMG internal create-md 1 -B 3000", 10, []string{"bitmap-block-size 3000", "4k and 1M"}},
		{"0 v08 IMG internal create-md -B 64k", 10, []string{"--bitmap-block-size", "v09"}},
		{"0 v09 IMG 0 create-md 1 -B 64k", 10, []string{"indexed"}},
		{"0 v09 IMG internal create-md 1 -b nothing", 10, []string{"initialize-bitmap", "'nothing'", "skip"}},
		{"0 v09 IMG internal create-md 1 -D 1,99", 10, []string{"diskful-peers", "'99'"}},
		{"0 v09 IMG internal create-md 1 --bogus", 20, []string{"--bogus"}},
		{"0 v09 IMG internal get-gi", 10, []string{"--node-id"}},
		{"0 v09 IMG internal get-gi --node-id 40", 10, []string{"node-id '40'", "0 .. 31"}},
		{"0 v09 IMG internal dump-md", 255, []string{"IMG", "No valid meta data found", "create-md", "check-resize"}},
		{"0 v09 IMG internal apply-al", 255, []string{"IMG", "No valid meta data found"}},
		{"0 v09 IMG internal restore-md /nonexistent", 20, []string{"/nonexistent"}},
		{"0 v09 IMG internal restore-md DIR/cut", 10, []string{"DIR/cut", "line 5", "the end"}},
		{"0 v09 IMG internal restore-md DIR/v08", 10, []string{"DIR/v08", "v08, not v09"}},
		{"0 v09 IMG internal restore-md DIR/tiny", 10, []string{"DIR/tiny", "line 1"}},
		{"0 v09 IMG internal set-gi --node-id 1", 10, []string{"generation identifiers are missing"}},
		{"0 v09 IMG internal write-dev-uuid", 10, []string{"uuid is missing"}},
		{"/dev/drdb0 v09 IMG internal create-md 1", 20, []string{"'/dev/drdb0'", "minor number"}},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			b := newBench(t, 64*miB)
			require.NoError(t, os.WriteFile(b.dir+"/tiny", make([]byte, 40960), 0o600))
			require.NoError(t, os.WriteFile(b.dir+"/cut", []byte("version \"v09\";\n\nmax-peers 1;\nnode-id -1;\n"), 0o600))
			require.NoError(t, os.WriteFile(b.dir+"/v08", []byte("version \"v08\";\n"), 0o600))
			before := b.content()
			code, out := b.run("--force " + tt.line)
			require.Equal(t, tt.code, code, out+b.stderr)
			for _, part := range tt.says {
				require.Contains(t, b.stderr, strings.NewReplacer("IMG", b.image, "DIR", b.dir).Replace(part))
			}
			require.Equal(t, before, b.content())
		})
	}
}

func TestReadOnlyDevice(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force - v09 IMG internal create-md 1")
	out, err := exec.Command("losetup", "--read-only", "--find", "--show", b.image).CombinedOutput()
	if err != nil {
		t.Skipf("needs a loop device: %s", out)
	}
	dev := strings.TrimSpace(string(out))
	defer func() { _ = exec.Command("losetup", "--detach", dev).Run() }()
	code, said := b.run("--force 3 v09 " + dev + " internal create-md 1")
	require.Equal(t, 20, code, said)
	require.Contains(t, b.stderr, dev+" is read-only")
	require.Contains(t, b.stderr, "blockdev --setrw")
	b.ok("3 v09 " + dev + " internal read-dev-uuid")
}

// Who gives no answer does not say yes.
func TestEndOfInputIsNo(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force - v09 IMG internal create-md 1")
	before := b.content()
	b.loop(func(dev string) {
		b.stdin = terminal(t, "\x04") // Ctrl-D
		code, _ := b.run("- v09 " + dev + " internal wipe-md")
		require.Equal(t, 1, code)
	})
	require.Equal(t, before, b.content())
}

// Superblocks full of garbage are no metadata, and nothing worse.
func TestGarbageIsRefused(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force - v09 IMG internal create-md 1")
	f, err := os.OpenFile(b.image, os.O_RDWR, 0)
	require.NoError(t, err)
	garbage := []byte(strings.Repeat("\xFF", 0x3C) + "\x83\x74\x02\x6D" + strings.Repeat("\xFF", 4096-0x40))
	_, err = f.WriteAt(garbage, 64*miB-4096)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	for _, command := range []string{"dump-md", "apply-al", "dstate", "check-resize", "repair-md", "explain"} {
		code, out := b.run("--force - v09 IMG internal " + command)
		require.Equal(t, 255, code, command+out)
	}
	code, _ := b.run("--force - v09 IMG internal dump-superblock -o json")
	require.Equal(t, 3, code)
}

func TestDeviceUUIDIsReadLikeTheReferenceDoes(t *testing.T) {
	b := newBench(t, 64*miB)
	b.ok("--force 3 v09 IMG internal create-md 1")
	for word, want := range map[string]string{
		"77": "0000000000000077", "0x77": "0000000000000077", "+5": "0000000000000005", "12zz": "0000000000000012", "zz": "0000000000000000",
		"0x": "0000000000000000", "fedcba9876543210": "FEDCBA9876543210", "11112222333344445": "FFFFFFFFFFFFFFFF",
	} {
		b.ok("--force 3 v09 IMG internal write-dev-uuid " + word)
		require.Equal(t, want+"\n", b.ok("--force 3 v09 IMG internal read-dev-uuid"), word)
	}
}

package metatool_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"
)

const miB = 1 << 20

// action does what a recorded session did between two commands.
func (p *player) action(name string) {
	switch name {
	case "patch superblock: current-uuid 0x1111111111111110, node-id 0, peers as in dump":
		p.patchPeers()
	case "write byte 0x44 at old bitmap start 67063808; grow file to 68157440":
		p.write(67063808, []byte{0x44})
		p.grow(68157440)
	case "fill new area with 0xEE? no: sparse; grow to 314572800+3584":
		p.grow(314572800 + 3584)
	case "grow to 80 MiB":
		p.grow(80 * miB)
	case "grow to 96 MiB":
		p.grow(96 * miB)
	case "truncate to 32 MiB":
		p.grow(32 * miB)
	case "edit lkbd uuid, grow":
		p.lastKnown("67108864\t/dev/foo\nuuid:\tFFFF000011112222\n")
		p.grow(80 * miB)
	case "remove lkbd, grow":
		require.NoError(p.t, os.Remove(p.dir+"/lib/drbd-minor-7.lkbd"))
		p.grow(80 * miB)
	case "lkbd file present":
		p.lastKnown("1234567\t/dev/foo\n")
	case "set byte 4000 of the superblock to 0x5a":
		p.write(p.seq.Size-4096+4000, []byte{0x5a})
	case "bitmap area filled with 0xEE":
		p.write(67067904, []byte(strings.Repeat("\xEE", 4096)))
	default:
		p.signature(name)
	}
}

func (p *player) lastKnown(text string) {
	require.NoError(p.t, os.MkdirAll(p.dir+"/lib", 0o700))
	require.NoError(p.t, os.WriteFile(filepath.Join(p.dir, "lib", "drbd-minor-7.lkbd"), []byte(text), 0o600))
}

// patchPeers puts the superblock into the state that the dump after it shows.
func (p *player) patchPeers() {
	off := p.seq.Size - 4096
	sb := p.read(off, 4096)
	be := binary.BigEndian
	be.PutUint64(sb[8:], 0x1111111111111110)
	be.PutUint32(sb[0x5C:], 0)
	var dump string
	for _, st := range p.seq.Steps {
		if strings.HasSuffix(st.Cmd, "dump-md") {
			dump = st.Stdout
			break
		}
	}
	for id := range 32 {
		entry := sb[0x70+32*id:]
		for i, field := range []string{"bitmap-uuid", "bitmap-dagtag"} {
			be.PutUint64(entry[8*i:], dumped(p, dump, id, field))
		}
		be.PutUint32(entry[16:], uint32(dumped(p, dump, id, "flags")))
		be.PutUint32(entry[20:], uint32(dumped(p, dump, id, "bitmap-index")))
	}
	_, history, _ := strings.Cut(dump, "history-uuids {")
	for i, word := range strings.Fields(history)[:32] {
		b, err := hex.DecodeString(strings.TrimSuffix(strings.TrimPrefix(word, "0x"), ";"))
		require.NoError(p.t, err)
		copy(sb[0x470+8*i:], b)
	}
	p.write(off, sb)
}

// signature writes what makes a device look used.
func (p *player) signature(kind string) {
	size := p.seq.Size
	for _, part := range strings.Split(p.seq.ID, "-") {
		var n int64
		if rest, ok := strings.CutSuffix(part, "MiB"); ok {
			for _, c := range rest {
				n = n*10 + int64(c-'0')
			}
			size = n * miB
		}
	}
	le32 := func(off int64, v uint32) { p.write(off, binary.LittleEndian.AppendUint32(nil, v)) }
	switch kind {
	case "ext2", "ext4":
		le32(0x404, uint32(size/1024))
		le32(0x418, 0)
		p.write(0x438, []byte{0x53, 0xEF})
		if kind == "ext4" {
			p.write(0x45C, []byte{4})
		}
	case "xfs":
		p.write(0, []byte("XFSB\x00\x00\x10\x00"))
		p.write(8, binary.BigEndian.AppendUint64(nil, uint64(size/4096)))
	case "jfs":
		p.write(0x8000, []byte("JFS1"))
		p.write(0x8008, binary.LittleEndian.AppendUint64(nil, uint64(size/512)))
		le32(0x8018, 512)
	case "reiserfs", "reiserfs2":
		p.write(0x10034, []byte(map[string]string{"reiserfs": "ReIsErFs", "reiserfs2": "ReIsEr2Fs"}[kind]))
		le32(0x10000, uint32(size/4096))
		p.write(0x1002C, []byte{0, 0x10})
	case "swap":
		p.write(4086, []byte("SWAPSPACE2"))
	case "swap-old8k":
		p.write(8182, []byte("SWAP-SPACE"))
	case "lvm":
		p.write(0x218, []byte("LVM2 001"))
	case "random":
		p.write(5000, []byte("neither empty nor known"))
	case "beyond68k":
		p.write(69632, []byte("not looked at"))
	default:
		require.Fail(p.t, "action not known to the test", kind)
	}
}

// dumped returns a field of a peer from the text of a dump.
func dumped(p *player, dump string, id int, field string) uint64 {
	pattern := fmt.Sprintf(`(?s)peer\[%d\] \{[^}]*?    %s (\S+);`, id, field)
	m := regexp.MustCompile(pattern).FindStringSubmatch(dump)
	require.NotNil(p.t, m, pattern)
	if m[1] == "-1" {
		return 0xFFFFFFFF
	}
	n, err := strconv.ParseUint(m[1], 0, 64)
	require.NoError(p.t, err)
	return n
}

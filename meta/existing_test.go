package meta_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"drbdutils/meta"

	"github.com/stretchr/testify/require"
)

func TestFindData(t *testing.T) {
	tests := []struct {
		at    int64
		magic string
		want  meta.Finding
	}{
		{4086, "SWAPSPACE2", meta.Finding{Name: "swap space signature", Known: true, Swap: true}},
		{0x218, "LVM2 001", meta.Finding{Name: "LVM2 physical volume signature", Known: true, LVM: true}},
		{0, "XFSB\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x40\x00", meta.Finding{Name: "xfs filesystem", Known: true, Bytes: 64 << 20}},
		{0, "XFSB\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", meta.Finding{Name: "xfs filesystem", Known: true, Bytes: 1<<64 - 1}},
		{0x10040, "_BHRfS_M", meta.Finding{Name: "btrfs filesystem", Known: true}},
		{0, "LUKS\xBA\xBE\x00\x02", meta.Finding{Name: "LUKS encrypted volume"}},
		{0x1000, "\xFC\x4E\x2B\xA9", meta.Finding{Name: "md RAID member"}},
		{0x3C, "\x83\x74\x02\x6D", meta.Finding{Name: "meta data of DRBD, external"}},
		{0x1018, "\xC6\x85\x73\xF6\x4E\x1A\x45\xCA\x82\x65\xF5\x7F\x48\xBA\x6D\x81", meta.Finding{Name: "bcache device"}},
		{0x4000, "\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", meta.Finding{Name: "ZFS pool member"}},
		{0x400, "\x10\x20\xF5\xF2", meta.Finding{Name: "f2fs filesystem"}},
		{0x10000, "\x01\x16\x19\x70", meta.Finding{Name: "gfs2 filesystem"}},
		{0x2000, "OCFSV2", meta.Finding{Name: "ocfs2 filesystem"}},
		{0, "hsqs", meta.Finding{Name: "squashfs filesystem"}},
		{3, "NTFS    ", meta.Finding{Name: "ntfs filesystem"}},
		{3, "EXFAT   ", meta.Finding{Name: "exfat filesystem"}},
		{82, "FAT32   ", meta.Finding{Name: "vfat filesystem"}},
		{512, "EFI PART", meta.Finding{Name: "GPT partition table"}},
		{510, "\x55\xAA", meta.Finding{Name: "partition table or boot sector"}},
		{7777, "?", meta.Finding{Name: "some data"}},
	}
	for _, tt := range tests {
		t.Run(tt.want.Name, func(t *testing.T) {
			d := newSparse(1 << 20)
			block := make([]byte, meta.ProbeSize)
			copy(block[tt.at:], tt.magic)
			write(t, d, 0, block)
			found, err := meta.FindData(d, d.size)
			require.NoError(t, err)
			require.Equal(t, &tt.want, found)
		})
	}
	t.Run("nothing", func(t *testing.T) {
		found, err := meta.FindData(newSparse(1<<20), 1<<20)
		require.NoError(t, err)
		require.Nil(t, found)
	})
}

// The superblock of format 0.90 lies in the last but one 64 KiB, that of 1.0 8 KiB
// before the end.
func TestFindRAIDAtTheEnd(t *testing.T) {
	for _, at := range []int64{1<<20 - 64<<10, 1<<20 - 4096} {
		d := newSparse(1<<20 + 4096)
		block := make([]byte, 4096)
		copy(block, "\xFC\x4E\x2B\xA9")
		write(t, d, at, block)
		found, err := meta.FindData(d, d.size)
		require.NoError(t, err)
		require.Equal(t, &meta.Finding{Name: "md RAID member"}, found)
	}
}

// What the tools of Debian make is recognised.
func TestFindRealData(t *testing.T) {
	tests := []struct {
		want, tool string
		args       string // IMG is the file
		mib        int64
	}{
		{"ext filesystem", "mkfs.ext2", "-q -F IMG", 64},
		{"ext filesystem", "mkfs.ext3", "-q -F IMG", 64},
		{"ext filesystem", "mkfs.ext4", "-q -F IMG", 64},
		{"xfs filesystem", "mkfs.xfs", "-q IMG", 320},
		{"btrfs filesystem", "mkfs.btrfs", "-q IMG", 128},
		{"jfs filesystem", "mkfs.jfs", "-q IMG", 32},
		{"reiser filesystem", "mkfs.reiserfs", "-q -ff IMG", 64},
		{"swap space signature", "mkswap", "IMG", 16},
		{"LUKS encrypted volume", "cryptsetup", "luksFormat --type luks1 -q --pbkdf-force-iterations 1000 IMG /dev/zero --keyfile-size 16", 32},
		{"LUKS encrypted volume", "cryptsetup", "luksFormat --type luks2 -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 IMG /dev/zero --keyfile-size 16", 32},
		{"ntfs filesystem", "mkfs.ntfs", "-q -F -f IMG", 32},
		{"exfat filesystem", "mkfs.exfat", "IMG", 32},
		{"vfat filesystem", "mkfs.vfat", "IMG", 32},
		{"f2fs filesystem", "mkfs.f2fs", "-q IMG", 128},
		{"gfs2 filesystem", "mkfs.gfs2", "-O -q -p lock_nolock IMG", 256},
		{"ocfs2 filesystem", "mkfs.ocfs2", "-q -M local IMG 65536", 512},
		{"squashfs filesystem", "mksquashfs", "/etc/default IMG -noappend -quiet -no-progress", 1},
		{"bcache device", "make-bcache", "-B IMG", 32},
	}
	for _, tt := range tests {
		t.Run(tt.tool+" "+tt.args, func(t *testing.T) {
			path, err := exec.LookPath(tt.tool)
			if err != nil {
				t.Skip("needs " + tt.tool)
			}
			image := filepath.Join(t.TempDir(), "image")
			require.NoError(t, os.WriteFile(image, nil, 0o600))
			require.NoError(t, os.Truncate(image, tt.mib<<20))
			out, err := exec.Command(path, strings.Fields(strings.ReplaceAll(tt.args, "IMG", image))...).CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.NoError(t, os.Truncate(image, tt.mib<<20))
			f, err := os.Open(image)
			require.NoError(t, err)
			defer f.Close()
			found, err := meta.FindData(f, tt.mib<<20)
			require.NoError(t, err)
			require.NotNil(t, found)
			require.Equal(t, tt.want, found.Name)
			if found.Bytes != 0 {
				require.LessOrEqual(t, found.Bytes, uint64(tt.mib<<20))
				require.Greater(t, found.Bytes, uint64(tt.mib<<20)*9/10)
			}
		})
	}
}

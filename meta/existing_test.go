package meta_test

import (
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
			found, err := meta.FindData(d)
			require.NoError(t, err)
			require.Equal(t, &tt.want, found)
		})
	}
	t.Run("nothing", func(t *testing.T) {
		found, err := meta.FindData(newSparse(1 << 20))
		require.NoError(t, err)
		require.Nil(t, found)
	})
}

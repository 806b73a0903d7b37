package meta

import (
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// offsets returns where each field of a fixed-size struct lies on disk.
func offsets(v any) map[string]int {
	at, list := 0, map[string]int{}
	t := reflect.TypeOf(v)
	for i := range t.NumField() {
		list[t.Field(i).Name] = at
		at += binary.Size(reflect.Zero(t.Field(i).Type).Interface())
	}
	return list
}

func TestDiskLayout(t *testing.T) {
	require.Equal(t, 24, binary.Size(disk06{}))
	require.Equal(t, map[string]int{"Flags": 0, "Counters": 4, "Magic": 20}, offsets(disk06{}))

	require.Equal(t, 4096, binary.Size(disk07{}))
	require.Equal(t, map[string]int{
		"SizeKiB": 0, "Flags": 8, "Counters": 12, "Magic": 28, "MDSizeKiB": 32, "ALOffset": 36,
		"ALExtents": 40, "BMOffset": 44, "Padding": 48,
	}, offsets(disk07{}))

	require.Equal(t, 4096, binary.Size(disk08{}))
	require.Equal(t, map[string]int{
		"EffectiveSize": 0x00, "Current": 0x08, "Bitmap": 0x10, "History": 0x18, "DeviceUUID": 0x28, "Reserved": 0x30,
		"Flags": 0x38, "Magic": 0x3C, "MDSizeSect": 0x40, "ALOffset": 0x44, "ALExtents": 0x48, "BMOffset": 0x4C,
		"BytesPerBit": 0x50, "PeerMaxBioSize": 0x54, "ALStripes": 0x58, "ALStripeBlocks": 0x5C, "Reserved2": 0x60, "Padding": 0x64,
	}, offsets(disk08{}))

	require.Equal(t, 4096, binary.Size(disk09{}))
	require.Equal(t, map[string]int{
		"EffectiveSize": 0x00, "Current": 0x08, "Members": 0x10, "Reserved": 0x18, "DeviceUUID": 0x30,
		"Flags": 0x38, "Magic": 0x3C, "MDSizeSect": 0x40, "ALOffset": 0x44, "ALExtents": 0x48, "BMOffset": 0x4C,
		"BytesPerBit": 0x50, "PeerMaxBioSize": 0x54, "MaxPeers": 0x58, "NodeID": 0x5C, "ALStripes": 0x60, "ALStripeBlocks": 0x64,
		"Reserved2": 0x68, "Peers": 0x70, "History": 0x470, "Padding": 0x570,
	}, offsets(disk09{}))
	require.Equal(t, 32, binary.Size(disk09Peer{}))
	require.Equal(t, map[string]int{
		"BitmapUUID": 0, "BitmapDagtag": 8, "Flags": 16, "BitmapIndex": 20, "Reserved": 24,
	}, offsets(disk09Peer{}))

	require.Equal(t, 4096, binary.Size(transaction{}))
	require.Equal(t, map[string]int{
		"Magic": 0, "Number": 4, "CRC": 8, "Type": 12, "Updates": 14, "ContextSize": 16, "ContextStart": 18,
		"Reserved": 20, "UpdateSlots": 36, "UpdateExtents": 164, "Context": 420,
	}, offsets(transaction{}))
	require.Equal(t, 512, binary.Size(transaction512{}))
	require.Equal(t, map[string]int{"Magic": 0, "Number": 4, "Entries": 8, "XOR": 504, "Padding": 508}, offsets(transaction512{}))
}

func TestFlagValues(t *testing.T) {
	require.Equal(t, []Flags{1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x200, 0x400}, []Flags{
		Consistent, PrimaryInd, ConnectedInd, FullSync, WasUpToDate, PeerOutdated, CrashedPrimary,
		ALClean, ALDisabled, PrimaryLostQuorum, HaveQuorum,
	})
}

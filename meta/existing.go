package meta

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// ProbeSize is how much of the start of a device is looked at for data, in bytes.
const ProbeSize = MinDeviceSize

// A Finding is what occupies a device.
type Finding struct {
	Name  string // "ext3 filesystem"
	Bytes uint64 // how much of the device it uses, 0 if that is not known
	Known bool   // certain enough to refuse; otherwise it looks like that, or is just not empty
	Swap  bool
	LVM   bool // a physical volume, whose size only LVM knows
}

// signature is a text or number at a fixed place, and who puts it there.
type signature struct {
	name  string
	at    int64
	magic string
	size  func(b []byte) uint64 // bytes in use, nil if it cannot be read from b
	swap  bool
	lvm   bool
	hint  bool // drbd-utils does not know it and asks, so we may not refuse
}

// signatures lists what is recognised in the first ProbeSize bytes. The first
// that matches counts.
var signatures = []signature{
	{name: "swap space signature", at: 4086, magic: "SWAP-SPACE", swap: true},
	{name: "swap space signature", at: 4086, magic: "SWAPSPACE2", swap: true},
	{name: "swap space signature", at: 8182, magic: "SWAP-SPACE", swap: true},
	{name: "swap space signature", at: 8182, magic: "SWAPSPACE2", swap: true},
	{name: "LVM2 physical volume signature", at: 0x218, magic: "LVM2", lvm: true},
	{name: "ext filesystem", at: 0x438, magic: "\x53\xEF", size: extBytes},
	{name: "xfs filesystem", at: 0, magic: "XFSB", size: func(b []byte) uint64 {
		return product(uint64(binary.BigEndian.Uint32(b[4:])), binary.BigEndian.Uint64(b[8:]))
	}},
	{name: "jfs filesystem", at: 0x8000, magic: "JFS1", size: func(b []byte) uint64 {
		return product(binary.LittleEndian.Uint64(b[0x8008:]), uint64(binary.LittleEndian.Uint32(b[0x8018:])))
	}},
	{name: "reiser filesystem", at: 0x10034, magic: "ReIsErFs", size: reiserBytes},
	{name: "reiser filesystem", at: 0x10034, magic: "ReIsEr2Fs", size: reiserBytes},
	// drbd-utils takes what follows as "some data".
	{name: "btrfs filesystem", at: 0x10040, magic: "_BHRfS_M", size: func(b []byte) uint64 {
		return binary.LittleEndian.Uint64(b[0x10070:])
	}},
	{name: "meta data of DRBD, external", at: 0x3C, magic: "\x83\x74\x02\x6B", hint: true},
	{name: "meta data of DRBD, external", at: 0x3C, magic: "\x83\x74\x02\x6C", hint: true},
	{name: "meta data of DRBD, external", at: 0x3C, magic: "\x83\x74\x02\x6D", hint: true},
	{name: "LUKS encrypted volume", at: 0, magic: "LUKS\xBA\xBE", hint: true},
	{name: "bcache device", at: 0x1018, magic: "\xC6\x85\x73\xF6\x4E\x1A\x45\xCA\x82\x65\xF5\x7F\x48\xBA\x6D\x81", hint: true},
	{name: "md RAID member", at: 0x1000, magic: mdMagic, hint: true},
	{name: "md RAID member", at: 0, magic: mdMagic, hint: true},
	{name: "f2fs filesystem", at: 0x400, magic: "\x10\x20\xF5\xF2", hint: true},
	{name: "gfs2 filesystem", at: 0x10000, magic: "\x01\x16\x19\x70", hint: true},
	{name: "ocfs2 filesystem", at: 0x2000, magic: "OCFSV2", hint: true},
	{name: "ocfs2 filesystem", at: 0x1000, magic: "OCFSV2", hint: true},
	{name: "ocfs2 filesystem", at: 0x800, magic: "OCFSV2", hint: true},
	{name: "ocfs2 filesystem", at: 0x400, magic: "OCFSV2", hint: true},
	{name: "squashfs filesystem", at: 0, magic: "hsqs", hint: true},
	{name: "ntfs filesystem", at: 3, magic: "NTFS    ", hint: true},
	{name: "exfat filesystem", at: 3, magic: "EXFAT   ", hint: true},
	{name: "vfat filesystem", at: 82, magic: "FAT32   ", hint: true},
	{name: "vfat filesystem", at: 54, magic: "FAT16   ", hint: true},
	{name: "vfat filesystem", at: 54, magic: "FAT12   ", hint: true},
	{name: "GPT partition table", at: 512, magic: "EFI PART", hint: true},
	{name: "GPT partition table", at: 4096, magic: "EFI PART", hint: true},
	{name: "ZFS pool member", at: 0x4000, magic: "\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", hint: true},
	{name: "partition table or boot sector", at: 510, magic: "\x55\xAA", hint: true},
}

// product multiplies, and returns the largest number instead of wrapping.
func product(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi != 0 {
		return 1<<64 - 1
	}
	return lo
}

func extBytes(b []byte) uint64 {
	block := uint64(4096)
	if log := binary.LittleEndian.Uint32(b[0x418:]); log < 2 {
		block = 1024 << log
	}
	return product(uint64(binary.LittleEndian.Uint32(b[0x404:])), block)
}

func reiserBytes(b []byte) uint64 {
	return product(uint64(binary.LittleEndian.Uint32(b[0x10000:])), uint64(binary.LittleEndian.Uint16(b[0x1002C:])))
}

// mdMagic begins a superblock of Linux software RAID.
const mdMagic = "\xFC\x4E\x2B\xA9"

// FindData says what a device of size bytes is used for; nil means that its start
// holds zeros only, and its end no member of a RAID, whose data may well do so.
func FindData(d io.ReaderAt, size int64) (*Finding, error) {
	b := make([]byte, ProbeSize)
	if _, err := readFull(d, b, 0); err != nil {
		return nil, fmt.Errorf("look for existing data: %w", err)
	}
	for _, s := range signatures {
		if !bytes.HasPrefix(b[s.at:], []byte(s.magic)) {
			continue
		}
		f := &Finding{Name: s.name, Known: !s.hint, Swap: s.swap, LVM: s.lvm}
		if s.size != nil {
			f.Bytes = s.size(b)
		}
		return f, nil
	}
	member, err := mdAtEnd(d, size)
	switch {
	case err != nil:
		return nil, err
	case member:
		return &Finding{Name: "md RAID member"}, nil
	case allZero(b):
		return nil, nil
	}
	return &Finding{Name: "some data"}, nil
}

// mdAtEnd looks for the superblocks of formats 0.90 and 1.0, which lie at the end.
func mdAtEnd(d io.ReaderAt, size int64) (bool, error) {
	for _, at := range []int64{size&^(64<<10-1) - 64<<10, (size - 8<<10) &^ (4<<10 - 1)} {
		b := make([]byte, BlockSize)
		if _, err := readFull(d, b, at); err != nil {
			return false, fmt.Errorf("look for existing data: %w", err)
		}
		if bytes.HasPrefix(b, []byte(mdMagic)) {
			return true, nil
		}
	}
	return false, nil
}

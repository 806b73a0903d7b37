// Package meta reads, checks and writes DRBD's metadata on disk: superblock,
// activity log and bitmap, in every format from DRBD 0.6 to 9.3.
//
// It works on anything that can be read and written at an offset, so an image
// file, a block device and a byte slice are all the same to it. It never prints
// and never asks; package metatool does.
//
//	img, err := meta.Open(disk, size, meta.V09, meta.FlexInternal)
//	if errors.Is(err, meta.ErrNoMetadata) {
//		// the disk carries nothing that this format recognises
//	}
//	img.Super.Flags &^= meta.WasUpToDate
//	err = img.WriteSuperblock()
//
// Units: a sector is 512 bytes. Places on a disk are int64 bytes; what the disk
// stores in sectors says so in its name. All numbers on disk are big endian,
// except the bitmap, which consists of little endian words.
//
// A superblock is written with one aligned write of 4096 bytes. Like the kernel
// module, which keeps no checksum over it, the package relies on the disk to
// store such a write wholly or not at all.
package meta

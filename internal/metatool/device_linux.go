package metatool

import "golang.org/x/sys/unix"

func devMajor(rdev uint64) uint32 { return unix.Major(rdev) }
func devMinor(rdev uint64) uint32 { return unix.Minor(rdev) }

package setup

import "golang.org/x/sys/unix"

// drbdMajor is the major number of DRBD's block devices.
const drbdMajor = 147

// minorOfNode returns the minor number of DRBD's block device at path.
func minorOfNode(path string) (uint32, bool) {
	var st unix.Stat_t
	err := unix.Stat(absolute(path), &st)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFBLK || unix.Major(uint64(st.Rdev)) != drbdMajor {
		return 0, false
	}
	return unix.Minor(uint64(st.Rdev)), true
}

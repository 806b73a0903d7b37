package schema

// hints tell people what to do about a code whose text does not say so.
var hints = [...]struct {
	code Code
	text string
}{
	{ErrLocalAddr, "Another connection of this host uses the address; 'drbdsetup show' tells which."},
	{ErrPeerAddr, "Another connection of this host uses the address; 'drbdsetup show' tells which."},
	{ErrOpenDisk, "Does the device exist, and does nothing else use it? 'lsblk' and 'fuser -v DEVICE' tell."},
	{ErrOpenMetaDisk, "Does the device exist, and does nothing else use it? 'lsblk' and 'fuser -v DEVICE' tell."},
	{ErrMandatoryTag, "The module does not know one of the options, or misses one; /proc/drbd tells its version."},
	{ErrMinorInvalid, "'drbdsetup status --verbose' lists the minors there are."},
	{ErrDataNotCurrent, "The disk has other data than the device had last. If nobody needs that any more: bring the resource down and up."},
	{ErrCsumsAlg, "The kernel does not know the csums-alg: modprobe it, or configure another one; /proc/crypto lists those that are loaded."},
	{ErrVerifyAlg, "The kernel does not know the verify-alg: modprobe it, or configure another one; /proc/crypto lists those that are loaded."},
	{ErrResourceUnknown, "'drbdsetup status' lists the resources there are."},
	{StateTwoPrimaries, "A peer is primary: make it secondary first, or allow-two-primaries if a cluster file system needs that."},
	{StateNoUpToDateDisk, "Connect to a peer with good data first. 'primary --force' declares the data here good, whatever the peers have."},
	{StatePrimaryNop, "The peer cannot be reached, and nobody has made sure that it does not go on: outdate or fence it, or see why the handler did not."},
	{StateFailedByPeer, "The kernel log of the peer tells why."},
	{StateDeviceInUse, "'fuser -v /dev/drbdN' tells who has it open: a mounted file system, a volume group, a virtual machine."},
	{StateNoVerifyAlg, "Configure a verify-alg in the net section."},
	{StateNoQuorum, "Too few nodes are connected; 'drbdsetup status' tells which are missing."},
	{StateWeaklyConnected, "All primary nodes must be connected with each other; 'drbdsetup status' tells which are not."},
	{StateConcurrent, "Another node changed the state at the same time; try again."},
	{StateLowerThanOutdated, "The disk has no complete data that could be outdated."},
}

// Hint returns what helps when the module answers with the code, for people, or "".
func (c Code) Hint() string {
	for i := range hints {
		if hints[i].code == c {
			return hints[i].text
		}
	}
	return ""
}

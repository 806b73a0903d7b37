package setup

import (
	"strconv"
	"strings"

	"drbdutils/schema"

	"golang.org/x/sys/unix"
)

// keyTypes are what a key for TLS may be, in the order in which they are tried:
// that of the original.
var keyTypes = []string{"keyring", "user"}

// parseKey finds a key of the kernel by its description, in the session's keyring
// and in the user's. "" is no key.
func (t *tool) parseKey(f *schema.Field, description string) (schema.Value, error) {
	if description == "" {
		return schema.Value{}, nil
	}
	for _, kind := range keyTypes {
		for _, ring := range []int{unix.KEY_SPEC_SESSION_KEYRING, unix.KEY_SPEC_USER_KEYRING} {
			if id, err := unix.KeyctlSearch(ring, kind, description, 0); err == nil {
				return schema.Value{Num: uint64(id)}, nil
			}
		}
	}
	return schema.Value{}, fail(exitUsage, "Option --%s: invalid argument '%s' (no key of that description in the session's or the user's keyring)", f.Name, description)
}

// keyName returns the description of a key of the kernel, "" for none.
func keyName(serial int32) string {
	if serial == 0 {
		return ""
	}
	text, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, int(serial))
	if err != nil {
		return strconv.Itoa(int(serial))
	}
	fields := strings.SplitN(text, ";", 5) // type;uid;gid;permissions;description
	return fields[len(fields)-1]
}

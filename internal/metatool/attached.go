package metatool

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// attached tells whether the kernel uses the disk of the minor. It does not where
// no module is loaded, or the module does not know the minor.
func (t *tool) attached(ctx context.Context) (bool, error) {
	text, err := os.ReadFile(t.env.Path("/proc/drbd"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err == nil && strings.HasPrefix(string(text), "version: 8.4"):
		state, listed := diskState84(string(text), t.minor)
		return listed && state != schema.Diskless.String(), nil
	}
	state, err := t.diskState(ctx)
	if err == nil {
		return state > schema.Diskless, nil
	}
	// compat: drbd-utils takes the minor for free if it cannot tell, and writes
	// below an attached device.
	if t.cmd.modifies && !t.onlyLooks() {
		return false, fail(exitUsage, "Cannot tell whether minor %d is attached, so nothing is written to %s:\n"+
			"a DRBD module is loaded (/proc/drbd), but it does not answer: %v.\n"+
			"In a container, run this where the module is visible.", t.minor, t.path, err)
	}
	return false, nil
}

// diskState asks the module for the state of the minor's own disk. A minor that
// does not exist has none.
func (t *tool) diskState(ctx context.Context) (schema.DiskState, error) {
	client, err := netlinkapi.Dial(ctx, netlinkapi.Options{Socket: t.env.NetlinkSocket()})
	if err != nil {
		return schema.Diskless, err
	}
	defer client.Close()
	for m, err := range client.Dump(ctx, netlinkapi.Request{Op: schema.GetDevices}) {
		if err != nil {
			return schema.Diskless, err
		}
		if m.Minor == uint32(t.minor) {
			return (&netlinkapi.Device{Info: m.Get(schema.DeviceInfo)}).DiskState(), nil
		}
	}
	return schema.Diskless, nil
}

// diskState84 finds a minor's own disk state in the text of /proc/drbd as DRBD
// 8.4 writes it, in a line like " 0: cs:Connected ro:... ds:UpToDate/DUnknown".
func diskState84(text string, minor int) (state string, listed bool) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != strconv.Itoa(minor)+":" {
			continue
		}
		for _, w := range words {
			if states, ok := strings.CutPrefix(w, "ds:"); ok {
				state, _, _ = strings.Cut(states, "/")
				return state, true
			}
		}
	}
	return "", false
}

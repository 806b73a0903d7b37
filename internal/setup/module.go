package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"time"
)

const procDRBD = "/proc/drbd"

// loadModule makes sure that the module is loaded.
func (t *tool) loadModule(ctx context.Context) error {
	_, err := os.Stat(t.Path(procDRBD))
	if !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if t.NetlinkSocket() == "" {
		cmd := exec.CommandContext(ctx, "/sbin/modprobe", "drbd")
		cmd.Stderr = t.Stderr
		if cmd.Run() != nil {
			return fail(exitUsage, "Failed to modprobe drbd (%s)\n"+
				"Is the module installed for the kernel that runs, and are you root? 'modinfo drbd' tells where it is.", reason(err))
		}
	}
	// The file appears a moment after the module's initialisation.
	for range 10 {
		if _, err = os.Stat(t.Path(procDRBD)); err == nil {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fail(exitUsage, "Could not stat %s: %s\n"+
		"Is the DRBD kernel module installed for the kernel that runs? 'modprobe drbd' says more.", procDRBD, reason(err))
}

// withoutModule reports that the module is missing. What takes something away is
// done then.
//
// compat: 8.4's drbdsetup meant to exempt the same commands, but never did.
func (t *tool) withoutModule(command string, err error) int {
	fmt.Fprintln(t.Stderr, err)
	switch command {
	case "down", "secondary", "disconnect", "detach":
		return exitOK
	}
	return exitUsage
}

package cli

import (
	"runtime/debug"
)

// BuildTag says from which source the tools were built, in the form in which
// scripts know it from drbd-utils: "GIT-hash: HASH drbdutils".
func BuildTag() string {
	hash := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				hash = s.Value
			}
		}
	}
	return "GIT-hash: " + hash + " drbdutils"
}

package adm

import (
	"drbdutils/internal/metatool"
	"drbdutils/internal/setup"
)

// inProcess returns the backends that run in this process.
func inProcess() map[program]backend {
	return map[program]backend{drbdsetup: setup.Main, drbdmeta: metatool.Main}
}

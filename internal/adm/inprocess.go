package adm

// inProcess returns the backends that run in this process.
func inProcess() map[program]backend {
	return nil
}

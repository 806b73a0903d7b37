package cli

import (
	"os"

	"golang.org/x/term"
)

// IsTerminal reports whether a stream of Env is a terminal: people read or
// type there, and get what programs must not see.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

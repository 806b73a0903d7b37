package adm

import (
	"strings"

	"drbdutils/internal/render"
)

// commandLine returns words as a shell would take them.
func commandLine(words []string) string {
	escaped := make([]string, len(words))
	for i, w := range words {
		escaped[i] = render.ShellWord(w)
	}
	return strings.Join(escaped, " ")
}

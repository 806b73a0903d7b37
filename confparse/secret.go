package confparse

import (
	"slices"
	"strings"

	"drbdutils/schema"
)

// Secrets stay in the files: no message repeats them.

// isSecret reports whether the value of the option of that name must not be shown.
func isSecret(option string) bool {
	for _, g := range []schema.Generation{schema.V84, schema.V9} {
		for _, f := range schema.NetConf.In(g).Fields {
			if f.Name == option && f.Is(schema.Sensitive) {
				return true
			}
		}
	}
	return false
}

// holdsSecret reports whether a line of a file may contain a secret. It does not
// parse the line, which may be broken.
func holdsSecret(line string) bool {
	notInName := func(c rune) bool { return c != '-' && (c < 'a' || c > 'z') }
	return slices.ContainsFunc(strings.FieldsFunc(line, notInName), isSecret)
}

// afterSecret reports whether an option with a secret value is among words.
func afterSecret(words []word) bool {
	return slices.ContainsFunc(words, func(w word) bool { return isSecret(w.text) })
}

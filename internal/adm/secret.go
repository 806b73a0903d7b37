package adm

import (
	"strings"

	"drbdutils/schema"
)

// hiddenValue stands where a secret would.
const hiddenValue = "..."

// public returns the words of a command line for people to see: without secrets.
func public(g schema.Generation, line []string) []string {
	shown := make([]string, len(line))
	isValue := false
	for i, word := range line {
		shown[i] = word
		name, _, valued := strings.Cut(word, "=")
		switch hide := secret(g, name); {
		case isValue:
			shown[i] = hiddenValue
			isValue = false
		case hide && valued:
			shown[i] = name + "=" + hiddenValue
		default:
			isValue = hide
		}
	}
	return shown
}

// secret reports whether an option, which may be abbreviated, has a value that
// must not be seen.
func secret(g schema.Generation, option string) bool {
	name, dashes := strings.CutPrefix(option, "--")
	if !dashes || name == "" {
		return false
	}
	for _, f := range fields(g, schema.NetConf) {
		if f.Flags&schema.Sensitive != 0 && strings.HasPrefix(f.Name, name) {
			return true
		}
	}
	return false
}

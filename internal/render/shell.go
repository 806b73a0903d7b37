package render

import "strings"

// ShellWord returns arg as one word of a shell.
func ShellWord(arg string) string {
	if isAllPlain(arg) {
		return arg
	}
	var b strings.Builder
	for i := range len(arg) {
		if !isPlain(arg[i]) {
			b.WriteByte('\\')
		}
		b.WriteByte(arg[i])
	}
	return b.String()
}

func isAllPlain(arg string) bool {
	for i := range len(arg) {
		if !isPlain(arg[i]) {
			return false
		}
	}
	return true
}

// isPlain reports whether a character stands for itself in a printed command line.
func isPlain(c byte) bool {
	switch c {
	case '%', '+', '-', '.', '/', ':', '=', '@', '_':
		return true
	}
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

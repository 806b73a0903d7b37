package render

import "strings"

// plain are the characters that stand for themselves in a printed command line,
// besides letters and digits.
const plain = "%+-./:=@_"

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

func isPlain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte(plain, c) >= 0
}

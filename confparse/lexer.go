package confparse

import (
	"strings"
	"unicode/utf8"
)

// kind is the kind of a token.
type kind int8

// The kinds of tokens. A word's kind depends on its letters alone; whether it is
// a keyword is for the section to know in which it stands.
const (
	wordToken     kind = iota + 1 // letters, digits, / . _ -
	quotedToken                   // "text", without the quotes
	integerToken                  // at most eight digits, and a unit M, K, G or s
	versionToken                  // 9.2.0
	ipv4Token                     // four groups of digits
	ipv6Token                     // fd00::1, fe80::1%eth0
	punctToken                    // { } ; [ ] :
	strayToken                    // a character outside of the alphabet
	longToken                     // a word or quoted text beyond its limit
	unclosedToken                 // a quote without its end
	blockToken                    // a whole block, braces included; outline only

	endToken kind = -1 // the end of the text
)

// Limits of a token's text, in bytes of a word and characters of a quoted text.
const (
	maxWord   = 128
	maxQuoted = 255
)

// scanner cuts text into tokens. It never fails: what is no token of the
// language is one of the kinds strayToken, longToken and unclosedToken.
type scanner struct {
	text string
	at   int // offset of the next byte
	line int // its line
}

// A word is one token.
type word struct {
	text   string
	offset int32
	line   int32
	kind   kind
}

// is reports whether the word is that keyword. Quoted words never are.
func (w *word) is(text string) bool { return w.text == text && w.kind != quotedToken }

// punct reports whether the word is that punctuation mark.
func (w *word) punct(mark string) bool { return w.kind == punctToken && w.text == mark }

// next returns the next token.
func (s *scanner) next() word {
	s.skipBlanks()
	w := word{offset: int32(s.at), line: int32(s.line), kind: endToken}
	if s.at < len(s.text) {
		w.kind, s.at, w.text = s.cut(s.at)
	}
	return w
}

// skipBlanks moves to the next token, past comments.
func (s *scanner) skipBlanks() {
	text, at := s.text, s.at // in registers: most of what is read is blank
	for at < len(text) {
		switch c := text[at]; {
		case c == ' ':
		case c == '\n':
			s.line++
		case c == '\t', c == '\r':
		case c == '#':
			end := strings.IndexByte(text[at:], '\n')
			if end < 0 {
				end = len(text) - at
			}
			at += end
			continue
		default:
			s.at = at
			return
		}
		at++
	}
	s.at = at
}

// maxGroup is how many digits a group of an IPv6 address has.
const maxGroup = 4

// cut returns the kind, the end and the text of the token that begins at start.
func (s *scanner) cut(start int) (k kind, end int, text string) {
	switch c := s.text[start]; classes[c] {
	case bareClass:
		end = start + 1
		for end < len(s.text) && classes[s.text[end]] == bareClass {
			end++
		}
		if end < len(s.text) && s.text[end] == ':' && end-start <= maxGroup {
			if six := matchIPv6(s.text[start:]); start+six > end {
				return ipv6Token, start + six, s.text[start : start+six]
			}
		}
		text = s.text[start:end]
		return classify(text), end, text
	case punctClass:
		if c == ':' {
			if six := matchIPv6(s.text[start:]); six > 1 {
				return ipv6Token, start + six, s.text[start : start+six]
			}
		}
		return punctToken, start + 1, s.text[start : start+1]
	case quoteClass:
		return cutQuoted(s.text, start)
	}
	_, size := utf8.DecodeRuneInString(s.text[start:])
	return strayToken, start + size, s.text[start : start+size]
}

// cutQuoted returns the token of the quoted text that begins at start. A
// backslash takes any character but a newline literally.
func cutQuoted(text string, start int) (k kind, end int, value string) {
	units, escaped := 0, false
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			value = text[start+1 : i]
			if escaped {
				value = unescape(value)
			}
			if units > maxQuoted {
				return longToken, i + 1, value
			}
			return quotedToken, i + 1, value
		case '\n':
			return unclosedToken, i, text[start:i]
		case '\\':
			escaped = true
			if i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		}
		units++
	}
	return unclosedToken, len(text), text[start:]
}

// unescape removes the backslashes from quoted text.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// classify returns the kind of a bare word.
func classify(word string) kind {
	if len(word) > maxWord {
		return longToken
	}
	if word[0] < '0' || word[0] > '9' {
		return wordToken
	}
	groups, digits, widest := 1, 0, 0
	for i := range len(word) {
		switch c := word[i]; {
		case c >= '0' && c <= '9':
			digits++
			widest = max(widest, digits)
		case c == '.' && digits > 0:
			groups++
			digits = 0
		case groups == 1 && i == len(word)-1 && digits <= 8 && isUnit(c):
			return integerToken
		default:
			return wordToken
		}
	}
	switch {
	case groups == 1 && digits <= 8:
		return integerToken
	case groups == 3 && digits > 0:
		return versionToken
	case groups == 4 && digits > 0 && widest <= 3:
		return ipv4Token
	}
	return wordToken
}

func isUnit(c byte) bool { return c == 'M' || c == 'K' || c == 'G' || c == 's' }

// matchIPv6 returns the length of the longest IPv6 address that text begins
// with, 0 without one. Two colons are what makes one; more groups than an address has are
// taken, too.
func matchIPv6(text string) int {
	best := matchMapped(text)
	left := 0
	for groups := 0; groups <= 6; groups++ {
		if groups > 0 {
			n := matchHex(text[left:])
			if n == 0 {
				break
			}
			left += n
		}
		best = max(best, matchIPv6Tail(text, left))
		if left < len(text) && groups > 0 && text[left] == ':' {
			left++
		} else if groups > 0 {
			break
		}
	}
	if best == 0 {
		return 0
	}
	return best + matchScope(text[best:])
}

// matchIPv6Tail matches colon, optional group, colon and more groups at left,
// and returns where they end, 0 if they are not there.
func matchIPv6Tail(text string, left int) int {
	if left >= len(text) || text[left] != ':' {
		return 0
	}
	best := 0
	for _, middle := range []int{0, matchHex(text[left+1:])} {
		at := left + 1 + middle
		if at >= len(text) || text[at] != ':' {
			continue
		}
		at++
		for range 6 {
			n := matchHex(text[at:])
			if n == 0 {
				break
			}
			at += n
			best = max(best, at)
			if at >= len(text) || text[at] != ':' {
				break
			}
			at++
		}
		best = max(best, left+middle+2)
	}
	return best
}

// matchMapped matches ::ffff:10.1.0.1.
func matchMapped(text string) int {
	const prefix = "::ffff:"
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return 0
	}
	end := len(prefix)
	for end < len(text) && (text[end] == '.' || text[end] >= '0' && text[end] <= '9') {
		end++
	}
	if word := text[len(prefix):end]; word == "" || classify(word) != ipv4Token {
		return 0
	}
	return end
}

// matchHex returns the length of the hexadecimal digits of one group that text
// begins with.
func matchHex(text string) int {
	n := 0
	for n < maxGroup && n < len(text) && strings.IndexByte("0123456789abcdefABCDEF", text[n]) >= 0 {
		n++
	}
	return n
}

// matchScope returns the length of the %interface that text begins with.
func matchScope(text string) int {
	if text == "" || text[0] != '%' {
		return 0
	}
	n := 1
	for n < len(text) && n <= maxWord && classes[text[n]] == bareClass {
		n++
	}
	if n == 1 {
		return 0
	}
	return n
}

// class sorts the bytes that can begin a token.
type class uint8

const (
	otherClass class = iota
	bareClass
	punctClass
	quoteClass
)

// classes is the class of each byte.
var classes = [256]class{
	'{': punctClass, '}': punctClass, ';': punctClass, '[': punctClass, ']': punctClass, ':': punctClass,
	'"': quoteClass, '/': bareClass, '.': bareClass, '_': bareClass, '-': bareClass,
	'0': bareClass, '1': bareClass, '2': bareClass, '3': bareClass, '4': bareClass,
	'5': bareClass, '6': bareClass, '7': bareClass, '8': bareClass, '9': bareClass,
	'a': bareClass, 'b': bareClass, 'c': bareClass, 'd': bareClass, 'e': bareClass, 'f': bareClass,
	'g': bareClass, 'h': bareClass, 'i': bareClass, 'j': bareClass, 'k': bareClass, 'l': bareClass,
	'm': bareClass, 'n': bareClass, 'o': bareClass, 'p': bareClass, 'q': bareClass, 'r': bareClass,
	's': bareClass, 't': bareClass, 'u': bareClass, 'v': bareClass, 'w': bareClass, 'x': bareClass,
	'y': bareClass, 'z': bareClass,
	'A': bareClass, 'B': bareClass, 'C': bareClass, 'D': bareClass, 'E': bareClass, 'F': bareClass,
	'G': bareClass, 'H': bareClass, 'I': bareClass, 'J': bareClass, 'K': bareClass, 'L': bareClass,
	'M': bareClass, 'N': bareClass, 'O': bareClass, 'P': bareClass, 'Q': bareClass, 'R': bareClass,
	'S': bareClass, 'T': bareClass, 'U': bareClass, 'V': bareClass, 'W': bareClass, 'X': bareClass,
	'Y': bareClass, 'Z': bareClass,
}

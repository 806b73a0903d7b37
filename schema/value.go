package schema

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Reasons why a text is no value of a field. A ValueError wraps one of them.
var (
	ErrNoNumber   = errors.New("not a number")
	ErrUnit       = errors.New("in an unknown unit")
	ErrMissing    = errors.New("value missing")
	ErrWord       = errors.New("not an allowed value")
	ErrOutOfRange = errors.New("out of range")
	ErrTooLong    = errors.New("too long")
)

// ValueError says that Text is no value of Field. errors.Is finds the reason,
// one of the Err variables of this package.
type ValueError struct {
	Field  *Field
	Text   string // as given; "" for a Sensitive field
	Reason error
}

func (e *ValueError) Unwrap() error { return e.Reason }

// Error names the field, what is wrong and what is allowed.
func (e *ValueError) Error() string {
	msg := e.Field.Name + ": " + e.Reason.Error()
	if e.Text != "" {
		msg = fmt.Sprintf("%s: %q is %s", e.Field.Name, e.Text, e.Reason)
	}
	if allowed := e.Field.Allowed(); allowed != "" {
		msg += "; allowed: " + allowed
	}
	if errors.Is(e.Reason, ErrUnit) {
		msg += ", with K, M, G, or s for sectors"
	}
	return msg
}

// Allowed describes the values of a field in one line: its words, or its range
// and unit. It is empty where anything goes.
func (f *Field) Allowed() string {
	var parts []string
	if f.Words != nil {
		for _, w := range f.Words.Words {
			parts = append(parts, w.Text)
		}
	}
	switch {
	case f.Kind == Bool || f.Kind == Flag:
		parts = []string{"yes", "no"}
	case f.Kind.Textual() && f.Len > 0:
		parts = append(parts, fmt.Sprintf("at most %d bytes", f.Len-1))
	case f.limited():
		parts = append(parts, f.rangeText())
	}
	return strings.Join(parts, ", ")
}

// rangeText returns "32..131072 bytes", with the suffix of the field's scale.
func (f *Field) rangeText() string {
	s := f.Scale.Suffix()
	text := fmt.Sprintf("%d%s..%d%s", f.Min, s, f.Max, s)
	if f.Unit != "" {
		text += " (" + f.Unit + ")"
	}
	return text
}

func (f *Field) limited() bool { return f.Min != 0 || f.Max != 0 }

// Suffix returns the letter that marks a number of this scale: "", "k" or "s".
func (s Scale) Suffix() string { return [...]string{"", "k", "s"}[s] }

// shift returns the binary logarithm of the bytes in one unit of the scale.
func (s Scale) shift() uint { return [...]uint{0, 10, 9}[s] }

// Parse reads a value as users write it, in configuration files and on command
// lines. It does not look at limits; see Check. A Serial is read as a number.
// The error is a *ValueError.
func (f *Field) Parse(text string) (Value, error) {
	v, err := f.parse(text)
	if err == nil {
		return v, nil
	}
	if f.Is(Sensitive) {
		text = ""
	}
	return Value{}, &ValueError{Field: f, Text: text, Reason: err}
}

func (f *Field) parse(text string) (Value, error) {
	switch f.Kind {
	case Flag, Bool:
		return parseBool(text)
	case Enum:
		return f.parseWord(text)
	case Symbol:
		if n, ok := f.Words.Num(text); ok {
			return Value{Num: n}, nil
		}
		return f.parseNumber(text)
	case String, Binary, Address:
		return Value{Text: text}, nil
	default:
		return f.parseNumber(text)
	}
}

func parseBool(text string) (Value, error) {
	switch text {
	case "yes":
		return Value{Num: 1}, nil
	case "no":
		return Value{}, nil
	}
	return Value{}, ErrWord
}

func (f *Field) parseWord(text string) (Value, error) {
	if n, ok := f.Words.Num(text); ok {
		return Value{Num: n}, nil
	}
	if f.Is(NoCase) {
		for _, w := range f.Words.Words {
			if strings.EqualFold(w.Text, text) {
				return Value{Num: uint64(w.Num)}, nil
			}
		}
	}
	return Value{}, ErrWord
}

func (f *Field) parseNumber(text string) (Value, error) {
	n, err := ParseNumber(text, f.Scale)
	return Value{Num: n}, err
}

// ParseNumber reads a decimal number with at most one unit letter, s (512), k,
// m or g (powers of 1024, in either case), and returns it in units of the scale,
// rounded up. Leading blanks and a sign are allowed; a negative number is
// returned in two's complement, one that does not fit as the largest. A unit
// after a negative number is ErrUnit. Other errors: ErrMissing, ErrNoNumber.
func ParseNumber(text string, scale Scale) (uint64, error) {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	if text == "" {
		return 0, ErrMissing
	}
	digits, negative := strings.CutPrefix(text, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	end := 0
	for end < len(digits) && digits[end] >= '0' && digits[end] <= '9' {
		end++
	}
	if end == 0 {
		return 0, ErrNoNumber
	}
	n, err := strconv.ParseUint(digits[:end], 10, 64)
	if err != nil {
		n = math.MaxUint64
	}
	unit := digits[end:]
	if negative {
		if unit != "" {
			return 0, ErrUnit
		}
		return -n, nil
	}
	return scaled(n, unit, scale)
}

// scaled converts n of the given unit to units of the scale.
func scaled(n uint64, unit string, scale Scale) (uint64, error) {
	if unit == "" {
		return n, nil
	}
	shift, ok := unitShift(unit)
	if !ok {
		return 0, ErrUnit
	}
	if shift >= scale.shift() {
		shift -= scale.shift()
		if n > math.MaxUint64>>shift {
			return math.MaxUint64, nil
		}
		return n << shift, nil
	}
	shift = scale.shift() - shift
	up := n >> shift
	if n&(1<<shift-1) != 0 {
		up++
	}
	return up, nil
}

func unitShift(unit string) (uint, bool) {
	switch unit {
	case "s":
		return 9, true
	case "k", "K":
		return 10, true
	case "m", "M":
		return 20, true
	case "g", "G":
		return 30, true
	}
	return 0, false
}

// Check compares a value with the limits of its field: the range of a number,
// the length of a text. The error is a *ValueError for ErrOutOfRange or
// ErrTooLong.
func (f *Field) Check(v Value) error {
	switch {
	case f.Kind.Textual():
		if f.Len > 0 && len(v.Text) > f.room() {
			return f.refuse(v, ErrTooLong)
		}
	case f.Words != nil:
		if _, ok := f.Words.Text(v.Num); ok {
			return nil
		}
		fallthrough
	case f.limited():
		if !f.inRange(v.Num) {
			return f.refuse(v, ErrOutOfRange)
		}
	}
	return nil
}

// room returns how many bytes of text fit.
func (f *Field) room() int {
	if f.Kind == String {
		return f.Len - 1
	}
	return f.Len
}

// inRange compares n, taken as signed, with the limits.
func (f *Field) inRange(n uint64) bool {
	return int64(n) >= f.Min && int64(n) <= f.Max
}

func (f *Field) refuse(v Value, reason error) error {
	text := f.Format(v)
	if f.Kind.Textual() && f.Kind != String {
		text = ""
	}
	return &ValueError{Field: f, Text: text, Reason: reason}
}

// Format returns a value as users write it: numbers with the suffix of the
// field's scale, words, yes and no; texts as they are, without quotes. A
// Sensitive text is returned like any other by FormatSecret only.
func (f *Field) Format(v Value) string {
	if f.Is(Sensitive) {
		return ""
	}
	return f.FormatSecret(v)
}

// FormatSecret is Format for callers that may see secrets, as dump and show of
// the administrator do.
func (f *Field) FormatSecret(v Value) string {
	switch f.Kind {
	case Flag, Bool:
		if v.Num != 0 {
			return "yes"
		}
		return "no"
	case Enum:
		return f.Words.Format(v.Num)
	case Symbol:
		if word, ok := f.Words.Text(v.Num); ok {
			return word
		}
		return strconv.FormatInt(int64(v.Num), 10)
	case Int32, Serial:
		return strconv.FormatInt(int64(v.Num), 10) + f.Scale.Suffix()
	case Uint32, Uint64:
		return strconv.FormatUint(v.Num, 10) + f.Scale.Suffix()
	}
	return v.Text
}

// Default returns the value that the module assumes when the field is absent.
func (f *Field) Default() Value {
	if f.Kind.Textual() {
		return Value{Text: f.DefText}
	}
	return Value{Num: uint64(f.Def)}
}

// IsDefault reports whether v is the field's default.
func (f *Field) IsDefault(v Value) bool { return v == f.Default() }

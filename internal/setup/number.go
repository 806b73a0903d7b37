package setup

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"drbdutils/schema"
)

// parseNumber reads a number with a unit; see schema.ParseNumber.
func parseNumber(text string, scale schema.Scale) (uint64, error) {
	n, err := schema.ParseNumber(text, scale)
	if err != nil {
		return 0, numberError(text, err)
	}
	if n == math.MaxUint64 && !strings.Contains(text, "-") && strings.TrimLeft(text, " +") != strconv.FormatUint(n, 10) {
		return 0, fail(exitUsage, "%s: out of range", text)
	}
	return n, nil
}

// numberError says what is wrong with a number, in words that scripts know.
func numberError(text string, err error) error {
	switch {
	case errors.Is(err, schema.ErrMissing):
		return fail(exitNoNumber, "missing number argument")
	case errors.Is(err, schema.ErrUnit) && len(strings.TrimLeft(text, " +-0123456789")) == 1:
		return fail(exitUsage, "%s is not a valid unit: K, M, G, or s for sectors", text)
	}
	return fail(exitUsage, "%s is not a valid number", text)
}

// parse32 reads a number that fits 32 bits.
func parse32(text string) (uint32, error) {
	n, err := parseNumber(text, schema.One)
	if err != nil {
		return 0, err
	}
	if n > math.MaxUint32 {
		return 0, fail(exitUsage, "%s: out of range", text)
	}
	return uint32(n), nil
}

// parseValue reads the value of an option. What is allowed is added to the
// error, unless the value could be a secret.
//
// compat: as in the original, numbers are not compared with the limits of the
// option; the module does that. But they must fit the module's field.
func (t *tool) parseValue(f *schema.Field, text string) (schema.Value, error) {
	v, err := t.readValue(f, text)
	return v, allowing(err, "--"+f.Name, f.Allowed())
}

func (t *tool) readValue(f *schema.Field, text string) (schema.Value, error) {
	switch f.Kind {
	case schema.Serial:
		return t.parseKey(f, text)
	case schema.Uint32, schema.Int32, schema.Uint64:
		n, err := parseNumber(text, f.Scale)
		if err == nil && !fits(f.Kind, n) {
			err = fail(exitUsage, "%s: out of range", text)
		}
		return schema.Value{Num: n}, err
	}
	v, err := f.Parse(text)
	if err == nil && f.Kind.Textual() {
		if err := f.Check(v); err != nil {
			return v, fail(exitUsage, "Option --%s: the value is too long", f.Name)
		}
	}
	if err != nil || f.Kind == schema.Symbol && (int64(v.Num) < 0 || v.Num == math.MaxUint32) {
		return v, fail(exitUsage, "Option --%s: invalid argument '%s'", f.Name, text)
	}
	return v, nil
}

// fits reports whether n fits the kind's width, taken as a negative number where
// it is one.
func fits(k schema.Kind, n uint64) bool {
	switch k {
	case schema.Uint32:
		return n <= math.MaxUint32
	case schema.Int32:
		return int64(n) >= math.MinInt32 && int64(n) <= math.MaxInt32
	}
	return true
}

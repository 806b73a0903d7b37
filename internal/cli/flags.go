package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Arg says whether an option takes a value.
type Arg uint8

const (
	NoArg       Arg = iota // --name
	RequiredArg            // --name=value or --name value
	OptionalArg            // --name or --name=value
)

// Flags parses options the way getopt_long does: options may stand between
// words, long names may be abbreviated while they stay unique, and "--" ends
// the options.
type Flags struct {
	// FirstWins lets an abbreviation that fits several options stand for the
	// one that was added first, provided they all take values in the same
	// way. getopt_long does so for options that share a code, as drbdadm's
	// backend options do.
	FirstWins bool

	set    *pflag.FlagSet
	args   map[string]Arg
	names  []string // in the order in which they were added
	unique []string // those with a code of their own
}

// Option is one option as it was given.
type Option struct {
	Name     string // full name, also where it was abbreviated
	Value    string
	HasValue bool
}

// String returns the option as one command line word.
func (o Option) String() string {
	if o.HasValue {
		return "--" + o.Name + "=" + o.Value
	}
	return "--" + o.Name
}

// noValue stands for "given without a value" inside pflag, which has no notion
// of it. No argument can contain a NUL, so it never collides with a value.
const noValue = "\x00"

// NewFlags returns an empty set of options.
func NewFlags() *Flags {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SortFlags = false
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	return &Flags{set: set, args: map[string]Arg{}}
}

// Add defines an option. short is its one-letter form, "" for none. A name that
// is already defined keeps its first definition.
func (f *Flags) Add(name, short string, arg Arg) {
	if _, ok := f.args[name]; ok {
		return
	}
	flag := f.set.VarPF(ignored{}, name, short, "")
	if arg != RequiredArg {
		flag.NoOptDefVal = noValue
	}
	f.args[name] = arg
	f.names = append(f.names, name)
}

// AddUnique defines an option with a code of its own: an abbreviation that fits both
// it and another option is ambiguous in any case.
func (f *Flags) AddUnique(name, short string, arg Arg) {
	f.Add(name, short, arg)
	f.unique = append(f.unique, name)
}

// Parse separates options from words, both in the order given. Its error is a
// *UsageError; the options before it are returned, too.
func (f *Flags) Parse(args []string) (options []Option, words []string, err error) {
	var bad *UsageError
	f.set.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		full, err := f.complete(name)
		if err != nil {
			bad = err
		}
		return pflag.NormalizedName(full)
	})
	err = f.set.ParseAll(f.attachShortValues(args), func(flag *pflag.Flag, value string) error {
		if value != noValue && f.args[flag.Name] == NoArg {
			return &UsageError{Option: "--" + flag.Name, Problem: "takes no value"}
		}
		o := Option{Name: flag.Name}
		if value != noValue {
			o.Value, o.HasValue = value, true
		}
		options = append(options, o)
		return nil
	})
	if bad != nil {
		return options, nil, bad
	}
	if err != nil {
		return options, nil, usageError(err)
	}
	return options, f.set.Args(), nil
}

// complete returns the option that name abbreviates, or name itself where there
// is none.
func (f *Flags) complete(name string) (string, *UsageError) {
	if _, ok := f.args[name]; ok {
		return name, nil
	}
	var matches []string
	same := true
	for _, full := range f.names {
		if strings.HasPrefix(full, name) {
			matches = append(matches, full)
			same = same && f.args[full] == f.args[matches[0]] && !slices.Contains(f.unique, full)
		}
	}
	switch {
	case len(matches) == 0:
		return name, nil
	case len(matches) == 1 || f.FirstWins && same:
		return matches[0], nil
	}
	slices.Sort(matches)
	return name, &UsageError{
		Option:  "--" + name,
		Problem: "is ambiguous: it could be --" + strings.Join(matches, ", --"),
	}
}

// attachShortValues rewrites -xVALUE to -x=VALUE for options whose value is
// optional, the only form in which pflag takes it.
func (f *Flags) attachShortValues(args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		if a == "--" {
			break
		}
		if len(a) < 3 || a[0] != '-' || a[1] == '-' || a[2] == '=' {
			continue
		}
		flag := f.set.ShorthandLookup(a[1:2])
		if flag != nil && f.args[flag.Name] == OptionalArg {
			args[i] = a[:2] + "=" + a[2:]
		}
	}
	return args
}

// ignored is the pflag.Value of every option: Parse reports values in order and
// stores none.
type ignored struct{}

func (ignored) String() string   { return "" }
func (ignored) Set(string) error { return nil }
func (ignored) Type() string     { return "" }

// A UsageError says which option or argument was wrong, and how.
type UsageError struct {
	Option  string // as the user would write it: "--force", or a word
	Problem string // "takes no value"
}

func (e *UsageError) Error() string {
	return fmt.Sprintf("option '%s' %s", e.Option, e.Problem)
}

// usageError translates pflag's errors.
func usageError(err error) *UsageError {
	if e, ok := errors.AsType[*UsageError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		dashes := "--"
		if e.GetSpecifiedShortnames() != "" {
			dashes = "-"
		}
		return &UsageError{Option: dashes + e.GetSpecifiedName(), Problem: "is not known"}
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return &UsageError{Option: "--" + e.GetFlag().Name, Problem: "requires an argument"}
	}
	if errors.Is(err, pflag.ErrHelp) {
		return &UsageError{Option: "--help", Problem: "is not known"}
	}
	return &UsageError{Option: err.Error(), Problem: "cannot be parsed"}
}

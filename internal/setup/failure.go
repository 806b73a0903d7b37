package setup

import (
	"errors"
	"fmt"
)

// Exit codes that scripts decide by.
const (
	exitOK         = 0
	exitNoState    = 1   // nothing to tell about: no disk, not configured
	exitOutdated   = 5   // disk is lower than outdated; also: a wait timed out
	exitRefused    = 10  // the module refuses; also: no such object
	exitState      = 11  // state change failed
	exitNoDisk     = 16  // no local disk
	exitNoGoodDisk = 17  // no access to an up-to-date disk
	exitUsage      = 20  // wrong arguments, no module, no answer
	exitNoNumber   = 100 // a number is missing
	exitUnloaded   = 121 // the module went away meanwhile
)

// A failure ends a run with an exit code.
type failure struct {
	code  int
	text  string // for stderr, without the newline; "": none
	usage bool   // print the command's usage, too
	cause error  // what errors.Is is to find, if anything
}

func (f *failure) Unwrap() error { return f.cause }

func (f *failure) Error() string { return f.text }

// fail returns a failure that needs no usage.
func fail(code int, format string, args ...any) error {
	return &failure{code: code, text: fmt.Sprintf(format, args...)}
}

// misuse returns a failure that shows how to do it.
func misuse(format string, args ...any) error {
	return &failure{code: exitUsage, text: fmt.Sprintf(format, args...), usage: true}
}

// allowing adds to an error about an argument what it is called and may be. It
// stands behind the words that scripts know.
func allowing(err error, name, allowed string) error {
	bad, ok := errors.AsType[*failure](err)
	if !ok || bad.code != exitUsage && bad.code != exitNoNumber || allowed == "" {
		return err
	}
	bad.text += fmt.Sprintf(" (%s: %s)", name, allowed)
	return bad
}

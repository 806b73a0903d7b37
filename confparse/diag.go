package confparse

import (
	"cmp"
	"slices"
	"strings"
)

// Severity says what a Diagnostic means for the configuration.
type Severity uint8

const (
	Warning Severity = iota // worth knowing
	Error                   // the configuration is invalid
)

func (s Severity) String() string { return [...]string{"warning", "error"}[s] }

// A Diagnostic is one problem of a configuration.
type Diagnostic struct {
	Severity Severity
	Code     string // stable name of the rule, for programs: "duplicate-minor"
	Place    Place
	Message  string // one line
	Detail   string // what is allowed, or what to do; may be empty
	Hint     string // what was probably meant; may be empty
	Other    Place  // the other definition, for duplicates
	Exit     int    // exit code it asks for; 0: 10

	// Late says that the files were read well and their sections do not fit each
	// other. Resources can still be listed then.
	Late bool
}

// Error returns the place and the message in one line.
func (d Diagnostic) Error() string {
	if d.Place.file == nil {
		return d.Severity.String() + ": " + d.Message
	}
	return d.Place.String() + ": " + d.Severity.String() + ": " + d.Message
}

// Diagnostics is all that was found, in the order in which it was read.
type Diagnostics []Diagnostic

// Error returns the problems, one a line.
func (l Diagnostics) Error() string {
	lines := make([]string, len(l))
	for i, d := range l {
		lines[i] = d.Error()
	}
	return strings.Join(lines, "\n")
}

// Invalid reports whether one of them is an Error.
func (l Diagnostics) Invalid() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Unreadable reports whether one of them is an Error that is not Late.
func (l Diagnostics) Unreadable() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error && !d.Late })
}

// goesOn are the codes of errors that do not end the reading of files: a later error
// with an exit code of its own counts more.
var goesOn = []string{"value", "include", "template", "host-in-common", "same-address"}

// ExitCode returns the exit code of a tool that stops because of them: 0 without
// errors, otherwise that of the first one that ends the reading.
func (l Diagnostics) ExitCode() int {
	code := 0
	for _, d := range l {
		switch {
		case d.Severity != Error:
		case d.Exit == 0 && slices.Contains(goesOn, d.Code):
			code = 10
		default:
			return cmp.Or(d.Exit, 10)
		}
	}
	return code
}

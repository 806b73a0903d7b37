package netlinkapi

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"drbdutils/schema"
)

// Errors that a caller decides by.
var (
	// ErrNoModule says that no DRBD module answers: it is not loaded, or not
	// visible in this network namespace.
	ErrNoModule = errors.New("the drbd kernel module is not loaded")
	// ErrUnloaded says that the module went away while somebody listened.
	ErrUnloaded = errors.New("module unloaded")
)

// KernelError is a request that the module refused. errors.Is finds
// fs.ErrNotExist, fs.ErrExist and fs.ErrPermission where they fit.
type KernelError struct {
	Op         schema.Op
	Object     string // what the request was about
	Generation schema.Generation
	Code       schema.Code
	Info       []string // the module's own explanation, line by line
}

// Error returns object, code, its text and the module's explanation.
func (e *KernelError) Error() string {
	text, known := e.Code.Text(e.Generation)
	if !known {
		text = "unknown code"
	}
	msg := fmt.Sprintf("%s: %s: (%d) %s", e.Op.Name(e.Generation), e.Object, e.Code, strings.TrimSpace(text))
	if len(e.Info) > 0 {
		msg += ": " + strings.Join(e.Info, "; ")
	}
	return msg
}

// Is answers for the errors of package io/fs.
func (e *KernelError) Is(target error) bool {
	switch e.Code {
	case schema.ErrMinorInvalid, schema.ErrResourceUnknown:
		return target == fs.ErrNotExist
	case schema.ErrDiskConfigured, schema.ErrNetConfigured, schema.ErrMinorOrVolExists, schema.ErrAlreadyExists:
		return target == fs.ErrExist
	case schema.ErrPermission:
		return target == fs.ErrPermission
	}
	return false
}

// TimeoutError says that the module did not answer.
type TimeoutError struct {
	Op         schema.Op
	Object     string
	Generation schema.Generation
	Waited     time.Duration
}

// Timeout reports true, as in net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Error names the command, its object and how long nothing came.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s: %s: no reply from the kernel within %s", e.Op.Name(e.Generation), e.Object, e.Waited)
}

// VersionError says that the family is none that this package speaks.
type VersionError struct {
	Version    uint8 // of the family
	HeaderSize int   // of its own header, in bytes; 0: not known
}

// Error names the version found and those that work.
func (e *VersionError) Error() string {
	return fmt.Sprintf("the drbd kernel module speaks version %d of its interface (header of %d bytes); this program knows versions 1 and 2 with 8 bytes",
		e.Version, e.HeaderSize)
}

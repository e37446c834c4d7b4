// Package fault holds the one type of error that a caller may see. Every other
// error is ours: logged once, and shown as INTERNAL with the request's id.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Code is the stable, machine-readable kind of a fault, shown as
// extensions.code.
type Code string

// The codes that callers may rely on.
const (
	Invalid  Code = "BAD_USER_INPUT" // a value is wrong; the message says what is expected
	TooLarge Code = "TOO_LARGE"      // the operation asks for more than one answer may hold
	Timeout  Code = "TIMEOUT"        // the answer took longer than allowed
	Busy     Code = "SERVICE_UNAVAILABLE"
	Internal Code = "INTERNAL"

	BadRequest Code = "BAD_REQUEST" // what was sent is no GraphQL request at all

	Unauthenticated Code = "UNAUTHENTICATED" // it takes a token, or the token is none that is valid
	Forbidden       Code = "FORBIDDEN"       // it takes another token
	RateLimited     Code = "RATE_LIMITED"    // this client has asked for too much within a minute
	NotFound        Code = "NOT_FOUND"       // what is to be changed is not there
	Conflict        Code = "CONFLICT"        // it was changed in the meantime
	CursorExpired   Code = "CURSOR_EXPIRED"  // what came after it is not kept any more
)

// Error is a fault: what went wrong in one sentence, and where.
type Error struct {
	Code    Code
	Message string
	Path    []string // of the input field, outermost first; empty if none is to blame
}

// New makes a fault from a code and a sentence that says what to do.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// At names the input field to blame.
func (e *Error) At(path ...string) *Error {
	e.Path = append(path, e.Path...)
	return e
}

func (e *Error) Error() string {
	if len(e.Path) == 0 {
		return e.Message
	}
	return strings.Join(e.Path, ".") + ": " + e.Message
}

// From finds the fault in an error's chain.
func From(err error) (*Error, bool) {
	var f *Error
	ok := errors.As(err, &f)
	return f, ok
}

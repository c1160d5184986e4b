package providers

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind says what an error means for the one who has to act on it.
type Kind string

// The kinds of the provider guide, and ours.
const (
	NotFound      Kind = "NotFound"      // the VM, or what the request names, is not there
	InvalidSpec   Kind = "InvalidSpec"   // can never work as written
	Retryable     Kind = "Retryable"     // busy or transient; the same call may work later
	Unauthorized  Kind = "Unauthorized"  // credentials or permissions
	NotSupported  Kind = "NotSupported"  // this provider or this host cannot
	RateLimited   Kind = "RateLimited"   // too many calls; see After
	Unavailable   Kind = "Unavailable"   // the endpoint cannot be reached
	Timeout       Kind = "Timeout"       // no answer in time; the outcome is unknown
	QuotaExceeded Kind = "QuotaExceeded" // no room: storage, memory, licences
	Conflict      Kind = "Conflict"      // not ours, or changed under our hands
	Unrecognised  Kind = "Unrecognised"  // the provider does not know what it met
)

// Error is a provider's failure.
type Error struct {
	Op      string // the call: "create", "describe", …
	Subject string // what it was about: a VM, a pool, an endpoint
	Kind    Kind
	// Missing is set with NotFound when what is missing is something that the
	// manifest names (an image, a network, a pool) and not the VM.
	Missing string
	After   time.Duration // with RateLimited: when to come back; 0 if unknown
	Err     error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Subject == "" {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s %s: %v", e.Op, e.Subject, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err: its own, Timeout for a deadline, and
// Unrecognised for an error without one. KindOf(nil) is empty.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return Unrecognised
}

// IsAbsent tells whether err says that the VM itself does not exist.
func IsAbsent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == NotFound && e.Missing == ""
}

package wire

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// EncodeFailure makes the message of an error; nil for nil.
func EncodeFailure(err error) *stewardv1.Failure {
	if err == nil {
		return nil
	}
	m := &stewardv1.Failure{Kind: string(providers.KindOf(err))}
	var e *providers.Error
	if !errors.As(err, &e) {
		m.Message = brief(err)
		m.Text = m.Message
		return m
	}
	m.Op, m.Subject, m.Missing, m.RetryAfterMs = text(e.Op), text(e.Subject), text(e.Missing), millis(max(0, e.After))
	if e.Err != nil {
		m.Message = brief(e.Err)
	}
	if said := brief(err); said != failureOf(m).Error() {
		m.Text = said
	}
	return m
}

// maxText is how much of an error's text is sent: it travels in the trailers
// of an answer, which peers limit.
const maxText = 16 << 10

func brief(err error) string {
	said := text(err.Error())
	if len(said) <= maxText {
		return said
	}
	return strings.ToValidUTF8(said[:maxText], "") + " …"
}

// DecodeFailure reads an error. It says what the error said that it was made
// from, word for word, and has its kind; nil for nil.
func DecodeFailure(m *stewardv1.Failure) error {
	if m == nil {
		return nil
	}
	e := failureOf(m)
	if m.Text == "" {
		return e
	}
	return &told{m.Text, e}
}

func failureOf(m *stewardv1.Failure) *providers.Error {
	var s scan
	return &providers.Error{
		Op: m.Op, Subject: m.Subject, Kind: kindOf(m.Kind), Missing: m.Missing,
		After: s.span("retry_after_ms", m.RetryAfterMs), Err: errors.New(m.Message),
	}
}

// kindOf reads a kind that it does not know as Unrecognised.
func kindOf(name string) providers.Kind {
	if _, known := kinds[providers.Kind(name)]; known {
		return providers.Kind(name)
	}
	return providers.Unrecognised
}

// told is an error that says more than the provider's error in it.
type told struct {
	text  string
	cause *providers.Error
}

func (t *told) Error() string { return t.text }
func (t *told) Unwrap() error { return t.cause }

// kinds is every kind with the code that those see who do not read a Failure.
var kinds = map[providers.Kind]codes.Code{
	providers.NotFound:      codes.NotFound,
	providers.InvalidSpec:   codes.InvalidArgument,
	providers.Retryable:     codes.Aborted,
	providers.Unauthorized:  codes.PermissionDenied,
	providers.NotSupported:  codes.Unimplemented,
	providers.RateLimited:   codes.ResourceExhausted,
	providers.Unavailable:   codes.Unavailable,
	providers.Timeout:       codes.DeadlineExceeded,
	providers.QuotaExceeded: codes.ResourceExhausted,
	providers.Conflict:      codes.FailedPrecondition,
	providers.Unrecognised:  codes.Unknown,
}

// Status makes the status of a call that ended with err; nil for nil. The
// end of a call's own context is a status without a Failure.
func Status(err error) error {
	var e *providers.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, context.Canceled.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, context.DeadlineExceeded.Error())
	}
	code := kinds[kindOf(string(providers.KindOf(err)))]
	if code == codes.NotFound && !providers.IsAbsent(err) {
		code = codes.FailedPrecondition // the VM may well be there
	}
	return StatusOf(code, err)
}

// StatusOf makes the status of err, which is not nil, with another code than
// that of its kind.
func StatusOf(code codes.Code, err error) error {
	s := status.New(code, brief(err))
	if full, err := s.WithDetails(EncodeFailure(err)); err == nil {
		s = full
	}
	return s.Err()
}

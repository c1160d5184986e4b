package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// translate gives an error its kind, the operation and the subject. The errors
// of the caller's own context pass as they are, and an error that has a kind
// keeps it.
func translate(ctx context.Context, op, subject string, err error) error {
	var known *providers.Error
	s, isStatus := status.FromError(err)
	switch {
	case err == nil:
		return nil
	case ended(ctx) != nil && ofContext(err):
		return ended(ctx)
	case errors.As(err, &known):
		return named(op, subject, err)
	case errors.Is(err, context.DeadlineExceeded):
		return &providers.Error{Op: op, Subject: subject, Kind: providers.Timeout, Err: err}
	case errors.Is(err, io.EOF):
		return unavailable(op, subject, errors.New("the server ended the answer before its end"))
	case isStatus && s.Code() == codes.Canceled && len(s.Details()) == 0: // by the server, or by close
		return unavailable(op, subject, fmt.Errorf("the call was broken off: %s", s.Message()))
	}
	return wire.Err(ctx, op, subject, err)
}

func unavailable(op, subject string, err error) error {
	return &providers.Error{Op: op, Subject: subject, Kind: providers.Unavailable, Err: err}
}

// named fills in what an error with a kind does not say of its call. One that
// words it by itself is left alone.
func named(op, subject string, err error) error {
	direct, ok := err.(*providers.Error)
	if !ok {
		return err
	}
	full := *direct
	full.Op, full.Subject = cmp.Or(full.Op, op), cmp.Or(full.Subject, subject)
	return &full
}

// ended returns why a context is over. A deadline may have passed a moment
// before the context says so.
func ended(ctx context.Context) error {
	if by, has := ctx.Deadline(); has && !time.Now().Before(by) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// ofContext tells whether err is one that the end of a context leads to.
func ofContext(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	code := status.Code(err)
	return code == codes.Canceled || code == codes.DeadlineExceeded
}

// passing makes an error of a connection one that says nothing of the VM of
// the call: whatever is wrong with the server, the VM is not to be held for it
// once it is put right.
func passing(err error) error {
	switch providers.KindOf(err) {
	case providers.InvalidSpec, providers.NotSupported, providers.NotFound:
		return &providers.Error{Kind: providers.Unavailable, Err: err}
	}
	return err
}

// broken says that a server answered what cannot be meant.
func broken(err error) error {
	return &providers.Error{Kind: providers.Unrecognised, Err: fmt.Errorf("the server's answer cannot be read: %w", err)}
}

// hasFailure tells whether a status says more than its code.
func hasFailure(err error) bool {
	s, ok := status.FromError(err)
	return ok && slices.ContainsFunc(s.Details(), func(d any) bool { _, is := d.(*stewardv1.Failure); return is })
}

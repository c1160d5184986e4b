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

// Err reads how a call of ours ended: ctx is the call's own, op and subject are
// what it was about. An error of the peer's provider is what it was there. The
// end of ctx passes through. What has no Failure is classified by its code, and
// never says that a VM is absent.
func Err(ctx context.Context, op, subject string, err error) error {
	if err == nil {
		return nil
	}
	s, ok := status.FromError(err)
	if !ok {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &providers.Error{Op: op, Subject: subject, Kind: providers.Unrecognised, Err: err}
	}
	if m := failureIn(s); m != nil {
		return DecodeFailure(m)
	}
	if c := s.Code(); ctx.Err() != nil && (c == codes.Canceled || c == codes.DeadlineExceeded) {
		return ctx.Err()
	}
	return &providers.Error{Op: op, Subject: subject, Kind: kindOfCode(s), Err: errors.New(s.Message())}
}

// failureIn returns the Failure in a status, nil if there is none.
func failureIn(s *status.Status) *stewardv1.Failure {
	for _, d := range s.Details() {
		if m, ok := d.(*stewardv1.Failure); ok {
			return m
		}
	}
	return nil
}

// kindOfCode classifies a status of a peer that does not say more.
func kindOfCode(s *status.Status) providers.Kind {
	switch s.Code() {
	case codes.Unavailable:
		return providers.Unavailable
	case codes.DeadlineExceeded:
		return providers.Timeout
	case codes.Unauthenticated, codes.PermissionDenied:
		return providers.Unauthorized
	case codes.InvalidArgument, codes.OutOfRange:
		return providers.InvalidSpec
	case codes.Unimplemented:
		return providers.NotSupported
	case codes.AlreadyExists, codes.FailedPrecondition:
		return providers.Conflict
	case codes.ResourceExhausted:
		if tooLarge(s.Message()) {
			return providers.NotSupported
		}
		return providers.RateLimited
	case codes.Unknown, codes.Internal, codes.Aborted, codes.Canceled, codes.DataLoss:
		return providers.Retryable
	}
	return providers.Unrecognised
}

// tooLarge tells grpc's own refusal of a message over its limit from a peer
// that has had enough (google.golang.org/grpc v1.85.0: "grpc: received message
// larger than max (17 vs. 16)", "grpc: received message after decompression
// larger than max 16", "trying to send message larger than max (17 vs. 16)").
func tooLarge(message string) bool { return strings.Contains(message, "larger than max") }

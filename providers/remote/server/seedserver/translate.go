package seedserver

import (
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// code is what a manager is told of a kind: it takes NotFound for a VM that is
// gone, InvalidArgument for a fault of the manifest, Unavailable and
// DeadlineExceeded for what passes, and anything else for what does not.
var code = map[providers.Kind]codes.Code{
	providers.NotFound:      codes.NotFound,
	providers.InvalidSpec:   codes.InvalidArgument,
	providers.Retryable:     codes.Unavailable,
	providers.Unauthorized:  codes.PermissionDenied,
	providers.NotSupported:  codes.Unimplemented,
	providers.RateLimited:   codes.ResourceExhausted,
	providers.Unavailable:   codes.Unavailable,
	providers.Timeout:       codes.DeadlineExceeded,
	providers.QuotaExceeded: codes.ResourceExhausted,
	providers.Conflict:      codes.FailedPrecondition,
	providers.Unrecognised:  codes.Internal,
}

// failed makes the status of a call that did not succeed.
func (s *Server) failed(err error) error {
	switch providers.KindOf(err) {
	case providers.Unauthorized, providers.Unavailable:
		s.valid.doubt()
	}
	return statusOf(err)
}

func statusOf(err error) error {
	var e *providers.Error
	if !errors.As(err, &e) {
		if _, is := status.FromError(err); is {
			return err
		}
		return wire.Status(err)
	}
	c, ok := code[e.Kind]
	switch {
	case !ok:
		c = codes.Internal
	case c == codes.NotFound && !providers.IsAbsent(err):
		c = codes.FailedPrecondition // the VM may well be there
	}
	return wire.StatusOf(c, err)
}

// notMade is failed for a creation: a VM that stands in the way exists
// already.
func (s *Server) notMade(err error) error {
	if providers.KindOf(err) == providers.Conflict {
		return wire.StatusOf(codes.AlreadyExists, err)
	}
	return s.failed(err)
}

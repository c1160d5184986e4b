package wire

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
)

// sent is what a client reads of an error that a server answers with.
func sent(t *testing.T, ctx context.Context, err error) error {
	t.Helper()
	s, ok := status.FromError(Status(err))
	if !ok {
		t.Fatalf("%v has no status", err)
	}
	return Err(ctx, "call", "subject", status.FromProto(overTheWire(t, s.Proto())).Err())
}

func TestErrorsStayWhatTheyAre(t *testing.T) {
	absent := &providers.Error{Op: "describe", Subject: "web/vm", Kind: providers.NotFound, Err: errors.New("there is none")}
	for _, row := range []struct {
		reason string
		err    error
		absent bool
		code   codes.Code
	}{
		{"the VM is not there", absent, true, codes.NotFound},
		{"said with more around it", fmt.Errorf("looking: %w", absent), true, codes.NotFound},
		{"what the manifest names is not there, the VM may be", &providers.Error{Op: "create", Kind: providers.NotFound, Missing: "image a", Err: errors.New("no")}, false, codes.FailedPrecondition},
		{"when to come back", &providers.Error{Op: "list", Kind: providers.RateLimited, After: 1500 * time.Millisecond, Err: errors.New("slow down")}, false, codes.ResourceExhausted},
		{"without a subject", &providers.Error{Op: "list", Kind: providers.Unavailable, Err: errors.New("down")}, false, codes.Unavailable},
		{"without a kind", errors.New("strange"), false, codes.Unknown},
		{"two at once", errors.Join(absent, errors.New("and more")), true, codes.NotFound},
		{"not UTF-8", &providers.Error{Op: "power", Kind: providers.Retryable, Err: errors.New("lock \xff\xfe")}, false, codes.Aborted},
		{"a provider's own limit, not the call's", &providers.Error{Op: "create", Kind: providers.Timeout, Err: context.DeadlineExceeded}, false, codes.DeadlineExceeded},
		{"nothing is said", &providers.Error{Op: "power", Kind: providers.Conflict, Err: errors.New("")}, false, codes.FailedPrecondition},
	} {
		got := sent(t, t.Context(), row.err)
		if want := strings.ToValidUTF8(row.err.Error(), "\uFFFD"); got.Error() != want {
			t.Errorf("%s: it says %q, want %q", row.reason, got, want)
		}
		if providers.KindOf(got) != providers.KindOf(row.err) || providers.IsAbsent(got) != row.absent {
			t.Errorf("%s: kind %s and absent %v, want %s and %v", row.reason, providers.KindOf(got), providers.IsAbsent(got), providers.KindOf(row.err), row.absent)
		}
		if code := status.Code(Status(row.err)); code != row.code {
			t.Errorf("%s: code %s, want %s", row.reason, code, row.code)
		}
		var was, is *providers.Error
		if errors.As(row.err, &was) && (!errors.As(got, &is) || was.After != is.After || was.Missing != is.Missing || was.Op != is.Op || was.Subject != is.Subject) {
			t.Errorf("%s: %+v became %+v", row.reason, was, is)
		}
	}
}

func TestALongErrorIsCut(t *testing.T) {
	got := sent(t, t.Context(), errors.New(strings.Repeat("ä", maxText)))
	if n := len(got.Error()); n > maxText+8 || n < maxText-8 || !strings.HasSuffix(got.Error(), "ä …") {
		t.Errorf("it has %d bytes and ends in %q", n, got.Error()[n-8:])
	}
}

func TestTheEndOfACallPassesThrough(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got := sent(t, ended, context.Canceled); got != context.Canceled {
		t.Errorf("our own end became %v", got)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if got := sent(t, late, context.DeadlineExceeded); got != context.DeadlineExceeded {
		t.Errorf("our own deadline became %v", got)
	}
	if got := Err(late, "op", "", context.DeadlineExceeded); got != context.DeadlineExceeded {
		t.Errorf("a deadline that no status is about became %v", got)
	}
	if got := sent(t, t.Context(), context.Canceled); providers.KindOf(got) != providers.Retryable {
		t.Errorf("an end that is not ours has the kind %s", providers.KindOf(got))
	}
	if got := sent(t, t.Context(), context.DeadlineExceeded); providers.KindOf(got) != providers.Timeout {
		t.Errorf("a deadline that is not ours has the kind %s", providers.KindOf(got))
	}
	if Err(ended, "op", "", nil) != nil || Status(nil) != nil {
		t.Error("a success is an error")
	}
}

// TestAStatusWithoutFailure classifies what peers answer that do not say more,
// and what grpc says by itself.
func TestAStatusWithoutFailure(t *testing.T) {
	for _, row := range []struct {
		reason string
		code   codes.Code
		said   string
		want   providers.Kind
	}{
		{"the connection is gone", codes.Unavailable, "error reading from server: EOF", providers.Unavailable},
		{"the peer's deadline", codes.DeadlineExceeded, "", providers.Timeout},
		{"no certificate", codes.Unauthenticated, "", providers.Unauthorized},
		{"not on the list", codes.PermissionDenied, "", providers.Unauthorized},
		{"nothing is absent because of a code", codes.NotFound, "no such VM", providers.Unrecognised},
		{"what cannot work", codes.InvalidArgument, "", providers.InvalidSpec},
		{"what cannot work", codes.OutOfRange, "", providers.InvalidSpec},
		{"a call that the peer does not know", codes.Unimplemented, "", providers.NotSupported},
		{"another has it", codes.AlreadyExists, "", providers.Conflict},
		{"moved under our hands", codes.FailedPrecondition, "", providers.Conflict},
		{"too many calls", codes.ResourceExhausted, "slow down", providers.RateLimited},
		{"our own limit: it will be as large again", codes.ResourceExhausted, "grpc: received message larger than max (17 vs. 16)", providers.NotSupported},
		{"transient until proven otherwise", codes.Unknown, "", providers.Retryable},
		{"transient until proven otherwise", codes.Internal, "", providers.Retryable},
		{"a code of tomorrow", codes.Code(99), "", providers.Unrecognised},
	} {
		got := Err(t.Context(), "describe", "web/vm", status.Error(row.code, row.said))
		if providers.KindOf(got) != row.want || providers.IsAbsent(got) || got.Error() != "describe web/vm: "+row.said {
			t.Errorf("%s: %s became %s: %v, want %s", row.reason, row.code, providers.KindOf(got), got, row.want)
		}
	}
}

package providers_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/vmsteward/vmsteward/providers"
)

func TestKindOf(t *testing.T) {
	absent := &providers.Error{Op: "describe", Subject: "default/web-1", Kind: providers.NotFound, Err: errors.New("no such VM")}
	missing := &providers.Error{Op: "create", Kind: providers.NotFound, Missing: "image debian", Err: errors.New("no image")}
	late := &providers.Error{Op: "list", Kind: providers.Unavailable, Err: context.DeadlineExceeded}
	for _, row := range []struct {
		err    error
		kind   providers.Kind
		absent bool
		reason string
	}{
		{nil, "", false, "no error has no kind"},
		{absent, providers.NotFound, true, "the VM is not there"},
		{fmt.Errorf("observe: %w", absent), providers.NotFound, true, "a wrapped error keeps its kind"},
		{missing, providers.NotFound, false, "what the manifest names is not there"},
		{late, providers.Unavailable, false, "its own kind comes before its cause's"},
		{context.DeadlineExceeded, providers.Timeout, false, "a deadline is a timeout"},
		{fmt.Errorf("list: %w", context.DeadlineExceeded), providers.Timeout, false, "a wrapped one too"},
		{context.Canceled, providers.Unrecognised, false, "somebody gave up: it says nothing about the endpoint"},
		{errors.New("?"), providers.Unrecognised, false, "nobody recognised it"},
		{errors.Join(errors.New("?"), absent), providers.NotFound, true, "one of several"},
	} {
		if got := providers.KindOf(row.err); got != row.kind {
			t.Errorf("KindOf(%v) = %q, want %q: %s", row.err, got, row.kind, row.reason)
		}
		if got := providers.IsAbsent(row.err); got != row.absent {
			t.Errorf("IsAbsent(%v) = %t: %s", row.err, got, row.reason)
		}
	}
	if !errors.Is(late, context.DeadlineExceeded) {
		t.Error("the cause cannot be reached")
	}
}

func TestErrorsNameTheirSubject(t *testing.T) {
	cause := errors.New("no such VM")
	for want, err := range map[string]error{
		"describe default/web-1: no such VM": &providers.Error{Op: "describe", Subject: "default/web-1", Err: cause},
		"list: no such VM":                   &providers.Error{Op: "list", Err: cause},
	} {
		if got := err.Error(); got != want {
			t.Errorf("Error = %q, want %q", got, want)
		}
	}
}

package providertest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func errorChecks() []Check {
	return []Check{{
		"errors-have-kinds", "Every error carries a kind that the provider recognised.", errorsHaveKinds,
	}, {
		"errors-name-their-call-and-vm", "An error about a VM says in Op which call it was, and in its text which VM.", errorsName,
	}, {
		"refused-credentials-are-unauthorized", "Calls whose credentials are refused are Unauthorized, change nothing, and work when they are accepted again.",
		credentialsRefused,
	}}
}

func errorsHaveKinds(ctx context.Context, e *Env) error {
	for name, err := range e.failures(ctx) {
		var known *providers.Error
		if !errors.As(err, &known) || known.Kind == "" || known.Kind == providers.Unrecognised {
			e.failf("%s: want an error with a kind: %w", name, orNone(err))
		}
	}
	return e.Err()
}

func errorsName(ctx context.Context, e *Env) error {
	for name, err := range e.failures(ctx) {
		op, _, _ := strings.Cut(name, " ")
		var known *providers.Error
		if errors.As(err, &known) && known.Op != op {
			e.failf("%s: the error is of the call %q: %w", name, known.Op, err)
		}
		if err != nil && !strings.Contains(err.Error(), "pt-"+e.name) {
			e.failf("%s: the error does not say which VM: %w", name, err)
		}
	}
	return e.Err()
}

// failures makes calls that must fail, and returns their errors by what they
// are, which begins with the call's name.
func (e *Env) failures(ctx context.Context) map[string]error {
	ref, _ := e.made(ctx, "a")
	nobody := providers.Ref{ID: "no-such-id", Owner: e.owner(ctx, "never")}
	stranger := ref
	stranger.Owner = e.owner(ctx, "never")
	invalid := e.wanted(nobody.Owner)
	invalid.CPU = 0
	if e.failed() {
		return nil
	}
	_, describe := e.P.Describe(ctx, nobody)
	_, create := e.P.Create(ctx, providers.CreateRequest{Owner: nobody.Owner, VM: invalid})
	return map[string]error{
		"describe of an id that is not there":    describe,
		"create with no CPU":                     create,
		"power of an id that is not there":       e.tryPower(ctx, nobody, providers.PowerStart),
		"power by an unknown operation":          e.tryPower(ctx, ref, "levitate"),
		"power of another's VM":                  e.tryPower(ctx, stranger, providers.PowerStart),
		"reconfigure of an id that is not there": e.tryReconfigure(ctx, nobody, providers.Change{Tags: &[]string{"a"}}),
		"reconfigure by a disk without a size":   e.tryReconfigure(ctx, ref, providers.Change{AddDisks: []manifest.Disk{{Name: "x"}}}),
		"delete of another's VM":                 e.tryDelete(ctx, stranger),
	}
}

func credentialsRefused(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.Deny != nil, "Deny hook") {
		return e.Err()
	}
	ref, before := e.made(ctx, "a")
	if e.failed() {
		return e.Err()
	}
	allow := e.Outside.Deny()
	calls := e.everyCall(ref)
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		e.refused(name+" with refused credentials", e.call(ctx, calls[name]), providers.Unauthorized)
	}
	allow()
	e.ok("validate with accepted credentials", e.call(ctx, e.P.Validate))
	e.untouched(ctx, "calls with refused credentials", ref, before)
	e.power(ctx, ref, providers.PowerStart)
	return e.Err()
}

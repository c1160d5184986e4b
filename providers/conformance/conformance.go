// Package conformance tries the promises of the provider contract against an
// endpoint that is in use, and says of each whether it is kept, with what was
// seen. It owns verdicts, and that no VM is touched but those that it makes: a
// namespace of its own, which must be empty before. It must not know how an
// endpoint is reached, nor print anything. It is tested through a provider
// server, on one that keeps every promise and on one mutant per promise.
package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/providertest"
)

// Outcome is what became of one promise.
type Outcome string

// The outcomes.
const (
	Kept     Outcome = "kept"
	Broken   Outcome = "broken"
	NotTried Outcome = "not tried"
)

// Verdict is about one promise.
type Verdict struct {
	Name    string  `json:"name"`
	Promise string  `json:"promise"`
	Outcome Outcome `json:"outcome"`
	Seen    string  `json:"seen,omitempty"` // what broke it, or why it was not tried
	TookMS  int64   `json:"tookMs"`
}

// Report is the verdict on an endpoint.
type Report struct {
	FormatVersion int       `json:"formatVersion"`
	Endpoint      string    `json:"endpoint"`
	Namespace     string    `json:"namespace"` // of the VMs that were made
	Begun         time.Time `json:"begun"`
	TookMS        int64     `json:"tookMs"`
	Kept          int       `json:"kept"`
	Broken        int       `json:"broken"`
	NotTried      int       `json:"notTried"`
	Verdicts      []Verdict `json:"verdicts"`
	// Left is what is still there of what was made.
	Left []string `json:"left,omitempty"`
	// LeftUnknown says why that cannot be told; empty: it is told.
	LeftUnknown string `json:"leftUnknown,omitempty"`
}

// Options says what is tried. Target.Namespace is set by Run.
type Options struct {
	Endpoint string // for the report
	Target   providertest.Target
	Checks   []providertest.Check
	// Begins and Ends are told of each check; nil: nobody is.
	Begins func(check providertest.Check, i, of int)
	Ends   func(Verdict)
}

// ErrCannotTry says that nothing was tried.
var ErrCannotTry = errors.New("cannot be tried")

// NewNamespace returns a namespace that nobody has used.
func NewNamespace() string { return "conformance-" + strings.ToLower(rand.Text()[:8]) }

// ownNames is how the names of the VMs of the checks begin.
const ownNames = "pt-"

// Run tries the checks one after another. Its error is ErrCannotTry, or that of
// the context, with the report so far.
func Run(ctx context.Context, o Options) (*Report, error) {
	o.Target.Namespace = NewNamespace()
	r := &Report{FormatVersion: 1, Endpoint: o.Endpoint, Namespace: o.Target.Namespace, Begun: time.Now().UTC(), Verdicts: []Verdict{}}
	if err := o.clear(ctx); err != nil {
		return r, fmt.Errorf("%w: %w", ErrCannotTry, err)
	}
	for i, c := range o.Checks {
		if o.Begins != nil {
			o.Begins(c, i, len(o.Checks))
		}
		r.add(o.try(ctx, c), o.Ends)
	}
	r.Left, r.LeftUnknown = o.left(context.WithoutCancel(ctx))
	r.TookMS = time.Since(r.Begun).Milliseconds()
	return r, ctx.Err()
}

func (o *Options) try(ctx context.Context, c providertest.Check) Verdict {
	v := Verdict{Name: c.Name, Promise: c.Promise, Outcome: Kept}
	begun := time.Now()
	err := ctx.Err()
	if err == nil {
		err = providertest.Try(ctx, o.Target, c)
	}
	v.TookMS = time.Since(begun).Milliseconds()
	var skip *providertest.Skip
	switch {
	case errors.As(err, &skip):
		v.Outcome, v.Seen = NotTried, skip.Reason
	case err != nil && ctx.Err() != nil:
		v.Outcome, v.Seen = NotTried, "interrupted"
	case err != nil:
		v.Outcome, v.Seen = Broken, err.Error()
	}
	return v
}

func (r *Report) add(v Verdict, told func(Verdict)) {
	switch v.Outcome {
	case Kept:
		r.Kept++
	case Broken:
		r.Broken++
	case NotTried:
		r.NotTried++
	}
	r.Verdicts = append(r.Verdicts, v)
	if told != nil {
		told(v)
	}
}

// clear makes sure that the endpoint answers, and that nothing is there that
// could be taken for ours.
func (o *Options) clear(ctx context.Context) error {
	there, err := o.there(ctx)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return fmt.Errorf("these are there before anything was made, and would be in the way: %s; what another run left can be removed, and VMs of such names are not touched",
			strings.Join(there, ", "))
	}
	return nil
}

// left says what is there after the last check.
func (o *Options) left(ctx context.Context) ([]string, string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	there, err := o.there(ctx)
	if err != nil {
		return nil, err.Error()
	}
	return there, ""
}

// there lists what the checks make, or would take for their own: VMs and
// volumes of the namespace, and VMs of such names. An endpoint that cannot list
// is asked whether it can be used.
func (o *Options) there(ctx context.Context) (all []string, err error) {
	p, err := o.Target.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if c, ok := p.(providers.Closer); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	lister, lists := p.(providers.Lister)
	if !lists {
		return nil, p.Validate(ctx)
	}
	inv, err := lister.List(ctx)
	if providers.KindOf(err) == providers.NotSupported {
		return nil, p.Validate(ctx)
	}
	if err != nil {
		return nil, err
	}
	for _, vm := range inv.VMs {
		if strings.HasPrefix(vm.Name, ownNames) || vm.Mark != nil && o.ours(vm.Mark.Owner) {
			all = append(all, "VM "+vm.Name)
		}
	}
	for _, left := range inv.Leftovers {
		if o.ours(left.Owner) {
			all = append(all, "volume "+left.ID)
		}
	}
	slices.Sort(all)
	return all, nil
}

func (o *Options) ours(owner providers.Owner) bool {
	return owner.Fleet == o.Target.Fleet && owner.VM.Namespace == o.Target.Namespace
}

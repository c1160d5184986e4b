// Package memory is a faithful provider without a hypervisor: its VMs,
// volumes, marks and tasks live in a Hypervisor value (or a file), which
// outlives the connections to it as a real hypervisor outlives our process. It
// must not know any plan. It is tested by the contract suite of providertest,
// by mutants that the suite has to catch, and by its own fault injection.
package memory

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/vmsteward/vmsteward/providers"
)

// Options says what New builds. The zero value is a provider on a hypervisor
// of its own.
type Options struct {
	Hypervisor *Hypervisor // nil: a new one
	Settings   providers.Settings
	Nature     Nature // of the new hypervisor; ignored when one is given
}

// Provider is one connection to a Hypervisor.
type Provider struct {
	hv       *Hypervisor
	settings providers.Settings
	stated   *providers.Capabilities
	closed   atomic.Bool
	pulse    pulse
}

var (
	_ providers.Provider = (*Provider)(nil)
	_ providers.Lister   = (*Provider)(nil)
	_ providers.Capable  = (*Provider)(nil)
	_ providers.Sweeper  = (*Provider)(nil)
	_ providers.Closer   = (*Provider)(nil)
)

// New returns a provider. It connects to nothing and cannot fail.
func New(o Options) *Provider {
	if o.Hypervisor == nil {
		o.Hypervisor = NewHypervisor()
		o.Hypervisor.SetNature(o.Nature)
	}
	return o.Hypervisor.Connect(o.Settings)
}

// Connect returns a new connection, for the fleet of the settings.
func (h *Hypervisor) Connect(s providers.Settings) *Provider {
	return &Provider{hv: h, settings: s, stated: capabilities(s)}
}

// Hypervisor returns what the provider is connected to.
func (p *Provider) Hypervisor() *Hypervisor { return p.hv }

// Close implements providers.Closer. Later calls return Unavailable,
// and so does a Watch under way.
func (p *Provider) Close() error {
	p.closed.Store(true)
	p.hv.forget(p)
	p.hv.loseStreams("the connection is closed", p)
	return nil
}

// Validate implements providers.Provider.
func (p *Provider) Validate(ctx context.Context) error {
	c := call{op: opValidate}
	return p.read(ctx, c, func() error { return nil })
}

// The operations, as they appear in errors, faults and counts.
const (
	opValidate    = "validate"
	opCreate      = "create"
	opDelete      = "delete"
	opPower       = "power"
	opReconfigure = "reconfigure"
	opDescribe    = "describe"
	opList        = "list"
	opTask        = "task"
	opSweep       = "sweep"
	opWatch       = "watch"
	opPulse       = "pulse"

	opSnapshots      = "snapshots"
	opTakeSnapshot   = "take-snapshot"
	opRevertSnapshot = "revert-snapshot"
	opDropSnapshot   = "drop-snapshot"
)

// call is one request on its way through admission, effect and answer.
type call struct {
	op    string
	owner providers.Owner // zero for calls about no VM
	text  string          // what the call log says after the operation
}

// subject names the VM of the call, for errors.
func (c call) subject() string {
	if c.owner == (providers.Owner{}) {
		return ""
	}
	return c.owner.VM.String()
}

// fail returns an error of the call.
func (c call) fail(kind providers.Kind, text string) error {
	return &providers.Error{Op: c.op, Subject: c.subject(), Kind: kind, Err: errors.New(text)}
}

// missing returns the error for something that the manifest names.
func (c call) missing(what string) error {
	return &providers.Error{
		Op: c.op, Subject: c.subject(), Kind: providers.NotFound, Missing: what,
		Err: errors.New(what + " does not exist"),
	}
}

// read admits a call that changes nothing and runs it.
func (p *Provider) read(ctx context.Context, c call, fn func() error) error {
	fault, err := p.admit(ctx, c)
	if err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err
	}
	return fault.answer(ctx, c)
}

// mutate admits a call that changes something, runs it and logs it. fn tells
// whether anything changed.
func (p *Provider) mutate(ctx context.Context, c call, fn func() (bool, error)) error {
	outcome := "interrupted"
	fault, err := p.admit(ctx, c)
	if err != nil {
		if fault != nil && ctx.Err() == nil {
			p.hv.log(c, outcomeOf(true, err))
		}
		return err
	}
	defer func() { p.hv.log(c, outcome) }()
	changed, err := fn()
	if err == nil {
		if lost := fault.answer(ctx, c); lost != nil {
			outcome = "answer lost"
			return lost
		}
	}
	outcome = outcomeOf(changed, err)
	return err
}

// outcomeOf words the end of a call; empty when it simply succeeded.
func outcomeOf(changed bool, err error) string {
	switch {
	case err != nil:
		return string(providers.KindOf(err))
	case !changed:
		return "unchanged"
	}
	return ""
}

// admit counts a call and lets the context, the connection and the injected
// faults have their say before anything happens. The fault it returns has its
// say again when the answer goes out.
func (p *Provider) admit(ctx context.Context, c call) (*Fault, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if p.closed.Load() {
		return nil, c.fail(providers.Unavailable, "the connection is closed")
	}
	cut, fault := p.hv.arrive(c)
	if cut {
		return nil, c.fail(providers.Unavailable, "the endpoint does not answer")
	}
	return fault, fault.arrival(ctx, c)
}

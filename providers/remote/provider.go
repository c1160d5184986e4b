package remote

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
)

// Provider acts on the endpoint of a provider server. It is safe for many
// goroutines. What the server does not offer is NotSupported.
type Provider struct {
	settings providers.Settings
	session  *session
	log      *slog.Logger

	caps     atomic.Pointer[providers.Capabilities] // nil: no server was reached yet
	powers   atomic.Pointer[[]providers.Power]      // likewise
	answers  answers
	progress providers.Progress
	book     book
}

var (
	_ providers.Provider    = (*Provider)(nil)
	_ providers.Lister      = (*Provider)(nil)
	_ providers.Capable     = (*Provider)(nil)
	_ providers.Watcher     = (*Provider)(nil)
	_ providers.Sweeper     = (*Provider)(nil)
	_ providers.Progressor  = (*Provider)(nil)
	_ providers.Snapshotter = (*Provider)(nil)
	_ providers.Closer      = (*Provider)(nil)
)

const (
	defaultConnect = 30 * time.Second
	// mostCall bounds calls that come without a deadline, and those whose
	// deadline is far: servers wait in a call for what their hypervisor does.
	mostCall = 30 * time.Minute
)

// New checks the settings and returns the provider. It does not dial.
func New(settings providers.Settings, log *slog.Logger) (*Provider, error) {
	p := &Provider{settings: settings, log: log.With(logkey.Component, "remote", logkey.Provider, settings.Key.String())}
	if settings.Fleet == "" {
		return nil, p.unusable(errors.New("no fleet is set, and nothing could be told to be ours; set one"))
	}
	e, err := parseEndpoint(settings.Endpoint)
	if err != nil {
		return nil, p.unusable(err)
	}
	trust, err := newTrust(e, settings.Credentials, settings.InsecureSkipVerify)
	if err != nil {
		return nil, p.unusable(err)
	}
	switch {
	case trust == nil && e.network == "tcp":
		p.log.Warn("what is said to the provider server is in plain text")
	case trust != nil && trust.InsecureSkipVerify:
		p.log.Warn("the certificate of the provider server is not checked")
	}
	connect := settings.ConnectTimeout
	if connect <= 0 {
		connect = defaultConnect
	}
	p.session = newSession(newDialer(e, trust), connect, p.greet, p.log)
	return p, nil
}

func (p *Provider) unusable(err error) error {
	return &providers.Error{Op: "configure", Subject: p.settings.Key.String(), Kind: providers.InvalidSpec, Err: err}
}

// Capabilities implements providers.Capable: what the server last said; nil
// before it was reached.
func (p *Provider) Capabilities() *providers.Capabilities { return p.caps.Load() }

// state takes over what a server says that it can. What says the same stays the
// same pointer.
func (p *Provider) state(caps *providers.Capabilities) {
	before := p.caps.Load()
	if before == nil || !reflect.DeepEqual(before, caps) {
		p.caps.Store(caps)
	}
}

// Close implements providers.Closer. Calls under way end with Unavailable.
func (p *Provider) Close() error { return p.session.close() }

// do runs fn on a connection, within a deadline, and gives its error a kind,
// the operation and the subject.
func (p *Provider) do(ctx context.Context, op, subject string, fn func(context.Context, peer) error) error {
	limited, cancel := context.WithTimeout(ctx, mostCall)
	defer cancel()
	return p.unbounded(ctx, limited, op, subject, fn)
}

// unbounded is do without a deadline of its own. caller is the context whose
// errors are the caller's own.
func (p *Provider) unbounded(caller, ctx context.Context, op, subject string, fn func(context.Context, peer) error) error {
	reached, err := p.session.use(ctx, fn)
	if !reached && subject != "" {
		err = passing(err)
	}
	return translate(caller, op, subject, err)
}

package vsphere

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/vmware/govmomi/vim25"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
)

// Provider acts on one vCenter. It is safe for many goroutines.
type Provider struct {
	settings providers.Settings
	session  *session
	log      *slog.Logger
	places   *places
	roster   *remembered[roster]
	images   *images
	turns    turns
	progress providers.Progress
	errands  errands
	stated   *providers.Capabilities

	view      view
	directory directory
	common    commonKeys
}

// New checks the settings and returns the provider. It does not dial.
func New(settings providers.Settings, log *slog.Logger) (*Provider, error) {
	if settings.Fleet == "" {
		return nil, &providers.Error{
			Op: "configure", Subject: settings.Key.String(), Kind: providers.InvalidSpec,
			Err: errors.New("no fleet is set, and nothing could be told to be ours; set one"),
		}
	}
	log = log.With(logkey.Component, "vsphere", logkey.Provider, settings.Key.String())
	s, err := newSession(settings, log)
	if err != nil {
		return nil, err
	}
	p := &Provider{settings: settings, session: s, log: log, places: newPlaces(), images: newImages(), stated: capabilities(settings)}
	p.roster = remember(p.readRoster)
	return p, nil
}

// Close ends what goes on in the background, and logs out.
func (p *Provider) Close() error {
	return errors.Join(p.images.close(), p.session.close())
}

// do runs fn on a client that is logged in, and gives its error a kind, the
// operation and the subject. A call that finds the session ended logs in again
// and is repeated by itself; fn runs once.
func (p *Provider) do(ctx context.Context, op, subject string, fn func(ctx context.Context, c *vim25.Client) error) error {
	c, err := p.session.client(ctx)
	if err == nil {
		err = fn(ctx, c)
	}
	return translate(op, subject, err)
}

var errNoVM = errors.New("no such VM")

func notThere() error {
	return &providers.Error{Kind: providers.NotFound, Err: errNoVM}
}

func notOurs(name string, o providers.Owner) error {
	return conflict("VM %q does not carry the mark of %s; rename it, or adopt it", name, o)
}

func conflict(format string, args ...any) error {
	return &providers.Error{Kind: providers.Conflict, Err: fmt.Errorf(format, args...)}
}

func invalid(format string, args ...any) error {
	return &providers.Error{Kind: providers.InvalidSpec, Err: fmt.Errorf(format, args...)}
}

// missing says that something is not there which the manifest names.
func missing(what, advice string) error {
	return &providers.Error{
		Kind: providers.NotFound, Missing: what, Err: fmt.Errorf("%s is not there; %s", what, advice),
	}
}

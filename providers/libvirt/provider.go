package libvirt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	golibvirt "github.com/digitalocean/go-libvirt"
	"golang.org/x/sync/errgroup"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
)

// atOnce is how many calls are kept in flight on a connection where many
// things are read: libvirtd works on five, and warns when it is sent more.
const atOnce = callsPerConnection

// Provider acts on one libvirt host. It is safe for many goroutines.
type Provider struct {
	settings providers.Settings
	session  *session
	log      *slog.Logger
	library  *library
	pulse    *pulse
	stated   *providers.Capabilities

	mu       sync.Mutex
	host     *hostFacts // nil until read
	creating map[providers.Owner]bool
}

// New checks the settings and returns the provider. It does not dial.
func New(settings providers.Settings, log *slog.Logger) (*Provider, error) {
	if settings.Fleet == "" {
		return nil, &providers.Error{
			Op: "configure", Subject: settings.Key.String(), Kind: providers.InvalidSpec,
			Err: errors.New("no fleet is set, and nothing could be told to be ours; set one"),
		}
	}
	s, err := newSession(sessionConfig{
		Endpoint:           settings.Endpoint,
		Credentials:        settings.Credentials,
		InsecureSkipVerify: settings.InsecureSkipVerify,
		ConnectTimeout:     settings.ConnectTimeout,
		WorkConnections:    min(settings.MaxConnections, 4),
	})
	if err != nil {
		return nil, err
	}
	log = log.With(logkey.Component, "libvirt", logkey.Provider, settings.Key.String())
	return &Provider{
		settings: settings, session: s, log: log, library: newLibrary(), pulse: &pulse{},
		stated: s.capabilities(), creating: map[providers.Owner]bool{},
	}, nil
}

// Close ends the connections.
func (p *Provider) Close() error { return p.session.Close() }

// Validate reads what the host can run and whether the pool that VMs go to by
// default is there.
func (p *Provider) Validate(ctx context.Context) error {
	if _, err := p.hostFacts(ctx); err != nil {
		return err
	}
	return p.do(ctx, "validate", "", control, func(c *golibvirt.Libvirt) error {
		_, err := findVault(c, p.poolName(""))
		return err
	})
}

// do runs fn on a connection of the lane and gives its error a kind, the
// operation and the subject.
func (p *Provider) do(ctx context.Context, op, subject string, l lane, fn func(c *golibvirt.Libvirt) error) error {
	err := p.session.do(ctx, l, fn)
	if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		err = &providers.Error{Op: op, Subject: subject, Kind: providers.Timeout, Err: err}
	}
	return named(op, subject, err)
}

// named translates err and says what it was about, where it does not say so.
// That something is not there means the VM only where libvirt says that it
// does not know the domain: a lost volume or network must not make a VM look
// absent.
func named(op, subject string, err error) error {
	err = translate(op, subject, err)
	own, ok := err.(*providers.Error)
	if !ok {
		return err
	}
	full := *own
	if full.Op == "" || full.Op == "call" {
		full.Op = op
	}
	full.Subject = orElse(full.Subject, subject)
	if providers.IsAbsent(err) && !errors.Is(err, errNoVM) && !isCode(err, golibvirt.ErrNoDomain) {
		full.Missing = "what the VM refers to"
	}
	return &full
}

var errNoVM = errors.New("no such VM")

// poolName returns the storage pool for a VM that names the given one.
func (p *Provider) poolName(named string) string {
	return orElse(named, orElse(p.settings.Defaults.Datastore, defaultPool))
}

// target is a domain and its definition.
type target struct {
	dom      golibvirt.Domain
	document string // as the next start uses it, with its secrets
	seen     *domainDoc
	mark     *markXML
}

// active tells whether a machine runs, or is paused.
func (t *target) active() bool { return t.dom.ID >= 0 }

// find looks the domain up and reads its definition. A domain without the
// mark of ref's owner is a Conflict; none at all is NotFound.
func find(c *golibvirt.Libvirt, ref providers.Ref) (*target, error) {
	t, err := read(c, ref)
	if err != nil {
		return nil, err
	}
	if facts := t.mark.facts(t.seen.UUID); facts == nil || facts.Owner != ref.Owner {
		return nil, notOurs(t.dom.Name, ref.Owner)
	}
	return t, nil
}

// read is find for any domain, ours or not.
func read(c *golibvirt.Libvirt, ref providers.Ref) (*target, error) {
	dom, err := lookup(c, ref)
	if err != nil {
		return nil, err
	}
	t := &target{dom: dom}
	t.document, err = c.DomainGetXMLDesc(dom, golibvirt.DomainXMLInactive|golibvirt.DomainXMLSecure)
	if err != nil {
		return nil, absent(err)
	}
	if t.seen, err = readDomain(t.document); err != nil {
		return nil, err
	}
	t.mark = t.seen.Metadata.Mark
	return t, nil
}

// lookup finds the domain by ref's id, or else by the owner's UUID.
func lookup(c *golibvirt.Libvirt, ref providers.Ref) (golibvirt.Domain, error) {
	id := ref.Owner.UUID()
	if ref.ID != "" {
		parsed, ok := parseUUID(ref.ID)
		if !ok {
			return golibvirt.Domain{}, notThere()
		}
		id = parsed
	}
	dom, err := c.DomainLookupByUUID(golibvirt.UUID(id))
	return dom, absent(err)
}

// absent turns libvirt's word for a domain that is not there into the
// contract's, and leaves every other error alone.
func absent(err error) error {
	if isCode(err, golibvirt.ErrNoDomain) {
		return notThere()
	}
	return err
}

func notThere() error {
	return &providers.Error{Kind: providers.NotFound, Err: errNoVM}
}

func notOurs(name string, o providers.Owner) error {
	return conflict("domain %q does not carry the mark of %s; rename it, or adopt it", name, o)
}

func conflict(format string, args ...any) error {
	return &providers.Error{Kind: providers.Conflict, Err: fmt.Errorf(format, args...)}
}

// missing says that something is not there which the manifest names.
func missing(what, advice string) error {
	return &providers.Error{
		Kind: providers.NotFound, Missing: what, Err: fmt.Errorf("%s is not there; %s", what, advice),
	}
}

// isCode tells whether err is libvirt's answer with one of the numbers.
func isCode(err error, codes ...golibvirt.ErrorNumber) bool {
	var e golibvirt.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code == uint32(c) {
			return true
		}
	}
	return false
}

// each calls fn for every index below n, many at once, and returns the first
// error.
func each(n int, fn func(i int) error) error {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i := range n {
		g.Go(func() error { return fn(i) })
	}
	return g.Wait()
}

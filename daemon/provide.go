package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/vmsteward/vmsteward/daemon/metrics"
	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/internal/sdnotify"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/server"
	"github.com/vmsteward/vmsteward/providers/remote/server/seedserver"
	"github.com/vmsteward/vmsteward/providers/remote/server/turns"
)

// ProvideConfig says which built-in provider is offered, and to whom.
type ProvideConfig struct {
	Type           string // libvirt, vsphere, memory; empty: what the file says
	File           string // a Provider manifest; empty: only memory needs none
	CredentialsDir string // empty: as the daemon's
	Fleet          string // whose VMs it touches, and no others
	Namespace      string // of the VMs of managers that know names alone

	Listen                    string // host:port, or unix:///path
	CertFile, KeyFile, CAFile string // all, or none
	Allow                     []string
	Insecure                  bool   // without certificates beyond this host
	Metrics                   string // host:port; empty: nowhere
}

// ProviderServer is a built-in provider as a service for managers on other
// hosts: by provider.v1, and by the extension. New builds it, Start sets it
// going, Stop ends it.
type ProviderServer struct {
	cfg            ProvideConfig
	opts           Options
	log            *slog.Logger
	provider       providers.Provider
	server         *server.Server
	registry       *prometheus.Registry
	ready          readiness
	heart          *sdnotify.Heart
	address        string // that it listens on, with the port it got
	metricsAddress string // empty: none
	teardown       []step
	stopOnce       sync.Once
	stopErr        error
}

// NewProviderServer builds everything that can fail without a listener. It
// connects to nothing.
func NewProviderServer(cfg ProvideConfig, opts Options) (*ProviderServer, error) {
	if opts.Log == nil {
		return nil, errors.New("provider server: no logger")
	}
	if opts.Memory == nil {
		opts.Memory = &memory.Registry{}
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &ProviderServer{cfg: cfg, opts: opts, log: opts.Log.With(logkey.Component, "server"), registry: prometheus.NewRegistry()}
	s.heart = sdnotify.NewHeart(opts.Notify, patience, nil)
	made, err := cfg.provider(opts.Memory, opts.Log)
	if err != nil {
		return nil, err
	}
	s.provider, s.cfg.Type = made.Provider, made.kind
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	one := new(turns.Turns) // for both services
	s.server, err = server.New(s.provider, server.Options{
		Turn: one.Take, Fleet: cfg.Fleet, Type: made.kind, Version: opts.Version, Log: s.log, TLS: cfg.tls(), Insecure: cfg.tls() == nil, Metrics: s.registry,
	})
	if err != nil {
		return nil, errors.Join(err, s.closeProvider())
	}
	providerv1.RegisterProviderServer(s.server, seedserver.New(seedserver.Options{
		Turn: one.Take, Provider: s.provider, Type: made.kind, Fleet: cfg.Fleet, Namespace: cfg.Namespace, Log: s.log,
	}))
	return s, nil
}

func (c *ProvideConfig) check() error {
	var errs []error
	if len(c.Fleet) > 63 || !fleetName.MatchString(c.Fleet) {
		errs = append(errs, fmt.Errorf("fleet: %q is not a name of at most 63 lower-case letters, digits and dashes; it marks the VMs that are ours", c.Fleet))
	}
	given := 0
	for _, f := range []string{c.CertFile, c.KeyFile, c.CAFile} {
		if f != "" {
			given++
		}
	}
	switch {
	case given != 0 && given != 3:
		errs = append(errs, errors.New("the server's certificate, its key and the authority of its clients are given all or not at all"))
	case given == 3 && c.Insecure:
		errs = append(errs, errors.New("a server with a certificate is not insecure; choose one"))
	case given == 0 && len(c.Allow) > 0:
		errs = append(errs, errors.New("without certificates nobody has a name that could be allowed"))
	case given == 0 && !c.Insecure && !c.nearby():
		errs = append(errs, fmt.Errorf("%s is reached from other hosts, and without certificates whoever reaches it may do everything; give the server a certificate", c.Listen))
	}
	return errors.Join(errs...)
}

// nearby tells whether the listener is reached from this host alone.
func (c *ProvideConfig) nearby() bool {
	if _, ok := c.socket(); ok {
		return true
	}
	host, _, err := net.SplitHostPort(c.Listen)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// socket returns the path of the listener's socket, if it is one.
func (c *ProvideConfig) socket() (string, bool) { return strings.CutPrefix(c.Listen, "unix://") }

func (c *ProvideConfig) tls() *server.TLS {
	if c.CertFile == "" {
		return nil
	}
	return &server.TLS{CertFile: c.CertFile, KeyFile: c.KeyFile, CAFile: c.CAFile, Allow: c.Allow}
}

// made is a provider and the type that it is of.
type made struct {
	providers.Provider
	kind string
}

// provider builds what the file describes.
func (c *ProvideConfig) provider(reg *memory.Registry, log *slog.Logger) (made, error) {
	doc, key, creds, err := c.load()
	if err != nil {
		return made{}, err
	}
	kind := doc.Spec.Type
	if c.Type != "" && c.Type != kind {
		return made{}, fmt.Errorf("%s: the Provider is of the type %q, not %q", c.File, kind, c.Type)
	}
	s, err := settings(doc, key, c.Fleet, creds)
	if err != nil {
		return made{}, err
	}
	if remote.Speaks(s.Endpoint) {
		return made{}, fmt.Errorf("%s: the endpoint is a provider server itself", c.File)
	}
	maker, ok := factories(reg)[kind]
	if !ok || kind == overWire {
		return made{}, fmt.Errorf("providers of type %q are not built in", kind)
	}
	p, err := maker(s, log.With(logkey.Provider, key.String()))
	return made{p, kind}, err
}

// load reads the one Provider of the file, and where its credential may be.
func (c *ProvideConfig) load() (*manifest.Provider, manifest.Key, *credentials, error) {
	if c.File == "" {
		if c.Type != "memory" {
			return nil, manifest.Key{}, nil, fmt.Errorf("a provider of type %q needs a file that describes its endpoint", c.Type)
		}
		doc := &manifest.Provider{}
		doc.Metadata.Name, doc.Spec.Type, doc.Spec.Endpoint = "memory", "memory", "memory://served"
		return doc, manifest.Key{Name: "memory"}, &credentials{}, nil
	}
	text, err := os.ReadFile(c.File)
	if err != nil {
		return nil, manifest.Key{}, nil, err
	}
	h, err := hostOf(manifest.LoadFile(c.File, text, manifest.Options{Strict: true}), "")
	if err != nil {
		return nil, manifest.Key{}, nil, err
	}
	if len(h.providers) != 1 {
		return nil, manifest.Key{}, nil, fmt.Errorf("%s: holds %d Providers, and one is offered", c.File, len(h.providers))
	}
	where := &Config{CredentialsDir: c.CredentialsDir}
	return h.providers[0], h.keys[0], &credentials{dir: where.credentialsDir(os.Getenv("CREDENTIALS_DIRECTORY")), secrets: h.secrets}, nil
}

// Start listens. It returns once it does; the service goes on until Stop, and
// the channel tells of an end before that.
func (s *ProviderServer) Start() (<-chan error, error) {
	l, err := s.listen()
	if err != nil {
		return nil, err
	}
	s.address = l.Addr().String()
	if err := s.listenMetrics(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	ended, served := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(served)
		ended <- s.server.Serve(l)
	}()
	s.onStop("service", func(ctx context.Context) error {
		err := s.server.Stop(ctx)
		<-served
		return err
	})
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { s.heart.Run(ctx) })
	work.Go(func() { s.look(ctx) })
	s.onStop("readiness", func(context.Context) error {
		cancel()
		work.Wait()
		return nil
	})
	s.log.Info("provider is served", "version", s.opts.Version, "type", s.cfg.Type, "fleet", s.cfg.Fleet, "address", s.Endpoint(),
		"tls", s.cfg.tls() != nil, "allowed", cmp.Or(strings.Join(s.cfg.Allow, ", "), "whoever the authority signed for"))
	return ended, nil
}

func (s *ProviderServer) listenMetrics() error {
	if s.cfg.Metrics == "" {
		return nil
	}
	m, err := metrics.Listen(metrics.ServerOptions{Address: s.cfg.Metrics, Log: s.log}, metrics.HandlerOf(s.registry, metrics.Health{Ready: s.ready.get}))
	if err != nil {
		return err
	}
	s.onStop("metrics", m.Shutdown)
	s.metricsAddress = m.Address()
	s.log.Info("metrics listen", "address", s.metricsAddress)
	return nil
}

func (s *ProviderServer) listen() (net.Listener, error) {
	if path, ok := s.cfg.socket(); ok {
		return listen(path)
	}
	return net.Listen("tcp", s.cfg.Listen)
}

// Endpoint is what a Provider manifest says of this server.
func (s *ProviderServer) Endpoint() string {
	if path, ok := s.cfg.socket(); ok {
		return "unix://" + path
	}
	return "grpc://" + s.address
}

func (s *ProviderServer) onStop(name string, stop func(context.Context) error) {
	s.teardown = append(s.teardown, step{name, stop})
}

// Stop takes no new calls and lets those that run come to their end, within
// the context's deadline. It is idempotent.
func (s *ProviderServer) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		var errs []error
		for i := len(s.teardown) - 1; i >= 0; i-- {
			if err := s.teardown[i].stop(ctx); err != nil {
				errs = append(errs, fmt.Errorf("stop %s: %w", s.teardown[i].name, err))
			}
		}
		s.stopErr = errors.Join(append(errs, s.closeProvider())...)
		if s.stopErr != nil {
			s.log.Warn("stopped, not in good order", logkey.Err, s.stopErr)
			return
		}
		s.log.Info("stopped")
	})
	return s.stopErr
}

func (s *ProviderServer) closeProvider() error {
	if c, ok := s.provider.(providers.Closer); ok {
		return c.Close()
	}
	return nil
}

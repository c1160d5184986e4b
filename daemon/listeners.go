package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/vmsteward/vmsteward/daemon/metrics"
	"github.com/vmsteward/vmsteward/daemon/webhook"
	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/reconcile"
)

// WebhookConfig is where forges deliver their pushes. A delivery is a hint: all
// it can do is wake a pass.
type WebhookConfig struct {
	Listen         string `yaml:"listen"` // host:port
	Secret         string `yaml:"secret"` // a credential with the key secret
	Path           string `yaml:"path"`   // default /webhook
	CertFile       string `yaml:"certFile"`
	KeyFile        string `yaml:"keyFile"`
	AllowPlaintext bool   `yaml:"allowPlaintext"` // without TLS beyond the loopback, as behind a proxy
}

// MetricsConfig is where Prometheus and health checks ask.
type MetricsConfig struct {
	Listen         string `yaml:"listen"` // host:port
	CertFile       string `yaml:"certFile"`
	KeyFile        string `yaml:"keyFile"`
	AllowPlaintext bool   `yaml:"allowPlaintext"` // without TLS beyond the loopback
}

// newReceiver builds what takes deliveries; nil: none are wanted.
func newReceiver(c *Config, creds *credentials, notify func(webhook.Push), log *slog.Logger) (*webhook.Receiver, error) {
	if c.Webhook.Listen == "" {
		return nil, nil
	}
	set, err := creds.open("", c.Webhook.Secret)
	if err != nil {
		return nil, fmt.Errorf("webhook.secret: %w", err)
	}
	cfg := webhook.Config{Secret: set.First("secret", "token", c.Webhook.Secret), Path: c.Webhook.Path, Notify: notify, Log: log}
	if g := c.Source.Git; g != nil {
		cfg.Repositories, cfg.Branch = []string{g.URL}, g.Ref.Branch
		cfg.TagsToo = g.Ref.Tag != "" || g.Ref.SemVer != ""
	}
	return webhook.New(cfg)
}

// takeDeliveries has deliveries go to a receiver of the given configuration.
func (d *Daemon) takeDeliveries(c *core) error {
	r, err := newReceiver(c.cfg, c.creds, d.delivered, d.opts.Log)
	if err == nil {
		d.deliveries.now.Store(r)
	}
	return err
}

// receiver hands deliveries to the receiver of the configuration in force, and
// counts the answers.
type receiver struct {
	now   atomic.Pointer[webhook.Receiver]
	count func(verdict string)
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	to := r.now.Load()
	if to == nil {
		http.NotFound(w, req)
		return
	}
	seen := &answered{ResponseWriter: w, status: http.StatusOK}
	to.ServeHTTP(seen, req)
	r.count(verdictOf(seen.status))
}

// answered remembers the status of an answer.
type answered struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets deadlines of the connection be set.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func verdictOf(status int) string {
	switch status {
	case http.StatusAccepted:
		return metrics.DeliveryAccepted
	case http.StatusOK:
		return metrics.DeliveryIgnored
	case http.StatusUnauthorized:
		return metrics.DeliveryDenied
	case http.StatusServiceUnavailable, http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		return metrics.DeliveryLimited
	}
	return metrics.DeliveryMalformed
}

// listenWebhook opens the listener for deliveries.
func (d *Daemon) listenWebhook(c WebhookConfig) error {
	if c.Listen == "" {
		return nil
	}
	srv, err := webhook.Listen(webhook.ListenConfig{
		Address: c.Listen, CertFile: c.CertFile, KeyFile: c.KeyFile, AllowPlaintext: c.AllowPlaintext,
		Handler: &d.deliveries, Log: d.opts.Log,
	})
	if err != nil {
		return fmt.Errorf("webhook.listen: %w", err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	d.onStop("webhook", func(ctx context.Context) error { return errors.Join(srv.Shutdown(ctx), <-served) })
	d.log.Info("webhook listens", "address", srv.Addr().String())
	return nil
}

// delivered wakes a pass for a genuine push.
func (d *Daemon) delivered(p webhook.Push) {
	d.log.Info("push delivered", "forge", string(p.Forge), "repository", p.Repository, logkey.Ref, p.Ref, logkey.Revision, p.Commit)
	d.wake.add(wake{reason: "a push was delivered", newer: true, kind: metrics.WakeWebhook})
}

// listenMetrics opens the listener for Prometheus and health checks.
func (d *Daemon) listenMetrics(c MetricsConfig) error {
	if c.Listen == "" {
		return nil
	}
	srv, err := metrics.Listen(metrics.ServerOptions{
		Address: c.Listen, CertFile: c.CertFile, KeyFile: c.KeyFile, AllowPlain: c.AllowPlaintext, Log: d.opts.Log.With(logkey.Component, "metrics"),
	}, d.metrics.Handler(metrics.Health{Ready: d.ready}))
	if err != nil {
		return fmt.Errorf("metrics.listen: %w", err)
	}
	d.onStop("metrics", srv.Shutdown)
	d.log.Info("metrics listen", "address", srv.Address())
	return nil
}

// ready tells whether the first pass is complete.
func (d *Daemon) ready() error {
	if d.current().engine.Latest() == nil {
		return errors.New("no pass is complete yet")
	}
	return nil
}

// count shows a pass, the providers and what is suspended to Prometheus.
func (d *Daemon) count(c *core, rep *reconcile.Report, err error) {
	d.metrics.PassDone(rep, err)
	for _, p := range c.providers() {
		d.metrics.ProviderUp(p.Key.String(), p.Problem == "", p.Type)
	}
	if s, err := c.engine.Suspensions(); err == nil {
		d.metrics.Suspended(len(s))
	}
}

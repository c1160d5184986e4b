package daemon

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
	"github.com/vmsteward/vmsteward/sources"
)

// core is everything that a configuration gives: it is built as a whole and
// replaced as a whole.
type core struct {
	cfg       *Config
	host      *host
	creds     *credentials
	source    sources.Source
	schedule  *schedule
	windows   *windows
	endpoints []reconcile.Endpoint
	engine    *reconcile.Engine
}

// newCore builds everything that can fail. It connects to nothing.
func newCore(cfg *Config, store journal.Store, reg *memory.Registry, log *slog.Logger) (c *core, err error) {
	c = &core{cfg: cfg}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
			c = nil
		}
	}()
	if c.schedule, err = newSchedule(cfg); err != nil {
		return c, err
	}
	if c.windows, err = newWindows(cfg); err != nil {
		return c, err
	}
	if c.host, err = loadHost(cfg.ProvidersDir); err != nil {
		return c, err
	}
	c.creds = &credentials{dir: cfg.credentialsDir(os.Getenv("CREDENTIALS_DIRECTORY")), secrets: c.host.secrets}
	if c.source, err = newSource(cfg, c.creds, log); err != nil {
		return c, err
	}
	c.endpoints = c.host.endpoints(cfg.Fleet, c.creds, factories(reg), store, log)
	c.engine, err = reconcile.New(reconcile.Options{
		Fleet: cfg.Fleet, Source: c.source, Load: c.load(), Endpoints: c.endpoints,
		Journal: store, Policy: c.policy, Log: log,
	})
	return c, err
}

// load returns the function that reads a snapshot's manifests.
func (c *core) load() func(fs.FS) *manifest.Desired {
	cache := &manifest.Cache{}
	opts := manifest.ResolveOptions{Providers: c.host.keys, Types: c.host.types, Secrets: c.host.guest}
	return func(tree fs.FS) *manifest.Desired {
		return manifest.Resolve(manifest.Load(tree, manifest.Options{Strict: c.cfg.Strict, Cache: cache}), opts)
	}
}

// policy is what the host allows at an instant.
func (c *core) policy(now time.Time) plan.Policy {
	p := c.cfg.Prune
	return plan.Policy{
		Drift: c.cfg.Drift, MaxDisruption: c.cfg.Disruption.Max, MaxRestarts: c.cfg.Disruption.MaxCount, Window: c.windows.at(now),
		Prune: plan.Prune{
			Mode: p.Mode, Grace: time.Duration(*p.Grace), MaxCount: p.MaxCount, MaxPercent: p.MaxPercent, AllowEmpty: p.AllowEmpty,
		},
	}
}

// providers reports the endpoints, with what the last pass said of them.
func (c *core) providers() []ProviderStatus {
	out := make([]ProviderStatus, 0, len(c.endpoints))
	for i, ep := range c.endpoints {
		spec := c.host.providers[i].Spec
		st := ProviderStatus{Key: ep.Key, Type: spec.Type, Endpoint: spec.Endpoint}
		if ep.Unusable != nil {
			st.Problem = ep.Unusable.Error()
		} else {
			st.Problem = c.engine.Trouble(ep.Key)
		}
		out = append(out, st)
	}
	return out
}

func (c *core) close() error {
	var errs []error
	if c.source != nil {
		errs = append(errs, c.source.Close())
	}
	for _, ep := range c.endpoints {
		if cl, ok := ep.Provider.(providers.Closer); ok {
			errs = append(errs, cl.Close())
		}
	}
	return errors.Join(errs...)
}

package side

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/git"
)

// FleetName is the fleet of every bench.
const FleetName = "bench"

// Lab is the key of the one provider.
func Lab() manifest.Key { return manifest.Key{Namespace: "default", Name: "lab"} }

// Loader reads a snapshot's manifests.
type Loader func(fs.FS) *manifest.Desired

// Load returns a Loader that works as the daemon's does.
func Load() Loader {
	cache, opts := &manifest.Cache{}, manifest.ResolveOptions{Providers: []manifest.Key{Lab()}}
	return func(tree fs.FS) *manifest.Desired {
		return manifest.Resolve(manifest.Load(tree, manifest.Options{Cache: cache}), opts)
	}
}

// Engine returns an engine wired as the daemon wires it, without its log.
func Engine(src sources.Source, p providers.Provider, store journal.Store) (*reconcile.Engine, error) {
	return reconcile.New(reconcile.Options{
		Fleet: FleetName, Source: src, Journal: store, Log: slog.New(slog.DiscardHandler), Load: Load(),
		Endpoints: []reconcile.Endpoint{{Key: Lab(), Provider: p}},
		Policy: func(time.Time) plan.Policy {
			return plan.Policy{Drift: plan.Enforce, MaxDisruption: plan.Restart, Prune: plan.Prune{Mode: plan.PruneReport}}
		},
	})
}

// Journal opens a journal on disk.
func Journal(s *Stage) (journal.Store, error) {
	store, _, err := journal.Open(s.TempDir())
	if err == nil {
		s.Cleanup(func() { store.Close() })
	}
	return store, err
}

// Source follows a repository.
func Source(s *Stage, r *Repo) (sources.Source, error) {
	src, err := git.New(git.Config{
		URL: r.URL(), Ref: git.Ref{Branch: "main"}, Dir: filepath.Join(s.TempDir(), "source"),
		Timeout: time.Minute, Logger: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		s.Cleanup(func() { src.Close() })
	}
	return src, err
}

// Daemon starts a real daemon that follows the repository and acts on a
// hypervisor in memory, and returns when it has made all of the fleet.
func Daemon(r *Run, repo *Repo, wanted int) (*daemon.Daemon, *memory.Hypervisor, error) {
	return DaemonOn(r, repo.URL(), "", wanted)
}

// DaemonOn is Daemon for a repository at any URL, with further lines of
// configuration.
func DaemonOn(r *Run, url, more string, wanted int) (*daemon.Daemon, *memory.Hypervisor, error) {
	reg := &memory.Registry{}
	hv, err := reg.Hypervisor("memory://lab")
	if err != nil {
		return nil, nil, err
	}
	d, err := StartDaemon(r, Site{URL: url, Provider: "type: memory, endpoint: \"memory://lab\"", More: more}, daemon.Options{Memory: reg})
	if err != nil {
		return nil, nil, err
	}
	return d, hv, Made(r, d, wanted)
}

// Site is what a daemon is configured with.
type Site struct {
	URL        string            // of the repository
	Provider   string            // specification of the provider "lab", which may refer to the credential "lab"
	Credential map[string]string // "lab"
	More       string            // further lines of configuration; a webhook has the secret of Hook
}

// StartDaemon starts a real daemon.
func StartDaemon(r *Run, site Site, opts daemon.Options) (*daemon.Daemon, error) {
	dir := r.TempDir()
	files := map[string]string{
		"providers.d/lab.yaml":     "apiVersion: infra.virtrigaud.io/v1beta1\nkind: Provider\nmetadata: {name: lab}\nspec: {" + site.Provider + "}\n",
		"credentials/forge/secret": hookSecret,
	}
	for name, text := range site.Credential {
		files["credentials/lab/"+name] = text
	}
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	cfg, err := daemon.ParseConfig(fmt.Appendf(nil, `apiVersion: vmsteward.dev/v1
kind: Config
fleet: %s
source: {git: {url: %q}}
schedule: "0 3 * * *"
providersDir: %[3]s/providers.d
credentialsDir: %[3]s/credentials
stateDir: %[3]s/state
api: {socket: %[3]s/sock}
%[4]s
`, FleetName, site.URL, dir, site.More))
	if err != nil {
		return nil, err
	}
	opts.Log = slog.New(slog.DiscardHandler)
	d, err := daemon.New(cfg, opts)
	if err != nil {
		return nil, err
	}
	r.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := d.Stop(ctx); err != nil {
			r.Log("stop:", err)
		}
	})
	return d, d.Start(r.Context())
}

// Made has the daemon make its fleet and waits until nothing is left to do.
func Made(r *Run, d *daemon.Daemon, wanted int) error {
	for range 3 {
		rep, err := d.Apply(r.Context(), daemon.ApplyRequest{})
		if err != nil {
			return err
		}
		if rep.Plan.Summary.InSync == wanted {
			return Rest(r.Context(), d)
		}
	}
	return errors.New("the fleet is not in sync after three passes")
}

// Rest returns when no pass is under way or wanted.
func Rest(ctx context.Context, d *daemon.Daemon) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for quiet := 0; quiet < 5; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		st, err := d.Status(ctx)
		if err != nil {
			return err
		}
		if quiet++; st.Busy {
			quiet = 0
		}
	}
	return nil
}

package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/vsphere"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/dir"
	"github.com/vmsteward/vmsteward/sources/git"
)

// factory builds a provider from its settings. It does not connect.
type factory func(providers.Settings, *slog.Logger) (providers.Provider, error)

// overWire is the name of the provider for endpoints of provider servers,
// whatever the type of the Provider manifest.
const overWire = "remote"

// factories is the table of the built-in providers, by the type of the
// Provider manifest.
func factories(reg *memory.Registry) map[string]factory {
	return map[string]factory{
		"libvirt": func(s providers.Settings, log *slog.Logger) (providers.Provider, error) { return libvirt.New(s, log) },
		"vsphere": func(s providers.Settings, log *slog.Logger) (providers.Provider, error) { return vsphere.New(s, log) },
		"memory":  func(s providers.Settings, _ *slog.Logger) (providers.Provider, error) { return reg.Open(s) },
		overWire:  func(s providers.Settings, log *slog.Logger) (providers.Provider, error) { return remote.New(s, log) },
	}
}

// host is what the host itself defines: providers and secrets.
type host struct {
	providers []*manifest.Provider
	keys      []manifest.Key
	types     map[manifest.Key]string
	secrets   map[manifest.Key]secret.Set
	guest     map[manifest.Key]secret.Set // those that manifests may put into guests
}

// guestLabel, set to "true", opens a Secret of the host to the manifests: they
// may then name it in userData and metaData. Others are for providers alone.
const guestLabel = "vmsteward.dev/guest"

// loadHost reads the providers' folder. Errors in it are errors of the
// configuration: nothing is guessed about a host.
func loadHost(folder string) (*host, error) {
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &host{}, nil
	case err != nil:
		return nil, fmt.Errorf("providersDir: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("providersDir: %s is not a folder", folder)
	}
	return hostOf(manifest.Load(os.DirFS(folder), manifest.Options{Strict: true}), folder)
}

// hostOf takes what documents define; their files lie in the folder.
func hostOf(set *manifest.Set, folder string) (*host, error) {
	var errs []error
	for _, f := range set.Findings {
		if f.Severity == manifest.Error {
			f.At.File = filepath.Join(folder, f.At.File)
			errs = append(errs, errors.New(f.String()))
		}
	}
	h := &host{types: make(map[manifest.Key]string), secrets: make(map[manifest.Key]secret.Set), guest: make(map[manifest.Key]secret.Set)}
	for _, d := range set.Documents {
		switch o := d.Object.(type) {
		case *manifest.Provider:
			h.providers = append(h.providers, o)
			key := manifest.Key{Namespace: o.Metadata.Namespace, Name: o.Metadata.Name}
			h.keys, h.types[key] = append(h.keys, key), o.Spec.Type
		case *manifest.Secret:
			h.secrets[d.Key] = o.Values()
			if o.Metadata.Labels[guestLabel] == "true" {
				h.guest[d.Key] = o.Values()
			}
		}
	}
	return h, errors.Join(errs...)
}

// endpoints builds every provider of the host. One that cannot be built is
// unusable, and the VMs on it are held; the others work.
func (h *host) endpoints(fleet string, creds *credentials, makers map[string]factory, store journal.Store, log *slog.Logger) []reconcile.Endpoint {
	out := make([]reconcile.Endpoint, 0, len(h.providers))
	for i, p := range h.providers {
		ep := reconcile.Endpoint{Key: h.keys[i]}
		if rl := p.Spec.RateLimit; rl != nil {
			ep.QPS, ep.Burst = float64(rl.QPS), int(rl.Burst)
		}
		log := log.With(logkey.Provider, ep.Key.String())
		s, err := settings(p, h.keys[i], fleet, creds)
		if err == nil {
			maker := p.Spec.Type
			if remote.Speaks(s.Endpoint) {
				maker, s.Ledger = overWire, ledgerIn(store, s.Endpoint)
			}
			if make, ok := makers[maker]; ok {
				ep.Provider, err = make(s, log)
			} else {
				err = fmt.Errorf("providers of type %q are not built in", p.Spec.Type)
			}
		}
		if err != nil {
			ep.Provider, ep.Unusable = nil, err
			log.Error("provider cannot be used", logkey.Err, err)
		}
		out = append(out, ep)
	}
	return out
}

func settings(p *manifest.Provider, key manifest.Key, fleet string, creds *credentials) (providers.Settings, error) {
	s := providers.Settings{
		Key: key, Fleet: fleet, Type: p.Spec.Type, Endpoint: p.Spec.Endpoint,
		InsecureSkipVerify: p.Spec.InsecureSkipVerify, ConnectTimeout: 30 * time.Second,
	}
	if d := p.Spec.Defaults; d != nil {
		s.Defaults = providers.Defaults{
			Cluster: d.Cluster, Datastore: d.Datastore, Folder: d.Folder, Network: d.Network,
			ResourcePool: d.ResourcePool, StoragePod: d.StoragePod,
		}
	}
	if c := p.Spec.ConnectionPooling; c != nil {
		s.MaxConnections = int(c.MaxConnections)
		if t := c.ConnectionTimeout.Value(); t > 0 {
			s.ConnectTimeout = t
		}
	}
	if ref := p.Spec.CredentialSecretRef; ref.Name != "" {
		secretKey := ref.In(cmp.Or(key.Namespace, "default"))
		set, err := creds.open(secretKey.Namespace, secretKey.Name)
		if err != nil {
			return s, err
		}
		s.Credentials = set
	}
	return s, nil
}

// newSource builds the source of the configuration.
func newSource(c *Config, creds *credentials, log *slog.Logger) (sources.Source, error) {
	if c.Source.Dir != nil {
		return dir.New(dir.Config{Path: c.Source.Dir.Path})
	}
	g := c.Source.Git
	auth := secret.Set{}
	if g.Credentials != "" {
		var err error
		if auth, err = creds.open("", g.Credentials); err != nil {
			return nil, fmt.Errorf("source.git.credentials: %w", err)
		}
	}
	src, err := git.New(git.Config{
		URL: g.URL, Ref: git.Ref{Branch: g.Ref.Branch, Tag: g.Ref.Tag, SemVer: g.Ref.SemVer, Commit: g.Ref.Commit},
		Path: g.Path, Dir: filepath.Join(c.StateDir, "source"), Auth: auth,
		FollowRewrites: g.FollowRewrites, Timeout: time.Duration(g.Timeout), Logger: log,
	})
	if err != nil {
		return nil, fmt.Errorf("source.git: %w", err)
	}
	return src, nil
}

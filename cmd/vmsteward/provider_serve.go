package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/internal/sdnotify"
)

// providerTypes are those that can be served.
var providerTypes = []string{"libvirt", "vsphere", "memory"}

func (a *app) provideCommand() *cobra.Command {
	cfg, logs := daemon.ProvideConfig{}, daemon.LogConfig{}
	c := &cobra.Command{
		Use:   "serve [TYPE]",
		Short: "Offer a built-in provider to managers on other hosts",
		Long: `Offer a built-in provider (libvirt, vsphere, memory) to managers on other
hosts, so that a hypervisor's credential need not leave this one. It answers
in two protocols: in provider.v1, which VirtRigaud's manager speaks, and in
vmsteward's own, by which it is as good as one that is built in.

The endpoint, its credential and the defaults come from a Provider manifest;
TYPE may be left out where --provider names one. Credentials are found as the
daemon finds them: in a Secret of the same file, in --credentials-dir, or where
systemd passes them on. The server touches VMs of its --fleet alone.

Both sides prove who they are, by TLS 1.3: give the server --tls-cert and
--tls-key, and in --tls-ca the authority that signed for its clients; --allow
names those that may call, by a DNS name, URI or common name of their
certificate. The files are read again when they change. Without certificates
it listens on the loopback and on sockets only, unless --insecure says so.

SIGTERM and SIGINT stop it: calls under way are finished first. systemd starts
it from vmsteward-provider@.service.`,
		Example: `  vmsteward provider serve --provider kvm.yaml --fleet lab \
    --listen :9443 --tls-cert tls.crt --tls-key tls.key --tls-ca ca.crt \
    --allow steward.example.com
  vmsteward provider serve memory --fleet lab --listen 127.0.0.1:9443`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return usage("one server offers one provider", "which provider?")
			case len(args) == 0 && cfg.File == "":
				return usage("the types are libvirt, vsphere and memory; --provider names a file that says it", "which provider?")
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return providerTypes, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				cfg.Type = args[0]
			}
			return a.provide(c.Context(), cfg, logs)
		},
	}
	f := c.Flags()
	f.StringVar(&cfg.File, "provider", "", "the Provider manifest, a `file`")
	f.StringVar(&cfg.CredentialsDir, "credentials-dir", "", "where credentials are, a `folder`; else systemd's, else /etc/vmsteward/credentials")
	f.StringVar(&cfg.Fleet, "fleet", "", "whose VMs it touches, a `name`; the fleet of the daemon that calls it")
	f.StringVar(&cfg.Namespace, "namespace", "default", "the `namespace` of VMs of managers that speak provider.v1 alone")
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:9443", "`address`: host:port, or unix:///path")
	f.StringVar(&cfg.CertFile, "tls-cert", "", "the server's certificate, a PEM `file`")
	f.StringVar(&cfg.KeyFile, "tls-key", "", "its key, a PEM `file`")
	f.StringVar(&cfg.CAFile, "tls-ca", "", "who signed for the clients, a PEM `file`")
	f.StringSliceVar(&cfg.Allow, "allow", nil, "a client that may call, by a `name` in its certificate; none: all that the authority signed for")
	f.BoolVar(&cfg.Insecure, "insecure", false, "listen to other hosts without certificates: whoever comes may do everything")
	f.StringVar(&cfg.Metrics, "metrics", "", "`address` on the loopback for /metrics, /healthz and /readyz")
	f.StringVar(&logs.Format, "log-format", "auto", "`format` of the log: auto, text or json")
	f.StringVar(&logs.Level, "log-level", "info", "`level` of the log: debug, info, warn or error")
	return c
}

// drainPatience is how long calls under way may take to end. systemd's
// TimeoutStopSec has to be longer.
const drainPatience = 80 * time.Second

// provide serves until the context ends, or the listener does.
func (a *app) provide(ctx context.Context, cfg daemon.ProvideConfig, logs daemon.LogConfig) error {
	if err := logs.Check(); err != nil {
		return usage("", "%w", err)
	}
	if cfg.Fleet == "" {
		return usage("--fleet is that of the daemon that calls it", "whose VMs may it touch?")
	}
	systemd := sdnotify.FromEnv(a.getenv)
	log := daemon.NewLogger(logs, a.err, a.errStyle().colour)
	s, err := daemon.NewProviderServer(cfg, daemon.Options{Log: log, Version: buildVersion(), Notify: systemd})
	if err != nil {
		return err
	}
	ended, err := s.Start()
	if err == nil {
		tell(log, systemd.Ready)
		select {
		case <-ctx.Done():
		case err = <-ended:
		}
		tell(log, systemd.Stopping)
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainPatience)
	defer cancel()
	if stopped := s.Stop(stopping); err == nil {
		err = stopped
	}
	return err
}

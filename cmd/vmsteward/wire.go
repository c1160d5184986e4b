package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/vmsteward/vmsteward/daemon"
)

// opener opens a way to the steward: a daemon, or none with the same answers.
type opener func(ctx context.Context) (daemon.Service, error)

// connect asks the daemon that listens on the configured socket; when nobody
// does, the state directory and the providers are looked at directly.
func (a *app) connect(ctx context.Context) (daemon.Service, error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	if !a.flags.local {
		svc, err := daemon.Dial(ctx, cfg.API.Socket)
		if err == nil {
			return svc, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		fmt.Fprintf(a.err, "no daemon answers on %s; looking directly\n", cfg.API.Socket)
	}
	return daemon.NewLocal(cfg, daemon.Options{
		Log: slog.New(slog.DiscardHandler), Version: buildVersion(), ConfigPath: a.configPath(),
	})
}

func (a *app) loadConfig() (*daemon.Config, error) {
	return daemon.LoadConfig(a.configPath())
}

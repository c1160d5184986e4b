package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/vmsteward/vmsteward/daemon"
)

// opener opens a way to the steward: a daemon, or none with the same answers.
type opener func(ctx context.Context) (daemon.Service, error)

// connect asks the daemon that listens on the configured socket; when nobody
// does, the state directory and the providers are looked at directly, which a
// person at a terminal is told.
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
		if a.errTTY {
			a.once.Do(func() { fmt.Fprintln(a.err, whyDirectly(err, cfg.API.Socket)+"; looking directly") })
		}
	}
	return daemon.NewLocal(cfg, daemon.Options{
		Log: slog.New(slog.DiscardHandler), Version: buildVersion(), ConfigPath: a.configPath(),
	})
}

// whyDirectly says why the daemon is not asked.
func whyDirectly(err error, socket string) string {
	if errors.Is(err, fs.ErrPermission) {
		return "you may not open the daemon's socket " + socket
	}
	return "no daemon answers on " + socket
}

func (a *app) loadConfig() (*daemon.Config, error) {
	return daemon.LoadConfig(a.configPath())
}

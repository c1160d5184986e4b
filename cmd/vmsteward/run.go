package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/internal/sdnotify"
)

// stopPatience is how long a daemon that is told to stop may finish calls that
// are under way. systemd's TimeoutStopSec has to be longer.
const stopPatience = 80 * time.Second

func (a *app) runCommand() *cobra.Command {
	var once bool
	c := &cobra.Command{
		Use:     "run",
		GroupID: groupAct,
		Short:   "Run the daemon in the foreground",
		Long: `Run the daemon in the foreground: follow the source, and run a pass at the
configured times and whenever something wakes it. This is what systemd starts.

SIGTERM and SIGINT stop it: calls under way are finished, nothing new is
begun. A second one ends it at once, which loses nothing: the journal and the
marks on the machines say what was begun. SIGHUP reads the configuration
again; when it cannot be used, the daemon goes on with the one it has.

With --once, one pass is run, without a daemon, as for a timer.

Exit code of --once: 0 everything that could be done was done; 1 the pass
failed as a whole; 4 a VM failed, is held or in conflict, or its work goes on;
5 another process holds the state directory.`,
		Example: `  vmsteward run --config ./vmsteward.yaml
  vmsteward run --once
  systemctl enable --now vmsteward`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			opts := daemon.Options{
				Log:     daemon.NewLogger(cfg.Log, a.err, a.errStyle().colour),
				Version: buildVersion(), ConfigPath: a.configPath(),
			}
			if once {
				return a.runOnce(c.Context(), cfg, opts)
			}
			return a.run(c.Context(), cfg, opts)
		},
	}
	c.Flags().BoolVar(&once, "once", false, "run one pass, and exit")
	return c
}

// run keeps the daemon going until the context ends.
func (a *app) run(ctx context.Context, cfg *daemon.Config, opts daemon.Options) error {
	daemon.BeFrugal()
	systemd := sdnotify.FromEnv(a.getenv)
	opts.Notify = systemd
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	d, err := daemon.New(cfg, opts)
	if err != nil {
		return err
	}
	err = d.Start(ctx)
	if err == nil {
		tell(opts.Log, systemd.Ready)
		reloadUntil(ctx, d, hangup, systemd, opts.Log)
		tell(opts.Log, systemd.Stopping)
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	if stopped := d.Stop(stopping); err == nil {
		err = stopped
	}
	return err
}

// tell speaks to the service manager. One that does not listen changes nothing
// about the service.
func tell(log *slog.Logger, say func() error) {
	if err := say(); err != nil {
		log.Debug("the service manager cannot be told", "err", err)
	}
}

// reloadUntil reloads at each hangup, until the context ends.
func reloadUntil(ctx context.Context, d *daemon.Daemon, hangup <-chan os.Signal, systemd sdnotify.Notifier, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			tell(log, systemd.Reloading)
			if err := d.Reload(ctx); err != nil {
				log.Error("configuration not reloaded; the daemon goes on as it was", "err", err)
			}
			tell(log, systemd.Ready)
		}
	}
}

// runOnce runs one pass without a daemon.
func (a *app) runOnce(ctx context.Context, cfg *daemon.Config, opts daemon.Options) error {
	svc, err := daemon.NewLocal(cfg, opts)
	if err != nil {
		return err
	}
	defer svc.Close()
	rep, err := svc.Apply(ctx, daemon.ApplyRequest{})
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the pass was cut short: %w", ctx.Err())
	}
	if a.json() {
		if err := printJSON(a.out, rep); err != nil {
			return err
		}
	}
	return ends(a.verdict(rep))
}

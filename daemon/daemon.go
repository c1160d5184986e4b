package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/daemon/metrics"
	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/internal/sdnotify"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/journal"
)

// Options is what a Daemon is given besides its configuration.
type Options struct {
	Log        *slog.Logger // required
	Version    string
	ConfigPath string           // what Reload reads; empty: Reload keeps the configuration
	Memory     *memory.Registry // hypervisors of memory:// endpoints; nil: an own one
	// Notify speaks to the service manager; its watchdog is fed for as long as
	// the loop of passes gets on.
	Notify sdnotify.Notifier
}

// Daemon is one running steward. New builds it, Start sets it going, Stop ends
// it; Reload replaces its configuration between two passes.
type Daemon struct {
	opts    Options
	log     *slog.Logger
	store   journal.Store
	wake    *wakes
	heart   *sdnotify.Heart
	metrics *metrics.Metrics

	deliveries receiver
	started    time.Time

	mu        sync.Mutex
	core      *core     // guarded by mu
	lastError string    // guarded by mu: of the last pass as a whole
	next      time.Time // guarded by mu
	busy      int       // guarded by mu: passes wanted or under way
	unwatch   func()    // guarded by mu: ends the watching of the core; nil: none

	teardown []step // in the order of their birth
	stopOnce sync.Once
	stopErr  error
}

// patience is how long the loop may be silent: longer than the longest call to
// a provider, which is its longest single step.
const patience = 10 * time.Minute

// step is a named teardown.
type step struct {
	name string
	stop func(context.Context) error
}

// New opens the journal and builds everything that the configuration asks
// for. Nothing runs yet and nothing is connected to. When it returns an error,
// nothing is left behind.
func New(cfg *Config, opts Options) (d *Daemon, err error) {
	if opts.Log == nil {
		return nil, errors.New("daemon: no logger")
	}
	if opts.Memory == nil {
		opts.Memory = &memory.Registry{}
	}
	d = &Daemon{opts: opts, log: opts.Log.With(logkey.Component, "daemon"), metrics: metrics.New(opts.Version)}
	d.wake = newWakes(d.metrics.Wake)
	d.deliveries.count = d.metrics.WebhookDelivery
	d.heart = sdnotify.NewHeart(opts.Notify, patience, func(silent time.Duration) {
		d.log.Error("the loop of passes hangs; the service manager is asked to end the process", "silent_s", int(silent.Seconds()))
	})
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Stop(context.Background()))
			d = nil
		}
	}()
	store, aside, err := journal.Open(cfg.StateDir)
	if err != nil {
		return d, err
	}
	if aside != "" {
		d.log.Warn("the journal was damaged and is begun anew; VMs are found again by their marks", "aside", aside)
	}
	d.store = store
	d.onStop("journal", func(context.Context) error { return store.Close() })
	if d.core, err = newCore(cfg, store, opts.Memory, opts.Log); err != nil {
		return d, err
	}
	d.onStop("providers and source", func(context.Context) error { return d.current().close() })
	return d, nil
}

func (d *Daemon) onStop(name string, stop func(context.Context) error) {
	d.teardown = append(d.teardown, step{name, stop})
}

func (d *Daemon) current() *core {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.core
}

// Start opens the control socket and begins the loop of passes. It returns
// once both are there; the work goes on until Stop.
func (d *Daemon) Start(context.Context) error {
	d.started = time.Now()
	stopAPI, err := d.serve(d.current().cfg.API.Socket)
	if err != nil {
		return err
	}
	d.onStop("control socket", stopAPI)
	c := d.current()
	if err := errors.Join(d.takeDeliveries(c), d.listenWebhook(c.cfg.Webhook), d.listenMetrics(c.cfg.Metrics)); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { d.heart.Run(ctx) })
	work.Go(func() { d.watch(ctx) })
	looped := make(chan struct{})
	go func() {
		defer close(looped)
		d.loop(ctx)
	}()
	d.onStop("passes", func(stop context.Context) error {
		// The pass under way finishes its calls; only its waiting ends. When
		// the deadline comes first, the calls are cut off too.
		d.wake.close()
		select {
		case <-looped:
		case <-stop.Done():
			cancel()
			<-looped
		}
		cancel()
		work.Wait()
		return nil
	})
	d.log.Info("started", "version", d.opts.Version, "fleet", c.cfg.Fleet, logkey.Source, c.source.Describe(),
		"schedule", c.schedule.text, "providers", len(c.endpoints))
	return nil
}

// Stop ends everything, the youngest first, within the context's deadline. It
// is idempotent; every failure is in the error.
func (d *Daemon) Stop(ctx context.Context) error {
	d.stopOnce.Do(func() {
		d.wake.close()
		var errs []error
		for i := len(d.teardown) - 1; i >= 0; i-- {
			if err := d.teardown[i].stop(ctx); err != nil {
				errs = append(errs, fmt.Errorf("stop %s: %w", d.teardown[i].name, err))
			}
		}
		d.stopErr = errors.Join(errs...)
		if d.stopErr != nil {
			d.log.Warn("stopped, not in good order", logkey.Err, d.stopErr)
			return
		}
		d.log.Info("stopped")
	})
	return d.stopErr
}

// Reload reads the configuration again. All that can fail is done first; when
// something does, the daemon goes on as it was.
func (d *Daemon) Reload(context.Context) error {
	if d.opts.ConfigPath == "" {
		return errors.New("reload: there is no configuration file")
	}
	cfg, err := LoadConfig(d.opts.ConfigPath)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	old := d.current()
	if cfg.StateDir != old.cfg.StateDir || cfg.API.Socket != old.cfg.API.Socket ||
		cfg.Webhook.Listen != old.cfg.Webhook.Listen || cfg.Metrics != old.cfg.Metrics {
		return errors.New("reload: a changed stateDir, api.socket, webhook.listen or metrics needs a restart")
	}
	next, err := newCore(cfg, d.store, d.opts.Memory, d.opts.Log)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	if err := d.takeDeliveries(next); err != nil {
		return errors.Join(fmt.Errorf("reload: %w", err), next.close())
	}
	old.engine.Retire(func() {
		err = next.engine.Recall() // what the last pass of the old one wrote
		d.mu.Lock()
		d.core = next
		d.mu.Unlock()
	})
	if err != nil {
		d.log.Warn("the journal is known as it was before the reload", logkey.Err, err)
	}
	if err := old.close(); err != nil {
		d.log.Warn("the former configuration could not be closed", logkey.Err, err)
	}
	d.log.Info("reloaded", "fleet", cfg.Fleet, logkey.Source, next.source.Describe(), "schedule", next.schedule.text)
	d.rewatch()
	d.wake.add(wake{reason: "reload", full: true, newer: true, kind: metrics.WakeReload})
	return nil
}

// pass runs one pass with the configuration of the moment.
func (d *Daemon) pass(ctx context.Context, opts reconcile.PassOptions) (*reconcile.Report, error) {
	d.enter(+1)
	defer d.enter(-1)
	var done func()
	opts.Waits, done = d.wake.waiting()
	defer done()
	opts.Progress = d.heart.Beat
	for {
		rep, err := d.current().engine.Pass(ctx, opts)
		if errors.Is(err, reconcile.ErrRetired) {
			continue // the configuration was replaced while this waited
		}
		d.count(d.current(), rep, err)
		d.mu.Lock()
		d.lastError = ""
		if err != nil {
			d.lastError = err.Error()
		}
		d.mu.Unlock()
		d.tellStatus(rep, err)
		return rep, err
	}
}

// tellStatus puts the last pass beside the unit's state. A service manager
// that does not listen changes nothing.
func (d *Daemon) tellStatus(rep *reconcile.Report, err error) {
	if err != nil {
		_ = d.opts.Notify.Status("the last pass failed: " + err.Error())
		return
	}
	s := rep.Plan.Summary
	_ = d.opts.Notify.Status(fmt.Sprintf("%d wanted, %d in sync; last pass %s: %d applied, %d failed, %d held, %d in conflict",
		s.Wanted, s.InSync, rep.Begun.UTC().Format(time.TimeOnly), rep.Applied(), rep.Failed(), s.Held, s.Conflicts))
}

func (d *Daemon) enter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy += n
}

// Apply implements Service.
func (d *Daemon) Apply(ctx context.Context, req ApplyRequest) (*reconcile.Report, error) {
	return d.pass(ctx, reconcile.PassOptions{Reason: "a person asked for it", Only: req.Only, Expect: req.Expect})
}

// Plan implements Service.
func (d *Daemon) Plan(ctx context.Context) (*reconcile.Outlook, error) {
	return d.current().engine.Plan(ctx)
}

// VMs implements Service.
func (d *Daemon) VMs(ctx context.Context) ([]reconcile.View, error) {
	e := d.current().engine
	if rep := e.Latest(); rep != nil {
		return rep.Views(), nil
	}
	look, err := e.Plan(ctx)
	if err != nil {
		return nil, err
	}
	return look.VMs, nil
}

// Status implements Service.
func (d *Daemon) Status(context.Context) (*Status, error) {
	c := d.current()
	st, err := c.status(d.store, d.opts.Version)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	st.Daemon, st.Started, st.Next, st.Busy, st.LastError = true, d.started, d.next, d.busy > 0, d.lastError
	return st, nil
}

// Close implements Service; a daemon is ended by Stop.
func (d *Daemon) Close() error { return nil }

// status gathers what is known without the daemon's loop.
func (c *core) status(store journal.Store, version string) (*Status, error) {
	st := &Status{
		Version: version, Fleet: c.cfg.Fleet, Source: c.source.Describe(), Schedule: c.schedule.text, Providers: c.providers(),
	}
	var last reconcile.Brief
	if err := store.State("last", &last); err != nil {
		return nil, err
	}
	if !last.Begun.IsZero() {
		st.Last = &last
	}
	suspended, err := c.engine.Suspensions()
	if err != nil {
		return nil, err
	}
	for _, vm := range slices.SortedFunc(maps.Keys(suspended), manifest.Key.Compare) {
		st.Suspended = append(st.Suspended, Suspension{vm, suspended[vm]})
	}
	if rep := c.engine.Latest(); rep != nil {
		st.Last = new(rep.Brief())
		st.Snapshot, st.Notes = &rep.Snapshot, rep.Plan.Notes
	}
	return st, nil
}

var _ Service = (*Daemon)(nil)

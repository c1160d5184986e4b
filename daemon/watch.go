package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/daemon/metrics"
	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/sources"
)

// watch follows the source and the endpoints of the configuration in force,
// until the context ends. A reload has it begin anew with the next one.
func (d *Daemon) watch(ctx context.Context) {
	for ctx.Err() == nil {
		inner, cancel := context.WithCancel(ctx)
		d.mu.Lock()
		c := d.core
		d.unwatch = cancel
		d.mu.Unlock()
		var wg sync.WaitGroup
		wg.Go(func() { d.watchSource(inner, c.source) })
		wg.Go(func() {
			c.engine.Watch(inner, func(reason string) { d.wake.add(wake{reason: reason, kind: metrics.WakeProvider}) })
		})
		<-inner.Done()
		wg.Wait()
		cancel()
	}
}

// rewatch has watch begin anew.
func (d *Daemon) rewatch() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unwatch != nil {
		d.unwatch()
	}
}

// The pauses before a source that cannot be watched is tried again. Polling
// goes on meanwhile.
const (
	firstWatchPause = time.Second
	lastWatchPause  = 5 * time.Minute
)

// watchSource wakes a pass when a source on this host has something new.
func (d *Daemon) watchSource(ctx context.Context, src sources.Source) {
	w, ok := src.(sources.Watcher)
	if !ok {
		return
	}
	for pause := firstWatchPause; ctx.Err() == nil; pause = min(2*pause, lastWatchPause) {
		begun := time.Now()
		err := w.Watch(ctx, func() { d.wake.add(wake{reason: "the source changed", newer: true, kind: metrics.WakeSource}) })
		if ctx.Err() != nil || sources.KindOf(err) == sources.Invalid {
			return // it cannot be watched at all: it is not on this host
		}
		if time.Since(begun) > lastWatchPause {
			pause = firstWatchPause
		}
		d.log.Debug("source is not watched", logkey.Source, src.Describe(), logkey.Err, err, logkey.RetryInMS, pause.Milliseconds())
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

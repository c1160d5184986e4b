package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// passSet is about passes and what they do.
type passSet struct {
	passes        *prometheus.CounterVec
	passSeconds   *prometheus.HistogramVec
	actions       *prometheus.CounterVec
	lastPass      prometheus.Gauge
	lastSuccess   prometheus.Gauge
	nextPass      prometheus.Gauge
	busy          prometheus.Gauge
	journalErrors prometheus.Counter
}

// passBuckets reach from a pass that finds nothing to do to one that makes VMs
// for an hour, in seconds.
func passBuckets() []float64 {
	return []float64{.05, .1, .5, 1, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600}
}

func newPassSet() passSet {
	s := passSet{
		passes: counters("vmsteward_passes_total",
			"Passes by outcome: ok, failed (for at least one VM), error (no desired state could be had), refused (not made).", "outcome"),
		passSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "vmsteward_pass_duration_seconds", Help: "How long passes took, by outcome.", Buckets: passBuckets(),
		}, []string{"outcome"}),
		actions: counters("vmsteward_actions_total",
			"VMs that calls were made for, by what was to be done and how it ended.", "action", "outcome"),
		lastPass: gauge("vmsteward_pass_last_timestamp_seconds",
			"When the last pass ended that had a desired state; 0 before the first."),
		lastSuccess: gauge("vmsteward_pass_last_success_timestamp_seconds",
			"When the last pass ended in which nothing failed; 0 before the first."),
		nextPass: gauge("vmsteward_pass_next_timestamp_seconds",
			"When the next pass is due at the latest; 0 if none is."),
		busy:          gauge("vmsteward_passes_pending", "Passes that are under way or wait for their turn."),
		journalErrors: counter("vmsteward_journal_errors_total", "Passes that could not write all of their journal."),
	}
	for _, how := range []string{passOK, passFailed, passError, passRefused} {
		s.passes.WithLabelValues(how)
	}
	for _, how := range []string{passOK, passFailed} {
		s.passSeconds.WithLabelValues(how)
	}
	for _, a := range actions() {
		for _, o := range outcomes() {
			s.actions.WithLabelValues(string(a), word(string(o)))
		}
	}
	return s
}

func (s *passSet) all() []prometheus.Collector {
	return []prometheus.Collector{s.passes, s.passSeconds, s.actions, s.lastPass, s.lastSuccess, s.nextPass, s.busy, s.journalErrors}
}

// LastPass tells of a successful pass of an earlier process, so that a restart
// does not look like a pass that is missing.
func (m *Metrics) LastPass(end time.Time, success bool) {
	m.lastPass.Set(seconds(end))
	if success {
		m.lastSuccess.Set(seconds(end))
	}
}

// NextPass tells when the next pass is due; zero: never.
func (m *Metrics) NextPass(at time.Time) { m.nextPass.Set(seconds(at)) }

// Busy tells how many passes are under way or wait for their turn.
func (m *Metrics) Busy(n int) { m.busy.Set(float64(n)) }

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

func gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

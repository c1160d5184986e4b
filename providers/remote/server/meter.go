package server

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
)

// meter counts what a server does. No label names a VM or a peer.
type meter struct {
	calls   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	flying  prometheus.GaugeFunc
	refused *prometheus.CounterVec
	panics  prometheus.Counter
	now     atomic.Int64 // calls that run
}

func newMeter(r prometheus.Registerer) (*meter, error) {
	m := &meter{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vmsteward_server_calls_total", Help: "Calls that were answered, by method and code of the status.",
		}, []string{"method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "vmsteward_server_call_duration_seconds", Help: "How long calls took, by method; those that the client ends are not in it.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60, 300},
		}, []string{"method"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vmsteward_server_refused_total", Help: "Peers that were refused: in the handshake, or a call because of their name.",
		}, []string{"by"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "vmsteward_server_panics_total", Help: "Calls in which the provider panicked.",
		}),
	}
	m.flying = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "vmsteward_server_calls_running", Help: "Calls that run at the moment.",
	}, func() float64 { return float64(m.now.Load()) })
	m.refused.WithLabelValues("handshake")
	m.refused.WithLabelValues("name")
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.calls, m.seconds, m.flying, m.refused, m.panics} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// begin counts a call that runs, until the function that it returns is called.
func (m *meter) begin() (end func()) {
	m.now.Add(1)
	return func() { m.now.Add(-1) }
}

// done counts a call that was answered. An endless one has no duration.
func (m *meter) done(method string, code codes.Code, took time.Duration, endless bool) {
	m.calls.WithLabelValues(method, code.String()).Inc()
	if !endless {
		m.seconds.WithLabelValues(method).Observe(took.Seconds())
	}
}

func (m *meter) running() int64 { return m.now.Load() }

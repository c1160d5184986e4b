package metrics

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Health is what a supervisor may ask for. Both functions are called for every
// request, at the same time too, and must not block.
type Health struct {
	// Alive returns why the process should be restarted; nil: it is alive, as
	// it also is without this function.
	Alive func() error
	// Ready returns why the daemon is of no use yet: its configuration is not
	// valid, or its first pass is not complete. Being out of sync is no such
	// reason. nil: it is ready; without this function it never is.
	Ready func() error
}

// errNotReady is said while nobody can tell.
var errNotReady = errors.New("the daemon has not started yet")

// Handler serves /metrics, /healthz and /readyz, for GET and HEAD.
func (m *Metrics) Handler(h Health) http.Handler { return HandlerOf(m.registry, h) }

// HandlerOf is Handler for the series of a registry, of a program that is no
// daemon.
func HandlerOf(series prometheus.Gatherer, h Health) http.Handler {
	if h.Alive == nil {
		h.Alive = func() error { return nil }
	}
	if h.Ready == nil {
		h.Ready = func() error { return errNotReady }
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(series, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 10 * time.Second, EnableOpenMetrics: true,
	}))
	mux.HandleFunc("GET /healthz", probe(h.Alive))
	mux.HandleFunc("GET /readyz", probe(h.Ready))
	return mux
}

// probe answers 200 and "ok", or 503 and the reason on one line.
func probe(ask func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if err := ask(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, strings.Join(strings.Fields(err.Error()), " "))
			return
		}
		fmt.Fprintln(w, "ok")
	}
}

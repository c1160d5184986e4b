// Package metrics tells Prometheus how the daemon fares, and a supervisor
// whether it lives and is ready. It owns names, labels and buckets, and the
// server they are read from; it must not know how a pass works, and no label
// ever names a VM or holds an error's text. It is tested by the exposition
// itself, as text, and by the linter of the Prometheus project.
package metrics

import (
	"errors"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// Metrics holds every series of one daemon on a registry of its own. It is safe
// for concurrent use. All series with a known set of labels are there from the
// start, at zero, so that a first increase is seen.
type Metrics struct {
	registry *prometheus.Registry
	passSet
	fleetSet
	triggerSet
}

// New returns metrics for a daemon of this version.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), passSet: newPassSet(), fleetSet: newFleetSet(), triggerSet: newTriggerSet()}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "vmsteward_build_info", Help: "Always 1; the version is in the labels.",
	}, []string{"version", "goversion"})
	info.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(m.passSet.all()...)
	m.registry.MustRegister(m.fleetSet.all()...)
	m.registry.MustRegister(m.triggerSet.all()...)
	return m
}

// PassDone counts a pass that has ended. The report is nil when there is none,
// as the error then says. A pass that was not made, because its plan was not
// the one agreed to or another engine has taken over, is counted as refused.
func (m *Metrics) PassDone(rep *reconcile.Report, err error) {
	how := outcomeOf(rep, err)
	m.passes.WithLabelValues(how).Inc()
	if err != nil || rep == nil {
		return
	}
	end := rep.Begun.Add(rep.Took)
	m.passSeconds.WithLabelValues(how).Observe(rep.Took.Seconds())
	m.lastPass.Set(seconds(end))
	if how == passOK {
		m.lastSuccess.Set(seconds(end))
	}
	if rep.JournalError != "" {
		m.journalErrors.Inc()
	}
	for i := range rep.Results {
		r := &rep.Results[i]
		m.actions.WithLabelValues(string(r.Action), word(string(r.Outcome))).Inc()
	}
	m.fleetSet.show(rep)
}

// The outcomes of a pass.
const (
	passOK      = "ok"      // every call succeeded, or none was needed
	passFailed  = "failed"  // calls for at least one VM failed
	passError   = "error"   // no desired state could be had
	passRefused = "refused" // it was not made
)

func outcomeOf(rep *reconcile.Report, err error) string {
	switch {
	case errors.Is(err, reconcile.ErrPlanMoved), errors.Is(err, reconcile.ErrRetired):
		return passRefused
	case err != nil, rep == nil:
		return passError
	case rep.Failed() > 0:
		return passFailed
	}
	return passOK
}

// word makes a label value of a short phrase.
func word(s string) string { return strings.ReplaceAll(s, " ", "_") }

// seconds is the instant as Prometheus counts it, 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// The words that reports use, all of which become series at the start.
func outcomes() []reconcile.Outcome {
	return []reconcile.Outcome{reconcile.Applied, reconcile.Different, reconcile.Unproven, reconcile.Waiting, reconcile.NotTried, reconcile.Failed}
}

func actions() []plan.Action {
	return []plan.Action{plan.Create, plan.Update, plan.Retire, plan.Delete, plan.Sweep}
}

func severities() []manifest.Severity { return []manifest.Severity{manifest.Error, manifest.Warning} }

package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// fleetSet is about VMs, what is wanted of them, and who has them. It shows the
// last pass.
type fleetSet struct {
	vms           *prometheus.GaugeVec
	retired       prometheus.Gauge
	suspended     prometheus.Gauge
	findings      *prometheus.GaugeVec
	stale         prometheus.Gauge
	revisionTime  prometheus.Gauge
	providers     *prometheus.GaugeVec
	providerTypes *prometheus.GaugeVec
}

func newFleetSet() fleetSet {
	s := fleetSet{
		vms: gauges("vmsteward_vms",
			"VMs as the last pass judged them before it acted; one VM may be in several states. unwanted: ours, and not wanted any more.", "state"),
		retired:   gauge("vmsteward_retired_vms", "VMs that are powered off and kept for their grace period."),
		suspended: gauge("vmsteward_suspended", "What was suspended by a person: the whole fleet, providers or VMs."),
		findings:  gauges("vmsteward_manifest_findings", "What is to be said about the manifests, by severity.", "severity"),
		stale:     gauge("vmsteward_source_stale", "1 if the last pass had to use an earlier desired state than the newest."),
		revisionTime: gauge("vmsteward_source_revision_timestamp_seconds",
			"When the revision was made that the last pass used; 0 if that is not known."),
		providers:     gauges("vmsteward_provider_up", "1 if the endpoint could be read when it was last tried.", "provider"),
		providerTypes: gauges("vmsteward_provider_info", "Always 1; the type of the endpoint is in the labels.", "provider", "type"),
	}
	s.states(&plan.Summary{}, 0)
	for _, sev := range severities() {
		s.findings.WithLabelValues(string(sev))
	}
	return s
}

func (s *fleetSet) all() []prometheus.Collector {
	return []prometheus.Collector{s.vms, s.retired, s.suspended, s.findings, s.stale, s.revisionTime, s.providers, s.providerTypes}
}

func (s *fleetSet) show(rep *reconcile.Report) {
	s.states(&rep.Plan.Summary, unwanted(rep))
	for _, sev := range severities() {
		n := 0
		for i := range rep.Findings {
			if rep.Findings[i].Severity == sev {
				n++
			}
		}
		s.findings.WithLabelValues(string(sev)).Set(float64(n))
	}
	s.stale.Set(truth(rep.Snapshot.Stale != ""))
	s.revisionTime.Set(seconds(rep.Snapshot.Time))
}

func (s *fleetSet) states(sum *plan.Summary, unwanted int) {
	for state, n := range map[string]int{
		"wanted": sum.Wanted, "in_sync": sum.InSync, "drifted": sum.Drifted, "held": sum.Held,
		"conflicts": sum.Conflicts, "deferred": sum.Deferred, "reported": sum.Reported, "unwanted": unwanted,
	} {
		s.vms.WithLabelValues(state).Set(float64(n))
	}
}

// unwanted counts machines that are ours and that no manifest asks for.
func unwanted(rep *reconcile.Report) int {
	n := 0
	for _, it := range rep.Plan.Items {
		if it.Digest == "" && it.ID != "" && it.Action != plan.Conflict && it.Action != plan.Sweep {
			n++
		}
	}
	return n
}

// Retired tells how many VMs are in their grace period.
func (m *Metrics) Retired(n int) { m.retired.Set(float64(n)) }

// Suspended tells how much is suspended by a person; 0: all goes its way.
func (m *Metrics) Suspended(n int) { m.suspended.Set(float64(n)) }

// ProviderUp tells whether an endpoint could be read. The key is the
// endpoint's, "namespace/name".
func (m *Metrics) ProviderUp(key string, up bool, kind string) {
	m.providerTypes.DeletePartialMatch(prometheus.Labels{"provider": key})
	m.providerTypes.WithLabelValues(key, kind).Set(1)
	m.providers.WithLabelValues(key).Set(truth(up))
}

// ForgetProviders removes all endpoints, for a new configuration that may have
// others.
func (m *Metrics) ForgetProviders() {
	m.providers.Reset()
	m.providerTypes.Reset()
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

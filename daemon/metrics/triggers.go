package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// triggerSet is about what makes passes begin.
type triggerSet struct {
	wakes        *prometheus.CounterVec
	webhooks     *prometheus.CounterVec
	fetches      *prometheus.CounterVec
	fetchSeconds prometheus.Histogram
}

// other stands for every label value that is not foreseen: what comes from
// outside must not make series.
const other = "other"

// Why a pass is asked for, for Wake.
const (
	WakeSchedule   = "schedule"
	WakeRetry      = "retry"
	WakeMissed     = "missed"     // a scheduled pass did not happen
	WakeUnfinished = "unfinished" // an earlier process left work
	WakeReload     = "reload"
	WakePerson     = "person"
	WakeWebhook    = "webhook"
	WakeSource     = "source"   // the source is watched, and changed
	WakeProvider   = "provider" // an endpoint told of a change
)

func wakeReasons() []string {
	return []string{WakeSchedule, WakeRetry, WakeMissed, WakeUnfinished, WakeReload, WakePerson, WakeWebhook, WakeSource, WakeProvider}
}

// What becomes of a delivery, for WebhookDelivery.
const (
	DeliveryAccepted  = "accepted"
	DeliveryIgnored   = "ignored"   // good, and about something that is not followed
	DeliveryDuplicate = "duplicate" // came before
	DeliveryDenied    = "denied"    // the signature is wrong or missing
	DeliveryMalformed = "malformed"
	DeliveryLimited   = "limited" // too many, or too large
)

func verdicts() []string {
	return []string{DeliveryAccepted, DeliveryIgnored, DeliveryDuplicate, DeliveryDenied, DeliveryMalformed, DeliveryLimited}
}

func newTriggerSet() triggerSet {
	s := triggerSet{
		wakes:    counters("vmsteward_wakes_total", "Reasons for a pass, as they came; several may become one pass.", "reason"),
		webhooks: counters("vmsteward_webhook_deliveries_total", "Webhook deliveries by what became of them.", "verdict"),
		fetches:  counters("vmsteward_source_fetches_total", "Attempts to read the source, by outcome: ok, error.", "outcome"),
		fetchSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "vmsteward_source_fetch_duration_seconds", Help: "How long reading the source took, also in vain.",
			Buckets: []float64{.005, .01, .05, .1, .5, 1, 5, 10, 30, 60, 120},
		}),
	}
	for _, r := range append(wakeReasons(), other) {
		s.wakes.WithLabelValues(r)
	}
	for _, v := range append(verdicts(), other) {
		s.webhooks.WithLabelValues(v)
	}
	s.fetches.WithLabelValues("ok")
	s.fetches.WithLabelValues("error")
	return s
}

func (s *triggerSet) all() []prometheus.Collector {
	return []prometheus.Collector{s.wakes, s.webhooks, s.fetches, s.fetchSeconds}
}

// Wake counts a reason for a pass, one of the Wake constants.
func (m *Metrics) Wake(reason string) { m.wakes.WithLabelValues(oneOf(wakeReasons(), reason)).Inc() }

// WebhookDelivery counts a delivery by one of the Delivery constants.
func (m *Metrics) WebhookDelivery(verdict string) {
	m.webhooks.WithLabelValues(oneOf(verdicts(), verdict)).Inc()
}

// SourceFetched counts one attempt to read the source.
func (m *Metrics) SourceFetched(took time.Duration, err error) {
	how := "ok"
	if err != nil {
		how = "error"
	}
	m.fetches.WithLabelValues(how).Inc()
	m.fetchSeconds.Observe(took.Seconds())
}

func oneOf(known []string, s string) string {
	if slices.Contains(known, s) {
		return s
	}
	return other
}

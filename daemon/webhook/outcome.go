package webhook

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
)

// verdict is what became of a delivery.
type verdict int

const (
	undecided verdict = iota
	accepted          // Notify was called
	ignored           // genuine, and not about us
	seen              // genuine, and not new
	pinged            // genuine, and only trying
	refused           // not genuine
	malformed         // not understood, too long or too slow
	busy              // turned away for now
	misplaced         // another path or method
	verdicts
)

func (v verdict) String() string {
	return [...]string{"undecided", "accepted", "ignored", "already seen", "pong", "refused", "malformed", "busy", "misplaced"}[v]
}

// weight is how many failed proofs a delivery counts for; zero: it is none. An
// endless or slow body holds a turn for longer than a wrong signature does;
// being turned away, or sending twice, happens to the good as well.
func (o outcome) weight() float64 {
	switch {
	case o.status == http.StatusRequestTimeout, o.status == http.StatusRequestEntityTooLarge:
		return 3
	case o.verdict == refused, o.verdict == malformed, o.verdict == misplaced:
		return 1
	case o.verdict == busy, o.verdict == seen:
		return 0.5
	}
	return 0
}

// outcome is a verdict with everything that is said about it.
type outcome struct {
	verdict  verdict
	status   int
	reason   string // fit for a log and for the sender
	forge    Forge
	delivery string // not yet clean, as is the next
	event    string // the forge's word
	push     Push
}

func (c claim) outcome(v verdict, status int, reason string) outcome {
	return outcome{verdict: v, status: status, reason: reason, forge: c.forge, delivery: c.delivery}
}

func refusal(c claim, reason string) outcome {
	return c.outcome(refused, http.StatusUnauthorized, reason)
}

// Stats counts deliveries by verdict since New.
type Stats struct {
	Accepted, Ignored, Seen, Pinged, Refused, Malformed, Busy, Misplaced uint64
}

type tally [verdicts]atomic.Uint64

func (t *tally) add(v verdict) { t[v].Add(1) }

// Stats returns the counts.
func (r *Receiver) Stats() Stats {
	n := func(v verdict) uint64 { return r.tally[v].Load() }
	return Stats{n(accepted), n(ignored), n(seen), n(pinged), n(refused), n(malformed), n(busy), n(misplaced)}
}

// report writes the one log line of a delivery. Those that prove nothing have a
// line only as long as they are few.
func (r *Receiver) report(req *http.Request, o outcome) {
	from := sourceOf(req.RemoteAddr)
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String(logkey.Component, "webhook"), slog.String("verdict", o.verdict.String()),
		slog.String(logkey.Reason, o.reason), slog.String("from", from),
	}
	if weight := o.weight(); weight > 0 {
		muted, loud := r.gate.fail(from, weight)
		if !loud {
			return
		}
		if o.verdict != seen {
			level = slog.LevelWarn
		}
		attrs = append(attrs, slog.Uint64("unlogged", muted))
	}
	for _, a := range [][2]string{
		{"forge", string(o.forge)}, {logkey.Kind, clean(o.event)}, {"delivery", clean(o.delivery)},
		{"repository", o.push.Repository}, {logkey.Ref, o.push.Ref}, {logkey.Revision, o.push.Commit},
	} {
		if a[1] != "" {
			attrs = append(attrs, slog.String(a[0], a[1]))
		}
	}
	r.log.LogAttrs(req.Context(), level, "webhook delivery", attrs...)
}

// answer tells the sender. A body that nobody read is not waited for.
func answer(w http.ResponseWriter, req *http.Request, o outcome) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	switch o.verdict {
	case misplaced:
		h.Set("Allow", http.MethodPost)
	case busy:
		h.Set("Retry-After", "5")
	case refused:
		if o.forge == AzureDevOps {
			h.Set("WWW-Authenticate", `Basic realm="webhook"`)
		}
	}
	switch o.verdict {
	case refused, malformed, busy, misplaced:
		if req.ContentLength != 0 {
			h.Set("Connection", "close")
			// What is not supported is only a recorder in a test.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now())
		}
	}
	text, err := json.Marshal(struct {
		Result   string `json:"result"`
		Reason   string `json:"reason"`
		Delivery string `json:"delivery,omitempty"`
	}{o.verdict.String(), o.reason, clean(o.delivery)})
	if err != nil {
		o.status, text = http.StatusInternalServerError, nil
	}
	w.WriteHeader(o.status)
	_, _ = w.Write(append(text, '\n')) // whether the sender listens is its own affair
}

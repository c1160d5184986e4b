package daemon

import (
	"context"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// Service is what a person can ask for. A running daemon offers it over its
// socket; Local offers it without a daemon. Callers need not know which of the
// two they hold.
type Service interface {
	// Plan reads, observes and plans, without any effect.
	Plan(ctx context.Context) (*reconcile.Outlook, error)
	// Apply runs one pass now and returns when it is complete.
	Apply(ctx context.Context, req ApplyRequest) (*reconcile.Report, error)
	// Reconcile asks a daemon for a pass soon, without waiting for it.
	Reconcile(ctx context.Context) error
	// Suspend has nothing be done to a VM, or to any, until Resume.
	Suspend(ctx context.Context, req SuspendRequest) error
	// Resume ends a suspension; that of everything ends all others too.
	Resume(ctx context.Context, req ResumeRequest) error
	// Status says how the daemon and its last pass are.
	Status(ctx context.Context) (*Status, error)
	// VMs returns every VM that is wanted or ours, as the last pass saw it,
	// or as it is now when there was none.
	VMs(ctx context.Context) ([]reconcile.View, error)
	Close() error
}

// ApplyRequest asks for a pass.
type ApplyRequest struct {
	// Only restricts the calls of the pass to these VMs; empty: all.
	Only []manifest.Key `json:"only,omitempty"`
	// Expect is the fingerprint of the plan that was agreed to; a pass whose
	// plan differs makes no call. Empty: whatever the plan is.
	Expect string `json:"expect,omitempty"`
}

// SuspendRequest says what is to be left alone.
type SuspendRequest struct {
	VM     manifest.Key `json:"vm,omitzero"` // zero: everything
	Until  time.Time    `json:"until,omitzero"`
	Reason string       `json:"reason,omitempty"`
}

// ResumeRequest says what is to be acted on again.
type ResumeRequest struct {
	VM manifest.Key `json:"vm,omitzero"` // zero: everything
}

// Suspension is what is left alone at the moment, and why.
type Suspension struct {
	VM manifest.Key `json:"vm,omitzero"` // zero: everything
	plan.Suspension
}

// Status is the state of the daemon.
type Status struct {
	Daemon    bool                `json:"daemon"` // false: nobody runs; the rest is what was left behind
	Version   string              `json:"version"`
	Fleet     string              `json:"fleet"`
	Source    string              `json:"source"`
	Schedule  string              `json:"schedule"` // with its time zone
	Started   time.Time           `json:"started,omitzero"`
	Next      time.Time           `json:"next,omitzero"` // the next scheduled pass
	Busy      bool                `json:"busy"`          // a pass is under way
	Last      *reconcile.Brief    `json:"last,omitempty"`
	LastError string              `json:"lastError,omitempty"` // of the last pass as a whole
	Snapshot  *reconcile.Snapshot `json:"snapshot,omitempty"`
	Providers []ProviderStatus    `json:"providers"`
	Notes     []string            `json:"notes,omitempty"`
	Suspended []Suspension        `json:"suspended,omitempty"`
}

// ProviderStatus is the state of one endpoint.
type ProviderStatus struct {
	Key      manifest.Key `json:"key"`
	Type     string       `json:"type"`
	Endpoint string       `json:"endpoint"`
	Problem  string       `json:"problem,omitempty"` // empty: it could be read
}

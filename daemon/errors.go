package daemon

import (
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/journal"
)

// The errors of a Service that a caller may tell apart, besides ErrReadOnly
// and ErrUnreachable.
var (
	// ErrLocked says that another process holds the state directory.
	ErrLocked = journal.ErrLocked
	// ErrPlanMoved says that the plan is not the one that was agreed to.
	ErrPlanMoved = reconcile.ErrPlanMoved
)

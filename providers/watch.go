package providers

import "context"

// Watcher tells of changes as they happen, so that what has not changed need
// not be read again.
type Watcher interface {
	// Watch subscribes, calls ready once nothing that happens from then on is
	// missed, and calls changed with the ids of VMs that may have changed,
	// appeared or gone, ours and others, until the context ends or the stream
	// breaks; it returns why. It is one attempt: the caller begins anew, and
	// reads everything after ready. The calls come one after another from one
	// goroutine, must not block for long, and may name the same VM many times.
	// An empty id means that anything may have changed.
	Watch(ctx context.Context, ready func(), changed func(ids ...string)) error
}

// Pulse finds cheaply, for the whole endpoint, what changed without telling a
// Watcher; it may take several calls until every VM was looked at. The caller
// decides how often.
type Pulse interface {
	// Pulse returns the ids of VMs whose quick facts differ from those of the
	// call before; the first call returns none. A VM that a Watcher told of
	// already may be named again.
	Pulse(ctx context.Context) ([]string, error)
}

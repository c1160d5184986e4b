package providers

// Partial is a provider that has the calls of an optional interface while its
// endpoint, as far as it is known, may lack what they do: each of them then
// answers NotSupported. As tells the two apart.
type Partial interface {
	// Has tells whether the endpoint has the power of an optional interface.
	// Before the endpoint was reached, it may have all.
	Has(Power) bool
}

// Power is an optional interface, by its name.
type Power string

// The powers.
const (
	Listing      Power = "Lister"
	Watching     Power = "Watcher"
	Pulsing      Power = "Pulse"
	Sweeping     Power = "Sweeper"
	Snapshotting Power = "Snapshotter"
)

// As returns the provider as an optional interface, if it has it and its
// endpoint has the power.
func As[T any](p Provider) (t T, ok bool) {
	if t, ok = p.(T); !ok {
		return t, false
	}
	if partial, some := p.(Partial); some {
		if power := powerOf[T](); power != "" {
			return t, partial.Has(power)
		}
	}
	return t, true
}

func powerOf[T any]() Power {
	switch any((*T)(nil)).(type) {
	case *Lister:
		return Listing
	case *Watcher:
		return Watching
	case *Pulse:
		return Pulsing
	case *Sweeper:
		return Sweeping
	case *Snapshotter:
		return Snapshotting
	}
	return ""
}

package memory

import (
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/vmsteward/vmsteward/providers"
)

// Registry gives endpoints to hypervisors, so that every connection of one
// process to "memory://lab" meets the same VMs. The zero value is ready.
type Registry struct {
	mu    sync.Mutex
	known map[string]*Hypervisor // by endpoint
}

// Open connects to the endpoint of the settings: "memory://name" is a
// hypervisor that lives as long as the registry, "memory:///path/state.json"
// one that lives in a file and is shared with other processes.
func (r *Registry) Open(s providers.Settings) (*Provider, error) {
	hv, err := r.Hypervisor(s.Endpoint)
	if err != nil {
		return nil, err
	}
	return hv.Connect(s), nil
}

// Hypervisor returns the hypervisor of an endpoint, made at its first use.
func (r *Registry) Hypervisor(endpoint string) (*Hypervisor, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if hv := r.known[endpoint]; hv != nil {
		return hv, nil
	}
	hv, err := dial(endpoint)
	if err != nil {
		return nil, &providers.Error{Op: "open", Subject: endpoint, Kind: kindOfOpen(err), Err: err}
	}
	if r.known == nil {
		r.known = map[string]*Hypervisor{}
	}
	r.known[endpoint] = hv
	return hv, nil
}

// dial makes the hypervisor that an endpoint describes.
func dial(endpoint string) (*Hypervisor, error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return nil, err
	case u.Scheme != "memory":
		return nil, fmt.Errorf("scheme %q is not memory", u.Scheme)
	case u.Host != "" && (u.Path == "" || u.Path == "/"):
		return NewHypervisor(), nil
	case u.Host == "" && len(u.Path) > 1:
		return OpenFile(u.Path)
	}
	return nil, errors.New("neither memory://name nor memory:///path")
}

// kindOfOpen returns Unavailable for a file that cannot be used, InvalidSpec
// for an endpoint that cannot be meant.
func kindOfOpen(err error) providers.Kind {
	var e *providers.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return providers.InvalidSpec
}

package libvirt

import (
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
)

// statsWanted is what one statistics call reads of every domain: its state,
// what its guest has of the memory, and the size of its disks.
const statsWanted = uint32(golibvirt.DomainStatsState | golibvirt.DomainStatsBalloon | golibvirt.DomainStatsBlock)

// statsFlags keep the call from waiting for a domain that is busy.
const statsFlags = uint32(golibvirt.ConnectGetAllDomainsStatsNowait)

// vitals is what the statistics say of a domain.
type vitals struct {
	state   golibvirt.DomainState
	balloon int64 // KiB; 0: unknown
	sizes   sizes
}

// readVitals picks the facts out of a statistics record.
func readVitals(params []golibvirt.TypedParam) vitals {
	var v vitals
	targets, origins, capacity := map[string]string{}, map[string]string{}, map[string]uint64{} // by number of the disk
	for _, p := range params {
		switch p.Field {
		case "state.state":
			v.state = golibvirt.DomainState(number(p))
			continue
		case "balloon.current":
			v.balloon = int64(number(p))
			continue
		}
		rest, ok := strings.CutPrefix(p.Field, "block.")
		if !ok {
			continue
		}
		index, what, _ := strings.Cut(rest, ".")
		switch what {
		case "name":
			targets[index], _ = p.Value.I.(string)
		case "path":
			origins[index], _ = p.Value.I.(string)
		case "capacity":
			capacity[index] = number(p)
		}
	}
	v.sizes = sizes{byOrigin: renamed(capacity, origins), byTarget: renamed(capacity, targets)}
	return v
}

// renamed gives the values other keys.
func renamed(values map[string]uint64, keys map[string]string) map[string]uint64 {
	out := make(map[string]uint64, len(values))
	for old, v := range values {
		if key := keys[old]; key != "" {
			out[key] = v
		}
	}
	return out
}

func number(p golibvirt.TypedParam) uint64 {
	switch n := p.Value.I.(type) {
	case int32:
		return uint64(n)
	case uint32:
		return uint64(n)
	case int64:
		return uint64(n)
	case uint64:
		return n
	}
	return 0
}

// power returns the contract's word for a state. saved tells of a machine
// that is off whether its memory lies on disk.
func power(state golibvirt.DomainState, saved bool) providers.PowerState {
	switch state {
	case golibvirt.DomainRunning, golibvirt.DomainBlocked, golibvirt.DomainShutdown:
		return providers.On
	case golibvirt.DomainPaused, golibvirt.DomainPmsuspended:
		return providers.Suspended
	case golibvirt.DomainShutoff, golibvirt.DomainCrashed:
		if saved {
			return providers.Suspended
		}
		return providers.Off
	}
	return providers.Unknown
}

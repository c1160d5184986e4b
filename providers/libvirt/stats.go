package libvirt

import (
	"strconv"
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
	balloon int64             // KiB; 0: unknown
	sizes   map[string]uint64 // virtual size of disks in bytes, by target
}

// readVitals picks the facts out of a statistics record.
func readVitals(params []golibvirt.TypedParam) vitals {
	var v vitals
	targets := map[string]string{} // number of the disk → target
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
		case "capacity":
			if v.sizes == nil {
				v.sizes = map[string]uint64{}
			}
			v.sizes[index] = number(p)
		}
	}
	v.sizes = byTarget(v.sizes, targets)
	return v
}

// byTarget renames the keys from the number of a disk to its target.
func byTarget(sizes map[string]uint64, targets map[string]string) map[string]uint64 {
	if len(sizes) == 0 {
		return nil
	}
	out := make(map[string]uint64, len(sizes))
	for index, size := range sizes {
		if _, err := strconv.Atoi(index); err == nil && targets[index] != "" {
			out[targets[index]] = size
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

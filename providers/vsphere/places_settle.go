package vsphere

import (
	"context"
	"fmt"
	"slices"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// states is what changes by the minute of places: it is read when it matters,
// and not remembered.
type states map[types.ManagedObjectReference]properties

var stateProps = map[string][]string{
	"Datastore": {"summary"},
	"HostSystem": {
		"datastore", "runtime.connectionState", "runtime.inMaintenanceMode",
		"summary.hardware.memorySize", "summary.quickStats.overallMemoryUsage",
	},
}

func readStates(ctx context.Context, c *vim25.Client, refs []types.ManagedObjectReference) (states, error) {
	spec := types.PropertyFilterSpec{ReportMissingObjectsInResults: new(true)}
	for _, ref := range refs {
		spec.ObjectSet = append(spec.ObjectSet, types.ObjectSpec{Obj: ref})
	}
	for kind, props := range stateProps {
		if slices.ContainsFunc(refs, func(r types.ManagedObjectReference) bool { return r.Type == kind }) {
			spec.PropSet = append(spec.PropSet, types.PropertySpec{Type: kind, PathSet: props})
		}
	}
	out := states{}
	return out, retrieve(ctx, c, []types.PropertyFilterSpec{spec}, func(o *types.ObjectContent) { out[o.Obj] = readProperties(o) })
}

// settle decides what depends on the state of the places: which member of a
// datastore cluster has most room, whether a stated host can take a VM, and
// which host of a cluster that does not place VMs by itself. It costs a call
// where there is something to decide.
func (s *site) settle(ctx context.Context, c *vim25.Client) error {
	free := s.host == nil && len(s.compute.hosts) > 0
	if free {
		placed, err := s.layout.placesByItself(ctx, c, s.compute)
		if err != nil {
			return err
		}
		free = !placed
	}
	var ask []types.ManagedObjectReference
	if s.pod != nil {
		ask = append(ask, s.pod.members...)
	}
	switch {
	case s.host != nil:
		ask = append(ask, s.host.ref)
	case free:
		ask = append(ask, s.compute.hosts...)
	}
	if len(ask) == 0 {
		return nil
	}
	now, err := readStates(ctx, c, ask)
	if err != nil {
		return err
	}
	if s.pod != nil {
		if s.datastore = s.layout.byRef[now.roomiest(s.pod.members, s.compute.stores)]; s.datastore == nil {
			return unusable("datastore cluster %s has no member that %s reaches, that is accessible and that is not in maintenance",
				s.pod.path, s.compute.path)
		}
	}
	switch {
	case s.host != nil && !now.takesVMs(s.host.ref):
		return unusable("host %s is not connected, or is in maintenance", s.host.path)
	case free:
		if s.host = s.layout.byRef[now.idlest(s.compute.hosts, s.datastore)]; s.host == nil {
			return unusable("%s has no host that is connected, not in maintenance, and reaches the datastore", s.compute.path)
		}
	}
	return nil
}

// unusable says that a place is there and cannot be used now.
func unusable(format string, args ...any) error {
	return &providers.Error{Kind: providers.Retryable, Err: fmt.Errorf(format, args...)}
}

// placesByItself tells whether a cluster chooses the host of a VM. It is asked
// once for each cluster.
func (l *layout) placesByItself(ctx context.Context, c *vim25.Client, compute *location) (bool, error) {
	if compute.ref.Type != "ClusterComputeResource" {
		return true, nil // a lone host
	}
	l.mu.Lock()
	placed, known := l.drs[compute.ref]
	l.mu.Unlock()
	if known {
		return placed, nil
	}
	err := retrieve(ctx, c, []types.PropertyFilterSpec{{
		ObjectSet: []types.ObjectSpec{{Obj: compute.ref}},
		PropSet:   []types.PropertySpec{{Type: compute.ref.Type, PathSet: []string{"configurationEx"}}},
	}}, func(o *types.ObjectContent) {
		if config, ok := readProperties(o)["configurationEx"].(types.ClusterConfigInfoEx); ok {
			placed = isTrue(config.DrsConfig.Enabled)
		}
	})
	if err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drs[compute.ref] = placed
	return placed, nil
}

// roomiest returns the member with most free space, of those that are reached,
// accessible and in normal mode; zero if there is none.
func (s states) roomiest(members, reached []types.ManagedObjectReference) types.ManagedObjectReference {
	var best types.ManagedObjectReference
	most := int64(-1)
	for _, m := range members {
		d, ok := s[m]["summary"].(types.DatastoreSummary)
		normal := d.MaintenanceMode == "" || d.MaintenanceMode == string(types.DatastoreSummaryMaintenanceModeStateNormal)
		if ok && d.Accessible && normal && d.FreeSpace > most && slices.Contains(reached, m) {
			best, most = m, d.FreeSpace
		}
	}
	return best
}

// takesVMs tells whether a host can be given a VM now.
func (s states) takesVMs(host types.ManagedObjectReference) bool {
	state, _ := s[host]["runtime.connectionState"].(types.HostSystemConnectionState)
	return state == types.HostSystemConnectionStateConnected && !s[host].flag("runtime.inMaintenanceMode")
}

// idlest returns the host with most free memory, of those that can be given a
// VM and reach its datastore, if that is known; zero if there is none.
func (s states) idlest(hosts []types.ManagedObjectReference, store *location) types.ManagedObjectReference {
	var best types.ManagedObjectReference
	most := int64(-1)
	for _, h := range hosts {
		size, _ := s[h]["summary.hardware.memorySize"].(int64)
		used, _ := s[h]["summary.quickStats.overallMemoryUsage"].(int32)
		free := size - int64(used)<<20
		if s.takesVMs(h) && free > most && (store == nil || slices.Contains(s[h].refs("datastore"), store.ref)) {
			best, most = h, free
		}
	}
	return best
}

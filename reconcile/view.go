package reconcile

import (
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// View is one VM as a person looks at it: what it is now, and whether that is
// what is wanted.
type View struct {
	VM        manifest.Key         `json:"vm"`
	Provider  manifest.Key         `json:"provider"`
	ID        string               `json:"id,omitempty"`
	Phase     Phase                `json:"phase"`
	Action    plan.Action          `json:"action"`
	Reason    string               `json:"reason"`
	Power     providers.PowerState `json:"power,omitempty"` // empty: it was not found
	CPU       providers.Opt[int]   `json:"cpu"`
	MemoryMiB providers.Opt[int64] `json:"memoryMiB"`
	Addresses []providers.Address  `json:"addresses,omitempty"`
	Drifted   bool                 `json:"drifted,omitempty"`
}

// Phase is a VM's place in its life, in VirtRigaud's words.
type Phase string

// The phases.
const (
	Pending       Phase = "Pending"
	Provisioning  Phase = "Provisioning"
	Running       Phase = "Running"
	Stopped       Phase = "Stopped"
	Reconfiguring Phase = "Reconfiguring"
	Deleting      Phase = "Deleting"
	Failing       Phase = "Failed"
)

// views shows the items of a plan with what was found.
func views(items []plan.Item, endpoints []plan.Endpoint) []View {
	type place struct {
		provider manifest.Key
		id       string
	}
	found := make(map[place]*providers.VM)
	for _, e := range endpoints {
		if e.Inventory == nil {
			continue
		}
		for i := range e.Inventory.VMs {
			vm := &e.Inventory.VMs[i]
			found[place{e.Key, vm.ID}] = vm
		}
	}
	out := make([]View, 0, len(items))
	for i := range items {
		it := &items[i]
		v := View{VM: it.VM, Provider: it.Provider, ID: it.ID, Action: it.Action, Reason: it.Reason}
		for _, d := range it.Diffs {
			v.Drifted = v.Drifted || d.Drift
		}
		if vm := found[place{it.Provider, it.ID}]; vm != nil && it.ID != "" && it.Action != plan.Conflict {
			v.show(vm)
		}
		v.Phase = phase(it.Action, v.Power)
		out = append(out, v)
	}
	return out
}

// refresh shows what the calls of a pass brought about.
func refresh(before []View, results []Result) []View {
	byVM := make(map[manifest.Key]*Result, len(results))
	for i := range results {
		byVM[results[i].VM] = &results[i]
	}
	out := make([]View, 0, len(before))
	for _, v := range before {
		res := byVM[v.VM]
		switch {
		case res == nil || res.Provider != v.Provider:
		case res.Outcome == Applied && res.Action == plan.Delete:
			continue
		default:
			v.outcome(res)
		}
		out = append(out, v)
	}
	return out
}

func (v *View) outcome(res *Result) {
	if res.found != nil {
		v.ID = res.found.ID
		v.show(res.found)
	}
	switch {
	case res.Outcome != Applied:
		v.Reason = string(res.Outcome)
		if res.Error != "" {
			v.Reason += ": " + res.Error
		}
		if res.Outcome == Failed {
			v.Phase = Failing
		}
	case res.part != nil:
		left := res.part.Left()
		v.Action, v.Reason, v.Phase = left.Action, left.Reason, phase(left.Action, v.Power)
	case res.Action == plan.Retire:
		v.Action, v.Reason, v.Phase = plan.Hold, "retired", Stopped
	default:
		v.Action, v.Reason, v.Drifted = plan.None, "as wanted", false
		v.Phase = phase(plan.None, v.Power)
	}
}

func (v *View) show(vm *providers.VM) {
	h := &vm.Config
	if vm.Running != nil {
		h = vm.Running
	}
	v.Power, v.CPU, v.MemoryMiB, v.Addresses = vm.Power, h.CPU, h.MemoryMiB, vm.Addresses
}

func phase(a plan.Action, p providers.PowerState) Phase {
	switch {
	case a == plan.Create:
		return Provisioning
	case a == plan.Conflict:
		return Failing
	case a == plan.Update:
		return Reconfiguring
	case a == plan.Retire, a == plan.Delete, a == plan.Sweep:
		return Deleting
	case p == "":
		return Pending
	case p == providers.On:
		return Running
	}
	return Stopped
}

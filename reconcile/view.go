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
func views(items []*plan.Item) []View {
	out := make([]View, 0, len(items))
	for _, it := range items {
		v := View{VM: it.VM, Provider: it.Provider, ID: it.ID, Action: it.Action, Reason: it.Reason}
		for i := range it.Diffs {
			v.Drifted = v.Drifted || it.Diffs[i].Drift
		}
		if it.Found != nil {
			v.show(sightOf(it.Found))
		}
		v.Phase = phase(it.Action, v.Power)
		out = append(out, v)
	}
	return out
}

// Views shows every VM after what the calls of the pass brought about.
func (r *Report) Views() []View {
	results := make(map[manifest.Key]*Result, len(r.Results))
	for i := range r.Results {
		results[r.Results[i].VM] = &r.Results[i]
	}
	out := views(r.Plan.Items)
	kept := out[:0]
	for _, v := range out {
		res := results[v.VM]
		switch {
		case res == nil || res.Provider != v.Provider:
		case res.Outcome == Applied && res.Action == plan.Delete:
			continue
		default:
			v.outcome(res)
		}
		kept = append(kept, v)
	}
	return kept
}

func (v *View) outcome(res *Result) {
	if res.found != nil {
		v.ID = res.found.id
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

// sight is what a View shows of a machine.
type sight struct {
	id        string
	power     providers.PowerState
	cpu       providers.Opt[int]
	memoryMiB providers.Opt[int64]
	addresses []providers.Address
}

func sightOf(vm *providers.VM) *sight {
	h := &vm.Config
	if vm.Running != nil {
		h = vm.Running
	}
	return &sight{vm.ID, vm.Power, h.CPU, h.MemoryMiB, vm.Addresses}
}

func (v *View) show(s *sight) {
	v.Power, v.CPU, v.MemoryMiB, v.Addresses = s.power, s.cpu, s.memoryMiB, s.addresses
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

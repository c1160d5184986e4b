package vsphere

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// extraKeys returns the keys of extraConfig that a manifest set on the VM.
func extraKeys(m *mark) []string {
	if m == nil {
		return nil
	}
	var out []string
	for _, key := range m.Extra {
		if useOf(key) == keyHandedOn {
			out = append(out, key)
		}
	}
	return out
}

// mostCommon is how many keys are asked for of every VM beforehand.
const mostCommon = 16

// commonKeys are the keys of extraConfig that manifests set, as far as the last
// List has met them. The zero value knows none.
type commonKeys struct {
	mu   sync.Mutex
	keys []string // guarded by mu: sorted
}

func (k *commonKeys) get() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys
}

// learn takes over the keys that were met. Those of too many kinds are asked
// for of the VMs that have them.
func (k *commonKeys) learn(met map[string]bool) {
	keys := slices.Sorted(maps.Keys(met))
	if len(keys) > mostCommon {
		keys = nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = keys
}

// readExtra reads what manifests set of extraConfig and nobody expected, of all
// VMs in one call. Which keys these are is only known from the marks. VMs that
// have the same keys, as those of one class do, share a specification.
func (r *roll) readExtra(ctx context.Context, c *vim25.Client, page int32) error {
	at := map[string]int{} // index in vms by reference
	var specs []types.PropertyFilterSpec
	index := map[string]int{} // in specs by the keys
	for i := range r.lines {
		l := &r.lines[i]
		if len(l.extra) == 0 {
			continue
		}
		at[l.ref] = i
		keys := strings.Join(l.extra, "\x00")
		n, known := index[keys]
		if !known {
			n = len(specs)
			index[keys] = n
			specs = append(specs, extraSpec(l.extra))
		}
		specs[n].ObjectSet = append(specs[n].ObjectSet, types.ObjectSpec{Obj: vmRef(l.ref)})
	}
	if len(specs) == 0 {
		return nil
	}
	return retrievePages(ctx, c, page, specs, func(o *types.ObjectContent) {
		if i, ok := at[o.Obj.Value]; ok {
			r.lines[i].odd = r.takeExtra(&r.vms[i], o)
		}
	})
}

// extraSpec selects keys of extraConfig. A VM that has gone since it was read
// is left out of the answer.
func extraSpec(keys []string) types.PropertyFilterSpec {
	pathSet := make([]string, len(keys))
	for i, key := range keys {
		pathSet[i] = keyed(key)
	}
	return types.PropertyFilterSpec{
		PropSet:                       []types.PropertySpec{{Type: virtualMachine, PathSet: pathSet}},
		ReportMissingObjectsInResults: types.NewBool(true),
	}
}

// takeExtra adds what was read to the traits of a VM. An entry that is there
// and may not be read is an error, for it is not absent.
func (r *roll) takeExtra(vm *providers.VM, o *types.ObjectContent) error {
	for i := range o.MissingSet {
		if m := &o.MissingSet[i]; !dispensable(m) {
			return hidden(m)
		}
	}
	if vm.Config.Traits == nil {
		vm.Config.Traits = providers.Traits{}
	}
	for _, p := range o.PropSet {
		option, ok := p.Val.(types.OptionValue)
		text, isText := option.Value.(string)
		if !ok || !isText {
			continue
		}
		field := string(providers.FieldExtraConfig.Of(option.Key))
		r.words.word(&field, &text)
		vm.Config.Traits[providers.Field(field)] = text
	}
	return nil
}

package vsphere

import (
	"slices"

	"github.com/vmsteward/vmsteward/providers"
)

// words are the texts of an inventory, each of them once: thousands of VMs
// have the same networks, models, sizes and images.
type words map[string]string

// share replaces texts that VMs have in common by the same one.
func (w words) share(vm *providers.VM) {
	if m := vm.Mark; m != nil {
		w.word(&m.Owner.Fleet, &m.Owner.VM.Namespace, &m.Image, &m.CloudInit)
		m.MACs = shareKeys(w, m.MACs)
	}
	for i := range vm.Tags.Value {
		w.word(&vm.Tags.Value[i])
	}
	h := &vm.Config
	for i := range h.Disks {
		w.word(&h.Disks[i].Name)
	}
	for i := range h.NICs {
		w.word(&h.NICs[i].Name, &h.NICs[i].Network, &h.NICs[i].Model)
	}
	h.Traits = shareKeys(w, h.Traits)
	for field, value := range h.Traits {
		w.word(&value)
		h.Traits[field] = value
	}
	h.Disks, h.NICs = slices.Clip(h.Disks), slices.Clip(h.NICs)
}

func (w words) word(texts ...*string) {
	for _, t := range texts {
		known, ok := w[*t]
		if !ok {
			known = *t
			w[known] = known
		}
		*t = known
	}
}

// shareKeys returns the map with its keys shared, and no larger than it needs
// to be.
func shareKeys[K ~string, V any](w words, m map[K]V) map[K]V {
	if len(m) == 0 {
		return m
	}
	out := make(map[K]V, len(m))
	for k, v := range m {
		text := string(k)
		w.word(&text)
		out[K(text)] = v
	}
	return out
}

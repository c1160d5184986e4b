package providertest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

// facts are the properties of a VM by path, such as "config.disks[root].size".
// Addresses are not among them: they are the guest's doing.
type facts map[string]string

// factsOf flattens a VM, so that order does not matter and a difference has a
// name.
func factsOf(vm *providers.VM) facts {
	f := facts{
		"id": vm.ID, "name": vm.Name, "power": string(vm.Power),
		"autostart": optional(vm.Autostart), "tags": optional(vm.Tags),
	}
	if m := vm.Mark; m != nil {
		f["mark.owner"] = m.Owner.String()
		f["mark.retired"] = moment(m.Retired)
		f["mark.image"], f["mark.cloudInit"] = m.Image, m.CloudInit
		for nic, mac := range m.MACs {
			f["mark.macs["+nic+"]"] = mac
		}
	}
	f.hardware("config", &vm.Config)
	if vm.Running != nil {
		f["running"] = "true"
		f.hardware("running", vm.Running)
	}
	return f
}

func (f facts) hardware(at string, h *providers.Hardware) {
	f[at+".cpu"], f[at+".cpuMax"] = optional(h.CPU), optional(h.CPUMax)
	f[at+".memory"], f[at+".memoryMax"] = optional(h.MemoryMiB), optional(h.MemoryMaxMiB)
	f[at+".firmware"] = optional(h.Firmware)
	f[at+".disksKnown"], f[at+".nicsKnown"] = fmt.Sprint(h.DisksKnown), fmt.Sprint(h.NICsKnown)
	for _, d := range h.Disks {
		disk := fmt.Sprintf("%s.disks[%s]", at, cmp.Or(d.Name, d.Origin))
		f[disk+".size"], f[disk+".origin"] = optional(d.SizeGiB), d.Origin
	}
	for _, n := range h.NICs {
		nic := fmt.Sprintf("%s.nics[%s]", at, cmp.Or(n.Name, n.MAC))
		f[nic+".network"], f[nic+".model"], f[nic+".mac"] = n.Network, n.Model, n.MAC
	}
	for field, text := range h.Traits {
		f[at+".traits."+string(field)] = text
	}
}

// optional words a fact that may be unknown.
func optional[T any](o providers.Opt[T]) string {
	if !o.Known {
		return "unknown"
	}
	return fmt.Sprint(o.Value)
}

// moment words a time; empty when it is zero. Hypervisors keep seconds.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}

// differences returns "path: before → after" for every path that differs and
// does not begin with one of the excepted ones, sorted.
func differences(before, after facts, except ...string) []string {
	var all []string
	paths := maps.Clone(before)
	maps.Copy(paths, after)
	for path := range paths {
		excepted := slices.ContainsFunc(except, func(p string) bool { return strings.HasPrefix(path, p) })
		if before[path] != after[path] && !excepted {
			all = append(all, fmt.Sprintf("%s: %q → %q", path, before[path], after[path]))
		}
	}
	slices.Sort(all)
	return all
}

// unchanged expects two descriptions to be the same.
func (e *Env) unchanged(doing string, before, after *providers.VM, except ...string) {
	if d := differences(factsOf(before), factsOf(after), except...); len(d) > 0 {
		e.failf("%s changed the VM: %s", doing, strings.Join(d, "; "))
	}
}

// untouched expects the VM to be as it was.
func (e *Env) untouched(ctx context.Context, doing string, ref providers.Ref, before *providers.VM) {
	e.unchanged(doing, before, e.describe(ctx, ref))
}

// holds expects facts to have values; "*" is any value but none.
func (e *Env) holds(doing string, got facts, want map[string]string) {
	for _, path := range slices.Sorted(maps.Keys(want)) {
		switch have, there := got[path]; {
		case want[path] == "*" && there && have != "":
		case have != want[path]:
			e.failf("%s: %s is %q, want %q", doing, path, have, want[path])
		}
	}
}

// sameVolumes expects the volumes of the endpoint to be the same.
func (e *Env) sameVolumes(doing string, before, after []string) {
	if !slices.Equal(before, after) {
		e.failf("%s changed the volumes from %v to %v", doing, before, after)
	}
}

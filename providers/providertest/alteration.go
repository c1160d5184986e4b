package providertest

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// alteration is one kind of change and the facts that it must lead to. Paths
// of hardware are relative to "config." and "running."; the others are whole.
type alteration struct {
	name  string
	field providers.Field
	// change returns the change for a VM, and the facts to hold afterwards;
	// "" is a fact that must be gone, "*" any value.
	change func(e *Env, vm *providers.VM) (providers.Change, map[string]string)
	may    []string // prefixes of further paths that may change with it
	// shape prepares the VM that is altered, where the usual one will not do.
	shape func(*manifest.VM)
	// property says that the facts are not hardware's: they hold at once,
	// whether the VM runs or not.
	property bool
	refused  bool // the target cannot carry it
	offOnly  bool // makes no sense for a VM that runs
	noDefine bool // has no meaning for the definition of a VM that runs
}

func alterationChecks() []Check {
	var all []Check
	for _, a := range alterations() {
		all = append(all, Check{
			Name: "reconfigure-" + a.name,
			Promise: "Reconfigure applies " + a.name + " and nothing else: off, to the definition of a VM that runs, " +
				"and live; the second time changes nothing.",
			Run: func(ctx context.Context, e *Env) error { return e.alter(ctx, a) },
		})
	}
	return all
}

// alter tries an alteration in every way that the target can.
func (e *Env) alter(ctx context.Context, a alteration) error {
	if e.need(e.changeable(a.field), "ability to change "+string(a.field)) && e.need(!a.refused, "VM that "+a.name+" can be set of") {
		a.whileOff(ctx, e)
		a.definition(ctx, e)
		a.live(ctx, e)
	}
	return e.Err()
}

// whileOff tries the alteration on a VM that is off.
func (a alteration) whileOff(ctx context.Context, e *Env) {
	ref, before := e.madeAs(ctx, "off", a.shape)
	if e.failed() {
		return
	}
	a.apply(ctx, e, ref, before, false, "config.")
	e.delete(ctx, ref)
}

// definition tries it on the definition of a VM that runs, which the next
// start uses.
func (a alteration) definition(ctx context.Context, e *Env) {
	if a.offOnly || a.noDefine || e.failed() {
		return
	}
	ref, before := e.runningAs(ctx, "definition", a.shape)
	if before.Running == nil {
		return // the hypervisor makes no difference
	}
	want := a.apply(ctx, e, ref, before, false, "config.")
	if a.property {
		return
	}
	e.power(ctx, ref, providers.PowerStop)
	e.power(ctx, ref, providers.PowerStart)
	e.holds("the next start", factsOf(e.describe(ctx, ref)), prefixed("running.", want))
}

// live tries it on a VM that runs, now and at its next start.
func (a alteration) live(ctx context.Context, e *Env) {
	ability := e.can(a.field)
	guest := a.field == providers.FieldNIC || a.field == providers.FieldMemory
	if a.offOnly || e.failed() || e.NoGuest && guest || ability != providers.Live && ability != providers.LiveInHeadroom {
		return
	}
	ref, before := e.runningAs(ctx, "live", a.shape)
	if !e.failed() && !e.NoGuest && e.Booted != nil {
		e.ok("booted hook", e.Booted(ctx, ref.ID))
	}
	if before.Running == nil {
		a.apply(ctx, e, ref, before, true, "config.")
		return
	}
	a.apply(ctx, e, ref, before, true, "config.", "running.")
}

// apply changes the VM twice and compares it with what it was. It returns the
// facts of the alteration.
func (a alteration) apply(ctx context.Context, e *Env, ref providers.Ref, before *providers.VM, live bool, shapes ...string) map[string]string {
	if e.failed() {
		return nil
	}
	ch, want := a.change(e, before)
	ch.Live = live
	doing := fmt.Sprintf("%s (live = %t, VM %s)", a.name, live, before.Power)
	if a.property {
		shapes = []string{""}
	}
	except := a.may
	facts := map[string]string{}
	for _, shape := range shapes {
		maps.Copy(facts, prefixed(shape, want))
		for _, more := range a.may {
			except = append(except, shape+more)
		}
	}
	for path := range facts {
		except = append(except, strings.TrimSuffix(path, ".*"))
	}
	e.reconfigure(ctx, ref, ch)
	after := e.describe(ctx, ref)
	e.holds(doing, factsOf(after), facts)
	e.unchanged(doing+", beyond what was asked,", before, after, except...)
	e.reconfigure(ctx, ref, ch)
	e.untouched(ctx, doing+" for the second time", ref, after)
	return want
}

// prefixed puts a word before every path.
func prefixed(shape string, want map[string]string) map[string]string {
	all := make(map[string]string, len(want))
	for path, value := range want {
		all[shape+path] = value
	}
	return all
}

func alterations() []alteration {
	return append(hardwareAlterations(), propertyAlterations()...)
}

func hardwareAlterations() []alteration {
	const nic = "extra"
	return []alteration{
		{name: "cpu", field: providers.FieldCPU, may: []string{"cpuMax"}, change: alterCPU},
		{name: "memory", field: providers.FieldMemory, may: []string{"memoryMax"}, change: alterMemory},
		{name: "root-disk-size", field: providers.FieldDiskSize, noDefine: true, change: growing(providers.RootDiskName)},
		{name: "disk-size", field: providers.FieldDiskSize, noDefine: true, change: growing("data")},
		{
			name: "added-disk", field: providers.FieldDisk, may: []string{"disks[more]", "traits.disks[more]"},
			change: func(e *Env, _ *providers.VM) (providers.Change, map[string]string) {
				d := e.Disk("more")
				return providers.Change{AddDisks: []manifest.Disk{d}}, map[string]string{"disks[more].size": fmt.Sprint(d.SizeGiB)}
			},
		},
		{
			name: "added-nic", field: providers.FieldNIC, may: []string{"nics[" + nic + "]", "traits.nics[" + nic + "]", "mark.macs[" + nic + "]"},
			change: func(e *Env, _ *providers.VM) (providers.Change, map[string]string) {
				return providers.Change{AddNICs: []manifest.NIC{e.NIC(nic)}},
					map[string]string{"nics[" + nic + "].network": "*", "nics[" + nic + "].mac": "*"}
			},
		},
		{name: "removed-nic-by-name", field: providers.FieldNIC, may: []string{"nics[", "traits.nics[", "mark.macs["}, change: removing(true)},
		{name: "removed-nic-by-mac", field: providers.FieldNIC, may: []string{"nics[", "traits.nics[", "mark.macs["}, change: removing(false)},
		{name: "replaced-nic", field: providers.FieldNICMAC, offOnly: true, may: []string{"mark.macs["}, change: alterMAC},
	}
}

func alterCPU(_ *Env, vm *providers.VM) (providers.Change, map[string]string) {
	n := vm.Config.CPU.Value + 1
	return providers.Change{CPU: &n}, map[string]string{"cpu": fmt.Sprint(n)}
}

func alterMemory(_ *Env, vm *providers.VM) (providers.Change, map[string]string) {
	mib := vm.Config.MemoryMiB.Value + 128
	return providers.Change{MemoryMiB: &mib}, map[string]string{"memory": fmt.Sprint(mib)}
}

func growing(name string) func(*Env, *providers.VM) (providers.Change, map[string]string) {
	return func(_ *Env, vm *providers.VM) (providers.Change, map[string]string) {
		size := 0
		for _, d := range vm.Config.Disks {
			if d.Name == name {
				size = d.SizeGiB.Value + 1
			}
		}
		return providers.Change{GrowDisks: []providers.DiskSize{{Name: name, SizeGiB: size}}},
			map[string]string{"disks[" + name + "].size": fmt.Sprint(size)}
	}
}

// removing takes out the first interface. The paths that may change are those
// of every interface, so the facts say that the others stay.
func removing(byName bool) func(*Env, *providers.VM) (providers.Change, map[string]string) {
	return func(_ *Env, vm *providers.VM) (providers.Change, map[string]string) {
		want := map[string]string{}
		var ref providers.NICRef
		for i, n := range vm.Config.NICs {
			path := "nics[" + n.Name + "]."
			if i > 0 {
				want[path+"mac"], want[path+"network"] = n.MAC, n.Network
				continue
			}
			want[path+"mac"], want[path+"network"] = "", ""
			ref = providers.NICRef{MAC: n.MAC}
			if byName {
				ref = providers.NICRef{Name: n.Name}
			}
		}
		return providers.Change{RemoveNICs: []providers.NICRef{ref}}, want
	}
}

// alterMAC puts an interface with another address in the place of the first.
func alterMAC(e *Env, vm *providers.VM) (providers.Change, map[string]string) {
	if len(vm.Config.NICs) == 0 || len(vm.Config.NICs[0].MAC) != 17 {
		e.failf("the VM has no interface with an address")
		return providers.Change{}, nil
	}
	old := vm.Config.NICs[0]
	nic := e.NIC(old.Name)
	nic.MAC = old.MAC[:15] + "01"
	if nic.MAC == old.MAC {
		nic.MAC = old.MAC[:15] + "02"
	}
	return providers.Change{AddNICs: []manifest.NIC{nic}}, map[string]string{"nics[" + old.Name + "].mac": nic.MAC}
}

func propertyAlterations() []alteration {
	return []alteration{
		{
			name: "tags", field: providers.FieldTags, property: true,
			change: func(*Env, *providers.VM) (providers.Change, map[string]string) {
				tags := []string{"blue", "red"}
				return providers.Change{Tags: &tags}, map[string]string{"tags": fmt.Sprint(tags)}
			},
		},
		{
			name: "no-tags", field: providers.FieldTags, property: true,
			change: func(*Env, *providers.VM) (providers.Change, map[string]string) {
				return providers.Change{Tags: &[]string{}}, map[string]string{"tags": "[]"}
			},
		},
		{
			name: "autostart", field: providers.FieldAutostart, property: true,
			change: func(_ *Env, vm *providers.VM) (providers.Change, map[string]string) {
				on := !vm.Autostart.Value
				return providers.Change{Autostart: &on}, map[string]string{"autostart": fmt.Sprint(on)}
			},
		},
		{
			name: "retired", field: providers.FieldRetired, property: true,
			change: func(*Env, *providers.VM) (providers.Change, map[string]string) {
				since := time.Unix(1700000000, 0)
				return providers.Change{Retired: &since}, map[string]string{"mark.retired": moment(since)}
			},
		},
	}
}

package providertest

import (
	"fmt"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

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
		{name: "moved-nic", field: providers.FieldNICNetwork, elsewhere: true, change: alterNetwork},
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

// alterNetwork plugs the first interface in elsewhere.
func alterNetwork(e *Env, vm *providers.VM) (providers.Change, map[string]string) {
	if len(vm.Config.NICs) == 0 {
		e.failf("the VM has no interface")
		return providers.Change{}, nil
	}
	old := vm.Config.NICs[0]
	nic := e.NIC(old.Name)
	e.Elsewhere(&nic)
	want := "*"
	if _, ok := e.P.(providers.Capable); ok {
		want, _ = e.stated().NIC.Of(nic)
	}
	if want == old.Network {
		e.failf("the Elsewhere hook leaves an interface on %s", want)
	}
	return providers.Change{AddNICs: []manifest.NIC{nic}}, map[string]string{"nics[" + old.Name + "].network": want}
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
			name: "name", field: providers.FieldName, property: true, offOnly: true,
			change: func(_ *Env, vm *providers.VM) (providers.Change, map[string]string) {
				name := vm.Name + "-renamed"
				return providers.Change{Name: &name}, map[string]string{"name": name}
			},
		},
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

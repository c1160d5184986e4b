package vsphere

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Reconfigure applies the change with one task that is given everything: the
// hardware, the name, and the mark. It is refused by the server when the VM
// has changed since it was read. What can be refused before is refused before
// any call; and when nothing is to be done, no task is begun.
func (p *Provider) Reconfigure(ctx context.Context, ref providers.Ref, change providers.Change) (task providers.TaskRef, err error) {
	err = p.do(ctx, "reconfigure", ref.Owner.VM.String(), func(ctx context.Context, c *vim25.Client) error {
		t, err := p.find(ctx, c, ref)
		if err != nil {
			return err
		}
		d, err := t.draft(change.Live)
		if err != nil {
			return err
		}
		networks, err := p.networksFor(ctx, c, t, d.toPlug(change.AddNICs))
		if err != nil {
			return err
		}
		if err := d.apply(change, networks); err != nil {
			return err
		}
		task, err = p.reconfigure(ctx, c, t, d)
		return err
	})
	return task, err
}

// draft begins a specification of what changes of the VM.
func (t *target) draft(live bool) (*draft, error) {
	config := t.vm.Config
	if config == nil {
		return nil, &providers.Error{Kind: providers.Unavailable, Err: fmt.Errorf("the configuration of VM %q cannot be read", t.vm.Name)}
	}
	before, err := t.mark.text()
	if err != nil {
		return nil, err
	}
	return &draft{
		chassis: chassis{devices: slices.Clone(config.Hardware.Device)},
		now:     config, found: traitsOf(config, t.mark), name: t.vm.Name,
		mark: t.mark, before: before, live: live,
		running: t.vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff,
	}, nil
}

// toPlug returns the NICs that have to be told where they are plugged in: not
// those that are there and name no network.
func (d *draft) toPlug(nics []manifest.NIC) []manifest.NIC {
	return slices.DeleteFunc(slices.Clone(nics), func(n manifest.NIC) bool {
		return n.Network == nil && d.cardFor(providers.NICRef{Name: n.Name}) != nil
	})
}

// apply writes a change into the draft.
func (d *draft) apply(ch providers.Change, networks map[string]network) error {
	if err := d.applyHardware(ch, networks); err != nil {
		return err
	}
	if ch.Name != nil && *ch.Name != d.name {
		d.spec.Name = *ch.Name
	}
	if ch.Tags != nil {
		d.mark.Tags = slices.Compact(slices.Sorted(slices.Values(*ch.Tags)))
	}
	if ch.Autostart != nil {
		return cannot("whether a VM starts with its host is not kept by the VM on vSphere; set it at the host")
	}
	if ch.Retired != nil && !d.mark.Retired.Equal(*ch.Retired) {
		d.mark.Retired = *ch.Retired
	}
	return d.finish()
}

func (d *draft) applyHardware(ch providers.Change, networks map[string]network) error {
	var steps []func() error
	if ch.CPU != nil {
		steps = append(steps, func() error { return d.setCPU(*ch.CPU) })
	}
	if ch.MemoryMiB != nil {
		steps = append(steps, func() error { return d.setMemory(*ch.MemoryMiB) })
	}
	for _, g := range ch.GrowDisks {
		steps = append(steps, func() error { return d.growDisk(g) })
	}
	for _, disk := range ch.AddDisks {
		steps = append(steps, func() error { return d.addDisk(disk) })
	}
	for _, n := range ch.RemoveNICs {
		steps = append(steps, func() error { return d.removeNIC(n) })
	}
	for _, n := range ch.AddNICs {
		steps = append(steps, func() error {
			if to, given := networks[n.Name]; given {
				return d.addNIC(n, &to)
			}
			return d.addNIC(n, nil)
		})
	}
	steps = append(steps, func() error { return d.setTraits(ch.Traits) })
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// reconfigure hands the draft to the server, and asks for the hardware version
// when that is done: an upgrade is a task of its own, which finds the VM busy
// otherwise. It is waited for what comes first, and not for what comes last.
func (p *Provider) reconfigure(ctx context.Context, c *vim25.Client, t *target, d *draft) (task providers.TaskRef, err error) {
	if !d.idle() {
		d.spec.ChangeVersion = d.now.ChangeVersion
		res, err := methods.ReconfigVM_Task(ctx, c, &types.ReconfigVM_Task{This: t.vm.Self, Spec: d.spec})
		if err != nil {
			return "", err
		}
		if d.upgrade == 0 {
			return begun(res.Returnval), nil
		}
		if err := finished(ctx, c, res.Returnval); err != nil {
			return "", err
		}
	}
	if d.upgrade == 0 {
		return "", nil
	}
	version := versionPrefix + strconv.Itoa(d.upgrade)
	res, err := methods.UpgradeVM_Task(ctx, c, &types.UpgradeVM_Task{This: t.vm.Self, Version: version})
	if err != nil {
		return "", err
	}
	return begun(res.Returnval), nil
}

func cannot(format string, args ...any) error {
	return &providers.Error{Kind: providers.NotSupported, Err: fmt.Errorf(format, args...)}
}

package vsphere

import (
	"context"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
)

// Delete removes the VM. vCenter removes every disk along with it, so disks
// that are not ours to destroy are detached first; then it is looked again
// whether there are any. vCenter removes what is left of a creation that
// failed by itself, so there is nothing to sweep.
func (p *Provider) Delete(ctx context.Context, ref providers.Ref) (task providers.TaskRef, err error) {
	err = p.do(ctx, "delete", subjectOf(ref), func(ctx context.Context, c *vim25.Client) error {
		task, err = p.remove(ctx, c, ref)
		if providers.IsAbsent(err) {
			return nil
		}
		return err
	})
	return task, err
}

func (p *Provider) remove(ctx context.Context, c *vim25.Client, ref providers.Ref) (providers.TaskRef, error) {
	t, strange, err := p.doomed(ctx, c, ref)
	if err != nil {
		return "", err
	}
	if len(strange) > 0 {
		if err := p.detach(ctx, c, t, strange); err != nil {
			return "", err
		}
		if t, strange, err = p.doomed(ctx, c, ref); err != nil {
			return "", err
		}
		if len(strange) > 0 {
			return "", conflict("a disk that is not ours was attached meanwhile: %s", strange[0].file)
		}
	}
	res, err := methods.Destroy_Task(ctx, c, &types.Destroy_Task{This: t.vm.Self})
	if lost(err, t.vm.Self) {
		return "", notThere()
	}
	if err != nil {
		return "", err
	}
	return begun(res.Returnval), nil
}

// doomed reads a VM that is to be removed, and which of its disks must not be
// removed with it.
func (p *Provider) doomed(ctx context.Context, c *vim25.Client, ref providers.Ref) (*target, []strangeDisk, error) {
	t, err := p.find(ctx, c, ref)
	if err != nil {
		return nil, nil, err
	}
	switch powerOf(&t.vm) {
	case providers.Off:
	case providers.Unknown:
		return nil, nil, unreadable(t.vm.Runtime.ConnectionState)
	default:
		return nil, nil, conflict("the VM is not powered off; stop it first")
	}
	strange := strangeDisks(t, t.vm.Config.Hardware.Device)
	if len(t.vm.RootSnapshot) == 0 {
		return t, strange, nil
	}
	kept, err := snapshotDisks(ctx, c, t)
	if err != nil {
		return nil, nil, err
	}
	if strange = append(strange, kept...); len(strange) > 0 {
		return nil, nil, conflict("disk %s is not ours, and cannot be spared while the VM has snapshots: they would take it along; remove the snapshots, or detach it by hand",
			strange[0].file)
	}
	return t, nil, nil
}

// detach takes disks away from the VM and leaves their files alone.
func (p *Provider) detach(ctx context.Context, c *vim25.Client, t *target, disks []strangeDisk) error {
	spec := types.VirtualMachineConfigSpec{ChangeVersion: t.vm.Config.ChangeVersion}
	for _, d := range disks {
		p.log.Info("disk is spared: it is detached before the VM is deleted",
			logkey.VM, t.mark.owner().VM.String(), logkey.Ref, d.file, logkey.Reason, d.why)
		spec.DeviceChange = append(spec.DeviceChange, &types.VirtualDeviceConfigSpec{
			Operation: types.VirtualDeviceConfigSpecOperationRemove, Device: d.device,
		})
	}
	res, err := methods.ReconfigVM_Task(ctx, c, &types.ReconfigVM_Task{This: t.vm.Self, Spec: spec})
	if lost(err, t.vm.Self) {
		return notThere()
	}
	if err != nil {
		return err
	}
	return finished(ctx, c, res.Returnval) // no data is moved
}

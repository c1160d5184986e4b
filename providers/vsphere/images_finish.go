package vsphere

import (
	"context"
	"fmt"
	"time"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// finish makes a template of the VM, which then carries the mark and the UUID
// and nothing that would reach into the VMs that are cloned from it:
// interfaces on networks of nobody's choice, and a second source of first-boot
// data.
func (b *berth) finish(ctx context.Context, c *vim25.Client, ref types.ManagedObjectReference) error {
	s, err := b.read(ctx, c, ref)
	if err != nil {
		return err
	}
	if s == nil {
		return unusable("the image has gone while it was imported")
	}
	spec, err := b.complete(s)
	if err != nil {
		return err
	}
	if spec != nil {
		res, err := methods.ReconfigVM_Task(ctx, c, &types.ReconfigVM_Task{This: ref, Spec: *spec})
		if err != nil {
			return err
		}
		if err := finished(ctx, c, res.Returnval); err != nil {
			return err
		}
	}
	if err := b.snap(ctx, c, s); err != nil {
		return err
	}
	_, err = methods.MarkAsTemplate(ctx, c, &types.MarkAsTemplate{This: ref})
	return err
}

// snap takes the snapshot that linked clones stand on, which cannot be taken
// of a template.
func (b *berth) snap(ctx context.Context, c *vim25.Client, s *source) error {
	if s.snapshot != nil {
		return nil
	}
	res, err := methods.CreateSnapshot_Task(ctx, c, &types.CreateSnapshot_Task{This: s.vm.Self, Name: "vmsteward"})
	if err != nil {
		return err
	}
	return finished(ctx, c, res.Returnval)
}

// complete returns what the image lacks; nil: nothing.
func (b *berth) complete(s *source) (*types.VirtualMachineConfigSpec, error) {
	spec, empty := types.VirtualMachineConfigSpec{}, true
	if instanceUUID(&s.vm) != b.uuid {
		text, err := b.mark.text()
		if err != nil {
			return nil, err
		}
		spec.InstanceUuid, spec.Annotation, empty = b.uuid, b.mark.note(), false
		spec.ExtraConfig = []types.BaseOptionValue{&types.OptionValue{Key: imageKey, Value: text}} // it may stand in the annotation
	}
	for _, card := range cardsOf(s.vm.Config.Hardware.Device) {
		empty = false
		spec.DeviceChange = append(spec.DeviceChange, &types.VirtualDeviceConfigSpec{
			Operation: types.VirtualDeviceConfigSpecOperationRemove, Device: cardDevice(card),
		})
	}
	if s.vApp {
		spec.VAppConfigRemoved, empty = new(true), false
	}
	if empty {
		return nil, nil
	}
	return &spec, nil
}

// discardTimeout bounds the removal of what a failed import left.
const discardTimeout = 30 * time.Second

// discard removes what a failed import left, also while the provider closes.
// It returns why the import failed.
func (b *berth) discard(ctx context.Context, c *vim25.Client, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTimeout)
	defer cancel()
	left, err := b.find(ctx, c)
	if err == nil && left != nil && !isTemplate(&left.vm) {
		err = remove(ctx, c, left)
	}
	if err != nil { // the next import finds it
		return fmt.Errorf("%w (and what was imported of it is still there: %w)", why, err)
	}
	return why
}

// remove destroys a half-imported image.
func remove(ctx context.Context, c *vim25.Client, s *source) error {
	res, err := methods.Destroy_Task(ctx, c, &types.Destroy_Task{This: s.vm.Self})
	if err == nil {
		err = finished(ctx, c, res.Returnval)
	}
	if lost(err, s.vm.Self) {
		return nil
	}
	return err
}

package vsphere

import (
	"context"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// upgradeTask begins the TaskRef of a creation after which the hardware version
// goes up: the version follows, the vCenter's task, and the VM's id. A clone
// has the version of its template whatever is asked for, and only a VM that is
// off can have a later one: it is given that before anybody starts it.
const upgradeTask = "upgrade:"

// thenUpgrade is the task of a creation that has more to come than the
// vCenter's own.
func (o *order) thenUpgrade(task providers.TaskRef) providers.TaskRef {
	if o.plan.from == nil {
		return task
	}
	want, asked := o.req.VM.ExtraConfig[keyHardwareVersion]
	n, err := strconv.Atoi(want)
	if have, known := versionOf(o.plan.from.Version); !asked || err != nil || !known || n <= have {
		return task
	}
	return providers.TaskRef(upgradeTask + want + ":" + string(task) + ":" + o.req.Owner.UUID().String())
}

// isUpgraded tells whether a VM is made and has the hardware version, and
// gives it that once it is made. That takes no longer than a call may.
func (p *Provider) isUpgraded(ctx context.Context, text string) (bool, error) {
	version, rest, _ := strings.Cut(text, ":")
	task, id, _ := strings.Cut(rest, ":")
	if done, err := p.IsTaskComplete(ctx, providers.TaskRef(task)); !done || err != nil {
		return done, err
	}
	err := p.do(ctx, "create", id, func(ctx context.Context, c *vim25.Client) error {
		t, err := p.read(ctx, c, providers.Ref{ID: id})
		if providers.IsAbsent(err) {
			return nil
		}
		if err != nil {
			return err
		}
		want, _ := strconv.Atoi(version)
		if have, known := versionOf(t.vm.Config.Version); !known || have >= want || powerOf(&t.vm) != providers.Off {
			return nil
		}
		res, err := methods.UpgradeVM_Task(ctx, c, &types.UpgradeVM_Task{This: t.vm.Self, Version: versionPrefix + version})
		if err != nil {
			return err
		}
		return object.NewTask(c, res.Returnval).WaitEx(ctx)
	})
	return err == nil || isFinal(err), err
}

// isFinal tells whether asking again would lead to the same error.
func isFinal(err error) bool {
	switch providers.KindOf(err) {
	case providers.NotSupported, providers.InvalidSpec, providers.Conflict:
		return true
	}
	return false
}

package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers/vsphere"
)

func userinfo() *url.Userinfo { return url.UserPassword(username, password) }

// floor is govmomi alone, on a session of its own.
type floor struct {
	c    *vim25.Client
	view types.ManagedObjectReference
	edit int // counts the changes
}

func newFloor(ctx context.Context, c *center) (*floor, error) {
	client, err := c.bare(ctx)
	if err != nil {
		return nil, err
	}
	v, err := view.NewManager(client).CreateContainerView(ctx, client.ServiceContent.RootFolder, []string{"VirtualMachine"}, true)
	if err != nil {
		return nil, err
	}
	return &floor{c: client, view: v.Reference()}, nil
}

// read reads the properties that an inventory needs of every machine, and makes
// nothing of them: not even what govmomi's own helpers would.
func (f *floor) read(ctx context.Context, n int) error {
	got := 0
	req := types.RetrievePropertiesEx{
		This: f.c.ServiceContent.PropertyCollector,
		SpecSet: []types.PropertyFilterSpec{{
			PropSet: []types.PropertySpec{{Type: "VirtualMachine", PathSet: vsphere.Properties(extraKey)}},
			ObjectSet: []types.ObjectSpec{{Obj: f.view, Skip: types.NewBool(true), SelectSet: []types.BaseSelectionSpec{
				&types.TraversalSpec{Type: "ContainerView", Path: "view"},
			}}},
		}},
	}
	res, err := methods.RetrievePropertiesEx(ctx, f.c, &req)
	if err != nil {
		return err
	}
	page := *res.Returnval
	for {
		if got += len(page.Objects); page.Token == "" {
			break
		}
		next, err := methods.ContinueRetrievePropertiesEx(ctx, f.c, &types.ContinueRetrievePropertiesEx{This: req.This, Token: page.Token})
		if err != nil {
			return err
		}
		page = next.Returnval
	}
	if got < n {
		return fmt.Errorf("%d machines were read, want %d", got, n)
	}
	return nil
}

// change changes something of one machine that no manifest is about.
func (f *floor) change(ctx context.Context) error {
	ref, err := object.NewSearchIndex(f.c).FindByInventoryPath(ctx, "/DC1/vm/vm-000007")
	if err != nil || ref == nil {
		return fmt.Errorf("the machine to be changed: %v, %w", ref, err)
	}
	f.edit++
	task, err := object.NewVirtualMachine(f.c, ref.Reference()).Reconfigure(ctx, types.VirtualMachineConfigSpec{
		Annotation: fmt.Sprintf("change %d", f.edit),
	})
	if err != nil {
		return err
	}
	return task.WaitEx(ctx)
}

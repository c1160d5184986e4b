package vsphere

import (
	"context"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// pageSize is how many objects are taken from vCenter at a time, so that what
// is held of its answer stays small however many there are.
const pageSize = 500

// retrieve reads properties and gives each object to take, which must not keep
// it.
func retrieve(ctx context.Context, c *vim25.Client, specs []types.PropertyFilterSpec, take func(*types.ObjectContent)) error {
	return retrievePages(ctx, c, pageSize, specs, take)
}

// retrievePages is retrieve with pages of that many objects at most.
func retrievePages(ctx context.Context, c *vim25.Client, page int32, specs []types.PropertyFilterSpec, take func(*types.ObjectContent)) error {
	req := types.RetrievePropertiesEx{
		This: c.ServiceContent.PropertyCollector, SpecSet: specs, Options: types.RetrieveOptions{MaxObjects: page},
	}
	res, err := methods.RetrievePropertiesEx(ctx, c, &req)
	if err != nil || res.Returnval == nil {
		return err
	}
	got := *res.Returnval
	for {
		for i := range got.Objects {
			take(&got.Objects[i])
		}
		if got.Token == "" {
			return nil
		}
		next, err := methods.ContinueRetrievePropertiesEx(ctx, c, &types.ContinueRetrievePropertiesEx{This: req.This, Token: got.Token})
		if err != nil {
			return staleToken(err)
		}
		got = next.Returnval
	}
}

// staleToken makes a stale error of the fault with which vCenter refuses the token
// of a reading that it does not know.
func staleToken(err error) error {
	if isFault[*types.InvalidProperty](err) || isFault[*types.InvalidArgument](err) {
		return stale(err)
	}
	return err
}

const (
	virtualMachine       = "VirtualMachine"
	distributedPortgroup = "DistributedVirtualPortgroup"
	opaqueNetwork        = "OpaqueNetwork"
)

// networkProperties select what names the networks that interfaces refer to by
// another thing than their name.
var networkProperties = []types.PropertySpec{
	{Type: distributedPortgroup, PathSet: []string{"key", "name"}},
	{Type: opaqueNetwork, PathSet: []string{"summary"}},
}

// take learns a network's name from what was read of it. One that could not be
// read stays without a name.
func (n networkNames) take(o *types.ObjectContent) {
	var key, name string
	for _, p := range o.PropSet {
		switch v := p.Val.(type) {
		case string:
			if p.Name == "key" {
				key = v
			} else {
				name = v
			}
		case types.OpaqueNetworkSummary:
			key, name = v.OpaqueNetworkId, v.Name
		}
	}
	if key != "" && name != "" {
		n[key] = name
	}
}

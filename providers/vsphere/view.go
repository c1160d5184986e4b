package vsphere

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// view is the one view of everything that is read in bulk. It belongs to the
// session that it was made in, and is made again in the next one.
type view struct {
	mu  sync.Mutex
	ref types.ManagedObjectReference // guarded by mu; zero: there is none
}

// errStale says that vCenter has forgotten a reading that was under way.
var errStale = errors.New("vCenter has forgotten the reading under way")

// stale is errStale with what vCenter said, which is not what it means.
func stale(err error) error {
	return &providers.Error{Kind: providers.Retryable, Err: fmt.Errorf("%w: %w", errStale, err)}
}

// within calls fn with the specification of a reading that begins at the view,
// and once more with another view if the session ended meanwhile, so that what
// belonged to it is gone.
func (v *view) within(ctx context.Context, c *vim25.Client, fn func(from types.ObjectSpec) error) error {
	for again := false; ; again = true {
		ref, err := v.open(ctx, c)
		if err != nil {
			return err
		}
		err = fn(types.ObjectSpec{Obj: ref, Skip: types.NewBool(true), SelectSet: []types.BaseSelectionSpec{
			&types.TraversalSpec{Type: "ContainerView", Path: "view"},
		}})
		switch {
		case errors.Is(err, errStale) && again:
			return err
		case lost(err, ref) && again:
			return stale(err)
		case !lost(err, ref) && !errors.Is(err, errStale):
			return err
		}
		v.drop(ref)
	}
}

// open returns the view, and makes it if there is none. Two that make it at
// once make one too many, which goes with the session.
func (v *view) open(ctx context.Context, c *vim25.Client) (types.ManagedObjectReference, error) {
	v.mu.Lock()
	ref := v.ref
	v.mu.Unlock()
	if ref.Value != "" {
		return ref, nil
	}
	res, err := methods.CreateContainerView(ctx, c, &types.CreateContainerView{
		This: *c.ServiceContent.ViewManager, Container: c.ServiceContent.RootFolder, Recursive: true,
		Type: []string{virtualMachine, distributedPortgroup, opaqueNetwork},
	})
	if err != nil {
		return ref, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ref = res.Returnval
	return res.Returnval, nil
}

// drop forgets the view, if it is that one.
func (v *view) drop(ref types.ManagedObjectReference) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ref == ref {
		v.ref = types.ManagedObjectReference{}
	}
}

// lost tells whether err says that the object is not there.
func lost(err error, ref types.ManagedObjectReference) bool {
	gone, ok := faultOf(err).(*types.ManagedObjectNotFound)
	return ok && gone.Obj == ref
}

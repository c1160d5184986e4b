package vsphere

import (
	"context"
	"net/url"
	"time"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"
)

// The pauses between two looks at work of the vCenter.
const (
	firstPause = 20 * time.Millisecond
	mostPause  = 2 * time.Second
)

// until looks until there is nothing more to wait for. It does not wait for
// updates: what an update belongs to ends with the session, and a wait in the
// next one would not come to an end.
func until(ctx context.Context, look func() (done bool, err error)) error {
	pause := firstPause
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		if done, err := look(); done || err != nil {
			return err
		}
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		pause = min(2*pause, mostPause)
		timer.Reset(pause)
	}
}

// finished waits for a task. One that is not known any more has ended, and
// what came of it is seen by what follows.
func finished(ctx context.Context, c *vim25.Client, task types.ManagedObjectReference) error {
	return until(ctx, func() (bool, error) {
		info, known, err := readTask(ctx, c, begun(task))
		switch {
		case err != nil:
			return false, err
		case !known || info.State == types.TaskInfoStateSuccess:
			return true, nil
		case info.State == types.TaskInfoStateError:
			return true, taskFailure(&info)
		}
		return false, nil
	})
}

// slot is where a file of an import is sent.
type slot struct {
	url    *url.URL
	thumb  string // of the host's certificate; empty: none is told
	create bool   // it is no disk, but a file of its own
}

// granted is an import that the vCenter has prepared.
type granted struct {
	vm    types.ManagedObjectReference
	slots map[string]slot // by the path of the file
}

// grant waits until the vCenter has made the VM of an import, and returns
// where its files are sent.
func grant(ctx context.Context, c *vim25.Client, lease types.ManagedObjectReference, files []types.OvfFileItem) (*granted, error) {
	var info *types.HttpNfcLeaseInfo
	err := until(ctx, func() (done bool, err error) {
		info, err = readLease(ctx, c, lease)
		return info != nil, err
	})
	if err != nil {
		return nil, err
	}
	g := &granted{vm: info.Entity, slots: map[string]slot{}}
	for _, f := range files {
		for _, d := range info.DeviceUrl {
			if d.ImportKey != f.DeviceId {
				continue
			}
			to, err := c.ParseURL(d.Url)
			if err != nil {
				return nil, unusable("the vCenter names no address for a file of the image: %w", err)
			}
			g.slots[f.Path] = slot{to, d.SslThumbprint, f.Create}
		}
	}
	return g, nil
}

// readLease returns what an import was given; nil: nothing yet.
func readLease(ctx context.Context, c *vim25.Client, lease types.ManagedObjectReference) (*types.HttpNfcLeaseInfo, error) {
	var p properties
	err := retrieve(ctx, c, []types.PropertyFilterSpec{{
		ObjectSet: []types.ObjectSpec{{Obj: lease}},
		PropSet:   []types.PropertySpec{{Type: lease.Type, PathSet: []string{"state", "info", "error"}}},
	}}, func(o *types.ObjectContent) { p = readProperties(o) })
	if err != nil {
		return nil, err
	}
	if fault, failed := p["error"].(types.LocalizedMethodFault); failed {
		return nil, &taskError{&fault}
	}
	info, told := p["info"].(types.HttpNfcLeaseInfo)
	switch state, _ := p["state"].(types.HttpNfcLeaseState); {
	case state == types.HttpNfcLeaseStateInitializing:
		return nil, nil
	case state != types.HttpNfcLeaseStateReady || !told:
		return nil, unusable("an import cannot go on: its state is %q", state)
	}
	return &info, nil
}

package vsphere

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

var _ providers.Watcher = (*Provider)(nil)

const (
	// quiet is how long vCenter is asked to wait for something to tell before
	// it says that there is nothing. It also keeps the session alive.
	quiet = 60 * time.Second
	// overdue is how much longer than that an answer may take.
	overdue = time.Minute
	// farewell bounds what is done for the sake of tidiness at the end.
	farewell = time.Second
)

// Watch implements providers.Watcher with a property collector of its own,
// which tells of the few properties of a VM that change whenever anything
// about it does. The stream can be resumed for as long as its session exists;
// it ends when that does.
func (p *Provider) Watch(ctx context.Context, ready func(), changed func(ids ...string)) error {
	err := p.do(ctx, "watch", "", func(ctx context.Context, c *vim25.Client) error {
		s := &stream{c: c, herd: newHerd(&p.directory), errands: &p.errands}
		defer p.errands.lost()
		defer s.end(ctx)
		if err := s.begin(ctx); err != nil {
			return err
		}
		ready()
		for {
			ids, err := s.next(ctx)
			if err != nil {
				return streamLost(err)
			}
			if len(ids) > 0 && ctx.Err() == nil {
				changed(ids...)
			}
		}
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// stream is one subscription.
type stream struct {
	c         *vim25.Client
	collector types.ManagedObjectReference
	version   string // of what was told last
	herd      *herd
	errands   *errands
}

// begin subscribes and takes in what is there, which is no news.
func (s *stream) begin(ctx context.Context) error {
	made, err := methods.CreatePropertyCollector(ctx, s.c, &types.CreatePropertyCollector{This: s.c.ServiceContent.PropertyCollector})
	if err != nil {
		return err
	}
	s.collector = made.Returnval
	filters := []types.PropertyFilterSpec{{
		ObjectSet: []types.ObjectSpec{everyVM(s.c.ServiceContent.RootFolder)},
		PropSet:   []types.PropertySpec{{Type: virtualMachine, PathSet: watched}},
	}}
	if m := s.c.ServiceContent.TaskManager; m != nil {
		filters = append(filters, recentTasks(*m))
	}
	for i := range filters {
		if _, err := methods.CreateFilter(ctx, s.c, &types.CreateFilter{This: s.collector, Spec: filters[i]}); err != nil {
			return err
		}
	}
	for more := true; err == nil && more; {
		_, more, err = s.take(ctx, 0)
	}
	return err
}

// everyVM selects the VMs of all datacenters by the folders that they are in,
// and those of vApps, which are in none. Unlike a view, that is nothing that
// has to be kept beside the collector. (The simulator forgets whom it has told
// of when a view changes, and then does not tell that one of them has gone.)
func everyVM(root types.ManagedObjectReference) types.ObjectSpec {
	const folders, centers, apps = "folders", "centers", "apps"
	again := func(names ...string) (out []types.BaseSelectionSpec) {
		for _, n := range names {
			out = append(out, &types.SelectionSpec{Name: n})
		}
		return out
	}
	named := func(name, kind, path string, next ...string) types.BaseSelectionSpec {
		return &types.TraversalSpec{
			SelectionSpec: types.SelectionSpec{Name: name}, Type: kind, Path: path, SelectSet: again(next...),
		}
	}
	return types.ObjectSpec{Obj: root, Skip: types.NewBool(true), SelectSet: []types.BaseSelectionSpec{
		named(folders, "Folder", "childEntity", folders, centers, apps),
		named(centers, "Datacenter", "vmFolder", folders),
		named(apps, "VirtualApp", "vm"),
	}}
}

// next waits for news and returns the ids of the VMs that they are about; none
// after a while without any.
func (s *stream) next(ctx context.Context) ([]string, error) {
	ids, _, err := s.take(ctx, quiet)
	return ids, err
}

// take waits so long for one page of updates. more says that another one is
// there.
func (s *stream) take(ctx context.Context, wait time.Duration) (ids []string, more bool, err error) {
	limited, cancel := context.WithTimeout(ctx, wait+overdue)
	defer cancel()
	seconds := int32(wait / time.Second)
	res, err := methods.WaitForUpdatesEx(limited, s.c, &types.WaitForUpdatesEx{
		This: s.collector, Version: s.version, Options: &types.WaitOptions{MaxWaitSeconds: &seconds},
	})
	switch {
	case err != nil && limited.Err() != nil && ctx.Err() == nil:
		return nil, false, fmt.Errorf("vCenter did not answer for %s: %w", wait+overdue, err)
	case err != nil:
		return nil, false, err
	case res.Returnval == nil:
		return nil, false, nil
	}
	s.version = res.Returnval.Version
	s.tasks(res.Returnval)
	return s.herd.news(res.Returnval), res.Returnval.Truncated != nil && *res.Returnval.Truncated, nil
}

// tasks takes in what is said of tasks.
func (s *stream) tasks(set *types.UpdateSet) {
	for i := range set.FilterSet {
		for j := range set.FilterSet[i].ObjectSet {
			if u := &set.FilterSet[i].ObjectSet[j]; u.Obj.Type == taskType {
				s.errands.told(u)
			}
		}
	}
}

// end gives the collector back, if vCenter takes it at once. It goes with the
// session otherwise.
func (s *stream) end(ctx context.Context) {
	if s.collector.Value == "" {
		return // it has not begun
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	_, _ = methods.DestroyPropertyCollector(ctx, s.c, &types.DestroyPropertyCollector{This: s.collector})
}

// streamLost makes an error of the kind that a stream ends with, unless it has
// one: whatever the reason, the stream has to be begun anew. That it is stale
// means here that its session has ended.
func streamLost(err error) error {
	if known := (*providers.Error)(nil); errors.As(err, &known) {
		if !errors.Is(err, errStale) {
			return err
		}
		err = known.Err
	}
	return &providers.Error{Kind: providers.Unavailable, Err: fmt.Errorf("the event stream was lost: %w", err)}
}

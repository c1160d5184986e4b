package vcsim

import (
	"context"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Await waits for the end of a task that an administrator began. It asks again
// and again: when a filter is taken away while the simulator waits for updates,
// the simulator panics.
func (s *Server) Await(ctx context.Context, t *object.Task) (*types.TaskInfo, error) {
	return ended(ctx, s.admin, t)
}

func ended(ctx context.Context, c *vim25.Client, t *object.Task) (*types.TaskInfo, error) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		var now mo.Task
		if err := property.DefaultCollector(c).RetrieveOne(ctx, t.Reference(), []string{"info"}, &now); err != nil {
			return nil, err
		}
		switch now.Info.State {
		case types.TaskInfoStateSuccess:
			return &now.Info, nil
		case types.TaskInfoStateError:
			return nil, task.Error{LocalizedMethodFault: now.Info.Error}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

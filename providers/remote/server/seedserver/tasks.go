package seedserver

import (
	"context"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// The ids of tasks: the provider's own behind a word, so that they stay valid
// across restarts of this server.
const (
	plainTask = "task:"
	askedTask = "asked:" // then the second by which the guest must be off, and a colon
)

// taskOf returns what a manager polls; nil: the work is done.
func taskOf(task providers.TaskRef) *pb.TaskRef {
	if task == "" {
		return nil
	}
	return &pb.TaskRef{Id: plainTask + string(task)}
}

// askedUntil is taskOf for a guest that was asked to shut down. The task is the
// asking and the time that the guest is given: it ends by then whether or not
// the guest obeyed, and the VM's state tells. A guest that does not listen
// would keep a manager waiting for ever, and a failed task would as well.
func askedUntil(task providers.TaskRef, limit time.Time) *pb.TaskRef {
	if task == "" {
		return nil
	}
	return &pb.TaskRef{Id: askedTask + strconv.FormatInt(limit.Unix(), 10) + ":" + string(task)}
}

// TaskStatus tells whether long work has ended. Where that cannot be seen, the
// call fails, and the task is neither.
func (s *Server) TaskStatus(ctx context.Context, req *pb.TaskStatusRequest) (*pb.TaskStatusResponse, error) {
	id := req.GetTask().GetId()
	if id == "" {
		return nil, status.Error(codes.InvalidArgument, "no task is given")
	}
	task, limit, ok := parseTask(id)
	if !ok {
		return &pb.TaskStatusResponse{Done: true, Error: "no task of this server has that id"}, nil
	}
	done, err := s.opts.Provider.IsTaskComplete(ctx, task)
	switch {
	case done && err != nil:
		return &pb.TaskStatusResponse{Done: true, Error: err.Error()}, nil
	case err != nil:
		return nil, s.failed(err)
	}
	return &pb.TaskStatusResponse{Done: done || !limit.IsZero() && !time.Now().Before(limit)}, nil
}

// parseTask reads an id. The limit is zero where there is none.
func parseTask(id string) (task providers.TaskRef, limit time.Time, ok bool) {
	if rest, plain := strings.CutPrefix(id, plainTask); plain {
		return providers.TaskRef(rest), limit, rest != ""
	}
	rest, asked := strings.CutPrefix(id, askedTask)
	second, rest, cut := strings.Cut(rest, ":")
	unix, err := strconv.ParseInt(second, 10, 64)
	if !asked || !cut || err != nil || rest == "" {
		return "", limit, false
	}
	return providers.TaskRef(rest), time.Unix(unix, 0), true
}

// The pause between two looks at a task that a call waits for.
const (
	firstPause = 20 * time.Millisecond
	mostPause  = 2 * time.Second
)

// settle waits until a task has ended, or for the end of ctx.
func (s *Server) settle(ctx context.Context, task providers.TaskRef) error {
	for pause := firstPause; task != ""; pause = min(2*pause, mostPause) {
		done, err := s.opts.Provider.IsTaskComplete(ctx, task)
		if done || err != nil {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return nil
}

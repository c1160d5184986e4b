package memory_test

import (
	"context"
	"errors"
	"time"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

// late makes effects come after the call, with a task.
func late(b *broken) {
	b.Hypervisor().SetNature(memory.Nature{ShutdownTakes: 10 * time.Second, Late: 5 * time.Second})
}

func taskMutants() []mutant {
	const done, joins, survives = "a-complete-task-has-done-its-work", "a-second-call-during-a-task-joins-or-waits", "tasks-survive-a-restart"
	return []mutant{
		{"unknown-task-is-complete", "an unknown task is an error", func(b *broken) {
			b.task = func(context.Context, providers.TaskRef) (bool, error) { return false, failure(providers.NotFound) }
		}},
		{"unknown-task-is-complete", "an unknown task goes on for ever", func(b *broken) {
			b.task = func(context.Context, providers.TaskRef) (bool, error) { return false, nil }
		}},
		{done, "a task is complete when it was begun", func(b *broken) {
			late(b)
			b.task = func(context.Context, providers.TaskRef) (bool, error) { return true, nil }
		}},
		{done, "a task can be asked for until it is complete", func(b *broken) {
			late(b)
			told := map[providers.TaskRef]bool{}
			b.task = func(ctx context.Context, ref providers.TaskRef) (bool, error) {
				if told[ref] {
					return false, failure(providers.NotFound)
				}
				complete, err := b.Provider.IsTaskComplete(ctx, ref)
				told[ref] = complete
				return complete, err
			}
		}},
		{done, "a call that goes on returns no task", func(b *broken) {
			late(b)
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				res, err := b.Provider.Create(ctx, req)
				res.Task = ""
				return res, err
			}
		}},
		{joins, "a second create is a conflict with the first", func(b *broken) {
			begun := map[providers.Owner]bool{}
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				if begun[req.Owner] {
					return providers.CreateResult{}, failure(providers.Conflict)
				}
				begun[req.Owner] = true
				return b.Provider.Create(ctx, req)
			}
		}},
		{joins, "during a task a VM is not there", func(b *broken) {
			late(b)
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				task, err := b.Provider.Reconfigure(ctx, ref, ch)
				if providers.KindOf(err) == providers.Retryable {
					err = failure(providers.NotFound)
				}
				return task, err
			}
		}},
		{joins, "a second create forgets the task of the first", func(b *broken) {
			late(b)
			begun := map[providers.Owner]bool{}
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				res, err := b.Provider.Create(ctx, req)
				if begun[req.Owner] {
					res.ID = "another"
				}
				begun[req.Owner] = true
				return res, err
			}
		}},
		{survives, "a connection knows only the tasks that it began", func(b *broken) {
			late(b)
			began := map[providers.TaskRef]bool{}
			begins := func(task providers.TaskRef, err error) (providers.TaskRef, error) {
				began[task] = true
				return task, err
			}
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				res, err := b.Provider.Create(ctx, req)
				_, _ = begins(res.Task, err)
				return res, err
			}
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				return begins(b.Provider.Reconfigure(ctx, ref, ch))
			}
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				return begins(b.Provider.Delete(ctx, ref))
			}
			b.power = func(ctx context.Context, ref providers.Ref, op providers.PowerOp) (providers.TaskRef, error) {
				return begins(b.Provider.Power(ctx, ref, op))
			}
			b.task = func(ctx context.Context, ref providers.TaskRef) (bool, error) {
				if !began[ref] {
					return true, nil
				}
				return b.Provider.IsTaskComplete(ctx, ref)
			}
		}},
		{survives, "tasks of before are errors", func(b *broken) {
			late(b)
			begin := time.Now()
			b.task = func(ctx context.Context, ref providers.TaskRef) (bool, error) {
				if time.Since(begin) == 0 {
					return false, failure(providers.NotFound)
				}
				return b.Provider.IsTaskComplete(ctx, ref)
			}
		}},
		{"a-task-is-not-complete-because-it-cannot-be-asked", "what cannot be asked for is complete", func(b *broken) {
			b.task = func(ctx context.Context, ref providers.TaskRef) (bool, error) {
				complete, err := b.Provider.IsTaskComplete(ctx, ref)
				return complete || providers.KindOf(err) == providers.Unavailable, nil
			}
		}},
		{"a-task-is-not-complete-because-it-cannot-be-asked", "what cannot be asked for went wrong", func(b *broken) {
			b.task = func(ctx context.Context, ref providers.TaskRef) (bool, error) {
				complete, err := b.Provider.IsTaskComplete(ctx, ref)
				return complete || err != nil, err
			}
		}},
	}
}

// midCallMutants break what becomes of a call while it is under way.
func midCallMutants() []mutant {
	const cancelled, lost = "cancellation-ends-a-call", "a-connection-lost-in-mid-call-is-unavailable"
	around := func(spoil func(ctx context.Context, call func(context.Context) error) error) func(*broken) {
		return func(b *broken) { b.around = spoil }
	}
	return []mutant{
		{cancelled, "a call goes on for a minute after it was cancelled", around(func(ctx context.Context, call func(context.Context) error) error {
			err := call(ctx)
			if errors.Is(err, context.Canceled) {
				<-time.After(time.Minute)
			}
			return err
		})},
		{cancelled, "a call that was cancelled was lost", around(func(ctx context.Context, call func(context.Context) error) error {
			err := call(ctx)
			if errors.Is(err, context.Canceled) {
				err = failure(providers.Unavailable)
			}
			return err
		})},
		{lost, "a call that was cut off has no kind", around(func(ctx context.Context, call func(context.Context) error) error {
			err := call(ctx)
			if providers.KindOf(err) == providers.Unavailable {
				err = errors.New(err.Error())
			}
			return err
		})},
		{lost, "a call sits on a lost connection", around(func(ctx context.Context, call func(context.Context) error) error {
			err := call(ctx)
			if providers.KindOf(err) == providers.Unavailable {
				<-ctx.Done()
				err = ctx.Err()
			}
			return err
		})},
		{lost, "describe that is cut off finds nothing", func(b *broken) {
			b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
				vm, err := b.Provider.Describe(ctx, ref)
				if providers.KindOf(err) == providers.Unavailable {
					err = failure(providers.NotFound)
				}
				return vm, err
			}
		}},
		{lost, "what was cut off cannot be had any more", func(b *broken) {
			cut := false
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				if cut {
					return providers.CreateResult{}, failure(providers.Conflict)
				}
				res, err := b.Provider.Create(ctx, req)
				cut = providers.KindOf(err) == providers.Unavailable
				return res, err
			}
		}},
	}
}

func credentialMutants() []mutant {
	const refused, named = "refused-credentials-are-unauthorized", "errors-name-their-call-and-vm"
	return []mutant{
		{refused, "whom nobody lets in finds nobody home", func(b *broken) {
			b.around = func(ctx context.Context, call func(context.Context) error) error {
				err := call(ctx)
				if providers.KindOf(err) == providers.Unauthorized {
					err = failure(providers.Unavailable)
				}
				return err
			}
		}},
		{refused, "whom nobody lets in sees no VM", func(b *broken) {
			b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
				vm, err := b.Provider.Describe(ctx, ref)
				if providers.KindOf(err) == providers.Unauthorized {
					err = failure(providers.NotFound)
				}
				return vm, err
			}
		}},
		{refused, "who was refused once is never let in", func(b *broken) {
			refused := false
			b.around = func(ctx context.Context, call func(context.Context) error) error {
				if refused {
					return failure(providers.Unauthorized)
				}
				err := call(ctx)
				refused = providers.KindOf(err) == providers.Unauthorized
				return err
			}
		}},
		{named, "errors do not say whose they are", func(b *broken) {
			b.around = func(ctx context.Context, call func(context.Context) error) error {
				err := call(ctx)
				var e *providers.Error
				if errors.As(err, &e) {
					bare := *e
					bare.Subject = ""
					return &bare
				}
				return err
			}
		}},
		{named, "errors of power are errors of reconfigure", func(b *broken) {
			b.power = func(ctx context.Context, ref providers.Ref, op providers.PowerOp) (providers.TaskRef, error) {
				task, err := b.Provider.Power(ctx, ref, op)
				var e *providers.Error
				if errors.As(err, &e) {
					other := *e
					other.Op = "reconfigure"
					err = &other
				}
				return task, err
			}
		}},
	}
}

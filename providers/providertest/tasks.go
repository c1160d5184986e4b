package providertest

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
)

func taskChecks() []Check {
	return []Check{{
		"unknown-task-is-complete", "A task that the hypervisor does not know is complete.",
		func(ctx context.Context, e *Env) error {
			done, err := e.P.IsTaskComplete(ctx, "providertest/no-such-task/1")
			if !done || err != nil {
				e.failf("an unknown task: complete = %t, %w", done, orNone(err))
			}
			return e.Err()
		},
	}, {
		"a-complete-task-has-done-its-work", "When a task is complete, what it was for is seen at once, and it stays complete.", taskDone,
	}, {
		"a-second-call-during-a-task-joins-or-waits", "The same call again, while its task goes on, joins it or is Retryable; in the end it is as if called once.",
		taskJoined,
	}, {
		"tasks-survive-a-restart", "A task that one connection began is awaited by the next, and has done its work then.", taskSurvives,
	}, {
		"a-task-is-not-complete-because-it-cannot-be-asked", "IsTaskComplete on a lost connection is Unavailable, and never says that the task is complete.",
		taskUnasked,
	}}
}

// work is long work on a VM, with what is to be seen when it is done.
type work struct {
	name  string
	begin func(context.Context) (providers.TaskRef, error)
	seen  func()
}

// life is the work of a VM's life, in order. ref gets the VM's id.
func (e *Env) life(ctx context.Context, ref *providers.Ref) []work {
	power := func(op providers.PowerOp) func(context.Context) (providers.TaskRef, error) {
		return func(ctx context.Context) (providers.TaskRef, error) { return e.P.Power(ctx, *ref, op) }
	}
	shows := func(path, value string) func() {
		return func() { e.holds("a complete task", factsOf(e.describe(ctx, *ref)), map[string]string{path: value}) }
	}
	all := []work{
		{"create", func(ctx context.Context) (providers.TaskRef, error) {
			res, err := e.P.Create(ctx, providers.CreateRequest{Owner: ref.Owner, VM: e.wanted(ref.Owner)})
			ref.ID = res.ID
			return res.Task, err
		}, func() { e.matches(e.wanted(ref.Owner), ref.Owner, e.describe(ctx, *ref)) }},
		{"reconfigure", func(ctx context.Context) (providers.TaskRef, error) {
			return e.P.Reconfigure(ctx, *ref, providers.Change{Tags: &[]string{"other"}})
		}, shows("tags", "[other]")},
		{"start", power(providers.PowerStart), shows("power", string(providers.On))},
		{"stop", power(providers.PowerStop), shows("power", string(providers.Off))},
		{"delete", func(ctx context.Context) (providers.TaskRef, error) { return e.P.Delete(ctx, *ref) },
			func() { e.gone(ctx, *ref) }},
	}
	if e.observes(providers.FieldTags) {
		return all
	}
	return append(all[:1:1], all[2:]...)
}

func taskDone(ctx context.Context, e *Env) error {
	ref := providers.Ref{Owner: e.owner(ctx, "a")}
	for _, w := range e.life(ctx, &ref) {
		if e.failed() {
			break
		}
		task, err := w.begin(ctx)
		if e.ok(w.name, err) {
			e.ok("wait for "+w.name, e.wait(ctx, task))
		}
		w.seen()
		if done, err := e.P.IsTaskComplete(ctx, task); !e.failed() && task != "" && (!done || err != nil) {
			e.failf("the task of %s was complete, and then: complete = %t, %w", w.name, done, orNone(err))
		}
	}
	return e.Err()
}

func taskJoined(ctx context.Context, e *Env) error {
	ref := providers.Ref{Owner: e.owner(ctx, "a")}
	for _, w := range e.life(ctx, &ref) {
		if e.failed() {
			break
		}
		first, err := w.begin(ctx)
		id := ref.ID
		e.ok(w.name, err)
		second, err := w.begin(ctx)
		if err != nil {
			ref.ID = id
			e.refused(w.name+" during its own task", err, providers.Retryable)
		}
		if ref.ID != id {
			e.failf("the VM was %q at the first %s and is %q at the second", id, w.name, ref.ID)
		}
		for _, task := range []providers.TaskRef{first, second} {
			if !e.failed() {
				e.ok("wait for "+w.name, e.wait(ctx, task))
			}
		}
		w.seen()
		if w.name != "delete" {
			e.onlyOne(ctx, ref.Owner)
		}
	}
	return e.Err()
}

func taskSurvives(ctx context.Context, e *Env) error {
	ref := providers.Ref{Owner: e.owner(ctx, "a")}
	for _, w := range e.life(ctx, &ref) {
		if e.failed() {
			break
		}
		task, err := w.begin(ctx)
		if !e.ok(w.name, err) {
			break
		}
		e.connectAgain(ctx)
		if !e.failed() {
			e.ok("wait on another connection for "+w.name, e.wait(ctx, task))
		}
		w.seen()
	}
	return e.Err()
}

// connectAgain goes on with a new connection, as after a restart.
func (e *Env) connectAgain(ctx context.Context) {
	if c, ok := e.P.(providers.Closer); ok && !e.failed() {
		e.ok("close", c.Close())
	}
	if e.failed() {
		return
	}
	if next, err := e.Connect(ctx); e.ok("connect again", err) {
		e.P = next
		e.reach(ctx)
	}
}

func taskUnasked(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.Cut != nil && e.Outside.Deafen != nil, "Cut hook or Deafen hook") {
		return e.Err()
	}
	ref, _ := e.running(ctx, "a")
	if e.failed() || !e.ok("Deafen hook", e.Outside.Deafen(ctx, ref.ID)) {
		return e.Err()
	}
	task := e.shutdown(ctx, ref)
	if !e.need(task != "", "shutdown that takes its time") {
		return e.Err()
	}
	restore := e.Outside.Cut()
	var done bool
	err := e.call(ctx, func(ctx context.Context) (err error) {
		done, err = e.P.IsTaskComplete(ctx, task)
		return err
	})
	restore()
	e.refused("asking for a task on a lost connection", err, providers.Unavailable)
	if done {
		e.failf("a task is complete because it cannot be asked for")
	}
	e.power(ctx, ref, providers.PowerStop)
	return e.Err()
}

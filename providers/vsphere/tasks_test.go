package vsphere

import (
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

func TestATaskIsPickedUpByAnother(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	y.make("web", marked(markFor("web")))
	y.Fail(vcsim.Rule{Method: "PowerOnVM_Task", Hold: true})
	task, err := y.p.Power(y.ctx, refTo("web"), providers.PowerStart)
	if err != nil || !strings.HasPrefix(string(task), taskPrefix) {
		t.Fatalf("task %q, %v", task, err)
	}
	y.EndSessions()
	other := &yard{Server: y.Server, t: t, ctx: y.ctx, p: y.connect()}
	if done, err := other.p.IsTaskComplete(y.ctx, task); done || err != nil {
		t.Errorf("a task that runs: complete = %t, %v", done, err)
	}
	y.Heal()
	if err := other.settle(task, nil); err != nil {
		t.Errorf("the task ended with %v", err)
	}
}

func TestItIsKnownHowFarATaskHasCome(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	y.make("web", marked(markFor("web")))
	y.Fail(vcsim.Rule{Method: "PowerOnVM_Task", Hold: true})
	task, err := y.p.Power(y.ctx, refTo("web"), providers.PowerStart)
	if err != nil {
		t.Fatal(err)
	}
	if percent, ok := y.p.TaskProgress(task); ok {
		t.Errorf("%d percent, and nobody has looked", percent)
	}
	ref := types.ManagedObjectReference{Type: "Task", Value: string(task)}
	if _, err := methods.UpdateProgress(y.ctx, y.Client(), &types.UpdateProgress{This: ref, PercentDone: 42}); err != nil {
		t.Fatal(err)
	}
	if done, err := y.p.IsTaskComplete(y.ctx, task); done || err != nil {
		t.Errorf("complete = %t, %v", done, err)
	}
	if percent, ok := y.p.TaskProgress(task); percent != 42 || !ok {
		t.Errorf("%d percent, %t; want 42", percent, ok)
	}
	y.Heal()
	if err := y.settle(task, nil); err != nil {
		t.Error(err)
	}
	if percent, ok := y.p.TaskProgress(task); ok {
		t.Errorf("%d percent of a task that has ended", percent)
	}
}

func TestATaskThatNobodyKnowsIsComplete(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	for _, task := range []providers.TaskRef{"task-4711", "import/sha256:x/y", "anything", shutdownTask + "nobody"} {
		if done, err := y.p.IsTaskComplete(y.ctx, task); !done || err != nil {
			t.Errorf("%s: complete = %t, %v", task, done, err)
		}
	}
}

// TestAFailedTaskSaysWhatAndWhy: a task is read by somebody who does not
// remember what it was.
func TestAFailedTaskSaysWhatAndWhy(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	y.make("web", marked(markFor("web")))
	y.Fail(vcsim.Rule{Method: "PowerOnVM_Task", Task: true, Fault: &types.NoDiskSpace{Datastore: "LocalDS_0"}})
	err := y.settle(y.p.Power(y.ctx, refTo("web"), providers.PowerStart))
	wantKind(t, "no room for the swap file", err, providers.QuotaExceeded, "NoDiskSpace: datastore LocalDS_0")
	if err == nil || !strings.HasPrefix(err.Error(), "power web: ") {
		t.Errorf("%v, want it to say what it was, of which VM", err)
	}
}

// TestATaskThatCannotBeReadIsNotComplete: what is unknown is not done.
func TestATaskThatCannotBeReadIsNotComplete(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	y.make("web", marked(markFor("web")))
	for _, method := range []string{"RetrievePropertiesEx", "FindByUuid", "FindAllByUuid"} {
		y.Fail(vcsim.Rule{Method: method, Times: -1, Fault: &types.NoPermission{PrivilegeId: "System.View"}})
	}
	for _, task := range []providers.TaskRef{"task-1", providers.TaskRef(shutdownTask + owner("web").UUID().String())} {
		if done, err := y.p.IsTaskComplete(y.ctx, task); done || providers.KindOf(err) != providers.Unauthorized {
			t.Errorf("%s: complete = %t, %v; want Unauthorized", task, done, err)
		}
	}
}

// TestEveryFaultKeepsItsKindOverTheWire provokes each fault in a call and in a
// task.
func TestEveryFaultKeepsItsKindOverTheWire(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	y.make("web", marked(markFor("web")))
	for _, row := range faultRows {
		f := newFault(t, row.name)
		if row.name == "NotAuthenticated" { // a new login follows, see the tests of the session
			continue
		}
		for _, asTask := range []bool{false, true} {
			y.Fail(vcsim.Rule{Method: "PowerOnVM_Task", Fault: f, Task: asTask})
			err := y.settle(y.p.Power(y.ctx, refTo("web"), providers.PowerStart))
			if row.name == "InvalidPowerState" && err == nil {
				continue // of no state to no state: it is there already
			}
			if providers.KindOf(err) != row.kind || !strings.Contains(err.Error(), row.name) {
				t.Errorf("%s, as a task %t: %v (%s), want %s: %s", row.name, asTask, err, providers.KindOf(err), row.kind, row.reason)
			}
		}
	}
}

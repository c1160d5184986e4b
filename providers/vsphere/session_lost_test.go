package vsphere

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// life is one VM's whole life through the contract, with what must be true in
// between.
type life struct {
	t    *testing.T
	sim  *vcsim.Server
	p    *Provider
	name string
}

func (l *life) fails(format string, args ...any) {
	l.t.Helper()
	l.t.Errorf("%s: %s", l.name, fmt.Sprintf(format, args...))
}

// settled waits for a task beside the provider, so that its calls can be
// counted, and has it look how the task ended.
func (l *life) settled(doing string, task providers.TaskRef, err error) {
	l.t.Helper()
	if err == nil && strings.HasPrefix(string(task), taskPrefix) {
		ref := types.ManagedObjectReference{Type: "Task", Value: string(task)}
		if failed := finished(l.t.Context(), l.sim.Client(), ref); failed != nil {
			l.fails("%s: %v", doing, failed)
		}
	}
	if err == nil && task != "" {
		var done bool
		if done, err = l.p.IsTaskComplete(l.t.Context(), task); err == nil && !done {
			l.fails("%s: a task that has ended is not complete", doing)
		}
	}
	if err != nil {
		l.fails("%s: %v", doing, err)
	}
}

// there counts the VMs of the name, as the administrator sees them.
func (l *life) there() int {
	vms, _ := find.NewFinder(l.sim.Client()).VirtualMachineList(context.Background(), "/DC0/vm/"+l.name)
	return len(vms)
}

// lives runs through the life.
func (l *life) lives() {
	l.t.Helper()
	ctx := l.t.Context()
	req := wanted(l.name, vcsim.Template)
	ref := providers.Ref{Owner: req.Owner}
	res, err := l.p.Create(ctx, req)
	l.settled("create", res.Task, err)
	res, err = l.p.Create(ctx, req)
	l.settled("create what is there", res.Task, err)
	if n := l.there(); n != 1 {
		l.fails("%d VMs of the name after a creation that was repeated, want 1", n)
	}
	if vm, err := l.p.Describe(ctx, ref); err != nil || vm.ID != res.ID || vm.Mark == nil {
		l.fails("describe: %+v, %v", vm, err)
	}
	l.listed(res.ID, true)
	for _, op := range []providers.PowerOp{providers.PowerStart, providers.PowerReboot, providers.PowerStop} {
		task, err := l.p.Power(ctx, ref, op)
		l.settled(string(op), task, err)
	}
	cpu := 3
	task, err := l.p.Reconfigure(ctx, ref, providers.Change{CPU: &cpu, GrowDisks: []providers.DiskSize{{Name: "data", SizeGiB: 7}}})
	l.settled("reconfigure", task, err)
	if vm, err := l.p.Describe(ctx, ref); err != nil || vm.Config.CPU != providers.Known(cpu) {
		l.fails("describe after the change: %+v, %v", vm, err)
	}
	task, err = l.p.Delete(ctx, ref)
	l.settled("delete", task, err)
	if vm, err := l.p.Describe(ctx, ref); !providers.IsAbsent(err) {
		l.fails("describe what was deleted: %+v, %v", vm, err)
	}
	l.listed(res.ID, false)
	task, err = l.p.Delete(ctx, ref)
	l.settled("delete what is gone", task, err)
	if n := l.there(); n != 0 {
		l.fails("%d VMs of the name are left", n)
	}
}

func (l *life) listed(id string, want bool) {
	l.t.Helper()
	inv, err := l.p.List(l.t.Context())
	for n := 0; n < 3 && providers.KindOf(err) == providers.Retryable; n++ { // the session ended twice in it
		inv, err = l.p.List(l.t.Context())
	}
	if err != nil || !inv.Complete {
		l.fails("list: %v", err)
		return
	}
	if has := slices.ContainsFunc(inv.VMs, func(vm providers.VM) bool { return vm.ID == id }); has != want {
		l.fails("the inventory has it: %t, want %t", has, want)
	}
}

// TestTheSessionEndsBetweenAnyTwoCalls: nothing is misread as absent, nothing
// is made twice, and one new login happens.
func TestTheSessionEndsBetweenAnyTwoCalls(t *testing.T) {
	sim := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, sim, sim.Settings("lab"))
	(&life{t, sim, p, "warm"}).lives()
	sim.ResetCalls()
	(&life{t, sim, p, "calm"}).lives()
	calm := sim.Total()
	if sim.Calls()["Login"] != 0 || calm < 30 {
		t.Fatalf("an undisturbed life has %d calls, %d of them logins", calm, sim.Calls()["Login"])
	}
	for n := range calm {
		sim.ResetCalls()
		sim.Fail(vcsim.Rule{Skip: n, EndSessions: true})
		l := &life{t, sim, p, fmt.Sprintf("lost-%d", n)}
		l.lives()
		sim.Heal()
		if got := sim.Calls()["Login"]; got != 1 {
			l.fails("%d logins, want 1", got)
		}
		if got := len(sim.Sessions()); got != 1 {
			l.fails("the server has %d sessions, want 1", got)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("the session was lost before each of %d calls", calm)
}

// TestTheSessionEndsWhileManyWork: the one new login is shared by all.
func TestTheSessionEndsWhileManyWork(t *testing.T) {
	sim := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, sim, sim.Settings("lab"))
	if err := p.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	sim.ResetCalls()
	const every = 30
	for n := every; n < 300; n += every {
		sim.Fail(vcsim.Rule{Skip: n, EndSessions: true})
	}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { (&life{t, sim, p, fmt.Sprintf("many-%d", i)}).lives() })
	}
	wg.Wait()
	logins, ended := sim.Calls()["Login"], (sim.Total()-1)/every
	if logins == 0 || logins > ended {
		t.Errorf("%d logins after %d sessions were ended", logins, ended)
	}
}

// TestASessionThatNeverLastsIsAnError: a server that ends each session at once
// is not asked for ever.
func TestASessionThatNeverLastsIsAnError(t *testing.T) {
	sim := vcsim.New(t, vcsim.Options{Bare: true})
	s := open(t, sim.Settings("test"))
	sim.Fail(vcsim.Rule{Method: "CurrentTime", Times: -1, EndSessions: true})
	err := ask(s)
	wantKind(t, "a session that never lasts", err, providers.Unauthorized, "in a row")
	if got := sim.Calls()["Login"]; got != mostLogins {
		t.Errorf("%d logins, want %d", got, mostLogins)
	}
}

// TestAPropertySaysThatTheSessionIsLost: a vCenter answers the property
// collector so.
func TestAPropertySaysThatTheSessionIsLost(t *testing.T) {
	missing := func(f types.BaseMethodFault) []types.ObjectContent {
		return []types.ObjectContent{{}, {MissingSet: []types.MissingProperty{{Path: "name", Fault: types.LocalizedMethodFault{Fault: f}}}}}
	}
	for _, tc := range []struct {
		fault  types.BaseMethodFault
		want   bool
		reason string
	}{
		{&types.NotAuthenticated{}, true, "nobody is logged in"},
		{&types.NoPermission{}, false, "we are logged in, and may not"},
		{&types.SystemError{}, false, "the VM cannot be read"},
	} {
		ex := &methods.RetrievePropertiesExBody{Res: &types.RetrievePropertiesExResponse{Returnval: &types.RetrieveResult{Objects: missing(tc.fault)}}}
		old := &methods.RetrievePropertiesBody{Res: &types.RetrievePropertiesResponse{Returnval: missing(tc.fault)}}
		if got := loggedOut(nil, ex); got != tc.want {
			t.Errorf("%T: %t, want %t: %s", tc.fault, got, tc.want, tc.reason)
		}
		if got := loggedOut(nil, old); got != tc.want {
			t.Errorf("%T, the old way: %t, want %t: %s", tc.fault, got, tc.want, tc.reason)
		}
	}
}

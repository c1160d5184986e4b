package vsphere

import (
	"testing"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

func TestDescribeTakesOneCall(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	y.make("web", marked(markFor("web")))
	for _, row := range []struct {
		most   int
		reason string
	}{
		{2, "it is searched first"},
		{1, "it is remembered which object it is"},
	} {
		if err := ask(y.p.session); err != nil {
			t.Fatal(err)
		}
		y.ResetCalls()
		if _, err := y.p.Describe(y.ctx, refTo("web")); err != nil {
			t.Fatal(err)
		}
		if calls := y.Calls(); sum(calls) > row.most {
			t.Errorf("%v; want at most %d calls: %s", calls, row.most, row.reason)
		}
	}
}

func TestDescribeNamesNetworks(t *testing.T) {
	y := newYard(t, vcsim.Options{Machines: 1})
	_, vms := y.list()
	vm := vms["DC0_C0_RP1_VM0"]
	if vm == nil || len(vm.Config.NICs) != 1 || vm.Config.NICs[0].Network != "DC0_DVPG0" {
		t.Fatalf("listed: %+v; want an interface on DC0_DVPG0", vm)
	}
	got, err := y.p.Describe(y.ctx, providers.Ref{ID: vm.ID})
	if err != nil || len(got.Config.NICs) != 1 || got.Config.NICs[0].Network != "DC0_DVPG0" {
		t.Errorf("described: %+v, %v", got, err)
	}
}

// TestDescribeFindsWhatWasRegisteredAnew: a reference that is remembered is no
// proof that a VM has gone.
func TestDescribeFindsWhatWasRegisteredAnew(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	old := y.make("web", marked(markFor("web")))
	before, err := y.p.Describe(y.ctx, refTo("web"))
	if err != nil {
		t.Fatal(err)
	}
	task, err := old.Destroy(y.ctx)
	y.done(task, err)
	y.make("web", marked(markFor("web")))
	after, err := y.p.Describe(y.ctx, refTo("web"))
	if err != nil || after.ID != before.ID {
		t.Errorf("%+v, %v; want it under its id %s", after, err, before.ID)
	}
}

func TestDescribeWhatIsNotThere(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	vm := y.make("web", marked(markFor("web")))
	if _, err := y.p.Describe(y.ctx, refTo("web")); err != nil {
		t.Fatal(err)
	}
	task, err := vm.Destroy(y.ctx)
	y.done(task, err)
	for reason, ref := range map[string]providers.Ref{
		"by its owner":         refTo("web"),
		"by its id":            {ID: owner("web").UUID().String()},
		"by its reference":     {ID: vm.Reference().Value},
		"by nonsense":          {ID: "nonsense"},
		"one that never was":   refTo("never"),
		"a template is no VM":  {ID: y.template()},
		"another kind's value": {ID: "group-v3"},
	} {
		if vm, err := y.p.Describe(y.ctx, ref); !providers.IsAbsent(err) {
			t.Errorf("%s: %+v, %v; want NotFound", reason, vm, err)
		}
	}
}

// template returns the reference of a template.
func (y *yard) template() string {
	y.t.Helper()
	for _, e := range y.Simulator().Context.Map.All(virtualMachine) {
		vm := object.NewVirtualMachine(y.Client(), e.Reference())
		if y.properties(vm, "config.template").Config.Template {
			return vm.Reference().Value
		}
	}
	y.t.Fatal("there is no template")
	return ""
}

// TestATemplateOfOursIsNotAbsent: somebody made a template of a VM of ours.
func TestATemplateOfOursIsNotAbsent(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	vm := y.make("web", marked(markFor("web")))
	if err := vm.MarkAsTemplate(y.ctx); err != nil {
		t.Fatal(err)
	}
	_, vms := y.list()
	described, err := y.p.Describe(y.ctx, refTo("web"))
	if err != nil {
		t.Fatal(err)
	}
	for how, vm := range map[string]*providers.VM{"listed": vms["web"], "described": described} {
		if vm == nil || vm.Mark == nil || vm.Power != providers.Unknown {
			t.Errorf("it is %s as %+v; want it with its mark, its power unknown", how, vm)
		}
	}
	_, err = y.p.Delete(y.ctx, refTo("web"))
	wantKind(t, "a template is not deleted", err, providers.Conflict, "is a template now")
}

func TestDescribeSeesTheGuest(t *testing.T) {
	y := newYard(t, vcsim.Options{Machines: 1})
	vm, err := find.NewFinder(y.Client()).VirtualMachine(y.ctx, "/DC0/vm/DC0_C0_RP1_VM0")
	if err != nil {
		t.Fatal(err)
	}
	y.SetGuest(vm.Reference(), vcsim.Guest{Tools: true, Addresses: []string{"10.1.2.3"}})
	got, err := y.p.Describe(y.ctx, providers.Ref{ID: vm.Reference().Value})
	if err != nil || len(got.Addresses) != 1 || got.Addresses[0].IP != "10.1.2.3" || got.Addresses[0].Via != "tools" {
		t.Errorf("%+v, %v; want the address that the guest tells", got, err)
	}
}

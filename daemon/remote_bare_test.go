package daemon_test

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/server/seedserver"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// outpost is a hypervisor behind a server that speaks provider.v1 alone, which
// dies again and again and comes back at the same address.
type outpost struct {
	*site
	hv   *memory.Hypervisor
	line *remotetest.Line
}

func newOutpost(t *testing.T) *outpost {
	t.Helper()
	o := &outpost{site: newMemorySite(t), hv: memory.NewHypervisor()}
	network, address := o.serve()
	o.line = remotetest.NewLine(t, network, address)
	o.write("providers.d/kvm.yaml", fmt.Sprintf(`apiVersion: infra.virtrigaud.io/v1beta1
kind: Provider
metadata: {name: kvm}
spec: {type: memory, endpoint: %q, rateLimit: {qps: 1000, burst: 2000}}
`, o.line.Endpoint()))
	return o
}

func (o *outpost) connect() *memory.Provider { return o.hv.Connect(providers.Settings{Fleet: "lab"}) }

// serve starts a server at a socket of its own.
func (o *outpost) serve() (network, address string) {
	o.t.Helper()
	path := filepath.Join(o.t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	must(o.t, err)
	s := grpc.NewServer()
	providerv1.RegisterProviderServer(s, seedserver.New(seedserver.Options{Provider: o.connect(), Type: "memory", Fleet: "lab"}))
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	o.t.Cleanup(func() { s.Stop(); <-done })
	return "unix", path
}

// dying runs passes until everything is as wanted, while the server dies in the
// midst of every so many effects, or only the line breaks, by turns.
func (o *outpost) dying(reason string, every int32) {
	o.t.Helper()
	var effects, deaths atomic.Int32
	o.hv.OnStep(func(s memory.Step) error {
		if effects.Add(1)%every != 0 {
			return nil
		}
		if deaths.Add(1)%2 == 0 {
			o.line.Drop() // and the server goes on with it
			return nil
		}
		network, address := o.serve() // another process, at the same address
		o.line.Lead(network, address)
		o.line.Drop()
		return fmt.Errorf("killed at step %d of %s", s.N, s.Op)
	})
	o.converge(reason)
	o.hv.OnStep(nil)
	if n := deaths.Load(); n < 3 {
		o.t.Errorf("%s: only %d deaths", reason, n)
	}
}

// wantMachines wants the hypervisor to have these machines, and no others, and
// their volumes, and no others; but what may be left of one that is gone is
// left where the protocol names machines by their ids alone.
func (o *outpost) wantMachines(reason string, vms []vmFile, gone ...string) {
	o.t.Helper()
	inv, err := o.connect().List(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	var want, got []string
	disks := 0
	for _, v := range vms {
		want = append(want, v.Name+" "+strings.Trim(orElse(v.Power, "On"), `"`)+fmt.Sprintf(" %d CPU", max(v.CPU, 1)))
	}
	for _, vm := range inv.VMs {
		got = append(got, fmt.Sprintf("%s %s %d CPU", vm.Name, vm.Power, vm.Config.CPU.Value))
		disks += len(vm.Config.Disks)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		o.t.Errorf("%s: machines (-want +got):\n%s", reason, diff)
	}
	volumes := slices.DeleteFunc(o.hv.Outside().Volumes(), func(v string) bool {
		return slices.ContainsFunc(gone, func(name string) bool { return strings.HasPrefix(v, "lab/default/"+name+"/") })
	})
	if len(volumes) != disks {
		o.t.Errorf("%s: %d volumes for %d disks: %v", reason, len(volumes), disks, volumes)
	}
}

// TestStoryThroughProviderV1 is the story of twenty VMs behind a server that has
// no place for a mark: the ledger in the state directory says which are ours,
// while the server dies, or the line breaks, in the midst of it.
func TestStoryThroughProviderV1(t *testing.T) {
	o := newOutpost(t)
	var vms []vmFile
	files := map[string]string{"common.yaml": commonManifests}
	for i := range 20 {
		vms = append(vms, vmFile{Name: fmt.Sprintf("vm-%02d", i)})
		files["vms/"+vms[i].Name+".yaml"] = vms[i].yaml()
	}
	o.repo.Commit(files)
	o.dying("twenty VMs are made", 17)
	o.wantMachines("after twenty VMs were made", vms)

	vms[1].CPU, vms[1].Memory = 2, 256
	vms[4].Power = `"Off"`
	gone := vms[5]
	vms = slices.Delete(vms, 5, 6)
	o.repo.Commit(map[string]string{"vms/vm-01.yaml": vms[1].yaml(), "vms/vm-04.yaml": vms[4].yaml()}, "vms/"+gone.Name+".yaml")
	o.dying("three changes are made", 2)
	o.wantMachines("after the changes", vms, gone.Name)
	if calls := o.apply(); len(calls) > 0 {
		t.Errorf("a pass with nothing to do called %q", calls)
	}
}

// TestLostLedgerAdoptsNothing removes the state directory: of VMs behind a
// server without marks it is not known any more whose they are. They are left
// alone, and none is made beside them.
func TestLostLedgerAdoptsNothing(t *testing.T) {
	o := newOutpost(t)
	vms := []vmFile{{Name: "a"}, {Name: "b"}}
	o.repo.Commit(map[string]string{"common.yaml": commonManifests, "vms/a.yaml": vms[0].yaml(), "vms/b.yaml": vms[1].yaml()})
	o.converge("they are made")
	must(t, os.RemoveAll(filepath.Join(o.dir, "state")))
	o.repo.Commit(map[string]string{"vms/b.yaml": vmFile{Name: "b", CPU: 2}.yaml()}, "vms/a.yaml")
	if tried := o.apply(); len(tried) > 0 {
		t.Errorf("after the ledger was lost, it was tried: %q", tried)
	}
	if left := o.inSync(); !strings.Contains(left, "default/b is not in sync: conflict: a machine named b exists") || strings.Contains(left, "default/a") {
		t.Errorf("after the ledger was lost, a plan says: %s", left)
	}
	o.wantMachines("after the ledger was lost", vms)
}

// TestPlanWithoutTheLedger plans where the state directory is in use: nothing
// is planned for VMs of which it cannot be told whose they are.
func TestPlanWithoutTheLedger(t *testing.T) {
	o := newOutpost(t)
	o.repo.Commit(map[string]string{"common.yaml": commonManifests, "vms/a.yaml": vmFile{Name: "a"}.yaml()})
	o.converge("it is made")
	o.with(func(daemon.Service) {
		beside, err := daemon.NewLocal(o.config(), daemon.Options{Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		defer beside.Close()
		look, err := beside.Plan(t.Context())
		must(t, err)
		if len(look.Plan.Items) == 0 {
			t.Error("the plan has no items")
		}
		for _, it := range look.Plan.Items {
			if it.Action != plan.Hold {
				t.Errorf("%s: %s: %s, want it held", it.VM, it.Action, it.Reason)
			}
		}
	})
	o.wantInSync("with the ledger")
}

package daemon_test

import (
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/server"
	"github.com/vmsteward/vmsteward/providers/remote/server/seedserver"
)

// outpost is a hypervisor behind a provider server, which dies again and again
// and comes back at the same address.
type outpost struct {
	*site
	hv    *memory.Hypervisor
	line  *remotetest.Line
	serve func() (network, address string)
}

// newOutpost has the server speak the extension, or provider.v1 alone.
func newOutpost(t *testing.T, extension bool) *outpost {
	t.Helper()
	o := &outpost{site: newMemorySite(t), hv: memory.NewHypervisor()}
	o.serve = o.bare
	if extension {
		o.serve = o.steward
	}
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

// listen gives a server a socket until the test ends.
func (o *outpost) listen(serve func(net.Listener) error, stop func()) (network, address string) {
	o.t.Helper()
	path := filepath.Join(o.t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		o.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = serve(l) }()
	o.t.Cleanup(func() { stop(); <-done })
	return "unix", path
}

func (o *outpost) steward() (network, address string) {
	s, err := server.New(o.connect(), server.Options{Fleet: "lab", Type: "memory", Log: slog.New(slog.DiscardHandler), Insecure: true})
	if err != nil {
		o.t.Fatal(err)
	}
	return o.listen(s.Serve, func() { _ = s.Stop(o.t.Context()) })
}

func (o *outpost) bare() (network, address string) {
	s := grpc.NewServer(grpc.Creds(insecure.NewCredentials()))
	providerv1.RegisterProviderServer(s, seedserver.New(seedserver.Options{Provider: o.connect(), Type: "memory", Fleet: "lab"}))
	return o.listen(s.Serve, s.Stop)
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

// TestStoryRemote is the story of twenty VMs on a hypervisor behind a provider
// server, which dies and comes back in the midst of it.
func TestStoryRemote(t *testing.T) {
	for name, extension := range map[string]bool{"extension": true, "provider.v1": false} {
		t.Run(name, func(t *testing.T) {
			o := newOutpost(t, extension)
			var vms []vmFile
			for i := range 20 {
				vms = append(vms, vmFile{Name: fmt.Sprintf("vm-%02d", i)})
			}
			files := map[string]string{"common.yaml": commonManifests}
			for _, v := range vms {
				files["vms/"+v.Name+".yaml"] = v.yaml()
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
			var left []string
			if !extension {
				left = append(left, gone.Name)
			}
			o.wantMachines("after the changes", vms, left...)
			if calls := o.apply(); len(calls) > 0 {
				t.Errorf("a pass with nothing to do called %q", calls)
			}
		})
	}
}


package vsphere

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// wrongs are ways in which one call goes wrong.
var wrongs = map[string]vcsim.Rule{
	"its session ends before it":                 {EndSessions: true},
	"the connection ends in place of it":         {Drop: true},
	"the connection ends in place of its answer": {Drop: true, Lost: true},
	"the server is overloaded":                   {Status: 503},
	"it fails":                                   {Fault: &types.HostCommunication{}},
}

// converge creates a VM by as many attempts as it takes.
func converge(t *testing.T, p *Provider, req providers.CreateRequest) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := create(t, p, req)
		if err == nil {
			return
		}
		if kind := providers.KindOf(err); kind == providers.InvalidSpec || providers.IsAbsent(err) {
			t.Fatalf("kind %s: %v", kind, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it does not come to an end: %v", err)
		}
	}
}

// eachCall lets the n-th call of a creation go wrong in each way, for each n,
// until the creation has no more calls.
func eachCall(t *testing.T, srv *vcsim.Server, most int, ways map[string]vcsim.Rule, try func(name string, connect func() *Provider)) {
	t.Helper()
	for how, rule := range ways {
		for n := range most {
			srv.ResetCalls()
			rule.Skip = n + 3 // the login
			srv.Fail(rule)
			name := fmt.Sprintf("vm-%d", n)
			t.Run(fmt.Sprintf("%d/%s", n, how), func(t *testing.T) {
				try(name, func() *Provider {
					p, _ := provide(t, srv, srv.Settings("lab"))
					return p
				})
			})
			srv.Heal()
			if t.Failed() {
				return
			}
		}
	}
}

func TestCreateWhateverCallGoesWrong(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	before := everyone(t, srv)
	eachCall(t, srv, 7, wrongs, func(name string, connect func() *Provider) {
		p, req := connect(), wanted(name, vcsim.Template)
		if err := create(t, p, req); err != nil {
			srv.Heal()
			converge(t, p, req)
		}
		srv.Heal()
		after := slices.DeleteFunc(everyone(t, srv), func(n string) bool { return slices.Contains(before, n) })
		if diff := cmp.Diff([]string{"/DC0/vm/" + name}, after); diff != "" {
			t.Fatalf("VMs (-want +got):\n%s", diff)
		}
		vm := machine(t, srv, "/DC0/vm/"+name)
		if m := markOf(&vm); m == nil || m.owner() != req.Owner {
			t.Errorf("the mark is %+v", m)
		}
		dispose(t, srv, vm.Self)
	})
}

func TestImportWhateverCallGoesWrong(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	image := vcsim.NewImage("debian").OVA()
	s := newShelf(t, tarFile{"a.ova", image})
	before := everyone(t, srv)
	ways := maps.Clone(wrongs)
	delete(ways, "the server is overloaded") // as if it failed
	delete(ways, "the connection ends in place of it")
	eachCall(t, srv, 24, ways, func(name string, connect func() *Provider) {
		p, req := connect(), packaged(name, s, "a.ova", sumOf(image))
		req.VM.RootDisk.SizeGiB = 10
		if err := create(t, p, req); err != nil {
			srv.Heal()
			converge(t, p, req)
		}
		srv.Heal()
		made := slices.DeleteFunc(everyone(t, srv), func(n string) bool { return slices.Contains(before, n) })
		if len(made) != 2 || len(brought(t, srv)) != 1 {
			t.Fatalf("there are %q", made)
		}
		for _, n := range made {
			dispose(t, srv, machine(t, srv, n).Self)
		}
	})
}

func TestATaskThatFailsIsTriedAnew(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	srv.Fail(vcsim.Rule{Method: "CloneVM_Task", Task: true, Fault: &types.NoDiskSpace{Datastore: "LocalDS_0"}})
	wantKind(t, "no room", create(t, p, wanted("web", vcsim.Template)), providers.QuotaExceeded, "LocalDS_0")
	if err := create(t, p, wanted("web", vcsim.Template)); err != nil {
		t.Error(err)
	}
}

func TestAVMThatIsBeingMadeIsNotMadeTwice(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	srv.Fail(vcsim.Rule{Method: "CloneVM_Task", Hold: true})
	req := wanted("web", vcsim.Template)
	first, err := p.Create(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.Create(t.Context(), req); err != nil || again != first {
		t.Errorf("a second call returns %+v, %v; want %+v", again, err, first)
	}
	restarted, _ := provide(t, srv, srv.Settings("lab"))
	if res, err := restarted.Create(t.Context(), req); providers.KindOf(err) != providers.Retryable {
		t.Errorf("a call of the next process returns %+v, %v; want to come again", res, err)
	}
	srv.Heal()
	if err := await(t, p, first.Task); err != nil {
		t.Fatal(err)
	}
	if res, err := restarted.Create(t.Context(), req); err != nil || res.ID != first.ID || res.Task != "" {
		t.Errorf("once it is made: %+v, %v", res, err)
	}
}

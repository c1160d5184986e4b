package memory_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

func TestFaultsHitTheCallsThatTheyName(t *testing.T) {
	for _, row := range []struct {
		name   string
		fault  memory.Fault
		want   []providers.Kind // of three calls to power web-1
		reason string
	}{
		{"once", memory.Fault{Op: "power", Kind: providers.Retryable}, []providers.Kind{"Retryable", "", ""}, "one call by default"},
		{"skip", memory.Fault{Skip: 1, Kind: providers.RateLimited}, []providers.Kind{"", "RateLimited", ""}, "the first passes"},
		{"always", memory.Fault{Times: -1, Kind: providers.Unauthorized}, []providers.Kind{"Unauthorized", "Unauthorized", "Unauthorized"}, "negative is all"},
		{"other op", memory.Fault{Op: "delete", Kind: providers.Retryable}, []providers.Kind{"", "", ""}, "the rule is about delete"},
		{"other VM", memory.Fault{VM: manifest.Key{Namespace: "default", Name: "db-1"}, Kind: providers.Retryable}, []providers.Kind{"", "", ""}, "the rule is about another VM"},
	} {
		p := connect(memory.Nature{})
		create(t, p, "web-1")
		p.Hypervisor().Inject(row.fault)
		var got []providers.Kind
		for range 3 {
			_, err := p.Power(t.Context(), ref("web-1"), providers.PowerStart)
			got = append(got, providers.KindOf(err))
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", row.name, row.reason, diff)
		}
	}
}

func TestALostAnswerLeavesItsEffect(t *testing.T) {
	p := connect(memory.Nature{})
	p.Hypervisor().Inject(memory.Fault{Op: "create", Kind: providers.Timeout, Lost: true})
	_, err := p.Create(t.Context(), providers.CreateRequest{Owner: owner("web-1"), VM: wanted("web-1")})
	if providers.KindOf(err) != providers.Timeout {
		t.Errorf("create = %v, want Timeout", err)
	}
	if _, err := p.Describe(t.Context(), ref("web-1")); err != nil {
		t.Errorf("the VM was not made: %v", err)
	}
}

func TestHangAndDelayFollowTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connect(memory.Nature{})
		p.Hypervisor().Inject(memory.Fault{Delay: time.Minute}, memory.Fault{Hang: true})
		begin := time.Now()
		if err := p.Validate(t.Context()); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("a delayed call: %v after %s, want success after a minute", err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Validate(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call that hangs: %v, want the context's error", err)
		}
	})
}

func TestAPanicBetweenStepsLeavesWhatWasMade(t *testing.T) {
	p := connect(memory.Nature{})
	hv := p.Hypervisor()
	hv.OnStep(func(s memory.Step) error {
		if s.Done == "volume data" {
			panic("killed")
		}
		return nil
	})
	func() {
		defer func() { _ = recover() }()
		_, _ = p.Create(t.Context(), providers.CreateRequest{Owner: owner("web-1"), VM: wanted("web-1")})
	}()
	hv.OnStep(nil)
	inv, err := p.List(t.Context())
	if err != nil || len(inv.VMs) != 0 || len(inv.Leftovers) != 2 {
		t.Fatalf("list = %+v, %v; want two leftovers and no VM", inv, err)
	}
	create(t, p, "web-1")
	if diff := cmp.Diff([]string{"create lab/default/web-1: interrupted", "create lab/default/web-1"}, hv.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if got := len(hv.Outside().Volumes()); got != 2 {
		t.Errorf("%d volumes, want the two that were left", got)
	}
}

func TestNatureInvents(t *testing.T) {
	p := connect(memory.Nature{RoundMemoryMiB: 1000, NICModel: "e1000", ExtraTags: []string{"site"}})
	create(t, p, "web-1")
	vm, err := p.Describe(t.Context(), ref("web-1"))
	if err != nil {
		t.Fatal(err)
	}
	if vm.Config.MemoryMiB.Value != 2000 || vm.Config.NICs[0].Model != "e1000" || !cmp.Equal(vm.Tags.Value, []string{"site"}) {
		t.Errorf("memory %d, model %q, tags %v; want 2000, e1000, [site]",
			vm.Config.MemoryMiB.Value, vm.Config.NICs[0].Model, vm.Tags.Value)
	}
}

func TestHiddenFactsAreUnknown(t *testing.T) {
	p := connect(memory.Nature{})
	create(t, p, "web-1")
	err := p.Hypervisor().Outside().Hide("default/web-1", providers.FieldCPU, providers.FieldDisk)
	if err != nil {
		t.Fatal(err)
	}
	vm, err := p.Describe(t.Context(), ref("web-1"))
	if err != nil || vm.Config.CPU.Known || vm.Config.DisksKnown || !vm.Config.MemoryMiB.Known {
		t.Errorf("describe = %+v, %v; want CPU and disks unknown, memory known", vm, err)
	}
}

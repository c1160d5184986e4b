package memory_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

const fleet = "lab"

// wanted returns a small VM.
func wanted(name string) *manifest.VM {
	return &manifest.VM{
		Key: manifest.Key{Namespace: "default", Name: name}, CPU: 2, MemoryMiB: 1024, CPUHotAdd: true, MemHotAdd: true,
		Image: &manifest.Image{Key: manifest.Key{Namespace: "default", Name: "debian"}, Digest: "sha256:debian"},
		Disks: []manifest.Disk{{Name: "data", SizeGiB: 5}},
		NICs: []manifest.NIC{{Name: "eth0", Network: &manifest.Network{
			Key: manifest.Key{Namespace: "default", Name: "lan"}, Libvirt: &manifest.LibvirtNetwork{Bridge: "br0"},
		}}},
	}
}

func owner(name string) providers.Owner {
	return providers.Owner{Fleet: fleet, VM: manifest.Key{Namespace: "default", Name: name}}
}

func ref(name string) providers.Ref { return providers.Ref{Owner: owner(name)} }

// connect returns a connection to a hypervisor of the nature.
func connect(n memory.Nature) *memory.Provider {
	return memory.New(memory.Options{Nature: n, Settings: providers.Settings{Fleet: fleet}})
}

// create makes a VM that must succeed.
func create(t *testing.T, p *memory.Provider, name string) providers.CreateResult {
	t.Helper()
	res, err := p.Create(t.Context(), providers.CreateRequest{Owner: owner(name), VM: wanted(name)})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestCallLogReadsAsATranscript(t *testing.T) {
	p := connect(memory.Nature{})
	hv, ctx := p.Hypervisor(), t.Context()
	create(t, p, "web-1")
	create(t, p, "web-1")
	power := func(op providers.PowerOp) { _, _ = p.Power(ctx, ref("web-1"), op) }
	power(providers.PowerStart)
	four, tags := 4, []string{"b", "a"}
	change := providers.Change{Live: true, CPU: &four, Tags: &tags, GrowDisks: []providers.DiskSize{{Name: "data", SizeGiB: 6}}}
	_, _ = p.Reconfigure(ctx, ref("web-1"), change)
	_, _ = p.Delete(ctx, ref("web-1"))
	hv.Inject(memory.Fault{Op: "power", Kind: providers.Timeout, Lost: true})
	power(providers.PowerStop)
	_, _ = p.Delete(ctx, ref("web-1"))
	want := []string{
		"create lab/default/web-1",
		"create lab/default/web-1: unchanged",
		"power default/web-1 start",
		"reconfigure default/web-1 live cpu=4 disk[data]=6 tags=a,b",
		"delete default/web-1: Conflict",
		"power default/web-1 stop: answer lost",
		"delete default/web-1",
	}
	if diff := cmp.Diff(want, hv.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if left := hv.Outside().Volumes(); len(left) != 0 {
		t.Errorf("volumes left: %v", left)
	}
}

func TestShutdownTakesItsTimeByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connect(memory.Nature{ShutdownTakes: time.Minute})
		ctx := context.Background()
		create(t, p, "web-1")
		_, _ = p.Power(ctx, ref("web-1"), providers.PowerStart)
		task, err := p.Power(ctx, ref("web-1"), providers.PowerShutdown)
		if err != nil || task == "" {
			t.Fatalf("shutdown = %q, %v; want a task", task, err)
		}
		for _, step := range []struct {
			after  time.Duration
			done   bool
			power  providers.PowerState
			reason string
		}{
			{0, false, providers.On, "the guest has just been asked"},
			{59 * time.Second, false, providers.On, "it needs a minute"},
			{time.Second, true, providers.Off, "the minute is over"},
		} {
			<-time.After(step.after)
			done, err := p.IsTaskComplete(ctx, task)
			vm, _ := p.Describe(ctx, ref("web-1"))
			if done != step.done || err != nil || vm.Power != step.power {
				t.Errorf("done = %t (%v), power %s; want %t, %s: %s", done, err, vm.Power, step.done, step.power, step.reason)
			}
		}
	})
}

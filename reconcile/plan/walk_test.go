package plan_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// walker executes plans on a model of a hypervisor, and remembers no more than
// a journal does.
type walker struct {
	t       *testing.T
	r       *rand.Rand
	hv      *memory.Hypervisor
	p       *memory.Provider
	now     time.Time
	wanted  map[string]*manifest.VM
	facts   map[manifest.Key]*plan.Facts
	foreign map[string]*providers.VM
	excused map[manifest.Key]bool // somebody else, or a lost journal, left volumes of these
	calls   int
	crash   int // the creation step to stop at, 0: none
}

var (
	lab   = manifest.Key{Name: "lab"}
	names = []string{"a", "b", "c", "d", "e"}
)

func newWalker(t *testing.T, seed uint64) *walker {
	w := &walker{
		t: t, r: rand.New(rand.NewPCG(seed, 7)), hv: memory.NewHypervisor(), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		wanted: map[string]*manifest.VM{}, facts: map[manifest.Key]*plan.Facts{},
		foreign: map[string]*providers.VM{}, excused: map[manifest.Key]bool{},
	}
	w.p = w.hv.Connect(providers.Settings{Fleet: "lab", Key: lab})
	for name, mark := range map[string]*providers.Mark{"printer": nil, "theirs": {Owner: providers.Owner{Fleet: "other", VM: manifest.Key{Name: "a"}}}} {
		id, err := w.hv.Outside().AddForeign(memory.Foreign{Name: name, On: true, Mark: mark})
		if err != nil {
			t.Fatal(err)
		}
		w.foreign[id] = w.describe(providers.Ref{ID: id})
	}
	w.hv.OnStep(func(s memory.Step) error {
		if w.crash > 0 && s.Op == "create" {
			if w.crash--; w.crash == 0 {
				return errors.New("the host lost its power")
			}
		}
		return nil
	})
	return w
}

func (w *walker) describe(ref providers.Ref) *providers.VM {
	w.t.Helper()
	vm, err := w.p.Describe(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	return vm
}

// shapes is the table of what can be wanted of a VM. Each can be reached from
// each: disks only come and grow elsewhere.
var shapes = []func(*manifest.VM){
	func(*manifest.VM) {},
	func(vm *manifest.VM) { vm.CPU, vm.MemoryMiB = 4, 4096 },
	func(vm *manifest.VM) { vm.CPU, vm.MemoryMiB = 16, 512 },
	func(vm *manifest.VM) { vm.Power = manifest.PowerOff },
	func(vm *manifest.VM) { vm.Power, vm.Shutdown.Graceful, vm.CPU = manifest.PowerOff, false, 3 },
	func(vm *manifest.VM) { vm.Tags, vm.Autostart = []string{"x", "y"}, new(true) },
	func(vm *manifest.VM) { vm.NICs = nil },
	func(vm *manifest.VM) {
		vm.NICs = append(vm.NICs, manifest.NIC{Name: "dmz", MAC: "52:54:00:00:00:01", Network: network("dmz", "e1000")})
	},
	func(vm *manifest.VM) { vm.NICs[0].Network = network("dmz", "") },
}

func network(name, model string) *manifest.Network {
	return &manifest.Network{Key: manifest.Key{Name: name}, Libvirt: &manifest.LibvirtNetwork{Network: name, Model: model}}
}

// want changes what is wanted of one VM, or whether it is.
func (w *walker) want() {
	name := names[w.r.IntN(len(names))]
	shape := w.r.IntN(len(shapes) + 3)
	if shape >= len(shapes) {
		delete(w.wanted, name)
		return
	}
	vm := &manifest.VM{
		Key: manifest.Key{Name: name}, Provider: lab, CPU: 2, MemoryMiB: 1024, CPUHotAdd: true, MemHotAdd: true, Power: manifest.PowerOn,
		Shutdown: manifest.Shutdown{Graceful: true, Timeout: time.Minute}, Image: &manifest.Image{Digest: "sha256:aa"},
		NICs:   []manifest.NIC{{Name: "lan", Network: network("lan", "")}},
		Disks:  []manifest.Disk{{Name: "data", SizeGiB: 5}},
		Digest: fmt.Sprintf("%s-%d", name, shape),
	}
	shapes[shape](vm)
	w.wanted[name] = vm
}

// acts is the table of what somebody else does to a VM of ours.
func (w *walker) act() {
	name := names[w.r.IntN(len(names))]
	o, key := w.hv.Outside(), manifest.Key{Name: name}
	acts := []func() error{
		func() error { return o.SetCPU(name, 1+w.r.IntN(20), w.r.IntN(2) == 0) },
		func() error { return o.SetMemory(name, int64(256*(1+w.r.IntN(20))), w.r.IntN(2) == 0) },
		func() error { return o.Start(name) },
		func() error { return o.Destroy(name) },
		func() error { return o.Suspend(name) },
		func() error { w.excused[key] = true; return o.Undefine(name) },
		func() error { return o.Rename(name, name+"-renamed") },
		func() error {
			return o.AttachNIC(name, providers.NIC{MAC: fmt.Sprintf("aa:00:00:00:00:%02x", w.r.IntN(256)), Network: "lan", Model: "virtio"})
		},
		func() error { return o.DetachNIC(name, providers.NICRef{Name: "lan"}) },
		func() error { return o.ChangeMAC(name, "lan", "52:54:00:99:99:99") },
		func() error { return o.MoveNIC(name, "lan", "guests") },
		func() error { w.excused[key] = true; return o.DetachDisk(name, "data") },
		func() error { return o.SetTags(name, "by-hand") },
		func() error { return o.SetAutostart(name, w.r.IntN(2) == 0) },
		func() error { return o.Deafen(name, w.r.IntN(2) == 0) },
		func() error { w.now = w.now.Add(time.Duration(w.r.IntN(90)) * time.Minute); return nil },
		func() error { w.crash = 1 + w.r.IntN(4); return nil },
		w.loseJournal,
	}
	_ = acts[w.r.IntN(len(acts))]() // a VM that is not there cannot be tampered with
}

func (w *walker) loseJournal() error {
	for key, f := range w.facts {
		if f.Pending != nil {
			w.excused[key] = true
		}
	}
	w.facts = map[manifest.Key]*plan.Facts{}
	return nil
}

func (w *walker) build() plan.Plan {
	inv, err := w.p.List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	in := plan.Input{
		Fleet: "lab", Now: w.now, Facts: w.facts,
		Endpoints: []plan.Endpoint{{Key: lab, Inventory: plan.Found(inv), Caps: w.p.Capabilities()}},
		Policy: plan.Policy{Drift: plan.Enforce, MaxDisruption: plan.Restart,
			Prune: plan.Prune{Mode: plan.PruneDelete, Grace: time.Hour, MaxCount: 3, AllowEmpty: true}},
	}
	for _, vm := range w.wanted {
		in.Wanted = append(in.Wanted, vm)
	}
	return plan.Build(in)
}

// pass executes a plan, no more than most of its calls, and tells whether it
// had none.
func (w *walker) pass(most int) (empty bool, p plan.Plan) {
	p = w.build()
	for i := range p.Items {
		it := p.Items[i]
		if it.Action == plan.None {
			w.facts[it.VM] = &plan.Facts{Provider: lab, Applied: plan.Base(w.wanted[it.VM.Name], w.p.Capabilities(), it, nil)}
		}
		done := true
		for j := range it.Ops {
			if most--; most < 0 {
				return false, p
			}
			if done = w.call(it, &it.Ops[j]); !done {
				break
			}
		}
		if done && len(it.Ops) > 0 {
			w.finish(it)
		}
	}
	return p.Empty(), p
}

func (w *walker) finish(it *plan.Item) {
	f := w.recall(it.VM)
	f.Pending = nil
	if vm := w.wanted[it.VM.Name]; vm != nil {
		f.Applied = plan.Base(vm, w.p.Capabilities(), it, f.Applied)
	} else if it.Action == plan.Delete || it.Action == plan.Sweep {
		delete(w.facts, it.VM)
		return
	}
	w.facts[it.VM] = &f
}

// recall returns a copy of what is remembered of a VM.
func (w *walker) recall(vm manifest.Key) (f plan.Facts) {
	if known := w.facts[vm]; known != nil {
		f = *known
	}
	return f
}

// call makes one call and tells whether it succeeded.
func (w *walker) call(it *plan.Item, op *plan.Op) bool {
	w.calls++
	f := w.recall(it.VM)
	f.Provider, f.Pending = lab, &plan.Pending{Op: op.Kind, Since: w.now}
	w.facts[it.VM] = &f
	ref := providers.Ref{ID: it.ID, Owner: providers.Owner{Fleet: "lab", VM: it.VM}}
	err := w.dispatch(w.t.Context(), it, op, ref)
	if err != nil && providers.KindOf(err) != providers.Unavailable {
		w.t.Fatalf("%s %s: %v\nbefore it: %v", op.Kind, it.VM, err, w.hv.Calls())
	}
	return err == nil
}

func (w *walker) dispatch(ctx context.Context, it *plan.Item, op *plan.Op, ref providers.Ref) (err error) {
	switch op.Kind {
	case plan.CreateVM:
		_, err = w.p.Create(ctx, providers.CreateRequest{Owner: ref.Owner, VM: w.wanted[it.VM.Name]})
	case plan.Start:
		_, err = w.p.Power(ctx, ref, providers.PowerStart)
	case plan.Stop:
		_, err = w.p.Power(ctx, ref, providers.PowerStop)
	case plan.ShutDown:
		err = w.shutDown(ctx, ref)
	case plan.Reconfigure:
		_, err = w.p.Reconfigure(ctx, ref, *op.Change)
	case plan.DeleteVM:
		if err = plan.Confirm("lab", it, *op, w.describe(ref)); err == nil {
			_, err = w.p.Delete(ctx, ref)
		}
	case plan.SweepVolume:
		err = w.p.Sweep(ctx, *op.Leftover)
	}
	return err
}

func (w *walker) shutDown(ctx context.Context, ref providers.Ref) error {
	task, err := w.p.Power(ctx, ref, providers.PowerShutdown)
	if err != nil {
		return err
	}
	if done, err := w.p.IsTaskComplete(ctx, task); done || err != nil {
		return err
	}
	_, err = w.p.Power(ctx, ref, providers.PowerStop)
	return err
}

// settle passes until nothing is left to do, and looks at what is there.
func (w *walker) settle(step int) {
	w.t.Helper()
	w.crash = 0
	var p plan.Plan
	for range 8 {
		var empty bool
		if empty, p = w.pass(1000); empty {
			w.inspect(step, &p)
			return
		}
	}
	w.t.Fatalf("step %d: no end after 8 passes: %+v\ncalls: %v", step, p.Items, w.hv.Calls())
}

func (w *walker) inspect(step int, p *plan.Plan) {
	w.t.Helper()
	for i := range p.Items {
		if it := p.Items[i]; w.wanted[it.VM.Name] != nil && it.Action != plan.None {
			w.t.Fatalf("step %d: %s is not as wanted: %s %s %+v", step, it.VM, it.Action, it.Reason, it.Diffs)
		}
	}
	for id, before := range w.foreign {
		if diff := cmp.Diff(before, w.describe(providers.Ref{ID: id})); diff != "" {
			w.t.Fatalf("step %d: a foreign VM was touched:\n%s", step, diff)
		}
	}
	used := map[string]bool{}
	inv, err := w.p.List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, vm := range inv.VMs {
		for _, d := range vm.Config.Disks {
			used[d.Origin] = true
		}
	}
	for _, v := range w.hv.Outside().Volumes() {
		parts := strings.Split(v, "/")
		if !used[v] && !w.excused[manifest.Key{Name: parts[len(parts)-2]}] {
			w.t.Fatalf("step %d: %s is an orphan; calls: %v", step, v, w.hv.Calls())
		}
	}
}

// TestWalk goes from state to state at random, through plans that are cut off
// after any call, and comes to rest as wanted from wherever it is.
func TestWalk(t *testing.T) {
	steps := 6000
	if testing.Short() {
		steps = 600
	}
	calls, rests := 0, 0
	for seed := range uint64(10) {
		w := newWalker(t, seed)
		for step := range steps / 10 {
			switch w.r.IntN(6) {
			case 0, 1:
				w.want()
			case 2, 3:
				w.act()
			case 4:
				w.pass(w.r.IntN(6))
			case 5:
				w.settle(step)
				rests++
				w.hv.ForgetCalls()
			}
		}
		w.settle(steps)
		calls += w.calls
	}
	t.Logf("%d steps, %d calls, %d rests", steps, calls, rests)
}

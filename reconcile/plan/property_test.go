package plan

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// inputs is how many inputs the properties are tried on.
const inputs = 4000

func TestProperties(t *testing.T) {
	n := inputs
	if testing.Short() {
		n /= 10
	}
	met := map[string]int{}
	for seed := range uint64(n) {
		in := seededDice(seed).anything()
		if err := holds(in, seed); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, it := range Build(in).Items {
			met[string(it.Action)]++
			for _, op := range it.Ops {
				met[string(op.Kind)]++
			}
		}
	}
	t.Log("met", met)
	for _, a := range []Action{None, Create, Update, Retire, Delete, Sweep, Hold, Conflict, Report} {
		if met[string(a)] == 0 {
			t.Errorf("no input led to %s", a)
		}
	}
}

func FuzzBuild(f *testing.F) {
	for seed := range uint64(8) {
		f.Add([]byte(*seededDice(seed)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := dice(b)
		if err := holds(d.anything(), uint64(len(b))); err != nil {
			t.Fatal(err)
		}
	})
}

// holds tries every property of Build on one input.
func holds(in Input, seed uint64) error {
	before := snapshot(in)
	p := Build(in)
	if diff := cmp.Diff(before, snapshot(in)); diff != "" {
		return fmt.Errorf("the input was changed (-before +after):\n%s", diff)
	}
	text, err := json.Marshal(&p)
	if err != nil {
		return err
	}
	if strings.Contains(string(text), hush) {
		return fmt.Errorf("a secret is in the plan: %s", text)
	}
	for range 2 {
		in = shuffled(in, seed)
		q := Build(in)
		other, _ := json.Marshal(&q)
		if diff := cmp.Diff(string(text), string(other)); diff != "" {
			return fmt.Errorf("the order of the input matters (-first +second):\n%s", diff)
		}
		if p.Fingerprint() != q.Fingerprint() {
			return fmt.Errorf("the fingerprint is not stable")
		}
	}
	for i := range p.Items {
		if err := sound(in, p.Items[i]); err != nil {
			return fmt.Errorf("%s: %w\n%s\n%s", p.Items[i].VM, err, brief(p.Items[i]), reasons(p.Items[i]))
		}
	}
	return complete(in, &p)
}

func snapshot(in Input) string {
	text := ""
	for _, v := range []any{in.Wanted, in.Facts, in.Policy, in.Unresolved} {
		b, _ := json.Marshal(v)
		text += string(b) + "\n"
	}
	for _, e := range in.Endpoints {
		b, _ := json.Marshal(e.Inventory)
		text += string(b) + "\n"
	}
	return text
}

func shuffled(in Input, seed uint64) Input {
	r := rand.New(rand.NewPCG(seed, 2))
	mix := func(n int, swap func(i, j int)) { r.Shuffle(n, swap) }
	in.Wanted, in.Unresolved, in.Endpoints = slices.Clone(in.Wanted), slices.Clone(in.Unresolved), slices.Clone(in.Endpoints)
	mix(len(in.Wanted), func(i, j int) { in.Wanted[i], in.Wanted[j] = in.Wanted[j], in.Wanted[i] })
	mix(len(in.Unresolved), func(i, j int) { in.Unresolved[i], in.Unresolved[j] = in.Unresolved[j], in.Unresolved[i] })
	mix(len(in.Endpoints), func(i, j int) { in.Endpoints[i], in.Endpoints[j] = in.Endpoints[j], in.Endpoints[i] })
	for i := range in.Endpoints {
		if inv := in.Endpoints[i].Inventory; inv != nil {
			c := *inv
			c.VMs, c.Leftovers, c.Problems = slices.Clone(c.VMs), slices.Clone(c.Leftovers), slices.Clone(c.Problems)
			mix(len(c.VMs), func(i, j int) { c.VMs[i], c.VMs[j] = c.VMs[j], c.VMs[i] })
			mix(len(c.Leftovers), func(i, j int) { c.Leftovers[i], c.Leftovers[j] = c.Leftovers[j], c.Leftovers[i] })
			mix(len(c.Problems), func(i, j int) { c.Problems[i], c.Problems[j] = c.Problems[j], c.Problems[i] })
			in.Endpoints[i].Inventory = &c
		}
	}
	return in
}

// complete tells whether every VM that is named or ours has exactly one item
// that is not about its volumes.
func complete(in Input, p *Plan) error {
	count := map[manifest.Key]int{}
	for i := range p.Items {
		if it := p.Items[i]; it.Action != Sweep && !strings.Contains(it.Reason, "left of") && !strings.HasPrefix(it.ID, "volume-") {
			count[it.VM]++
		}
	}
	for _, w := range in.Wanted {
		if count[w.Key] != 1 {
			return fmt.Errorf("%d items for the wanted %s", count[w.Key], w.Key)
		}
	}
	for _, e := range in.Endpoints {
		if e.Inventory == nil {
			continue
		}
		for _, vm := range e.Inventory.VMs {
			if vm.Mark != nil && vm.Mark.Owner.Fleet == in.Fleet && count[vm.Mark.Owner.VM] != 1 {
				return fmt.Errorf("%d items for the found %s", count[vm.Mark.Owner.VM], vm.Mark.Owner.VM)
			}
		}
	}
	return nil
}

// sound tells whether an item may be executed.
func sound(in Input, it *Item) error {
	if it.Reason == "" {
		return fmt.Errorf("no reason")
	}
	var f *providers.VM
	for _, e := range in.Endpoints {
		if e.Inventory == nil || e.Key != it.Provider {
			continue
		}
		for _, vm := range e.Inventory.VMs {
			if vm.ID == it.ID {
				f = vm
			}
		}
	}
	if len(it.Ops) == 0 {
		return idle(it)
	}
	if f != nil && (f.Mark == nil || f.Mark.Owner != providers.Owner{Fleet: in.Fleet, VM: it.VM}) {
		return fmt.Errorf("a call for a machine that is not ours")
	}
	if f == nil && it.Action != Create && it.Action != Sweep {
		return fmt.Errorf("a call for a machine that was not found")
	}
	if it.Disruption.Exceeds(in.Policy.MaxDisruption) && it.Action == Update {
		return fmt.Errorf("it costs more than the policy allows")
	}
	if w := in.Policy.Window; w.Restricted && !w.Open && it.Disruption.Exceeds(Live) && it.Action != Sweep {
		return fmt.Errorf("it is disruptive outside the window")
	}
	for _, op := range it.Ops {
		for _, e := range in.Endpoints {
			if op.Change == nil || e.Key != it.Provider {
				continue
			}
			if err := claimed(op.Change, e.Caps); err != nil {
				return err
			}
		}
	}
	return sequenceSound(it, f)
}

func idle(it *Item) error {
	switch it.Action {
	case None, Hold, Report, Conflict:
	default:
		return fmt.Errorf("an action without calls")
	}
	if it.Action == None && len(it.Diffs) > 0 {
		return fmt.Errorf("in sync with differences")
	}
	for _, d := range it.Diffs {
		if d.Verdict == Apply {
			return fmt.Errorf("%s is said to be applied", d.Field)
		}
	}
	return nil
}

// sequenceSound executes the calls in mind.
func sequenceSound(it *Item, f *providers.VM) error {
	exists, power := f != nil, providers.Off
	if exists {
		power = f.Power
	}
	for _, op := range it.Ops {
		switch {
		case op.Kind == CreateVM && exists && op.Task == "":
			return fmt.Errorf("create of what is there")
		case op.Kind == CreateVM:
			exists = true
		case op.Kind == SweepVolume:
		case !exists:
			return fmt.Errorf("%s before create", op.Kind)
		case op.Kind == Start && power == providers.On, (op.Kind == Stop || op.Kind == ShutDown) && power == providers.Off:
			return fmt.Errorf("%s of a machine that is %s", op.Kind, power)
		case op.Kind == ShutDown && power != providers.On:
			return fmt.Errorf("shutdown of a machine that is %s", power)
		case op.Kind == Start:
			power = providers.On
		case op.Kind == Stop || op.Kind == ShutDown:
			power = providers.Off
		case op.Kind == Reconfigure && (op.Change == nil || changeText(op.Change) == "" || changeText(op.Change) == " live"):
			return fmt.Errorf("reconfigure without a change")
		case op.Kind == Reconfigure && op.Change.Live && power == providers.Off:
			return fmt.Errorf("a live change of a machine that is off")
		case op.Kind == DeleteVM && power != providers.Off:
			return fmt.Errorf("delete of a machine that is %s", power)
		case op.Kind == DeleteVM:
			exists = false
		}
	}
	return nil
}

// TestNothingToDoWhenFoundEqualsWanted tries VMs of every shape.
func TestNothingToDoWhenFoundEqualsWanted(t *testing.T) {
	for seed := range uint64(500) {
		d := seededDice(seed)
		var wanted []*manifest.VM
		for i := range 1 + d.below(5) {
			w := wantedVM(fmt.Sprintf("vm-%d", i))
			for range d.below(6) {
				d.commit(w)
			}
			w.Disks = slices.CompactFunc(w.Disks, func(a, b manifest.Disk) bool { return a.Name == b.Name })
			w.NICs = slices.CompactFunc(w.NICs, func(a, b manifest.NIC) bool { return a.Name == b.Name })
			if w.RootDisk.SizeGiB < 10 {
				w.RootDisk.SizeGiB = 10
			}
			wanted = append(wanted, w)
		}
		s := scene(wanted...)
		s.Policy = d.policy()
		p := Build(s.Input)
		if !p.Empty() || !p.InSync() || len(p.Notes) > 0 || p.Summary.InSync != len(wanted) {
			t.Fatalf("seed %d:\n%s", seed, transcript(&p))
		}
	}
}

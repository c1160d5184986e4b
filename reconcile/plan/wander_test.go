package plan

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// wanderer is an input that changes a little with every step. Nothing that it
// points to is ever changed in place.
type wanderer struct {
	Input
	d       *dice
	changes map[string]int // how often each change was made
}

func newWanderer() *wanderer {
	w := &wanderer{changes: map[string]int{}}
	w.heal()
	return w
}

// heal ends all trouble: some VMs on two endpoints, all as wanted.
func (w *wanderer) heal() {
	s := scene()
	s.Endpoints = append(s.Endpoints, Endpoint{Key: annex, Caps: testCaps(), Inventory: &Inventory{Complete: true}})
	for i := range 10 {
		vm := wantedVM(fmt.Sprintf("vm-%d", i))
		at := &s.Endpoints[i%4/3]
		vm.Provider = at.Key
		s.Wanted = append(s.Wanted, vm)
		at.Inventory.VMs = append(at.Inventory.VMs, foundVM(vm))
		s.Facts[vm.Key] = &Facts{Provider: at.Key, Whole: vm, WholeWith: testCaps()}
	}
	s.Suspended = map[manifest.Key]Suspension{}
	w.Input = s.Input
}

// step changes the input, with what the dice say.
func (w *wanderer) step(d *dice) {
	w.d = d
	if d.below(20) == 0 {
		w.heal()
		return
	}
	steps := []struct {
		name string
		do   func()
	}{
		{"nothing", func() {}},
		{"time passes", func() { w.Now = w.Now.Add(time.Duration(d.below(50)) * time.Minute) }},
		{"the clock is set back", func() { w.Now = w.Now.Add(-time.Duration(d.below(90)) * time.Minute) }},
		{"a commit", w.commit}, {"a commit", w.commit},
		{"another resolves the same", func() { w.wanted(func(*manifest.VM) {}) }},
		{"a VM comes or goes", w.come},
		{"a manifest breaks", w.tear},
		{"a tampering", w.tamper}, {"a tampering", w.tamper},
		{"a machine comes or goes", w.machines},
		{"a copy", w.copy},
		{"a machine moves", w.move},
		{"the lists are in another order", w.shuffle},
		{"a memory", w.remember}, {"a memory", w.remember},
		{"a failure", w.fail},
		{"another policy", func() { w.Policy = d.policy(); w.Policy.MaxRestarts = d.below(3) }},
		{"an outage", w.outage},
		{"it is over", w.over},
		{"other abilities", w.caps},
		{"a suspension", w.suspend},
		{"a stranger", w.stranger},
		{"a torn tree", func() { w.Incomplete = pick(d, "", "", "a file is torn") }},
		{"another fleet", func() { w.Fleet = pick(d, "lab", "lab", "lab", "lab", "lab", "lab", "lab", "other") }},
	}
	for range 1 + d.below(2) {
		s := steps[d.below(len(steps))]
		s.do()
		w.changes[s.name]++
	}
}

func (w *wanderer) wanted(change func(*manifest.VM)) {
	if len(w.Wanted) == 0 {
		return
	}
	w.Wanted = slices.Clone(w.Wanted)
	at := w.d.below(len(w.Wanted))
	vm := *w.Wanted[at]
	vm.Disks, vm.NICs = slices.Clone(vm.Disks), slices.Clone(vm.NICs)
	change(&vm)
	w.Wanted[at] = &vm
}

func (w *wanderer) commit() {
	w.wanted(func(vm *manifest.VM) {
		w.d.commit(vm)
		vm.Power = pick(w.d, manifest.PowerOn, manifest.PowerOn, manifest.PowerOff)
		vm.Provider = pick(w.d, lab, lab, lab, lab, lab, annex, key("nowhere"))
		vm.Declared = pick(w.d, nil, nil, []string{"a"})
	})
}

func (w *wanderer) come() {
	name := fmt.Sprintf("vm-%d", w.d.below(12))
	at := slices.IndexFunc(w.Wanted, func(vm *manifest.VM) bool { return vm.Key == key(name) })
	w.Wanted = slices.Clone(w.Wanted)
	if at >= 0 {
		w.Wanted = slices.Delete(w.Wanted, at, at+1)
		return
	}
	vm := wantedVM(name)
	if w.d.rarely() {
		vm.Key.Namespace = "other"
	}
	if !slices.ContainsFunc(w.Wanted, func(o *manifest.VM) bool { return o.Key == vm.Key }) {
		w.Wanted = append(w.Wanted, vm)
	}
}

func (w *wanderer) tear() {
	if w.d.below(2) == 0 || len(w.Wanted) == 0 {
		w.Unresolved = nil
		return
	}
	at := w.d.below(len(w.Wanted))
	w.Unresolved = append(slices.Clone(w.Unresolved), Unresolved{VM: w.Wanted[at].Key, Reason: "its manifest cannot be used"})
	w.Wanted = slices.Delete(slices.Clone(w.Wanted), at, at+1)
}

// inventory changes what one endpoint has.
func (w *wanderer) inventory(change func(*Inventory)) {
	w.Endpoints = slices.Clone(w.Endpoints)
	e := &w.Endpoints[w.d.below(len(w.Endpoints))]
	if e.Inventory == nil {
		return
	}
	inv := *e.Inventory
	inv.VMs = slices.Clone(inv.VMs)
	change(&inv)
	e.Inventory = &inv
}

// machine puts a changed machine in the place of one.
func (w *wanderer) machine(change func(*providers.VM)) {
	w.inventory(func(inv *Inventory) {
		if len(inv.VMs) > 0 {
			at := w.d.below(len(inv.VMs))
			vm := clone(inv.VMs[at])
			change(vm)
			inv.VMs[at] = vm
		}
	})
}

func clone(vm *providers.VM) *providers.VM {
	c := *vm
	if c.Mark != nil {
		m := *c.Mark
		m.MACs = maps.Clone(m.MACs)
		c.Mark = &m
	}
	c.Config.Disks, c.Config.NICs = slices.Clone(c.Config.Disks), slices.Clone(c.Config.NICs)
	if c.Running != nil {
		running(&c)
	}
	return &c
}

func (w *wanderer) tamper() {
	w.machine(func(vm *providers.VM) {
		if vm.Mark != nil && len(vm.Config.Disks) > 0 {
			w.d.tamper(vm)
		}
		if w.d.rarely() {
			vm.Name = pick(w.d, vm.Name+"-renamed", vm.Name+"-again", "vm-1")
		}
	})
}

func (w *wanderer) machines() {
	w.inventory(func(inv *Inventory) {
		if at := w.d.below(len(inv.VMs) + 1); at < len(inv.VMs) && w.d.below(2) == 0 {
			inv.VMs = slices.Delete(inv.VMs, at, at+1)
			return
		}
		vm := foundVM(wantedVM(fmt.Sprintf("vm-%d", w.d.below(12))))
		vm.ID = pick(w.d, vm.ID, vm.ID+"-anew")
		inv.VMs = append(inv.VMs, vm)
	})
}

// copy has two machines carry one mark.
func (w *wanderer) copy() {
	w.machine(func(vm *providers.VM) { vm.Mark = foundVM(wantedVM(fmt.Sprintf("vm-%d", w.d.below(12)))).Mark })
}

// move shows a machine somewhere else, the value itself.
func (w *wanderer) move() {
	from, to := w.d.below(len(w.Endpoints)), w.d.below(len(w.Endpoints))
	if w.Endpoints[from].Inventory == nil || w.Endpoints[to].Inventory == nil || len(w.Endpoints[from].Inventory.VMs) == 0 {
		return
	}
	w.Endpoints = slices.Clone(w.Endpoints)
	a, b := *w.Endpoints[from].Inventory, *w.Endpoints[to].Inventory
	at := w.d.below(len(a.VMs))
	vm := a.VMs[at]
	if w.d.below(2) == 0 {
		a.VMs = slices.Delete(slices.Clone(a.VMs), at, at+1)
		w.Endpoints[from].Inventory = &a
	}
	b.VMs = append(slices.Clone(b.VMs), vm)
	w.Endpoints[to].Inventory = &b
}

func (w *wanderer) shuffle() { w.Input = shuffled(w.Input, uint64(w.d.below(250))) }

// recall changes what is remembered of a VM.
func (w *wanderer) recall(change func(vm manifest.Key, f *Facts) *Facts) {
	vm := key(fmt.Sprintf("vm-%d", w.d.below(12)))
	f := Facts{}
	if known := w.Facts[vm]; known != nil {
		f = *known
	}
	w.Facts = maps.Clone(w.Facts)
	if after := change(vm, &f); after != nil {
		w.Facts[vm] = after
	} else {
		delete(w.Facts, vm)
	}
}

func (w *wanderer) remember() {
	w.recall(func(_ manifest.Key, f *Facts) *Facts {
		switch w.d.below(4) {
		case 0:
			return nil
		case 1:
			return f
		case 2:
			return &Facts{Provider: lab, Whole: wantedVM(fmt.Sprintf("vm-%d", w.d.below(12))), WholeWith: testCaps()}
		}
		return w.d.facts(f.Rendered(), "digest-of-vm-1")
	})
}

// fail notes a failure or work that is under way, with an instant that matters.
func (w *wanderer) fail() {
	soon := w.Now.Add(time.Duration(w.d.below(90)-30) * time.Minute)
	w.recall(func(vm manifest.Key, f *Facts) *Facts {
		if w.d.below(3) == 0 {
			f.Pending = &Pending{Op: ShutDown, Task: "task", Deadline: soon}
			return f
		}
		f.Failure = &Failure{Text: "it failed", ForDigest: w.d.rarely(), NotBefore: soon}
		if at := slices.IndexFunc(w.Wanted, func(o *manifest.VM) bool { return o.Key == vm }); at >= 0 {
			f.Failure.Digest = w.Wanted[at].Digest
		}
		return f
	})
}

func (w *wanderer) outage() {
	w.inventory(func(inv *Inventory) {
		inv.Complete, inv.Problems = false, []providers.Problem{{Name: "b"}, {Name: "a"}}[:1+w.d.below(2)]
	})
	if w.d.below(4) == 0 {
		e := &w.Endpoints[w.d.below(len(w.Endpoints))]
		e.Inventory, e.Unreachable = nil, "no route to host"
	}
}

// over ends every outage, and has the endpoints be others now and then.
func (w *wanderer) over() {
	w.Endpoints = slices.Clone(w.Endpoints)
	for i := range w.Endpoints {
		e := &w.Endpoints[i]
		e.EverRead = w.d.below(2) == 0
		if e.Inventory == nil {
			e.Inventory = &Inventory{}
			for _, vm := range w.Wanted[w.d.below(len(w.Wanted)+1):] {
				e.Inventory.VMs = append(e.Inventory.VMs, foundVM(vm))
			}
		}
		inv := *e.Inventory
		inv.Complete, inv.Problems = true, nil
		e.Inventory = &inv
	}
	if w.d.rarely() {
		for i, name := range []string{"annex", "lab", "nowhere"}[w.d.below(2):] {
			if i < len(w.Endpoints) {
				w.Endpoints[i].Key = key(name)
			}
		}
	}
}

func (w *wanderer) caps() {
	caps := testCaps()
	caps.MemoryShrinksLive = w.d.below(2) == 0
	if w.d.below(2) == 0 {
		delete(caps.Change, pick(w.d, providers.FieldCPU, providers.FieldRetired, providers.FieldNIC))
		caps.Honours = providers.Honours{"a": {}}
	}
	w.Endpoints = slices.Clone(w.Endpoints)
	w.Endpoints[w.d.below(len(w.Endpoints))].Caps = caps
}

func (w *wanderer) suspend() {
	w.Suspended = maps.Clone(w.Suspended)
	s := Suspension{By: "a person"}
	if w.d.below(2) == 0 {
		s.Until = w.Now.Add(time.Duration(w.d.below(60)-10) * time.Minute)
	}
	switch vm := pick(w.d, Everything, key("vm-1"), key("vm-2"), key("vm-3")); w.d.below(3) {
	case 0:
		w.Suspended[vm] = s
	default:
		delete(w.Suspended, vm)
	}
}

func (w *wanderer) stranger() {
	w.inventory(func(inv *Inventory) {
		name := fmt.Sprintf("vm-%d", w.d.below(12))
		inv.VMs = append(inv.VMs, &providers.VM{ID: fmt.Sprintf("stranger-%d", w.d.below(200)), Name: name, Power: providers.On})
		inv.Leftovers = append(slices.Clone(inv.Leftovers), providers.Leftover{
			ID: fmt.Sprintf("volume-%d", w.d.below(200)), Owner: providers.Owner{Fleet: "lab", VM: key(name)},
		})
		if len(inv.Leftovers) > 4 {
			inv.Leftovers = nil
		}
		if vm := key(name); w.Facts[vm] == nil {
			w.Facts = maps.Clone(w.Facts)
			w.Facts[vm] = &Facts{Provider: lab, Pending: &Pending{Op: CreateVM}}
		}
	})
}

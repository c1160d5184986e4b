package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/providers"
)

// spelled returns the input with what was applied rendered in full.
func (w *wanderer) spelled() Input {
	in := w.Input
	in.Facts = maps.Clone(in.Facts)
	for vm, f := range in.Facts {
		if f.Whole != nil {
			after := *f
			after.Applied, after.Whole, after.WholeWith = f.Rendered(), nil, nil
			in.Facts[vm] = &after
		}
	}
	return in
}

// TestMemo walks from input to input at random: the plan that is made with a
// memory of all the former ones is the one that is made without.
func TestMemo(t *testing.T) {
	steps := 9600
	if testing.Short() {
		steps = 1200
	}
	const walks = 12
	changes, actions, shared, items := map[string]int{}, map[Action]int{}, 0, 0
	for seed := range uint64(walks) {
		w, m := newWanderer(), &Memo{}
		w.changes = changes
		before := map[*Item]bool{}
		for step := range steps / walks {
			w.step(seededDice(seed<<32 | uint64(step)))
			want := Build(w.Input)
			lean := m.Build(w.Input)
			got := lean.Spelled()
			if !reflect.DeepEqual(want, got) || want.Fingerprint() != lean.Fingerprint() {
				t.Fatalf("walk %d, step %d: the plan with a memory is another (-without +with):\n%s", seed, step, cmp.Diff(transcript(&want), transcript(&got)))
			}
			if spelled := Build(w.spelled()); !reflect.DeepEqual(want, spelled) {
				t.Fatalf("walk %d, step %d: a VM is remembered otherwise than its rendering (-VM +rendering):\n%s", seed, step, cmp.Diff(transcript(&want), transcript(&spelled)))
			}
			told := slices.DeleteFunc(slices.Clone(lean.Items), func(it *Item) bool {
				return it.Action == None && len(it.Warnings) == 0 && len(it.Diffs) == 0 && it.Digest != ""
			})
			if !reflect.DeepEqual(told, m.Telling()) {
				t.Fatalf("walk %d, step %d: items that say something: want %d of them, got %d", seed, step, len(told), len(m.Telling()))
			}
			now := map[*Item]bool{}
			for _, it := range lean.Items {
				now[it] = true
				actions[it.Action]++
				items++
				if before[it] {
					shared++
				}
			}
			before = now
		}
	}
	t.Logf("%d of %d items were shared with the plan before; %v; %v", shared, items, actions, changes)
	if shared < items/3 {
		t.Errorf("only %d of %d items were shared with the plan before", shared, items)
	}
	for _, a := range []Action{None, Create, Update, Retire, Delete, Sweep, Hold, Conflict, Report} {
		if actions[a] == 0 {
			t.Errorf("no step led to %s", a)
		}
	}
}

// TestJSONIsSpelled writes a plan that leaves fields out.
func TestJSONIsSpelled(t *testing.T) {
	in := stories["first-commit"]().Input
	whole, lean := Build(in), new(Memo).Build(in)
	if n := len(lean.Items[0].Diffs); n != 1 || len(whole.Items[0].Diffs) < 5 {
		t.Errorf("%d differences are held of a VM that is created, and %d are spelled", n, len(whole.Items[0].Diffs))
	}
	want, err := json.Marshal(&whole)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(&lean)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("in JSON (-spelled +held):\n%s", diff)
	}
}

// TestMemoJudgesOnlyWhatChanged counts the items of a large fleet that are
// made anew.
func TestMemoJudgesOnlyWhatChanged(t *testing.T) {
	w := newWanderer()
	m := &Memo{}
	p := m.Build(w.Input)
	for _, r := range []struct {
		reason string
		change func(*scenario)
		want   int
	}{
		{"nothing changed", func(*scenario) {}, 0},
		{"an hour passed", func(s *scenario) { s.Now = s.Now.Add(time.Hour) }, 0},
		{"the policy is another, and nothing differs", func(s *scenario) { s.Policy.Drift = ReportOnly }, 0},
		{"one manifest changed", func(s *scenario) {
			vm := *s.Wanted[3]
			vm.CPU, vm.Digest = 3, "changed"
			s.Wanted = slices.Clone(s.Wanted)
			s.Wanted[3] = &vm
		}, 1},
		{"what is deferred or refused waits as it is", func(s *scenario) { s.Now = s.Now.Add(time.Hour) }, 0},
		{"one machine changed", func(s *scenario) {
			vm := clone(s.machine("vm-5"))
			vm.Tags = providers.Known([]string{"by-hand"})
			at := slices.Index(s.Endpoints[0].Inventory.VMs, s.machine("vm-5"))
			inv := *s.Endpoints[0].Inventory
			inv.VMs = slices.Clone(inv.VMs)
			inv.VMs[at] = vm
			s.Endpoints = slices.Clone(s.Endpoints)
			s.Endpoints[0].Inventory = &inv
		}, 1},
		{"a VM more is wanted", func(s *scenario) { s.Wanted = append(slices.Clone(s.Wanted), wantedVM("vm-0-b")) }, 1},
		{"one that does not exist is judged each time", func(*scenario) {}, 1},
	} {
		s := &scenario{w.Input}
		r.change(s)
		w.Input = s.Input
		before := p.Items
		p = m.Build(w.Input)
		anew := 0
		for _, it := range p.Items {
			if !slices.Contains(before, it) {
				anew++
			}
		}
		if anew != r.want {
			t.Errorf("%s: %d items were made anew, want %d", r.reason, anew, r.want)
		}
	}
}

// BenchmarkMemo plans again for VMs of which one has changed.
func BenchmarkMemo(b *testing.B) {
	for _, n := range []int{1000, 10000, 100000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, m, r := fleetOf(n), &Memo{}, rand.New(rand.NewPCG(1, 2))
			m.Build(s.Input)
			b.ReportAllocs()
			for b.Loop() {
				at := r.IntN(n)
				vm := *s.Wanted[at]
				vm.CPU, vm.Digest = 1+r.IntN(4), vm.Digest+"'"
				s.Wanted[at] = &vm
				if p := m.Build(s.Input); len(p.Items) != n {
					b.Fatalf("%+v", p.Summary)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/float64(b.N), "ns/VM")
		})
	}
}

package vsphere

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// TestKeysThatAPathCannotName would make every List fail if they were read.
func TestKeysThatAPathCannotName(t *testing.T) {
	for _, key := range []string{`a"b`, "a[0]", "a]", `a\b`} {
		if useOf(key) != keyRefused {
			t.Errorf("%q is taken from a manifest", key)
		}
	}
	y := newYard(t, vcsim.Options{Bare: true})
	m := markFor("web")
	m.Extra = []string{`a"b`, "good", "mem[0]"}
	y.make("web", marked(m), option("good", "1"))
	for range 2 {
		if _, vms := y.list(); vms["web"].Config.Traits["extraConfig[good]"] != "1" {
			t.Errorf("the traits are %v", vms["web"].Config.Traits)
		}
	}
}

// TestKeysAreSeenHoweverTheyAreRead: those of every VM, those of one class, and
// those that have come since.
func TestKeysAreSeenHoweverTheyAreRead(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	all := []string{}
	for i := range mostCommon + 2 {
		all = append(all, "key."+string(rune('a'+i)))
	}
	for name, keys := range map[string][]string{"one": all[:1], "two": all[:2], "all": all} {
		m := markFor(name)
		m.Extra = keys
		edits := []edit{marked(m), option("nobodys", "1")}
		for _, key := range keys {
			edits = append(edits, option(key, name))
		}
		y.make(name, edits...)
	}
	look := func(when string, want map[string]int) {
		t.Helper()
		got := map[string]int{}
		_, vms := y.list()
		for name, vm := range vms {
			described, err := y.p.Describe(y.ctx, providers.Ref{ID: vm.ID})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(described.Config.Traits, vm.Config.Traits); d != "" {
				t.Errorf("%s, %s (-described +listed):\n%s", when, name, d)
			}
			for field := range vm.Config.Traits {
				if field.Template() == providers.FieldExtraConfig {
					got[name]++
				}
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", when, d)
		}
	}
	look("nothing is known of the keys", map[string]int{"one": 1, "two": 2, "all": len(all)})
	look("they are too many to be asked for of every VM", map[string]int{"one": 1, "two": 2, "all": len(all)})
	y.list()
	task, err := y.named("all").Destroy(y.ctx)
	y.done(task, err)
	look("one has gone", map[string]int{"one": 1, "two": 2})
	look("they are asked for of every VM", map[string]int{"one": 1, "two": 2})
	m := markFor("two")
	m.Extra = []string{all[0], "newcomer"}
	spec := types.VirtualMachineConfigSpec{}
	for _, e := range []edit{marked(m), option("newcomer", "x"), option(all[0], "")} {
		e(&spec)
	}
	y.reconfigure(y.named("two"), spec)
	look("one is new, and one has no value any more", map[string]int{"one": 1, "two": 1})
}

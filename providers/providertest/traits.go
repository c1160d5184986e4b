package providertest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func traitChecks() []Check {
	return append(alteredTraitChecks(), []Check{{
		"create-sets-traits", "Create gives the VM the traits that the manifest writes, Describe and List report them in that text, and no other key of extraConfig.",
		traitsCreated,
	}, {
		"reconfigure-traits-at-once", "Reconfigure sets every trait of a change, whatever else is in it.", traitsAtOnce,
	}, {
		"traits-that-cannot-be-set-are-refused", "A trait that cannot be set is NotSupported or InvalidSpec, and nothing of the change is done.",
		traitsRefused,
	}}...)
}

// alteredTraitChecks are one for each trait, and those of a key of extraConfig
// that comes and goes.
func alteredTraitChecks() []Check {
	var all []Check
	add := func(name string, of func(*Env) alteration) {
		all = append(all, Check{
			Name: "reconfigure-" + name,
			Promise: "Reconfigure sets the trait " + name + " and nothing else: off, in the definition of a VM that runs, " +
				"and live where it can; the second time changes nothing.",
			Run: func(ctx context.Context, e *Env) error { return e.alter(ctx, of(e)) },
		})
	}
	for i, t := range traitsOf(&manifest.VM{NICs: make([]manifest.NIC, 1)}) {
		add(t.name, func(e *Env) alteration { return e.traits()[i].alteration(e) })
	}
	for _, a := range extraConfigAlterations() {
		add(a.name, func(*Env) alteration { return a })
	}
	return all
}

// alteration changes the trait of a VM that was made with the other text.
func (t trait) alteration(e *Env) alteration {
	return alteration{
		name: t.name, field: t.field, may: t.may,
		refused: !e.carries(t),
		shape: func(vm *manifest.VM) {
			t.write(vm, t.from)
			t.prepare(e, vm)
		},
		change: func(*Env, *providers.VM) (providers.Change, map[string]string) {
			return providers.Change{Traits: providers.Traits{t.field: t.to}}, map[string]string{"traits." + string(t.field): t.to}
		},
	}
}

// prepare gives the VM what else a machine needs that has the trait.
func (t trait) prepare(e *Env, vm *manifest.VM) {
	if t.uefi {
		vm.Firmware = manifest.FirmwareUEFI
	}
	for _, other := range e.traits() {
		if slices.Contains(t.with, other.name) {
			other.write(vm, other.to)
		}
	}
}

func extraConfigAlterations() []alteration {
	kept, another := providers.FieldExtraConfig.Of(keptKey), providers.FieldExtraConfig.Of(anotherKey)
	setting := func(f providers.Field, text string) func(*Env, *providers.VM) (providers.Change, map[string]string) {
		return func(*Env, *providers.VM) (providers.Change, map[string]string) {
			return providers.Change{Traits: providers.Traits{f: text}}, map[string]string{"traits." + string(f): text}
		}
	}
	return []alteration{
		{
			name: "extra-config-that-is-new", field: another, change: setting(another, "new"),
			shape: func(vm *manifest.VM) { setExtra(vm, keptKey, "1") },
		},
		{
			name: "extra-config-that-is-taken-away", field: kept, change: setting(kept, ""),
			shape: func(vm *manifest.VM) {
				setExtra(vm, keptKey, "1")
				setExtra(vm, anotherKey, "2")
			},
		},
	}
}

// carries tells whether the provider sees the trait and the endpoint can give
// it both texts.
func (e *Env) carries(t trait) bool {
	if !e.observes(t.field) {
		return false
	}
	return e.Carries == nil || e.Carries(t.field, t.from) && e.Carries(t.field, t.to)
}

// carried returns the traits that the target's VM can have.
func (e *Env) carried() []trait {
	return slices.DeleteFunc(e.traits(), func(t trait) bool { return !e.carries(t) })
}

// wear writes every trait that can be carried into a VM: the second text where
// second says so, and what that needs.
func (e *Env) wear(vm *manifest.VM, second func(trait) bool) providers.Traits {
	all := make(providers.Traits)
	for _, t := range e.carried() {
		all[t.field] = t.from
		if second(t) {
			all[t.field] = t.to
		}
		t.write(vm, all[t.field])
		if t.uefi {
			vm.Firmware = manifest.FirmwareUEFI
		}
	}
	return all
}

// worn expects a VM to have the traits, and no key of extraConfig beside them.
func (e *Env) worn(doing string, vm *providers.VM, want providers.Traits) {
	shape := map[string]string{}
	for field, text := range want {
		shape["config.traits."+string(field)] = text
	}
	e.holds(doing, factsOf(vm), shape)
	for field, text := range vm.Config.Traits {
		if _, wanted := want[field]; !wanted && field.Template() == providers.FieldExtraConfig {
			e.failf("%s: %s is %q and no manifest set it", doing, field, text)
		}
	}
}

func traitsCreated(ctx context.Context, e *Env) error {
	if !e.need(len(e.carried()) > 0, "trait to set") {
		return e.Err()
	}
	for short, second := range map[string]bool{"first": false, "second": true} {
		var want providers.Traits
		ref, vm := e.madeAs(ctx, short, func(vm *manifest.VM) { want = e.wear(vm, func(trait) bool { return second }) })
		e.worn("created VM", vm, want)
		if _, lists := providers.As[providers.Lister](e.P); lists {
			listed, _ := e.listed(ctx, ref.ID)
			e.worn("listed VM", &listed, want)
		}
	}
	return e.Err()
}

func traitsAtOnce(ctx context.Context, e *Env) error {
	settled := func(t trait) bool { return !e.changeable(t.field) }
	ch := providers.Change{Traits: make(providers.Traits), Tags: &[]string{"other"}}
	want := make(providers.Traits)
	except := []string{"tags"}
	for _, t := range e.carried() {
		want[t.field] = t.to
		if settled(t) {
			continue
		}
		ch.Traits[t.field] = t.to
		except = append(except, "config.traits."+string(t.field))
		for _, more := range t.may {
			except = append(except, "config."+more)
		}
	}
	if !e.need(len(ch.Traits) > 0, "trait to change") {
		return e.Err()
	}
	ref, before := e.madeAs(ctx, "a", func(vm *manifest.VM) { e.wear(vm, settled) })
	e.reconfigure(ctx, ref, ch)
	after := e.describe(ctx, ref)
	e.worn("several traits at once", after, want)
	if e.observes(providers.FieldTags) {
		e.holds("traits and tags at once", factsOf(after), map[string]string{"tags": "[other]"})
	}
	e.unchanged("several traits, beyond what was asked,", before, after, except...)
	return e.Err()
}

func traitsRefused(ctx context.Context, e *Env) error {
	_, stated := e.P.(providers.Capable)
	if !e.need(stated, "Capable") {
		return e.Err()
	}
	ref, before := e.made(ctx, "a")
	wrong := providers.Traits{"colour": "red"}
	for _, t := range e.traits() {
		switch {
		case !e.changeable(t.field):
			wrong[t.field] = t.to
		case t.field.Template() != providers.FieldExtraConfig:
			wrong[t.field] = "rather a lot"
		}
	}
	more := before.Config.CPU.Value + 1
	for _, field := range slices.Sorted(maps.Keys(wrong)) {
		if e.failed() {
			break
		}
		ch := providers.Change{Traits: providers.Traits{field: wrong[field]}}
		if e.changeable(providers.FieldCPU) {
			ch.CPU = &more
		}
		doing := strings.Join([]string{"setting", string(field), "to", wrong[field]}, " ")
		e.refused(doing, e.tryReconfigure(ctx, ref, ch), providers.NotSupported, providers.InvalidSpec)
		e.untouched(ctx, "a refused trait", ref, before)
	}
	return e.Err()
}

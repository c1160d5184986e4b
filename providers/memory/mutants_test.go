package memory_test

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/providertest"
)

func isNil(f any) bool { return reflect.ValueOf(f).IsNil() }

// mutant is one way to break a promise, which the check of that name catches.
type mutant struct {
	check string
	how   string
	apply func(b *broken)
}

// mutants returns all of them, those of a check together.
func mutants() []mutant {
	all := slices.Concat(
		createMutants(), createRaceMutants(), describeMutants(), listMutants(), absentMutants(), ownershipMutants(),
		powerMutants(), taskMutants(), reconfigureMutants(), roomMutants(), alterationMutants(), traitMutants(),
		snapshotMutants(), deleteMutants(), partMutants(), watchMutants(), crowdMutants(), callMutants(), capabilityMutants(), midCallMutants(), credentialMutants(),
	)
	slices.SortFunc(all, func(a, b mutant) int {
		return cmp.Or(cmp.Compare(a.check, b.check), cmp.Compare(a.how, b.how))
	})
	return all
}

func TestEveryMutantIsCaught(t *testing.T) {
	checks := map[string]providertest.Check{}
	for _, c := range providertest.Checks() {
		checks[c.Name] = c
	}
	for _, m := range mutants() {
		t.Run(m.check+"/"+m.how, func(t *testing.T) {
			err := inBubble(t, mutantTarget(m), checks[m.check])
			if skip := (*providertest.Skip)(nil); err == nil || errors.As(err, &skip) {
				t.Fatalf("a provider of which %s passes the check (%v)", m.how, err)
			}
			t.Log(err)
		})
	}
}

func TestEveryCheckHasAMutant(t *testing.T) {
	var names []string
	all := mutants()
	for _, c := range providertest.Checks() {
		if slices.Contains(names, c.Name) {
			t.Errorf("two checks are named %s", c.Name)
		}
		names = append(names, c.Name)
		if !slices.ContainsFunc(all, func(m mutant) bool { return m.check == c.Name }) {
			t.Errorf("no mutant shows that %s can fail", c.Name)
		}
	}
	for _, m := range all {
		if !slices.Contains(names, m.check) {
			t.Errorf("mutant %q is for no check", m.check)
		}
	}
}

func mutantTarget(m mutant) providertest.Target {
	hv := memory.NewHypervisor()
	hv.SetNature(memory.Nature{ShutdownTakes: 10 * time.Second})
	tt := target(hv)
	tt.Poll = time.Second
	tt.Connect = func(context.Context) (providers.Provider, error) {
		b := &broken{Provider: hv.Connect(settings()), o: hv.Outside()}
		m.apply(b)
		return b, nil
	}
	return tt
}

// failure returns an error of a kind.
func failure(kind providers.Kind) error {
	return &providers.Error{Op: "mutant", Kind: kind, Err: errors.New("broken on purpose")}
}

// seen breaks what is reported of a VM, described or listed.
func (b *broken) seen(spoil func(*providers.VM)) {
	b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
		vm, err := b.Provider.Describe(ctx, ref)
		if err == nil {
			spoil(vm)
		}
		return vm, err
	}
}

// listed breaks a list.
func (b *broken) listed(spoil func(*providers.Inventory)) {
	b.list = func(ctx context.Context) (*providers.Inventory, error) {
		inv, err := b.Provider.List(ctx)
		if err == nil {
			spoil(inv)
		}
		return inv, err
	}
}

// created breaks what happens after a VM was created.
func (b *broken) created(more func(id string, req providers.CreateRequest)) {
	b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
		res, err := b.Provider.Create(ctx, req)
		if err == nil {
			more(res.ID, req)
		}
		return res, err
	}
}

// altered breaks the change on its way in.
func (b *broken) altered(spoil func(*providers.Change)) {
	b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
		spoil(&ch)
		return b.Provider.Reconfigure(ctx, ref, ch)
	}
}

// powered breaks one power operation.
func (b *broken) powered(which providers.PowerOp, instead func(context.Context, providers.Ref) (providers.TaskRef, error)) {
	b.power = func(ctx context.Context, ref providers.Ref, op providers.PowerOp) (providers.TaskRef, error) {
		if op == which {
			return instead(ctx, ref)
		}
		return b.Provider.Power(ctx, ref, op)
	}
}

// exists tells whether the VM is there.
func (b *broken) exists(ctx context.Context, ref providers.Ref) bool {
	_, err := b.Provider.Describe(ctx, ref)
	return err == nil
}

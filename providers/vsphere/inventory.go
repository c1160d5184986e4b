package vsphere

import (
	"context"
	"slices"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// List reads every VM of the vCenter, in all datacenters, in one property
// collection over a view, page by page; before it the names of the networks,
// and after it the keys of extraConfig that manifests set and that no VM had
// the last time. A VM that cannot be read is a problem, and the inventory is
// not complete if it could be ours. Templates are not VMs, except for one that
// carries our mark: somebody made it of a VM of ours, which is not absent
// therefore.
func (p *Provider) List(ctx context.Context) (*providers.Inventory, error) {
	var r *roll
	err := p.do(ctx, "list", "", func(ctx context.Context, c *vim25.Client) error {
		return p.view.within(ctx, c, func(from types.ObjectSpec) (err error) {
			r, err = readAll(ctx, c, from, p.common.get(), pageSize)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	inv, refs := r.inventory()
	p.directory.replace(refs)
	p.common.learn(r.keys)
	return inv, nil
}

// roll is what was read of all VMs. It keeps what becomes of them, and nothing
// of what the API's library has made for them.
type roll struct {
	vms      []providers.VM
	lines    []line // of vms, in their order
	problems []line
	names    networkNames
	words    words
	count    map[string]int  // how many VMs have an instance UUID
	asked    []string        // keys of extraConfig that are read of every VM, sorted
	keys     map[string]bool // that manifests set
}

func newRoll(asked []string) *roll {
	return &roll{names: networkNames{}, words: words{}, count: map[string]int{}, asked: asked, keys: map[string]bool{}}
}

// line is who a VM is.
type line struct {
	ref, uuid, name string
	extra           []string // keys of extraConfig to be read
	odd             error    // why it could not be read
}

func readAll(ctx context.Context, c *vim25.Client,
	from types.ObjectSpec, asked []string, page int32,
) (*roll, error) {
	r := newRoll(asked)
	networks := types.PropertyFilterSpec{ObjectSet: []types.ObjectSpec{from}, PropSet: networkProperties}
	if err := retrievePages(ctx, c, page, []types.PropertyFilterSpec{networks}, r.names.take); err != nil {
		return nil, err
	}
	vms := types.PropertyFilterSpec{ObjectSet: []types.ObjectSpec{from}, PropSet: []types.PropertySpec{
		{Type: virtualMachine, PathSet: Properties(asked...)},
	}}
	if err := retrievePages(ctx, c, page, []types.PropertyFilterSpec{vms}, r.take); err != nil {
		return nil, err
	}
	return r, r.readExtra(ctx, c, page)
}

// take turns what was read of one VM into what is kept of it.
func (r *roll) take(o *types.ObjectContent) {
	vm, odd := load(o)
	l := line{ref: vm.Self.Value, uuid: instanceUUID(vm), name: vm.Name, odd: odd}
	if l.uuid != "" {
		r.count[l.uuid]++
	}
	t := &target{vm: *vm, mark: markOf(vm)}
	switch {
	case odd != nil:
		r.problems = append(r.problems, l)
	case t.isVM():
		l.extra = r.unasked(extraKeys(t.mark))
		facts := t.facts(r.names)
		r.words.share(facts)
		r.vms, r.lines = append(r.vms, *facts), append(r.lines, l)
	}
}

// unasked returns those of the keys that are still to be read.
func (r *roll) unasked(keys []string) (left []string) {
	for _, key := range keys {
		r.keys[key] = true
		if _, found := slices.BinarySearch(r.asked, key); !found {
			left = append(left, key)
		}
	}
	return left
}

// inventory says who everybody is, which is known now that everybody was read,
// and which VM each instance UUID stands for.
func (r *roll) inventory() (*providers.Inventory, map[string]string) {
	inv := &providers.Inventory{Complete: true, VMs: make([]providers.VM, 0, len(r.vms))}
	refs := make(map[string]string, len(r.lines))
	for i := range r.lines {
		if r.lines[i].odd != nil {
			r.problems = append(r.problems, r.lines[i])
			continue
		}
		r.vms[i].ID = r.id(&r.lines[i], refs)
		inv.VMs = append(inv.VMs, r.vms[i])
	}
	for i := range r.problems {
		l := &r.problems[i]
		inv.Complete = inv.Complete && !mayBeOurs(l.uuid)
		inv.Problems = append(inv.Problems, providers.Problem{
			ID: r.id(l, refs), Name: l.name, Err: translate("list", l.name, l.odd),
		})
	}
	return inv, refs
}

// id returns the id of a VM: its instance UUID, or the value of its reference
// where it has none or shares it with others.
func (r *roll) id(l *line, refs map[string]string) string {
	switch n := r.count[l.uuid]; {
	case l.uuid == "":
		return l.ref
	case n > 1:
		refs[l.uuid] = shared
		return l.ref
	}
	refs[l.uuid] = l.ref
	return l.uuid
}

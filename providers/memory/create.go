package memory

import (
	"context"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Create implements providers.Provider: the volumes first, one by one, then
// the definition with mark and hardware in one effect.
func (p *Provider) Create(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
	c := call{op: opCreate, owner: req.Owner, text: req.Owner.String()}
	var res providers.CreateResult
	err := p.mutate(ctx, c, func() (changed bool, err error) {
		res, changed, err = p.create(c, req)
		return changed, err
	})
	if err != nil {
		return providers.CreateResult{}, err
	}
	return res, nil
}

func (p *Provider) create(c call, req providers.CreateRequest) (res providers.CreateResult, changed bool, err error) {
	if err := checkWanted(c, req); err != nil {
		return res, false, err
	}
	steps := &stepper{hv: p.hv, c: c}
	err = p.hv.view(func(s *state) error {
		res, err = s.present(c, req)
		if err != nil || res.ID != "" {
			return err
		}
		return s.lacking(c, req.VM)
	})
	if err != nil || res.ID != "" {
		return res, false, err
	}
	for _, d := range wantedDisks(req) {
		if err := p.hv.update(func(s *state) error { return s.provide(c, req, d) }); err != nil {
			return res, true, err
		}
		if err := steps.done("volume " + d.Name); err != nil {
			return res, true, err
		}
	}
	err = p.hv.update(func(s *state) error {
		res, changed, err = p.define(s, c, req)
		return err
	})
	if err != nil {
		return res, changed, err
	}
	return res, changed, steps.done("definition")
}

// checkWanted refuses what can never work.
func checkWanted(c call, req providers.CreateRequest) error {
	switch vm := req.VM; {
	case vm.CPU < 1:
		return c.fail(providers.InvalidSpec, "a VM needs at least one CPU")
	case vm.MemoryMiB < 1:
		return c.fail(providers.InvalidSpec, "a VM needs memory")
	case vm.Image == nil && vm.Imported == nil:
		return c.fail(providers.InvalidSpec, "neither image nor imported disk")
	}
	return nil
}

// present returns the result for a VM that is there already, or the conflict
// with one that is not ours. Neither: it can be made.
func (s *state) present(c call, req providers.CreateRequest) (providers.CreateResult, error) {
	id := req.Owner.UUID().String()
	if p := s.Pending[id]; p != nil && p.After != nil {
		return providers.CreateResult{ID: id, Task: p.Task}, nil
	}
	if m := s.find(providers.Ref{Owner: req.Owner}); m != nil {
		if !m.ours(req.Owner) {
			return providers.CreateResult{}, c.fail(providers.Conflict, "a VM with this identity does not carry our mark")
		}
		return providers.CreateResult{ID: m.ID}, nil
	}
	if _, taken := s.names[req.VM.Key.Name]; taken {
		return providers.CreateResult{}, c.fail(providers.Conflict, "a VM of this name is not ours")
	}
	return providers.CreateResult{}, nil
}

// lacking refuses an image or a network that is not there.
func (s *state) lacking(c call, vm *manifest.VM) error {
	if vm.Image != nil && s.Lacks["image "+vm.Image.Key.Name] {
		return c.missing("image " + vm.Image.Key.Name)
	}
	return s.lackingNetwork(c, vm.NICs)
}

func (s *state) lackingNetwork(c call, nics []manifest.NIC) error {
	for _, n := range nics {
		if network, _ := nicNames.Of(n); s.Lacks["network "+network] {
			return c.missing("network " + network)
		}
	}
	return nil
}

// provide makes the volume of a disk, or takes the one that an earlier attempt
// left. An imported disk is used where it is.
func (s *state) provide(c call, req providers.CreateRequest, d providers.Disk) error {
	if v := s.Volumes[d.Origin]; v != nil && v.UsedBy != "" && v.UsedBy != req.Owner.UUID().String() {
		return c.fail(providers.Conflict, d.Origin+" is in use by another VM")
	}
	image := ""
	if d.Name == providers.RootDiskName && req.VM.Image != nil {
		image = req.VM.Image.Digest
	}
	s.addVolume(d.Origin, d.SizeBytes.Value, image)
	return nil
}

// define makes the machine, unless somebody was quicker.
func (p *Provider) define(s *state, c call, req providers.CreateRequest) (providers.CreateResult, bool, error) {
	res, err := s.present(c, req)
	if err != nil || res.ID != "" {
		return res, false, err
	}
	nature := p.hv.natureNow()
	m := build(req, p.settings, nature)
	for i, d := range m.Config.Disks {
		v := s.Volumes[d.Origin]
		if v == nil {
			return res, false, c.fail(providers.Retryable, d.Origin+" has gone while the VM was being made")
		}
		m.Config.Disks[i] = makeDisk(d.Name, d.Origin, int(v.SizeBytes/bytesPerGiB))
	}
	task := s.bring(m.ID, m, opCreate, nature)
	if task != "" {
		for _, d := range m.Config.Disks {
			s.use(d.Origin, m.ID)
		}
	}
	return providers.CreateResult{ID: m.ID, Task: task}, true, nil
}

// bring puts a machine's next shape in force, nil for none, now or late.
func (s *state) bring(id string, after *machine, op string, n Nature) providers.TaskRef {
	if n.Late <= 0 {
		if after == nil {
			s.drop(id)
		} else {
			s.put(after)
		}
		return ""
	}
	ref := s.nextTask(op, id)
	s.Tasks[ref] = task{Due: time.Now().Add(n.Late), Machine: id}
	s.Pending[id] = &pending{Task: ref, After: after}
	return ref
}

package seedserver

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/seed"
)

// Reconfigure gives a VM of ours the CPUs, the memory and the disks of a
// desired VM: all of them, or none. A machine that runs is changed while it
// runs; where it cannot be, the answer is FailedPrecondition and says what a
// restart is needed for. Disks grow and are added; nothing is made smaller or
// removed. What else a desired VM says belongs to its creation.
func (s *Server) Reconfigure(ctx context.Context, req *pb.ReconfigureRequest) (*pb.TaskResponse, error) {
	want, remarks, err := seed.Changes(req.GetDesiredJson())
	if err != nil {
		return nil, s.failed(err)
	}
	vm, end, err := s.hold(ctx, req.GetId())
	defer func() { end() }()
	if err != nil {
		return nil, s.failed(err)
	}
	s.note("reconfigure", vm.Mark.Owner, remarks)
	if vm, err = s.look(ctx, req.GetId()); err != nil { // as it is now that it is our turn
		return nil, s.failed(err)
	}
	if !s.ours(vm) {
		return nil, status.Error(codes.PermissionDenied, req.GetId()+" is not a VM of this server any more")
	}
	d := difference{vm: vm, can: capabilities(s.opts.Provider)}
	d.weigh(want)
	s.note("reconfigure", vm.Mark.Owner, d.remarks)
	change, err := d.change, d.err()
	if err != nil {
		return nil, err
	}
	if d.empty() {
		return &pb.TaskResponse{}, nil
	}
	task, err := s.opts.Provider.Reconfigure(ctx, refOf(vm), change)
	if err != nil {
		return nil, s.failed(err)
	}
	return &pb.TaskResponse{Task: taskOf(task)}, nil
}

// difference is what leads from a VM as it is to one that is desired.
type difference struct {
	vm  *providers.VM
	can *providers.Capabilities

	change  providers.Change
	restart []string // what only a restart brings
	cannot  []string // what the provider cannot do
	unknown []string // what is not known of the VM
	smaller []string // what would have to shrink
	remarks []seed.Remark
}

// err says why nothing is changed; nil: there is no reason.
func (d *difference) err() error {
	for _, why := range []struct {
		code  codes.Code
		text  string
		which []string
	}{
		{codes.InvalidArgument, "disks are not made smaller", d.smaller},
		{codes.Unavailable, "not known of the VM now", d.unknown},
		{codes.Unimplemented, "the provider cannot change", d.cannot},
		{codes.FailedPrecondition, "nothing was changed; the VM must be off for", d.restart},
	} {
		if len(why.which) > 0 {
			return status.Errorf(why.code, "%s: %s", why.text, strings.Join(why.which, ", "))
		}
	}
	return nil
}

func (d *difference) empty() bool {
	c := &d.change
	return c.CPU == nil && c.MemoryMiB == nil && len(c.AddDisks) == 0 && len(c.GrowDisks) == 0
}

// weigh compares, field by field.
func (d *difference) weigh(want *seed.Want) {
	d.change.Live = d.vm.Power != providers.Off
	if n := want.CPU; n > 0 && d.differs("cpu", n, d.vm.Config.CPU, running(d.vm).CPU) {
		d.change.CPU = &n
		d.allow(providers.FieldCPU, fmt.Sprintf("cpu %d", n), room(n, running(d.vm).CPU, running(d.vm).CPUMax, false))
	}
	if n := want.MemoryMiB; n > 0 && d.differs64("memory", n, d.vm.Config.MemoryMiB, running(d.vm).MemoryMiB) {
		d.change.MemoryMiB = &n
		d.allow(providers.FieldMemory, fmt.Sprintf("memory %d MiB", n),
			room(n, running(d.vm).MemoryMiB, running(d.vm).MemoryMaxMiB, d.can.MemoryShrinksLive))
	}
	d.disks(want)
}

// running is the machine as it runs, or its definition where that is the same.
func running(vm *providers.VM) *providers.Hardware {
	if vm.Running != nil {
		return vm.Running
	}
	return &vm.Config
}

func (d *difference) differs(what string, want int, facts ...providers.Opt[int]) bool {
	return differs(d, what, want, facts)
}

func (d *difference) differs64(what string, want int64, facts ...providers.Opt[int64]) bool {
	return differs(d, what, want, facts)
}

// differs tells whether the definition or the machine is not as wanted.
func differs[N comparable](d *difference, what string, want N, facts []providers.Opt[N]) bool {
	other := false
	for _, f := range facts {
		if !f.Known {
			d.unknown = append(d.unknown, what)
			return false
		}
		other = other || f.Value != want
	}
	return other
}

// room tells whether a running machine can get there within its head-room.
func room[N int | int64](want N, now, most providers.Opt[N], shrinks bool) bool {
	if want < now.Value {
		return shrinks
	}
	return want == now.Value || most.Known && want <= most.Value
}

// allow weighs what a field costs: inRoom tells whether the machine has
// head-room for it.
func (d *difference) allow(f providers.Field, what string, inRoom bool) {
	ability, compared := d.can.Ability(f)
	switch {
	case !compared, ability == providers.Never, ability == providers.Replace:
		d.cannot = append(d.cannot, what)
	case !d.change.Live:
	case ability == providers.Restart, ability == providers.LiveInHeadroom && !inRoom:
		d.restart = append(d.restart, what)
	}
}

package seedserver

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// Describe tells what a VM is, ours or not. Only one that the hypervisor says
// is not there does not exist; one that could not be read is an error.
func (s *Server) Describe(ctx context.Context, req *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	vm, err := s.look(ctx, req.GetId())
	if providers.IsAbsent(err) {
		return &pb.DescribeResponse{PowerState: string(providers.Unknown)}, nil
	}
	if err != nil {
		return nil, s.failed(err)
	}
	raw, err := json.Marshal(s.raw(vm))
	if err != nil {
		return nil, status.Error(codes.Internal, "the description cannot be written")
	}
	return &pb.DescribeResponse{
		Exists: true, PowerState: string(vm.Power), Ips: addresses(vm), ProviderRawJson: string(raw),
	}, nil
}

// raw is what the protocol has no field for. CPU and memory are those of the
// definition, which a restart would give it.
func (s *Server) raw(vm *providers.VM) map[string]string {
	raw := map[string]string{"name": vm.Name, "power_state": string(vm.Power), "managed": strconv.FormatBool(s.ours(vm))}
	if n := vm.Config.CPU; n.Known {
		raw["cpu_count"] = strconv.Itoa(n.Value)
	}
	if n := vm.Config.MemoryMiB; n.Known {
		raw["memory_mb"] = strconv.FormatInt(n.Value, 10)
	}
	if vm.Running != nil {
		if n := vm.Running.CPU; n.Known {
			raw["running_cpu_count"] = strconv.Itoa(n.Value)
		}
		if n := vm.Running.MemoryMiB; n.Known {
			raw["running_memory_mb"] = strconv.FormatInt(n.Value, 10)
		}
	}
	return raw
}

func addresses(vm *providers.VM) []string {
	var ips []string
	for _, a := range vm.Addresses {
		ips = append(ips, a.IP)
	}
	return ips
}

// ListVMs tells of every VM that this server made. The protocol cannot say that
// something could not be read, which is logged: what is not in the answer may
// well exist.
func (s *Server) ListVMs(ctx context.Context, _ *pb.ListVMsRequest) (*pb.ListVMsResponse, error) {
	lister, ok := s.opts.Provider.(providers.Lister)
	if !ok {
		return nil, status.Error(codes.Unimplemented, "the provider describes VMs one by one")
	}
	inv, err := lister.List(ctx)
	if err != nil {
		return nil, s.failed(err)
	}
	if !inv.Complete {
		s.opts.Log.Warn("list is not complete", slog.Int("problems", len(inv.Problems)))
	}
	for _, p := range inv.Problems {
		s.opts.Log.Warn("VM could not be read", slog.String(logkey.Ref, p.ID), slog.String(logkey.VM, p.Name), slog.Any(logkey.Err, p.Err))
	}
	res := &pb.ListVMsResponse{}
	for i := range inv.VMs {
		if vm := &inv.VMs[i]; s.ours(vm) {
			res.Vms = append(res.Vms, s.listed(vm))
		}
	}
	return res, nil
}

func (s *Server) listed(vm *providers.VM) *pb.VMInfo {
	h := &vm.Config
	info := &pb.VMInfo{
		Id: vm.ID, Name: vm.Mark.Owner.VM.Name, PowerState: string(vm.Power), Ips: addresses(vm),
		Cpu: int32(h.CPU.Value), MemoryMib: h.MemoryMiB.Value, ProviderRaw: s.raw(vm),
	}
	if vm.Tags.Known {
		info.ProviderRaw["tags"] = strings.Join(vm.Tags.Value, ",")
	}
	for _, d := range h.Disks {
		info.Disks = append(info.Disks, &pb.DiskInfo{Id: diskID(d), Path: d.Origin, SizeGib: int32(d.SizeGiB.Value)})
	}
	for _, n := range h.NICs {
		info.Networks = append(info.Networks, &pb.NetworkInfo{Name: n.Network, Mac: n.MAC, IpAddress: addressOf(vm, n)})
	}
	return info
}

// diskID is the name that we gave a disk, or where it is.
func diskID(d providers.Disk) string {
	if d.Name != "" {
		return d.Name
	}
	return d.Origin
}

func addressOf(vm *providers.VM, n providers.NIC) string {
	for _, a := range vm.Addresses {
		if a.NIC != "" && (a.NIC == n.Name || a.NIC == n.MAC) {
			return a.IP
		}
	}
	return ""
}

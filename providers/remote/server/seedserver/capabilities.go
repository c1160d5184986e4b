package seedserver

import (
	"context"
	"slices"

	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// GetCapabilities says what the provider states of itself, in the words of the
// protocol. What the protocol asks about and this server does not serve is
// false.
func (s *Server) GetCapabilities(context.Context, *pb.GetCapabilitiesRequest) (*pb.GetCapabilitiesResponse, error) {
	can := capabilities(s.opts.Provider)
	_, snapshots := s.opts.Provider.(providers.Snapshotter)
	return &pb.GetCapabilitiesResponse{
		SupportsReconfigureOnline:   live(can, providers.FieldCPU) && live(can, providers.FieldMemory),
		SupportsDiskExpansionOnline: live(can, providers.FieldDiskSize),
		SupportsSnapshots:           snapshots,
		SupportsMemorySnapshots:     snapshots,
		SupportedDiskTypes:          diskTypes(can),
		SupportedNetworkTypes:       s.networkTypes(),
	}, nil
}

// live tells whether a field of a running machine can be changed, be it only
// within its head-room.
func live(can *providers.Capabilities, f providers.Field) bool {
	ability, _ := can.Ability(f)
	return ability == providers.Live || ability == providers.LiveInHeadroom
}

// diskTypes returns how the space of a disk can be provided.
func diskTypes(can *providers.Capabilities) []string {
	honour, ok := can.Honours.Of("VirtualMachine.spec.disks[].type")
	if !ok || honour.Act == providers.Ignore || honour.Act == providers.Refuse {
		return nil
	}
	return slices.DeleteFunc([]string{"thin", "thick", "eagerzeroedthick"}, func(t string) bool { return !honour.Only.Has(t) })
}

// networkTypes returns what an interface can be plugged into.
func (s *Server) networkTypes() []string {
	switch s.opts.Type {
	case "libvirt":
		return []string{"network", "bridge"}
	case "vsphere":
		return []string{"standard", "distributed"}
	}
	return nil
}

// capabilities returns what a provider states now: nothing, where it does not,
// or not yet.
func capabilities(p providers.Provider) *providers.Capabilities {
	if c, ok := p.(providers.Capable); ok {
		if can := c.Capabilities(); can != nil {
			return can
		}
	}
	return &providers.Capabilities{}
}

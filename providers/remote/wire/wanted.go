package wire

import (
	"fmt"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// EncodeWanted makes the message of a wanted machine. It holds the first-boot
// data, which may be secret.
func EncodeWanted(vm *manifest.VM) *stewardv1.Wanted {
	return &stewardv1.Wanted{
		Key: encodeKey(vm.Key), At: encodePosition(vm.At), Labels: vm.Labels, Annotations: vm.Annotations, Provider: encodeKey(vm.Provider),
		Cpu: int64(vm.CPU), MemoryMib: vm.MemoryMiB, CpuHotAdd: vm.CPUHotAdd, MemoryHotAdd: vm.MemHotAdd,
		PowerOn: vm.Power == manifest.PowerOn, ShutdownGraceful: vm.Shutdown.Graceful, ShutdownTimeoutMs: millis(vm.Shutdown.Timeout),
		Firmware: string(vm.Firmware), SecureBoot: vm.SecureBoot, Tpm: vm.TPM, Vtd: vm.VTd, Vbs: vm.VBS,
		NestedVirtualization: vm.NestedVirt, ExtraConfig: vm.ExtraConfig,
		Image: maybe(vm.Image, encodeImage), Imported: maybe(vm.Imported, encodeImported),
		RootDisk: &stewardv1.RootDisk{SizeGib: int64(vm.RootDisk.SizeGiB), Type: vm.RootDisk.Type},
		Disks:    each(vm.Disks, encodeWantedDisk), Nics: each(vm.NICs, encodeWantedNIC),
		CloudInit: encodeCloudInit(&vm.CloudInit), Placement: encodePlacement(&vm.Placement), Limits: encodeLimits(&vm.Limits),
		Tags: vm.Tags, Autostart: vm.Autostart, Declared: vm.Declared, Digest: vm.Digest,
	}
}

// DecodeWanted reads a wanted machine. One without a name is an error, and so
// is one that breaks what manifest.VM promises of its lists.
func DecodeWanted(m *stewardv1.Wanted) (*manifest.VM, error) {
	var s scan
	if m.GetKey().GetName() == "" {
		return nil, fmt.Errorf("the wanted VM has no name")
	}
	vm := &manifest.VM{
		Key: decodeKey(m.Key), At: s.position(m.At), Labels: m.Labels, Annotations: m.Annotations, Provider: decodeKey(m.Provider),
		CPU: s.count("cpu", m.Cpu), MemoryMiB: s.amount("memory_mib", m.MemoryMib), CPUHotAdd: m.CpuHotAdd, MemHotAdd: m.MemoryHotAdd,
		Power:    manifest.PowerOff,
		Shutdown: manifest.Shutdown{Graceful: m.ShutdownGraceful, Timeout: s.span("shutdown_timeout_ms", m.ShutdownTimeoutMs)},
		Firmware: manifest.Firmware(m.Firmware), SecureBoot: m.SecureBoot, TPM: m.Tpm, VTd: m.Vtd, VBS: m.Vbs,
		NestedVirt: m.NestedVirtualization, ExtraConfig: m.ExtraConfig,
		Image: maybe(m.Image, s.image), Imported: maybe(m.Imported, s.imported),
		RootDisk: manifest.RootDisk{SizeGiB: s.count("root_disk.size_gib", m.RootDisk.GetSizeGib()), Type: m.RootDisk.GetType()},
		Disks:    eachOf(m.Disks, s.wantedDisk), NICs: eachOf(m.Nics, s.wantedNIC),
		CloudInit: decodeCloudInit(m.CloudInit), Placement: decodePlacement(m.Placement), Limits: s.limits(m.Limits),
		Tags: m.Tags, Autostart: m.Autostart, Declared: m.Declared, Digest: m.Digest,
	}
	if m.PowerOn {
		vm.Power = manifest.PowerOn
	}
	s.unique("disk", each(vm.Disks, func(d *manifest.Disk) string { return d.Name }))
	s.unique("interface", each(vm.NICs, func(n *manifest.NIC) string { return n.Name }))
	s.sorted("declared", vm.Declared)
	s.sorted("tags", vm.Tags)
	if s.err != nil {
		return nil, fmt.Errorf("wanted VM %s: %w", vm.Key, s.err)
	}
	return vm, nil
}

func encodePosition(p manifest.Position) *stewardv1.Position {
	return &stewardv1.Position{File: text(p.File), Line: int64(p.Line), Column: int64(p.Column)}
}

func (s *scan) position(m *stewardv1.Position) manifest.Position {
	return manifest.Position{File: m.GetFile(), Line: s.count("at.line", m.GetLine()), Column: s.count("at.column", m.GetColumn())}
}

func encodeCloudInit(c *manifest.CloudInit) *stewardv1.CloudInit {
	return &stewardv1.CloudInit{
		UserData: []byte(c.UserData.Reveal()), MetaData: []byte(c.MetaData.Reveal()), Ignition: []byte(c.Ignition.Reveal()),
		Digest: c.Digest,
	}
}

func decodeCloudInit(m *stewardv1.CloudInit) manifest.CloudInit {
	return manifest.CloudInit{
		UserData: secret.New(string(m.GetUserData())), MetaData: secret.New(string(m.GetMetaData())),
		Ignition: secret.New(string(m.GetIgnition())), Digest: m.GetDigest(),
	}
}

func encodePlacement(p *manifest.Placement) *stewardv1.Placement {
	return &stewardv1.Placement{
		Cluster: p.Cluster, Host: p.Host, ResourcePool: p.ResourcePool, Folder: p.Folder,
		Datastore: p.Datastore, StoragePod: p.StoragePod,
	}
}

func decodePlacement(m *stewardv1.Placement) manifest.Placement {
	return manifest.Placement{
		Cluster: m.GetCluster(), Host: m.GetHost(), ResourcePool: m.GetResourcePool(), Folder: m.GetFolder(),
		Datastore: m.GetDatastore(), StoragePod: m.GetStoragePod(),
	}
}

func encodeLimits(l *manifest.Limits) *stewardv1.Limits {
	return &stewardv1.Limits{
		CpuLimitMhz: wide(l.CPULimitMHz), CpuReservationMhz: wide(l.CPUReservationMHz), CpuShares: wide(l.CPUShares),
		MemoryLimitMib: wide(l.MemoryLimitMiB), MemoryReservationMib: wide(l.MemoryReservationMiB),
	}
}

func (s *scan) limits(m *stewardv1.Limits) manifest.Limits {
	if m == nil {
		return manifest.Limits{}
	}
	return manifest.Limits{
		CPULimitMHz: s.counted("cpu_limit_mhz", m.CpuLimitMhz), CPUReservationMHz: s.counted("cpu_reservation_mhz", m.CpuReservationMhz),
		CPUShares:      s.counted("cpu_shares", m.CpuShares),
		MemoryLimitMiB: s.amounted("memory_limit_mib", m.MemoryLimitMib), MemoryReservationMiB: s.amounted("memory_reservation_mib", m.MemoryReservationMib),
	}
}

package vcsim

import (
	"context"
	"fmt"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

// AddVMs makes n machines, in turn in each datacenter: off, in the VM folder,
// of 2 CPUs and 2 GiB, with a disk on LocalDS_0 and an interface on the first
// port group. Each can be made something else of by each. It is fast: there
// are no calls over the wire.
func (s *Server) AddVMs(n int, each func(i int, spec *types.VirtualMachineConfigSpec)) ([]types.ManagedObjectReference, error) {
	var refs []types.ManagedObjectReference
	var err error
	s.alone(func() { refs, err = s.addVMs(n, each) })
	return refs, err
}

func (s *Server) addVMs(n int, each func(i int, spec *types.VirtualMachineConfigSpec)) ([]types.ManagedObjectReference, error) {
	ctx := context.Background()
	centers, err := find.NewFinder(s.clerk).DatacenterList(ctx, "*")
	if err != nil {
		return nil, err
	}
	nurseries := make([]*nursery, len(centers))
	for i, dc := range centers {
		if nurseries[i], err = s.newNursery(ctx, dc); err != nil {
			return nil, err
		}
	}
	tasks := make([]*object.Task, n)
	for i := range n {
		nu := nurseries[i%len(nurseries)]
		spec := nu.spec(i)
		if each != nil {
			each(i, spec)
		}
		if tasks[i], err = nu.folder.CreateVM(ctx, *spec, nu.pool, nil); err != nil {
			return nil, err
		}
	}
	refs := make([]types.ManagedObjectReference, n)
	sim := s.context()
	for i, t := range tasks {
		made, fault := await(sim, t.Reference())
		if fault != nil {
			return nil, fmt.Errorf("machine %d: %T", i, fault)
		}
		refs[i] = made.(types.ManagedObjectReference)
	}
	return refs, nil
}

// nursery is where machines of a datacenter are made.
type nursery struct {
	folder  *object.Folder
	pool    *object.ResourcePool
	backing types.BaseVirtualDeviceBackingInfo
}

func (s *Server) newNursery(ctx context.Context, dc *object.Datacenter) (*nursery, error) {
	finder := find.NewFinder(s.clerk).SetDatacenter(dc)
	folders, err := dc.Folders(ctx)
	if err != nil {
		return nil, err
	}
	nu := &nursery{folder: folders.VmFolder}
	if nu.pool, err = finder.ResourcePool(ctx, dc.Name()+"_C0/Resources"); err != nil {
		return nil, err
	}
	net, err := finder.Network(ctx, dc.Name()+"_DVPG0")
	if err != nil {
		return nil, err
	}
	nu.backing, err = net.EthernetCardBackingInfo(ctx)
	return nu, err
}

func (nu *nursery) spec(i int) *types.VirtualMachineConfigSpec {
	zero := int32(0)
	scsi := &types.ParaVirtualSCSIController{}
	scsi.Key, scsi.BusNumber, scsi.SharedBus = 1000, 0, types.VirtualSCSISharingNoSharing
	disk := &types.VirtualDisk{CapacityInBytes: 10 * gib, CapacityInKB: 10 * gib / 1024}
	disk.Key, disk.ControllerKey, disk.UnitNumber = 2000, 1000, &zero
	disk.Backing = &types.VirtualDiskFlatVer2BackingInfo{
		DiskMode: string(types.VirtualDiskModePersistent), ThinProvisioned: types.NewBool(true),
		VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: "[LocalDS_0]"},
	}
	nic := &types.VirtualVmxnet3{}
	nic.Key, nic.Backing, nic.AddressType = 4000, nu.backing, string(types.VirtualEthernetCardMacTypeManual)
	nic.MacAddress = fmt.Sprintf("00:50:56:%02x:%02x:%02x", byte(i>>16)&0x3f, byte(i>>8), byte(i))
	var devices []types.BaseVirtualDeviceConfigSpec
	for _, d := range []types.BaseVirtualDevice{scsi, disk, nic} {
		c := &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: d}
		if d == disk {
			c.FileOperation = types.VirtualDeviceConfigSpecFileOperationCreate
		}
		devices = append(devices, c)
	}
	return &types.VirtualMachineConfigSpec{
		Name: fmt.Sprintf("machine-%05d", i), NumCPUs: 2, MemoryMB: 2048, DeviceChange: devices,
		GuestId: string(types.VirtualMachineGuestOsIdentifierOtherLinux64Guest),
		Files:   &types.VirtualMachineFileInfo{VmPathName: "[LocalDS_0]"},
	}
}

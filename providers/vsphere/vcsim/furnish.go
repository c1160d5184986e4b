package vcsim

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The names of what every server has beside the inventory of its Options.
const (
	Template         = "template"          // 1 CPU, 1 GiB, one thin disk of 10 GiB, no snapshot
	SnapshotTemplate = "template-snapshot" // the same, with a snapshot to clone from
	TemplateFolder   = "templates"
	AppsFolder       = "apps"
)

const gib = 1 << 30

// furnish completes the inventory.
func (s *Server) furnish() error {
	var err error
	if err = s.hire(); err != nil || s.opts.Bare {
		return err
	}
	ctx := context.Background()
	finder := find.NewFinder(s.admin)
	centers, err := finder.DatacenterList(ctx, "*")
	if err != nil {
		return err
	}
	for _, dc := range centers {
		if err := s.furnishDatacenter(ctx, finder.SetDatacenter(dc), dc); err != nil {
			return fmt.Errorf("%s: %w", dc.InventoryPath, err)
		}
	}
	return nil
}

func (s *Server) furnishDatacenter(ctx context.Context, finder *find.Finder, dc *object.Datacenter) error {
	if err := s.furnishPod(ctx, finder, dc); err != nil {
		return err
	}
	folders, err := dc.Folders(ctx)
	if err != nil {
		return err
	}
	if _, err := folders.VmFolder.CreateFolder(ctx, AppsFolder); err != nil {
		return err
	}
	templates, err := folders.VmFolder.CreateFolder(ctx, TemplateFolder)
	if err != nil {
		return err
	}
	pool, err := finder.ResourcePool(ctx, dc.Name()+"_C0/Resources")
	if err != nil {
		return err
	}
	for _, name := range []string{Template, SnapshotTemplate} {
		if err := s.makeTemplate(ctx, templates, pool, dc, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// furnishPod gives the datastore cluster its members, the second with more
// space than the first.
func (s *Server) furnishPod(ctx context.Context, finder *find.Finder, dc *object.Datacenter) error {
	pod, err := finder.DatastoreCluster(ctx, dc.Name()+"_POD0")
	if err != nil {
		return err
	}
	hosts, err := finder.HostSystemList(ctx, "*/*")
	if err != nil {
		return err
	}
	var members []types.ManagedObjectReference
	for i, free := range []int64{100 * gib, 400 * gib} {
		ds, err := s.addDatastore(ctx, hosts, fmt.Sprintf("%s_POD0_DS%d", dc.Name(), i), free)
		if err != nil {
			return err
		}
		members = append(members, ds)
	}
	folder := object.NewFolder(s.admin, pod.Reference())
	return wait(ctx)(folder.MoveInto(ctx, members))
}

// addDatastore makes a datastore that all the hosts reach.
func (s *Server) addDatastore(ctx context.Context, hosts []*object.HostSystem, name string, free int64) (types.ManagedObjectReference, error) {
	home := ""
	for _, o := range s.model.Map().OptionManager().Setting {
		if v := o.GetOptionValue(); v.Key == "vcsim.home" {
			home, _ = v.Value.(string)
		}
	}
	dir := filepath.Join(home, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return types.ManagedObjectReference{}, err
	}
	var ref types.ManagedObjectReference
	for _, h := range hosts {
		system, err := h.ConfigManager().DatastoreSystem(ctx)
		if err != nil {
			return ref, err
		}
		ds, err := system.CreateLocalDatastore(ctx, name, dir)
		if err != nil {
			return ref, err
		}
		if ref.Value == "" { // the simulator names it once
			ref = ds.Reference()
		}
	}
	s.SetFreeSpace(ref, free)
	return ref, nil
}

// SetFreeSpace says how much space a datastore has left.
func (s *Server) SetFreeSpace(ref types.ManagedObjectReference, free int64) {
	svc := s.model.Service
	ds := svc.Context.Map.Get(ref).(*simulator.Datastore)
	s.alone(func() {
		summary := ds.Summary
		summary.Capacity, summary.FreeSpace = max(summary.Capacity, 2*free), free
		svc.Context.Update(ds, []types.PropertyChange{{Name: "summary", Val: summary}})
	})
}

// makeTemplate makes a template as an administrator has one: with a SCSI
// controller, a CD-ROM and a network card.
func (s *Server) makeTemplate(ctx context.Context, folder *object.Folder, pool *object.ResourcePool, dc *object.Datacenter, name string) error {
	spec, err := s.templateSpec(ctx, dc, name)
	if err != nil {
		return err
	}
	task, err := folder.CreateVM(ctx, *spec, pool, nil)
	if err != nil {
		return err
	}
	info, err := ended(ctx, task.Client(), task)
	if err != nil {
		return err
	}
	vm := object.NewVirtualMachine(s.admin, info.Result.(types.ManagedObjectReference))
	if name == SnapshotTemplate {
		if err := wait(ctx)(vm.CreateSnapshot(ctx, "base", "", false, false)); err != nil {
			return err
		}
	}
	return vm.MarkAsTemplate(ctx)
}

func (s *Server) templateSpec(ctx context.Context, dc *object.Datacenter, name string) (*types.VirtualMachineConfigSpec, error) {
	net, err := find.NewFinder(s.admin).SetDatacenter(dc).Network(ctx, dc.Name()+"_DVPG0")
	if err != nil {
		return nil, err
	}
	backing, err := net.EthernetCardBackingInfo(ctx)
	if err != nil {
		return nil, err
	}
	var devices object.VirtualDeviceList
	scsi, err := devices.CreateSCSIController("pvscsi")
	if err != nil {
		return nil, err
	}
	ide, err := devices.CreateIDEController()
	if err != nil {
		return nil, err
	}
	cdrom, err := devices.CreateCdrom(ide.(*types.VirtualIDEController))
	if err != nil {
		return nil, err
	}
	disk := devices.CreateDisk(scsi.(types.BaseVirtualController), types.ManagedObjectReference{}, "")
	disk.CapacityInBytes, disk.CapacityInKB = 10*gib, 10*gib/1024
	nic, err := devices.CreateEthernetCard("vmxnet3", backing)
	if err != nil {
		return nil, err
	}
	devices = append(devices, scsi, ide, cdrom, disk, nic)
	spec := &types.VirtualMachineConfigSpec{
		Name: name, NumCPUs: 1, MemoryMB: 1024, Version: "vmx-19",
		GuestId: string(types.VirtualMachineGuestOsIdentifierOtherLinux64Guest),
		Files:   &types.VirtualMachineFileInfo{VmPathName: "[LocalDS_0]"},
	}
	spec.DeviceChange, err = devices.ConfigSpec(types.VirtualDeviceConfigSpecOperationAdd)
	return spec, err
}

// wait returns a function that waits for a task that was begun.
func wait(ctx context.Context) func(*object.Task, error) error {
	return func(t *object.Task, err error) error {
		if err != nil {
			return err
		}
		_, err = ended(ctx, t.Client(), t)
		return err
	}
}

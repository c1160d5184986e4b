package vsphere

import (
	"context"
	"fmt"
	"path"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"
)

// strangeDisk is a disk that is not ours to destroy.
type strangeDisk struct {
	device *types.VirtualDisk
	file   string
	why    string
}

// strangeDisks returns the disks that are not destroyed with the VM. Ours is
// one that the mark says we made at its place, and whose file lies in the VM's
// own folder: whichever datastore it is on, the folder's name is that of the
// VM's configuration file. A disk of ours that somebody moved elsewhere is
// spared too, and stays behind.
func strangeDisks(t *target, devices object.VirtualDeviceList) []strangeDisk {
	var out []strangeDisk
	for _, dev := range devices {
		disk, ok := dev.(*types.VirtualDisk)
		if !ok {
			continue
		}
		file, why := fileOf(disk), ""
		p, placed := placeOf(devices, disk)
		note := t.mark.diskAt(p.String())
		switch {
		case !placed || note == nil:
			why = "it is not in the VM's mark"
		case !note.Made:
			why = "it was there before the VM"
		case !inFolder(file, t.vm.Config.Files.VmPathName):
			why = "it lies outside of the VM's folder"
		default:
			continue
		}
		out = append(out, strangeDisk{disk, file, why})
	}
	return out
}

// inFolder tells whether a file lies in a folder of the same name as the
// folder of another file. Both are "[datastore] path".
func inFolder(file, beside string) bool {
	var a, b object.DatastorePath
	if !a.FromString(file) || !b.FromString(beside) {
		return false
	}
	folder := path.Dir(b.Path)
	return folder != "." && folder != "/" && path.Dir(a.Path) == folder
}

// snapshotDisks returns the disks of the VM's snapshots that are not destroyed
// with the VM. A snapshot holds on to disks that the VM has no more, and has
// the mark of its time, which knows them.
func snapshotDisks(ctx context.Context, c *vim25.Client, t *target) ([]strangeDisk, error) {
	var out []strangeDisk
	var odd error
	spec := []types.PropertyFilterSpec{snapshotHardware(t.vm.Self)}
	err := retrieve(ctx, c, spec, func(o *types.ObjectContent) {
		at, known := *t, false
		var hardware types.VirtualHardware
		for _, p := range o.PropSet {
			switch v := p.Val.(type) {
			case types.VirtualHardware:
				hardware, known = v, true
			case types.OptionValue:
				text, _ := v.Value.(string)
				if m := readMark(text, t.mark.UUID); m != nil {
					at.mark = m
				}
			}
		}
		if known {
			out = append(out, strangeDisks(&at, hardware.Device)...)
			return
		}
		odd = fmt.Errorf("the disks of %s cannot be read", o.Obj.Value)
		for i := range o.MissingSet {
			odd = fmt.Errorf("%s: %w", o.Obj.Value, hidden(&o.MissingSet[i]))
		}
	})
	if err == nil {
		err = odd
	}
	return out, err
}

// snapshotHardware selects the hardware and the mark of all snapshots of a VM.
func snapshotHardware(vm types.ManagedObjectReference) types.PropertyFilterSpec {
	const kind = "VirtualMachineSnapshot"
	children := &types.TraversalSpec{
		SelectionSpec: types.SelectionSpec{Name: "children"}, Type: kind, Path: "childSnapshot",
		SelectSet: []types.BaseSelectionSpec{&types.SelectionSpec{Name: "children"}},
	}
	return types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: vm, Skip: types.NewBool(true), SelectSet: []types.BaseSelectionSpec{
			&types.TraversalSpec{Type: virtualMachine, Path: "rootSnapshot", SelectSet: []types.BaseSelectionSpec{children}},
		}}},
		PropSet: []types.PropertySpec{{Type: kind, PathSet: []string{"config.hardware", keyed(markKey)}}},
	}
}

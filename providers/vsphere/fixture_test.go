package vsphere

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

var anOwner = providers.Owner{Fleet: "test", VM: manifest.Key{Namespace: "default", Name: "web"}}

// aVM returns a small VM of a manifest.
func aVM() *manifest.VM {
	return &manifest.VM{
		Key: anOwner.VM, CPU: 2, MemoryMiB: 1024, Firmware: manifest.FirmwareBIOS,
		Image: &manifest.Image{Digest: "sha256:image"},
	}
}

// aTemplate returns the configuration of a template: a disk of 10 GiB on a
// controller of that model, and as many interfaces.
func aTemplate(model string, cards int) *types.VirtualMachineConfigInfo {
	c := newController(model, 0, types.VirtualSCSISharingNoSharing)
	c.GetVirtualSCSIController().Key = 1000
	devices := object.VirtualDeviceList{&types.VirtualPCIController{VirtualController: types.VirtualController{
		VirtualDevice: types.VirtualDevice{Key: 100},
	}}, scsiDevice(c), aDisk(2000, 1000, 0, 10)}
	for i := range cards {
		devices = append(devices, aCard(int32(4000+i), fmt.Sprintf("00:50:56:00:00:%02x", i), "old"))
	}
	return &types.VirtualMachineConfigInfo{
		Firmware: wordBIOS, Version: "vmx-19", ChangeVersion: "before",
		Hardware: types.VirtualHardware{NumCPU: 1, MemoryMB: 512, Device: devices},
	}
}

// aDisk returns a thin disk that is there.
func aDisk(key, controller, unit int32, sizeGiB int) *types.VirtualDisk {
	d := newDisk(sizeGiB, thinDisk)
	d.Key, d.ControllerKey, d.UnitNumber = key, controller, &unit
	d.Backing = diskBacking(thinDisk, fmt.Sprintf("[ds] web/disk-%d.vmdk", key))
	return d
}

// aCard returns an interface that is there, on a standard port group.
func aCard(key int32, mac, network string) *types.VirtualVmxnet3 {
	c := &types.VirtualVmxnet3{}
	c.Key, c.MacAddress, c.Backing = key, mac, aNetwork(network).backing()
	return c
}

func aNetwork(name string) network {
	return network{name: name, ref: types.ManagedObjectReference{Type: "Network", Value: "network-" + name}}
}

// told writes the changes of devices as short lines: what is done, to what,
// where, and how it is.
func told(changes []types.BaseVirtualDeviceConfigSpec) []string {
	var known object.VirtualDeviceList
	for _, c := range changes {
		known = append(known, c.GetVirtualDeviceConfigSpec().Device)
	}
	var out []string
	for _, c := range changes {
		s := c.GetVirtualDeviceConfigSpec()
		line := string(s.Operation)
		if s.FileOperation != "" {
			line += "+" + string(s.FileOperation)
		}
		out = append(out, line+" "+deviceText(known, s.Device))
	}
	return out
}

func deviceText(known object.VirtualDeviceList, d types.BaseVirtualDevice) string {
	switch x := d.(type) {
	case *types.VirtualDisk:
		at := fmt.Sprintf("%d:%d", x.ControllerKey, *x.UnitNumber)
		if p, ok := placeOf(known, x); ok {
			at = p.String()
		}
		return strings.TrimSpace(fmt.Sprintf("disk %s %d GiB %s %s", at, diskBytes(x)/gib, provisionOf(x), fileOf(x)))
	case types.BaseVirtualSCSIController:
		s := x.GetVirtualSCSIController()
		return fmt.Sprintf("%s scsi%d %s", controllerModel(x), s.BusNumber, s.SharedBus)
	case types.BaseVirtualEthernetCard:
		c := x.GetVirtualEthernetCard()
		id, kind := plugID(c.Backing)
		text := fmt.Sprintf("%s %s %s on %s %s", cardModel(x), c.AddressType, c.MacAddress, kind, id)
		if slot, ok := c.SlotInfo.(*types.VirtualDevicePciBusSlotInfo); ok {
			text += fmt.Sprintf(" slot %d", slot.PciSlotNumber)
		}
		return text
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", d), "*types.")
}

// options returns the keys of extraConfig that are set, without the mark.
func options(list []types.BaseOptionValue) []string {
	var out []string
	for _, o := range list {
		if v := o.GetOptionValue(); v.Key != markKey {
			out = append(out, fmt.Sprintf("%s=%v", v.Key, v.Value))
		}
	}
	slices.Sort(out)
	return out
}

// wantKind expects an error of a kind that says something; "" expects none.
func wantKind(t *testing.T, reason string, err error, kind providers.Kind, says string) {
	t.Helper()
	var e *providers.Error
	switch {
	case kind == "" && err != nil:
		t.Errorf("%s: %v", reason, err)
	case kind == "":
	case !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Err.Error(), says):
		t.Errorf("%s: got %v of kind %q, want kind %q and %q", reason, err, providers.KindOf(err), kind, says)
	}
}

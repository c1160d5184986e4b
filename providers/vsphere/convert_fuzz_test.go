package vsphere

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// FuzzReadMark: whatever stands in the mark's place, it is void or it is what
// it says, and writing it again loses nothing.
func FuzzReadMark(f *testing.F) {
	const id = "4b1cda66-5b48-5b3c-863b-705cc4ec9cf9"
	for _, text := range []string{
		"", "{}", "null", `{"uuid":"` + id + `","fleet":"prod","namespace":"default","name":"web"}`,
		`{"uuid":"` + id + `","fleet":"prod","name":"web","retired":"2026-11-20T08:15:30Z","disks":[{"name":"root","at":"scsi0:0","made":true}],"nics":[{"name":"lan","key":4000,"mac":"02:50:56:0a:0b:0c"}],"tags":["b","a"],"extra":["k"]}`,
		`{"uuid":"` + id + `","fleet":"prod","name":"web","disks":null,"nics":[null]}`,
	} {
		f.Add(text, id)
	}
	f.Fuzz(func(t *testing.T, text, id string) {
		m := readMark(text, id)
		if m == nil {
			return
		}
		if m.UUID != id || m.Fleet == "" || m.Name == "" {
			t.Fatalf("a mark without an owner, or of another VM, is taken for one: %+v", m)
		}
		again, err := m.text()
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", m, err)
		}
		if once := readMark(again, id); once == nil || !sameJSON(t, once, m) {
			t.Fatalf("%+v comes back as %+v", m, once)
		}
	})
}

func sameJSON(t *testing.T, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(x) == string(y)
}

// FuzzConvert: whatever numbers and texts a VM has, what is said to be known of
// it is something that a VM can have.
func FuzzConvert(f *testing.F) {
	files, err := filepath.Glob("testdata/seen/*.xml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no files: %v", err)
	}
	f.Add(uint8(0), int32(1), int64(1<<20), "poweredOn", "connected", "4b1cda66-5b48-5b3c-863b-705cc4ec9cf9", "{}", "10.0.0.1")
	f.Add(uint8(11), int32(-1), int64(-1), "", "", "", "", "::1%eth0")
	f.Add(uint8(10), int32(1<<31-1), int64(1<<62), "suspended", "invalid", "50201A2B-3C4D-7E8F-9A0B-1C2D3E4F5A6B", `{"uuid":""}`, "fe80::1")
	f.Fuzz(func(t *testing.T, file uint8, n int32, wide int64, power, connection, id, mark, ip string) {
		text, err := os.ReadFile(files[int(file)%len(files)])
		if err != nil {
			t.Fatal(err)
		}
		content, err := decode(text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range content.PropSet {
			p := &content.PropSet[i]
			p.Val = disturb(p.Name, p.Val, n, wide, power, connection, id, mark, ip)
		}
		if vm := see(content).VM; vm != nil {
			plausible(t, vm)
		}
	})
}

// disturb puts other numbers and texts into a property.
func disturb(name string, value any, n int32, wide int64, power, connection, id, mark, ip string) any {
	switch v := value.(type) {
	case types.VirtualMachinePowerState:
		return types.VirtualMachinePowerState(power)
	case types.VirtualMachineConnectionState:
		return types.VirtualMachineConnectionState(connection)
	case string:
		if name == "config.instanceUuid" || name == "summary.config.instanceUuid" {
			return id
		}
	case int64:
		return wide
	case types.OptionValue:
		v.Value = mark
		return v
	case types.ResourceAllocationInfo:
		v.Limit, v.Reservation = &wide, &wide
		return v
	case types.ArrayOfGuestNicInfo:
		for i := range v.GuestNicInfo {
			v.GuestNicInfo[i].IpAddress = append(v.GuestNicInfo[i].IpAddress, ip)
			v.GuestNicInfo[i].MacAddress = id
		}
	case types.VirtualHardware:
		v.NumCPU, v.MemoryMB = n, n
		for _, d := range v.Device {
			disturbDevice(d, n, wide, id)
		}
		return v
	}
	return value
}

func disturbDevice(dev types.BaseVirtualDevice, n int32, wide int64, text string) {
	d := dev.GetVirtualDevice()
	switch x := dev.(type) {
	case *types.VirtualDisk:
		x.CapacityInBytes, x.CapacityInKB, x.ControllerKey, x.UnitNumber = wide, wide, n, nil
	case types.BaseVirtualEthernetCard:
		c := x.GetVirtualEthernetCard()
		c.MacAddress, c.SlotInfo = text, nil
		if n%2 == 0 {
			c.Backing = nil
		}
	case *types.ParaVirtualSCSIController:
		x.BusNumber = n
	}
	if n%3 == 0 {
		d.DeviceInfo, d.Key = nil, n
	}
}

func plausible(t *testing.T, vm *providers.VM) {
	t.Helper()
	if vm.ID == "" {
		t.Error("the VM has no id")
	}
	states := []providers.PowerState{providers.On, providers.Off, providers.Suspended, providers.Unknown}
	if !slices.Contains(states, vm.Power) {
		t.Errorf("the power state is %q", vm.Power)
	}
	h := &vm.Config
	if h.CPU.Known && h.CPU.Value < 1 || h.CPUMax.Known && h.CPUMax.Value < h.CPU.Value ||
		h.MemoryMiB.Known && h.MemoryMiB.Value < 1 || h.MemoryMaxMiB.Known && h.MemoryMaxMiB.Value < h.MemoryMiB.Value {
		t.Errorf("the amounts cannot be: %+v", h)
	}
	for _, d := range h.Disks {
		if d.SizeBytes.Known && d.SizeBytes.Value < 1 || d.SizeGiB.Known && d.SizeGiB.Value < 0 {
			t.Errorf("a disk has size %+v", d)
		}
	}
	if vm.Power != providers.On && len(vm.Addresses) > 0 {
		t.Errorf("a guest that does not run has addresses: %v", vm.Addresses)
	}
	if m := vm.Mark; m != nil && (m.Owner.Fleet == "" || m.Owner.VM.Name == "") {
		t.Errorf("the mark has no owner: %+v", m)
	}
}

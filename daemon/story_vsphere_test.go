package daemon_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// TestStoryVSphere is the story of libvirt on a vCenter: commits become virtual
// machines, and the vCenter's own reading agrees.
func TestStoryVSphere(t *testing.T) {
	t.Parallel()
	c := newCenter(t, vcsim.Options{})
	var vms []vmFile
	var want []string
	for i := range 20 {
		vms = append(vms, vmFile{Name: fmt.Sprintf("vm-%02d", i), More: logs})
		want = append(want, vms[i].Name+" [create start] applied")
	}
	c.commit(vms)
	c.wantCalls("twenty VMs are created and started", want...)
	c.wantInSync("after creation")
	c.wantRunning(vms, 20)

	vms[1].CPU, vms[1].Memory = 2, 256
	vms[2].More += "  - {name: scratch, sizeGiB: 1}\n"
	vms[3].Data = 2
	vms[4].Power = `"Off"`
	gone := vms[5]
	vms = slices.Delete(vms, 5, 6)
	c.commit(vms, "vms/"+gone.Name+".yaml")
	c.policy = "prune: {mode: delete, grace: 0s}"
	c.wantCalls("exactly the five changes are made",
		"vm-01 [shutdown reconfigure start] applied",
		"vm-02 [reconfigure] applied",
		"vm-03 [reconfigure] applied",
		"vm-04 [stop] applied",
		"vm-05 [shutdown delete] applied")
	c.wantInSync("after the change")
	c.wantRunning(vms, 18)
	c.vcenterAgrees()
}

// wantRunning compares the VMs with what the vCenter says.
func (c *center) wantRunning(vms []vmFile, running int) {
	c.t.Helper()
	var want []string
	for _, v := range vms {
		want = append(want, v.Name)
	}
	all, on := c.names()
	if diff := gocmp.Diff(want, all); diff != "" {
		c.t.Errorf("VMs of the vCenter (-want +got):\n%s", diff)
	}
	if len(on) != running {
		c.t.Errorf("%d VMs run, want %d: %v", len(on), running, on)
	}
}

// vcenterAgrees checks each change of the story by the vCenter's own reading.
func (c *center) vcenterAgrees() {
	c.t.Helper()
	vms := c.machines()
	want := map[string]string{
		"vm-00": "1 CPU, 128 MiB, poweredOn; 10 GiB, 1 GiB, 1 GiB; vmxnet3 on a distributed port group, e1000e on VM Network",
		"vm-01": "2 CPU, 256 MiB, poweredOn; 10 GiB, 1 GiB, 1 GiB; vmxnet3 on a distributed port group, e1000e on VM Network",
		"vm-02": "1 CPU, 128 MiB, poweredOn; 10 GiB, 1 GiB, 1 GiB, 1 GiB; vmxnet3 on a distributed port group, e1000e on VM Network",
		"vm-03": "1 CPU, 128 MiB, poweredOn; 10 GiB, 2 GiB, 1 GiB; vmxnet3 on a distributed port group, e1000e on VM Network",
		"vm-04": "1 CPU, 128 MiB, poweredOff; 10 GiB, 1 GiB, 1 GiB; vmxnet3 on a distributed port group, e1000e on VM Network",
	}
	for name, shape := range want {
		vm := vms[name]
		if got := shapeOf(&vm); got != shape {
			c.t.Errorf("%s is %s\nwant %s", name, got, shape)
		}
	}
	if left := c.files("vm-05"); len(left) > 0 {
		c.t.Errorf("of the removed VM is left: %v", left)
	}
}

// shapeOf renders what a VM is made of, disks in the order of their units.
func shapeOf(vm *mo.VirtualMachine) string {
	if vm.Config == nil {
		return "nothing"
	}
	var disks []*types.VirtualDisk
	var sizes, nics []string
	for _, d := range vm.Config.Hardware.Device {
		switch dev := d.(type) {
		case *types.VirtualDisk:
			disks = append(disks, dev)
		case types.BaseVirtualEthernetCard:
			where := "a distributed port group"
			if b, ok := dev.GetVirtualEthernetCard().Backing.(*types.VirtualEthernetCardNetworkBackingInfo); ok {
				where = b.DeviceName
			}
			nics = append(nics, strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", d), "*types.Virtual"))+" on "+where)
		}
	}
	slices.SortFunc(disks, func(a, b *types.VirtualDisk) int { return cmp.Compare(*a.UnitNumber, *b.UnitNumber) })
	for _, d := range disks {
		sizes = append(sizes, fmt.Sprintf("%d GiB", d.CapacityInKB>>20))
	}
	return fmt.Sprintf("%d CPU, %d MiB, %s; %s; %s", vm.Config.Hardware.NumCPU, vm.Config.Hardware.MemoryMB,
		vm.Runtime.PowerState, strings.Join(sizes, ", "), strings.Join(nics, ", "))
}

// TestCreationCostsFewCalls counts what a vCenter is asked for one VM more,
// from the commit until it runs and reads as wanted, by a daemon that is there.
func TestCreationCostsFewCalls(t *testing.T) {
	c := newCenter(t, vcsim.Options{})
	first, second := vmFile{Name: "first", More: logs}, vmFile{Name: "second", More: logs}
	c.commit([]vmFile{first})
	c.start()
	c.until("the first VM is there", c.settled)
	last := -1
	c.until("nothing is asked any more", func() bool {
		_, n := c.asked()
		last, n = n, last
		return n == last
	})
	c.sim.ResetCalls()
	c.commit([]vmFile{first, second})
	c.until("the second VM is there", func() bool { return contains(c.log.lines(t, "action", "vm", "outcome"), "default/second | applied") })
	calls, n := c.asked()
	t.Logf("%d calls: %v", n, calls)
	if n > 12 {
		t.Errorf("%d calls for one VM, want at most 12: %v", n, calls)
	}
	if _, on := c.names(); len(on) != 2 {
		t.Errorf("these run: %v", on)
	}
	c.until("nothing is left to do", c.settled)
}

// asked returns how often the vCenter was asked what, and the sum.
func (c *center) asked() (calls map[string]int, sum int) {
	calls = c.sim.Calls()
	for _, n := range calls {
		sum += n
	}
	return calls, sum
}

package daemon_test

import (
	"context"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// TestOutsideChangesOnVSphere changes VMs as an administrator of the vCenter
// does, while the daemon runs and no schedule is near. Each change is a line of
// the log within a second, and is corrected.
func TestOutsideChangesOnVSphere(t *testing.T) {
	c := newCenter(t, vcsim.Options{})
	c.commit([]vmFile{{Name: "awake", More: logs}, {Name: "asleep", Power: `"Off"`}})
	c.start()
	c.until("the VMs are created", func() bool { return len(c.log.lines(t, "action")) == 2 })
	c.until("nothing is left to do", c.settled)

	tests := []struct {
		act   string
		do    func()
		drift string // vm | field
	}{
		{"CPU of what is off", func() { c.reconfigure("asleep", &types.VirtualMachineConfigSpec{NumCPUs: 4}) }, "default/asleep | cpu"},
		{"CPU of what runs", func() { c.reconfigure("awake", &types.VirtualMachineConfigSpec{NumCPUs: 2}) }, "default/awake | cpu"},
		{"memory", func() { c.reconfigure("asleep", &types.VirtualMachineConfigSpec{MemoryMB: 512}) }, "default/asleep | memory"},
		{"power off", func() { c.power("awake", (*object.VirtualMachine).PowerOff) }, "default/awake | power"},
		{"power on", func() { c.power("asleep", (*object.VirtualMachine).PowerOn) }, "default/asleep | power"},
		{"suspend", func() { c.power("awake", (*object.VirtualMachine).Suspend) }, "default/awake | power"},
		{"a lost interface", func() { c.drop("asleep", &types.VirtualEthernetCard{}) }, "default/asleep | nics[back]"},
		{"a lost disk", func() { c.drop("awake", &types.VirtualDisk{}) }, "default/awake | disks[logs]"},
		{"rename", func() { c.reconfigure("asleep", &types.VirtualMachineConfigSpec{Name: "elsewhere"}) }, "default/asleep | name"},
		{"removal", func() {
			c.power("awake", (*object.VirtualMachine).PowerOff)
			c.power("awake", (*object.VirtualMachine).Destroy)
		}, "default/awake | exists"},
	}
	for _, tt := range tests {
		t.Run(tt.act, func(t *testing.T) {
			c.log.reset()
			tt.do()
			done := time.Now()
			c.until("the drift line", func() bool { return contains(c.log.lines(t, "drift", "vm", "field"), tt.drift) })
			// One second is promised; a machine that runs other tests beside
			// this one is given more.
			took := time.Since(done)
			t.Logf("the drift line came after %s", took.Round(time.Millisecond))
			if took > 10*time.Second {
				t.Error("the drift line was not told of, but found")
			}
			c.until("the correction", func() bool { return contains(c.log.lines(t, "action", "outcome"), "applied") })
			c.until("nothing is left to do", c.settled)
		})
	}
}

// vm returns an administrator's hold of a VM.
func (c *center) vm(name string) *object.VirtualMachine {
	c.t.Helper()
	vm, ok := c.machines()[name]
	if !ok {
		c.t.Fatalf("there is no VM %s", name)
	}
	return object.NewVirtualMachine(c.sim.Client(), vm.Self)
}

// reconfigure changes a VM outside.
func (c *center) reconfigure(name string, spec *types.VirtualMachineConfigSpec) {
	c.t.Helper()
	task, err := c.vm(name).Reconfigure(context.Background(), *spec)
	c.done(name, task, err)
}

// power does one act of an administrator on a VM. It may be undone before its
// task is looked at.
func (c *center) power(name string, act func(*object.VirtualMachine, context.Context) (*object.Task, error)) {
	c.t.Helper()
	task, err := act(c.vm(name), context.Background())
	c.done(name, task, err)
}

func (c *center) done(name string, task *object.Task, err error) {
	c.t.Helper()
	if err == nil {
		_, err = c.sim.Await(context.Background(), task)
	}
	if err != nil {
		c.t.Fatalf("outside change of %s: %v", name, err)
	}
}

// drop takes the last device of a kind from a VM.
func (c *center) drop(name string, kind types.BaseVirtualDevice) {
	c.t.Helper()
	vm := c.vm(name)
	devices, err := vm.Device(context.Background())
	must(c.t, err)
	found := devices.SelectByType(kind)
	if len(found) == 0 {
		c.t.Fatalf("%s has no such device", name)
	}
	must(c.t, vm.RemoveDevice(context.Background(), true, found[len(found)-1]))
}

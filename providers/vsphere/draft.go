package vsphere

import (
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// draft is the specification of a VM while it is written: of one to be made,
// or of what changes of one that is there. What is as it shall be already is
// left out.
type draft struct {
	chassis
	spec    types.VirtualMachineConfigSpec
	now     *types.VirtualMachineConfigInfo // what is there; of a new VM what it is made from; never nil
	found   providers.Traits                // of now; nil for a new VM: everything is said of it
	mark    *mark
	before  string // the mark as it was
	name    string // under which the server knows the VM
	fresh   bool   // the VM is to be made
	running bool   // there is a machine, which runs or is suspended
	live    bool   // a running machine may be changed
	upgrade int    // the hardware version to go up to; 0: as it is
	shared  map[int32]types.VirtualSCSISharing
}

// hot tells whether something can be done that changes a running machine at
// once. There is no definition beside it that could be changed alone.
func (d *draft) hot(what string) error {
	if d.running && !d.live {
		return cannot("the VM runs, and %s at once or not at all; ask for a live change, or stop the VM", what)
	}
	return nil
}

// cold tells whether something can be changed that a running machine keeps.
func (d *draft) cold(what string) error {
	if d.running {
		return cannot("%s changes only while the VM is off; let the change wait for a restart", what)
	}
	return nil
}

func (d *draft) setCPU(n int) error {
	have := int(d.now.Hardware.NumCPU)
	switch {
	case n < 1:
		return invalid("a VM cannot have %d CPUs", n)
	case n == have && !d.fresh:
		return nil
	case d.running && n < have:
		return cannot("a CPU is not taken from a running guest; let the change wait for a restart")
	case d.running && !isTrue(d.now.CpuHotAddEnabled):
		return cannot("the running machine was started without hot-add of CPUs; let the change wait for a restart")
	case d.running && n > mostCPUs:
		return cannot("a running machine has room for %d CPUs; let the change wait for a restart", mostCPUs)
	}
	if err := d.hot("CPUs are added"); err != nil {
		return err
	}
	if err := d.sockets(n); err != nil {
		return err
	}
	d.spec.NumCPUs = int32(n)
	return nil
}

// sockets takes away a number of cores per socket, set by hand in the
// template, that the CPUs cannot be divided by.
func (d *draft) sockets(n int) error {
	h := &d.now.Hardware
	if h.NumCoresPerSocket == nil || *h.NumCoresPerSocket < 2 || isTrue(h.AutoCoresPerSocket) || n%int(*h.NumCoresPerSocket) == 0 {
		return nil
	}
	if d.running {
		return cannot("%d CPUs do not fill sockets of %d cores, which change only while the VM is off; let the change wait for a restart",
			n, *h.NumCoresPerSocket)
	}
	d.spec.NumCoresPerSocket = new(int32(1))
	return nil
}

// memoryStep is what an amount of memory is a multiple of, in MiB.
const memoryStep = 4

func (d *draft) setMemory(mib int64) error {
	have := int64(d.now.Hardware.MemoryMB)
	step := max(d.now.HotPlugMemoryIncrementSize, 1)
	switch {
	case mib < memoryStep || mib%memoryStep != 0:
		return invalid("a VM cannot have %d MiB of memory; write a multiple of %d", mib, memoryStep)
	case mib == have && !d.fresh:
		return nil
	case d.running && mib < have:
		return cannot("memory is not taken from a running guest; let the change wait for a restart")
	case d.running && !isTrue(d.now.MemoryHotAddEnabled):
		return cannot("the running machine was started without hot-add of memory; let the change wait for a restart")
	case d.running && mib > memoryRoom(have, d.now.HotPlugMemoryLimit):
		return cannot("the running machine has room for %d MiB; let the change wait for a restart", memoryRoom(have, d.now.HotPlugMemoryLimit))
	case d.running && (mib-have)%step != 0:
		return cannot("the running machine takes memory in steps of %d MiB; let the change wait for a restart", step)
	}
	if err := d.hot("memory is added"); err != nil {
		return err
	}
	d.spec.MemoryMB = mib
	return nil
}

func isTrue(b *bool) bool { return b != nil && *b }

// option sets a key of extraConfig; the empty text takes it away.
func (d *draft) option(key, value string) {
	d.spec.ExtraConfig = append(d.spec.ExtraConfig, &types.OptionValue{Key: key, Value: value})
}

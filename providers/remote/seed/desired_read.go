package seed

import (
	"errors"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Want is what a reconfiguration is about. Zero and none say nothing.
type Want struct {
	CPU       int
	MemoryMiB int64
	RootGiB   int
	RootNamed bool            // a disk is named for the root disk, and not only its class
	Disks     []manifest.Disk // beside the root disk
}

// Changes reads the text of a reconfiguration. An error is of kind
// InvalidSpec.
func Changes(text string) (*Want, []Remark, error) {
	var desired Desired
	r := reader{vm: &manifest.VM{}}
	if text == "" {
		r.faultf("desired_json is empty")
	}
	r.decode("desired_json", text, &desired)
	want := &Want{}
	if c := desired.Class; c != nil {
		if c.CPU < 0 || c.MemoryMiB < 0 || c.DiskDefaults != nil && c.DiskDefaults.SizeGiB < 0 {
			r.faultf("desired_json.Class has a negative size")
		}
		want.CPU, want.MemoryMiB = int(c.CPU), int64(c.MemoryMiB)
		if c.DiskDefaults != nil {
			want.RootGiB = int(c.DiskDefaults.SizeGiB)
		}
	}
	r.desiredDisks(want, desired.Disks)
	if err := errors.Join(r.errs...); err != nil {
		return nil, r.remarks, &providers.Error{Op: "reconfigure", Kind: r.fault, Err: err}
	}
	return want, r.remarks, nil
}

// desiredDisks takes the disk of the root disk's name out of the others.
func (r *reader) desiredDisks(want *Want, disks []Disk) {
	var others []Disk
	for i, d := range disks {
		if d.Name != providers.RootDiskName {
			others = append(others, d)
			continue
		}
		if d.SizeGiB < 1 {
			r.faultf("desired_json.Disks[%d].SizeGiB is %d", i, d.SizeGiB)
		}
		want.RootGiB, want.RootNamed = int(d.SizeGiB), true
	}
	r.eachDisk("desired_json.Disks", others)
	want.Disks = r.vm.Disks
}

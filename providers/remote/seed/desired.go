package seed

import (
	"github.com/vmsteward/vmsteward/providers"
)

// Sizes is the text of a reconfiguration that gives a VM its CPUs and its
// memory, both in one call: where they are said apart, servers do the one and
// forget the other. No disk is named, because servers take any for the first.
func Sizes(name string, cpu int, memoryMiB int64) string {
	return text(Desired{Name: name, Class: &Class{CPU: int32(cpu), MemoryMiB: int32(memoryMiB)}})
}

// Growth is the text of a reconfiguration that grows the root disk and says
// again what the VM has: in both places where servers look.
func Growth(name string, cpu int, memoryMiB int64, rootGiB int) string {
	size := int32(rootGiB)
	return text(Desired{
		Name:  name,
		Class: &Class{CPU: int32(cpu), MemoryMiB: int32(memoryMiB), DiskDefaults: &DiskDefaults{SizeGiB: size}},
		Disks: []Disk{{Name: providers.RootDiskName, SizeGiB: size}},
	})
}

package providers

import (
	"maps"
	"reflect"
	"slices"
	"unsafe"
)

// Same tells whether two descriptions of a machine say the same, in the same
// order: a reader that has the one need not look at the other.
func (vm *VM) Same(o *VM) bool {
	return vm == o || vm.ID == o.ID && vm.Name == o.Name && vm.Power == o.Power && vm.Autostart == o.Autostart &&
		vm.Mark.same(o.Mark) && vm.Config.same(&o.Config) && pointers(vm.Running, o.Running, (*Hardware).same) &&
		vm.Tags.Known == o.Tags.Known && lists(vm.Tags.Value, o.Tags.Value) && lists(vm.Addresses, o.Addresses)
}

func (m *Mark) same(o *Mark) bool {
	return pointers(m, o, func(m, o *Mark) bool {
		return m.Owner == o.Owner && m.Retired.Equal(o.Retired) && m.Image == o.Image && m.CloudInit == o.CloudInit && tables(m.MACs, o.MACs)
	})
}

func (h *Hardware) same(o *Hardware) bool {
	return h.CPU == o.CPU && h.CPUMax == o.CPUMax && h.MemoryMiB == o.MemoryMiB && h.MemoryMaxMiB == o.MemoryMaxMiB &&
		h.Firmware == o.Firmware && h.DisksKnown == o.DisksKnown && h.NICsKnown == o.NICsKnown &&
		lists(h.Disks, o.Disks) && lists(h.NICs, o.NICs) && tables(h.Traits, o.Traits)
}

func pointers[T any](a, b *T, same func(a, b *T) bool) bool {
	return a == b || a != nil && b != nil && same(a, b)
}

// lists compares lists; none is not the same as an empty one. That a list is
// the other one is seen at once.
func lists[T comparable](a, b []T) bool {
	return (a == nil) == (b == nil) && len(a) == len(b) && (unsafe.SliceData(a) == unsafe.SliceData(b) || slices.Equal(a, b))
}

// tables compares tables; none is not the same as an empty one. That a table
// is the other one is seen at once.
func tables[M ~map[K]V, K, V comparable](a, b M) bool {
	return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer() || (a == nil) == (b == nil) && maps.Equal(a, b)
}

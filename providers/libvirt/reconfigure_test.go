package libvirt

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// twice applies a change two times and fails if the second time changes
// anything that libvirt says of the domain.
func (r *rig) twice(vm *manifest.VM, ch providers.Change) {
	r.t.Helper()
	r.change(vm, ch)
	r.untouched(vm.Key.Name, func() { r.change(vm, ch) })
}

func nicOf(h *providers.Hardware, name string) providers.NIC {
	for _, n := range h.NICs {
		if n.Name == name {
			return n
		}
	}
	return providers.NIC{}
}

func diskOf(h *providers.Hardware, name string) providers.Disk {
	for _, d := range h.Disks {
		if d.Name == name {
			return d
		}
	}
	return providers.Disk{}
}

func TestReconfigureOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.richVM("web")
	r.create(vm)
	retired := time.Date(2026, 5, 1, 2, 3, 4, 5, time.UTC)
	r.twice(vm, providers.Change{
		CPU: ptr(12), MemoryMiB: ptr(int64(128)), Autostart: ptr(false), Tags: ptr([]string{"z"}), Retired: &retired,
		GrowDisks:  []providers.DiskSize{{Name: "root", SizeGiB: 3}, {Name: "data", SizeGiB: 4}},
		AddDisks:   []manifest.Disk{{Name: "more", SizeGiB: 1}, {Name: "scsi", SizeGiB: 1, SCSI: &manifest.SCSI{Controller: 2}}},
		AddNICs:    []manifest.NIC{{Name: "front", Network: network("isolated", "")}, {Name: "extra", Network: network("default", "")}},
		RemoveNICs: []providers.NICRef{{Name: "back"}},
	})
	got := r.describe(vm)
	c := &got.Config
	if c.CPU.Value != 12 || c.CPUMax.Value != 48 || c.MemoryMiB.Value != 128 || c.MemoryMaxMiB.Value != 128 {
		t.Errorf("hardware %+v", c)
	}
	for name, size := range map[string]int{"root": 3, "data": 4, "more": 1, "scsi": 1, "logs": 1} {
		if d := diskOf(c, name); d.SizeGiB.Value != size {
			t.Errorf("disk %s: %+v, want %d GiB", name, d, size)
		}
	}
	if n := nicOf(c, "front"); n.Network != "isolated" || n.MAC != "52:54:00:00:00:01" {
		t.Errorf("front: %+v", n)
	}
	if len(c.NICs) != 2 || nicOf(c, "extra").Network != "default" || len(got.Mark.MACs) != 2 {
		t.Errorf("NICs %+v, mark %v", c.NICs, got.Mark.MACs)
	}
	if got.Autostart.Value || !got.Mark.Retired.Equal(retired) || cmp.Diff([]string{"z"}, got.Tags.Value) != "" {
		t.Errorf("autostart %v, retired %v, tags %v", got.Autostart, got.Mark.Retired, got.Tags)
	}
	_, err := r.Reconfigure(r.ctx, ref(vm), providers.Change{GrowDisks: []providers.DiskSize{{Name: "root", SizeGiB: 1}}})
	wantKind(t, err, providers.InvalidSpec)
	r.twice(vm, providers.Change{Retired: &time.Time{}, CPU: ptr(1), MemoryMiB: ptr(int64(64))})
	if got := r.describe(vm); !got.Mark.Retired.IsZero() || got.Config.CPU.Value != 1 || got.Config.CPUMax.Value != 48 {
		t.Errorf("%+v", got)
	}
	r.power(vm, providers.PowerStart)
	r.power(vm, providers.PowerStop)
	r.delete(vm)
	if left := r.files(); len(left) != 0 {
		t.Errorf("after delete: %v", left)
	}
}

func TestReconfigureRunning(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.richVM("web")
	r.create(vm)
	r.power(vm, providers.PowerStart)
	r.change(vm, providers.Change{Live: true, MemoryMiB: ptr(int64(60))}) // the guest has no balloon driver
	r.twice(vm, providers.Change{
		Live: true, CPU: ptr(4), Tags: ptr([]string{"live"}),
		GrowDisks: []providers.DiskSize{{Name: "root", SizeGiB: 2}, {Name: "data", SizeGiB: 3}},
		AddDisks:  []manifest.Disk{{Name: "more", SizeGiB: 1}, {Name: "scsi", SizeGiB: 1, SCSI: &manifest.SCSI{Controller: 2}}},
		AddNICs:   []manifest.NIC{{Name: "front", Network: network("isolated", "")}, {Name: "extra", Network: network("default", "")}},
	})
	got := r.describe(vm)
	for what, h := range map[string]*providers.Hardware{"config": &got.Config, "running": got.Running} {
		if h.CPU.Value != 4 || h.CPUMax.Value != 8 || len(h.Disks) != 5 || len(h.NICs) != 3 {
			t.Errorf("%s: %+v", what, h)
		}
		for name, size := range map[string]int{"root": 2, "data": 3, "more": 1, "scsi": 1} {
			if d := diskOf(h, name); d.SizeGiB.Value != size {
				t.Errorf("%s: disk %s: %+v, want %d GiB", what, name, d, size)
			}
		}
		if n := nicOf(h, "front"); n.Network != "isolated" || n.MAC != "52:54:00:00:00:01" {
			t.Errorf("%s: front %+v", what, n)
		}
	}
	if got.Config.MemoryMiB.Value != 60 || got.Running.MemoryMiB.Value != 64 {
		t.Errorf("memory %v of the definition, %v that runs", got.Config.MemoryMiB, got.Running.MemoryMiB)
	}
	for _, ch := range []providers.Change{{Live: true, CPU: ptr(1)}, {Live: true, CPU: ptr(9)}, {Live: true, MemoryMiB: ptr(int64(256))}} {
		r.untouched("web", func() {
			_, err := r.Reconfigure(r.ctx, ref(vm), ch)
			wantKind(t, err, providers.NotSupported)
		})
	}
	_, err := r.Reconfigure(r.ctx, ref(vm), providers.Change{Live: true, GrowDisks: []providers.DiskSize{{Name: "root", SizeGiB: 1}}})
	wantKind(t, err, providers.InvalidSpec)

	// Without Live the definition alone changes.
	r.twice(vm, providers.Change{CPU: ptr(9), MemoryMiB: ptr(int64(80))})
	if got := r.describe(vm); got.Config.CPU.Value != 9 || got.Running.CPU.Value != 4 || got.Config.MemoryMiB.Value != 80 {
		t.Errorf("config %+v, running %+v", got.Config, got.Running)
	}
	r.power(vm, providers.PowerStop)
	r.power(vm, providers.PowerStart)
	if got := r.describe(vm); got.Running.CPU.Value != 9 || got.Running.MemoryMiB.Value != 80 {
		t.Errorf("after a restart: %+v", got.Running)
	}
}

// An interface that the guest holds on to is not gone, whatever libvirt says.
func TestDetachIsSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.richVM("web")
	r.create(vm)
	r.power(vm, providers.PowerStart)
	_, err := r.Reconfigure(r.ctx, ref(vm), providers.Change{Live: true, RemoveNICs: []providers.NICRef{{Name: "back"}}})
	wantKind(t, err, providers.Retryable)
	got := r.describe(vm)
	if len(got.Config.NICs) != 1 || len(got.Running.NICs) != 2 {
		t.Errorf("config %+v, running %+v", got.Config.NICs, got.Running.NICs)
	}
}

func TestForeignElementsSurvive(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.vm("web")
	r.create(vm)
	document := r.host.Virsh("dumpxml", "--inactive", "--security-info", "web")
	document = strings.Replace(document, "<metadata>", "<metadata><x:note xmlns:x='https://example.org/x'>ours &amp; theirs</x:note>", 1)
	document = strings.Replace(document, "<devices>", "<description>do not lose</description><devices>"+
		"<graphics type='vnc' port='-1' passwd='geheim'/><sound model='ich9'/>", 1)
	r.define(document)
	r.change(vm, providers.Change{CPU: ptr(2), Tags: ptr([]string{"t"}), AddDisks: []manifest.Disk{{Name: "data", SizeGiB: 1}}})
	r.change(vm, providers.Change{Tags: ptr([]string{"u"})})
	after := r.host.Virsh("dumpxml", "--inactive", "--security-info", "web")
	for _, want := range []string{"ours &amp; theirs", "do not lose", "passwd='geheim'", "model='ich9'", "<vmsteward:tag>u</vmsteward:tag>"} {
		if !strings.Contains(after, want) {
			t.Errorf("%s is lost:\n%s", want, after)
		}
	}
	if strings.Count(after, "<vmsteward:vm ") != 1 {
		t.Errorf("marks:\n%s", after)
	}
	if got := r.describe(vm); got.Mark == nil || got.Config.CPU.Value != 2 || got.Tags.Value[0] != "u" {
		t.Errorf("%+v", got)
	}
}
